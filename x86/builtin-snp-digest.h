/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `lkvm snp-digest`: what `lkvm run` with the same options would launch, measured without launching it. */
#ifndef X86_BUILTIN_SNP_DIGEST_H
#define X86_BUILTIN_SNP_DIGEST_H

#include "lkvm/config/config.h"
#include "lkvm/util/sha2.h"

/* The digest of a finished configuration. Needs no KVM. Logs and returns -errno on failure. */
int snp_config_digest(const struct vm_config *config, u8 digest[SHA384_SIZE]);

#endif
