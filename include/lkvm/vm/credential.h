/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the guest's systemd is handed (--credential): names with values of any bytes. Each architecture has its way to pass
 * them on. Main thread; they are constant once opened, and there until the guest has ended.
 */
#ifndef LKVM_VM_CREDENTIAL_H
#define LKVM_VM_CREDENTIAL_H

#include "lkvm/util/types.h"

struct confidential_ops;
struct vm;
struct vm_config;

#define CREDENTIAL_MAX_NAME 255
#define CREDENTIAL_MAX_SIZE MIB(1) /* systemd takes no larger ones */

struct credential {
	struct credential *next; /* as they were given; NULL: the last one */
	char *name;
	char *value; /* there is a 0 behind it, that does not count */
	size_t size;
	bool is_text; /* printable ASCII, without line ends */
};

/* Adds one to vm->credentials, whose user frees it; both are copied. 0 or -ENOMEM. */
int credential_add(struct vm *vm, const char *name, const void *value, size_t size,
		   struct credential **added);

/* NULL, or why systemd does not take such a name. */
const char *credential_name_fault(const char *name);

/*
 * "BEFORE_TEXT NAME SEPARATOR VALUE" without blanks, or the same with "BEFORE_BINARY" and the value in base64, if
 * `as_text` is false. The caller's to free; NULL: no memory.
 */
char *credential_words(const struct credential *credential, bool as_text, const char *before_text,
		       const char *before_binary, char separator);

/* For check_config (vm/confidential.h): such guests believe nothing of what the host tells. -EINVAL, logged. */
int credential_check_confidential(const struct confidential_ops *ops,
				  const struct vm_config *config);

#endif
