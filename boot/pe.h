/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PE/COFF header that kernels with an EFI stub have (PE format specification; 32 bits at 0x3c tell
 * where). Only what helps to say what is wrong with a file.
 */
#ifndef BOOT_PE_H
#define BOOT_PE_H

#include "lkvm/boot/file.h"

struct pe_info {
	const char *machine; /* "arm64"; NULL: one that is not known here */
	u16 machine_number;  /* IMAGE_FILE_MACHINE_... */
	u64 file_end;	     /* where the last section ends in the file, bytes */
};

/* False: no such header, or not all of it is there. */
bool pe_read(const struct boot_file *file, struct pe_info *info);

#endif
