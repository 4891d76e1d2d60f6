/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NOR flash with the Common Flash Interface. */
#ifndef LKVM_HW_CFI_FLASH_H
#define LKVM_HW_CFI_FLASH_H

#include "lkvm/util/types.h"

struct vm;

/*
 * NOR flash as in the file (--flash), of the file's size, in the `max` bytes at `base`. What the guest writes
 * is kept in the file; a file that cannot be written is a write-protected flash. The file is locked
 * against other users. Said, with the user's word for it.
 */
int cfi_flash_create(struct vm *vm, const char *path, gpa_t base, u64 max);

#endif
