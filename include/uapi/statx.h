/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What statx(2) answers about direct I/O (Linux 6.1). C libraries have struct statx without it, or not at all, and the kernel's
 * own header gets in the way of theirs.
 */
#ifndef UAPI_STATX_H
#define UAPI_STATX_H

#include <stdint.h>

#define STATX_ASK_DIOALIGN 0x2000

struct statx_dio {
	uint32_t mask; /* what was answered: STATX_ASK_DIOALIGN */
	uint32_t others[37];
	uint32_t mem_align, offset_align;
	uint32_t more[24];
};

_Static_assert(sizeof(struct statx_dio) == 256, "as large as the kernel's");

#endif
