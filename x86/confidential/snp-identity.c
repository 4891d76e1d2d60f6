// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "lkvm/boot/file.h"
#include "lkvm/util/log.h"
#include "snp-identity.h"

/* A third more than the bytes, and some line ends. */
#define TEXT_MAX (2 * SEV_SNP_ID_AUTH_SIZE)

static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool is_blank(char c)
{
	return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

ssize_t snp_base64(u8 *bytes, size_t size, const char *text, size_t len)
{
	size_t done = 0, digits = 0, pads = 0;
	u32 bits = 0;

	for (size_t i = 0; i < len; i++) {
		int value = digit(text[i]);

		if (is_blank(text[i]))
			continue;
		if (text[i] == '=' && ++pads <= 2)
			continue;
		if (value < 0 || pads)
			return -EINVAL;
		bits = bits << 6 | value;
		/* The first of four digits ends no byte. */
		if (digits++ % 4 == 0)
			continue;
		if (done == size)
			return -EINVAL;
		bytes[done++] = bits >> (2 * (3 - (digits - 1) % 4));
	}
	return (digits + pads) % 4 ? -EINVAL : (ssize_t)done;
}

static int read_file(const char *key, const char *path, u8 *bytes, size_t size)
{
	char text[TEXT_MAX];
	struct boot_file file;
	ssize_t got;
	int error = boot_file_open(&file, key, path, TEXT_MAX);

	if (error)
		return error;
	got = boot_file_read(&file, 0, text, sizeof(text));
	boot_file_close(&file);
	if (got < 0) {
		log_fatal("--snp %s=%s: %s", key, path, strerror(-got));
		return got;
	}
	if ((size_t)got == size)
		memcpy(bytes, text, size);
	else if (snp_base64(bytes, size, text, got) != (ssize_t)size) {
		log_fatal("--snp %s=%s: neither %zu bytes nor the same in base64", key, path, size);
		return -EINVAL;
	}
	return 0;
}

int snp_identity_read(struct snp_identity_files *identity, const struct snp_config *config)
{
	int error;

	if (!config->id_block || !config->id_auth)
		return 0;
	error = read_file("id-block", config->id_block, (u8 *)&identity->block,
			  sizeof(identity->block));
	if (!error)
		error = read_file("id-auth", config->id_auth, identity->auth,
				  sizeof(identity->auth));
	if (error)
		return error;
	identity->given = true;
	if (le64toh(identity->block.policy) != snp_policy(config))
		log_warning(
			"--snp policy=0x%llx: the ID block was signed for 0x%llx, so the launch "
			"will fail",
			(unsigned long long)snp_policy(config),
			(unsigned long long)le64toh(identity->block.policy));
	return 0;
}
