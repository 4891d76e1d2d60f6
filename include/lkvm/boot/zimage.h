/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 32-bit ARM kernels. */
#ifndef LKVM_BOOT_ZIMAGE_H
#define LKVM_BOOT_ZIMAGE_H

#include "lkvm/boot/image.h"

/*
 * image_open() for 32-bit ARM: a zImage (Documentation/arch/arm/booting.rst in Linux), which unpacks itself where
 * it runs, or a program without any header. Logs and returns -errno on failure.
 */
int zimage_open(struct kernel_image *image, const struct boot_file *file);

#endif
