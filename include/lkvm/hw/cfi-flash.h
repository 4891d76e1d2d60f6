/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NOR flash with the Common Flash Interface. */
#ifndef LKVM_HW_CFI_FLASH_H
#define LKVM_HW_CFI_FLASH_H

#include "lkvm/util/types.h"
#include "lkvm/vm/device-kind.h"

struct vm;

/* --flash, on boards with a place for it (ARCH_FLASH_BASE and ARCH_FLASH_SIZE of arch-config.h). */
extern const struct device_kind cfi_flash_kind;

/*
 * Opens the file of a NOR flash (--flash), of the file's size and at most `max` bytes. What the guest writes
 * is kept in the file; a file that cannot be written is a write-protected flash. The file is locked
 * against other users. `path` outlives the flash. Logs and returns -errno, with the user's word for it.
 */
int cfi_flash_open(const char *path, u64 max, void **opened);
/* One that no guest has taken. */
void cfi_flash_close(void *opened);
/* Makes the device at `base`, of which *opened becomes a part, and NULL. Logs and returns -errno. */
int cfi_flash_create(struct vm *vm, gpa_t base, void **opened);

#endif
