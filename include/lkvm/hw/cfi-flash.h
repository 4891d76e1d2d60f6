/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NOR flash with the Common Flash Interface. */
#ifndef LKVM_HW_CFI_FLASH_H
#define LKVM_HW_CFI_FLASH_H

#include "lkvm/util/types.h"
#include "lkvm/vm/device-kind.h"

struct vm;

struct cfi_flash;

/* --flash, on boards with a place for it (ARCH_FLASH_BASE and ARCH_FLASH_SIZE of arch-config.h). */
extern const struct device_kind cfi_flash_kind;

/*
 * Opens the file of a NOR flash (--flash), of the file's size and at most `max` bytes. What the guest writes
 * is kept in the file; a file that cannot be written is a write-protected flash. The file is locked
 * against other users. Logs and returns -errno, with the user's word for it.
 */
int cfi_flash_open(struct cfi_flash **opened, const char *path, u64 max);
/* One that no guest has taken; also NULL. */
void cfi_flash_close(struct cfi_flash *opened);
/* Makes the device at `base`; when it returns 0, *opened is the device's own and NULL. Logs and returns -errno. */
int cfi_flash_create(struct vm *vm, struct cfi_flash **opened, gpa_t base);

#endif
