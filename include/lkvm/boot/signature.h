/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a file is that is no kernel for this machine. */
#ifndef LKVM_BOOT_SIGNATURE_H
#define LKVM_BOOT_SIGNATURE_H

#include <stddef.h>
#include "lkvm/util/types.h"

/*
 * What a file that is no kernel for this machine looks like, for the message: "an arm64 Image"; NULL
 * when its first `size` bytes tell nothing. 0x210 bytes are enough for all.
 */
const char *boot_image_kind(const void *head, size_t size);
/* "arm64"; never NULL. */
const char *elf_machine_name(u16 machine);

#endif
