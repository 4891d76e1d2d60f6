/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernels compressed with zstd. */
#ifndef LKVM_BOOT_ZSTD_H
#define LKVM_BOOT_ZSTD_H

#include "lkvm/util/types.h"

/* Was libzstd there at build time? */
bool boot_zstd_available(void);

#endif
