// SPDX-License-Identifier: GPL-2.0-or-later
#include "builtin-snp-digest.h"
#include "lkvm/builtin.h"

const struct builtin arch_builtins[] = {
	{ "snp-digest", "Compute a SEV-SNP guest's launch digest", builtin_snp_digest,
	  builtin_snp_digest_help },
	{ NULL, NULL, NULL, NULL },
};
