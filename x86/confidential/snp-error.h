/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the security processor answers, in words (SEV-SNP Firmware ABI, "Status Codes"). */
#ifndef X86_SNP_ERROR_H
#define X86_SNP_ERROR_H

#include "lkvm/util/types.h"

enum snp_status {
	SNP_SUCCESS = 0x00,
	SNP_BAD_MEASUREMENT = 0x0b,
	SNP_INVALID_PARAM = 0x16,
	SNP_NOT_ASKED = 0xffffffff, /* Linux's: it did not come to asking the security processor */
};

/* "bad measurement: ..."; for a code that is not in the table its number; never NULL. Not reentrant. */
const char *snp_status_words(u32 status);

#endif
