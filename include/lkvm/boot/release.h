/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The release of Linux in a kernel file. */
#ifndef LKVM_BOOT_RELEASE_H
#define LKVM_BOOT_RELEASE_H

#include "lkvm/boot/file.h"

/*
 * Which release of Linux a kernel's file has in it, "6.12.0-rc1", as far as it tells without being unpacked: a bzImage's
 * header does, and the words "Linux version" in a vmlinux or Image. False, and "": unknown. `release` has
 * space for `size` bytes, printable characters without blanks. Reads up to 64 MiB.
 */
bool boot_file_release(const struct boot_file *file, char *release, size_t size);

#endif
