// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "lkvm/boot/file.h"
#include "lkvm/util/base64.h"
#include "lkvm/util/log.h"
#include "snp-identity.h"

/* A third more than the bytes, and some line ends. */
#define TEXT_MAX (2 * SEV_SNP_ID_AUTH_SIZE)

static int read_file(const char *key, const char *path, u8 *bytes, size_t size)
{
	char text[TEXT_MAX];
	struct boot_file file;
	ssize_t got;
	int err = boot_file_open(&file, key, path, TEXT_MAX);

	if (err)
		return err;
	got = boot_file_read(&file, 0, text, sizeof(text));
	boot_file_close(&file);
	if (got < 0) {
		log_fatal("--snp %s=%s: %s", key, path, strerror(-got));
		return got;
	}
	if ((size_t)got == size) {
		memcpy(bytes, text, size);
		return 0;
	}
	got = base64_decode(bytes, size, text, got);
	if (got == (ssize_t)size)
		return 0;
	log_fatal("--snp %s=%s: neither %zu bytes nor the same in base64%s", key, path, size,
		  got == -EOPNOTSUPP ? ", which this lkvm, built without libnettle, cannot read"
				     : "");
	return -EINVAL;
}

int snp_identity_read(struct snp_identity *identity, const struct snp_config *config)
{
	int err;

	if (!config->id_block || !config->id_auth)
		return 0;
	err = read_file("id-block", config->id_block, (u8 *)&identity->block,
			sizeof(identity->block));
	if (!err)
		err = read_file("id-auth", config->id_auth, identity->auth, sizeof(identity->auth));
	if (err)
		return err;
	identity->given = true;
	if (le64toh(identity->block.policy) != snp_policy(config))
		log_warning(
			"--snp policy=0x%llx: the ID block was signed for 0x%llx, so the launch "
			"will fail",
			(unsigned long long)snp_policy(config),
			(unsigned long long)le64toh(identity->block.policy));
	return 0;
}
