// SPDX-License-Identifier: GPL-2.0-or-later
/* --credential: a kind like a device's, for what it needs of it: being opened before there is a guest. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lkvm/config/options.h"
#include "lkvm/util/base64.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/confidential.h"
#include "lkvm/vm/credential.h"
#include "lkvm/vm/device-kind.h"
#include "lkvm/vm/vm.h"

#define MAX_CREDENTIALS 32

struct credential_config {
	const char *name;  /* what of the words is behind it is cut off */
	const char *value; /* NULL: it is in `file` */
	const char *file;
};

const char *credential_name_fault(const char *name)
{
	if (!*name)
		return "it has no name";
	if (strlen(name) > CREDENTIAL_MAX_NAME)
		return "the name has more than 255 characters";
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return "that is no name for a file, which it becomes in the guest";
	for (const char *c = name; *c; c++)
		if (*c <= ' ' || *c >= 0x7f || *c == '/' || *c == ':')
			return "a name has printable ASCII characters, without blanks, '/' and ':'";
	return NULL;
}

static bool is_text(const char *value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (value[i] < ' ' || value[i] >= 0x7f)
			return false;
	return true;
}

static void credential_free(struct credential *credential)
{
	free(credential->name);
	free(credential->value);
	free(credential);
}

/* Takes over the value, which has a byte of space behind it. */
static int credential_take(struct vm *vm, const char *name, char *value, size_t size,
			   struct credential **added)
{
	struct credential *credential = calloc(1, sizeof(*credential)), **end = &vm->credentials;

	if (credential)
		credential->name = strdup(name);
	if (!credential || !credential->name) {
		free(credential);
		free(value);
		return -ENOMEM;
	}
	value[size] = '\0';
	credential->value = value;
	credential->size = size;
	credential->is_text = is_text(value, size);
	while (*end)
		end = &(*end)->next;
	*end = credential;
	*added = credential;
	return 0;
}

int credential_add(struct vm *vm, const char *name, const void *value, size_t size,
		   struct credential **added)
{
	char *copy = malloc(size + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, value, size);
	return credential_take(vm, name, copy, size, added);
}

char *credential_words(const struct credential *credential, bool as_text, const char *before_text,
		       const char *before_binary, char separator)
{
	const char *before = as_text ? before_text : before_binary;
	size_t head = strlen(before) + strlen(credential->name) + 1;
	size_t size = as_text ? credential->size : BASE64_SIZE(credential->size);
	char *words = malloc(head + size + 1);

	if (!words)
		return NULL;
	sprintf(words, "%s%s%c", before, credential->name, separator);
	if (as_text)
		memcpy(words + head, credential->value, size);
	else
		base64_encode(words + head, credential->value, credential->size);
	words[head + size] = '\0';
	return words;
}

/* ---- opening ---- */

static int fail_file(const struct credential_config *config, const char *why)
{
	log_fatal("--credential %s@%s: %s", config->name, config->file, why);
	return -EINVAL;
}

/* To its end, which a pipe has as well. */
static ssize_t read_all(int fd, char *bytes, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, bytes + done, size - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (!n)
			break;
		done += MAX(n, 0);
	}
	return done;
}

static int read_value(const struct credential_config *config, char *bytes, size_t *size)
{
	int fd = open(config->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n = fd < 0 ? -errno : read_all(fd, bytes, CREDENTIAL_MAX_SIZE + 1);

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return fail_file(config, strerror(-n));
	if (n > (ssize_t)CREDENTIAL_MAX_SIZE)
		return fail_file(config, "it has more than 1 MiB, and systemd takes no more");
	*size = n;
	return 0;
}

static int take_file(struct vm *vm, const struct credential_config *config,
		     struct credential **added)
{
	char *bytes = malloc(CREDENTIAL_MAX_SIZE + 2), *less;
	size_t size;
	int err = bytes ? read_value(config, bytes, &size) : -ENOMEM;

	if (err) {
		free(bytes);
		return err;
	}
	less = realloc(bytes, size + 1);
	return credential_take(vm, config->name, less ?: bytes, size, added);
}

static int credential_open(struct vm *vm, const void *record, unsigned index, void **opened)
{
	const struct credential_config *config = record;
	struct credential *added = NULL;
	int err;

	for (const struct credential *other = vm->credentials; other; other = other->next) {
		if (!strcmp(other->name, config->name)) {
			log_fatal("--credential %s: there are two of that name", config->name);
			return -EINVAL;
		}
	}
	if (config->value)
		err = credential_add(vm, config->name, config->value, strlen(config->value),
				     &added);
	else
		err = take_file(vm, config, &added);
	*opened = added;
	return err;
}

static void credential_close(void *opened)
{
	credential_free(opened);
}

/* It is no device: what boots the guest passes it on. */
static int credential_create(struct vm *vm, const void *record, unsigned index, void **opened)
{
	return 0;
}

/* ---- the option ---- */

static int credential_cut(void *record, char *words, char why[KEY_WHY])
{
	struct credential_config *config = record;
	char *end = words + strcspn(words, "=@");
	bool is_file = *end == '@';
	const char *fault;

	if (!*end)
		return key_why(why, "NAME=VALUE or NAME@FILE would work");
	*end++ = '\0';
	fault = credential_name_fault(words);
	if (fault)
		return key_why(why, "%s", fault);
	if (is_file && !*end)
		return key_why(why, "no file is named behind the '@'");
	*config = (struct credential_config){
		.name = words,
		.value = is_file ? NULL : end,
		.file = is_file ? end : NULL,
	};
	return 0;
}

static const struct key_row credential_keys[] = {
	KEY_ROW(CALL, "credential", .first = true, .check = credential_cut,
		.argument = "NAME=VALUE"),
	{ 0 },
};

static const struct option_row credential_options[] = {
	OPTION_ROW(
		DEVICE, "credential", .argument = "NAME=VALUE|NAME@FILE", .keys = credential_keys,
		.repeats = true,
		.help = "Credential for the guest's systemd, perhaps out of a file",
		.man = "For example ssh.authorized_keys.root@.ssh/id_ed25519.pub. What comes first, '=' or '@', ends the name. "
		       "Values may be of any bytes; a file is read once, before the guest starts. Programs in the guest find "
		       "credentials by systemd-creds(1) and systemd.exec(5). x86-64: they are strings of the SMBIOS table (systemd 251), "
		       "128 KiB in all. arm64 and riscv64: they are kernel parameters (systemd 252), which everybody in the guest can "
		       "read and which have little space. Not for confidential guests."),
	{ 0 },
};

const struct device_kind credential_kind = {
	.config = {
		.name = "credential",
		.max = MAX_CREDENTIALS,
		.size = sizeof(struct credential_config),
		.rows = credential_options,
		.group = OPTION_GROUP_DEVICES,
	},
	.open = credential_open,
	.close = credential_close,
	.create = credential_create,
};

int credential_check_confidential(const struct confidential_ops *ops,
				  const struct vm_config *config)
{
	if (!config_count(config, &credential_kind.config))
		return 0;
	log_fatal("--credential and %s do not go together: such a guest believes nothing that the "
		  "host tells it; leave one out",
		  ops->option);
	return -EINVAL;
}
