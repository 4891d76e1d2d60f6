/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A bzImage made by hand: one setup sector and a small protected-mode part. */
#ifndef BZIMAGE_H
#define BZIMAGE_H

#include <asm/bootparam.h>
#include <string.h>

#include "lkvm/util/types.h"

#define BZIMAGE_SETUP	1024 /* boot sector and one sector of setup */
#define BZIMAGE_PAYLOAD 4096
#define BZIMAGE_SIZE	(BZIMAGE_SETUP + BZIMAGE_PAYLOAD)

static inline struct setup_header *bzimage_header(u8 *image)
{
	return (struct setup_header *)(image + 0x1f1);
}

static inline void make_bzimage(u8 image[BZIMAGE_SIZE])
{
	struct setup_header *setup = bzimage_header(image);

	memset(image, 0, BZIMAGE_SETUP);
	for (unsigned i = 0; i < BZIMAGE_PAYLOAD; i++)
		image[BZIMAGE_SETUP + i] = i * 7 + 1;
	setup->setup_sects = 1;
	setup->syssize = BZIMAGE_PAYLOAD / 16;
	setup->boot_flag = 0xaa55;
	setup->jump = 0x6aeb; /* the header ends at 0x202 + 0x6a */
	memcpy(&setup->header, "HdrS", 4);
	setup->version = 0x20f;
	setup->loadflags = LOADED_HIGH;
	setup->code32_start = 0x100000;
	setup->initrd_addr_max = 0x7fffffff;
	setup->kernel_alignment = MIB(2);
	setup->relocatable_kernel = 1;
	setup->xloadflags = XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G;
	setup->cmdline_size = 2047;
	setup->pref_address = MIB(16);
	setup->init_size = MIB(8);
}

#endif
