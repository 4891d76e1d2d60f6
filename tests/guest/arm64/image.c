// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An Image header is respected: the place that text_offset asks for, and the memory behind the file that
 * image_size does, where neither initrd nor device tree may lie.
 */
#include "guest.h"
#include "fdt.h"

#define TEXT_OFFSET 0x123000
#define IMAGE_SIZE  0x2000000 /* half of memory */

/* Code that runs anywhere comes first; start.S finds everything relative to itself. */
__asm__(".section .text.header, \"ax\"\n"
	"	b _start\n"
	"	.word 0\n"
	"	.quad 0x123000, 0x2000000, 0, 0, 0, 0\n"
	"	.ascii \"ARM\\x64\"\n"
	"	.word 0\n"
	"	.text\n");

static void outside(const char *what, u64 begin, u64 end)
{
	addr_t image = RAM + TEXT_OFFSET;

	if (begin < RAM || end > RAM_END || begin >= end ||
	    (begin < image + IMAGE_SIZE && end > image))
		fail(what, begin);
}

void guest_main(addr_t boot)
{
	const void *tree = (const void *)boot;
	extern const u8 image_begin[];

	CHECK_EQ("the image's place", (addr_t)image_begin, RAM + TEXT_OFFSET);
	outside("the device tree", boot, boot + fdt_size(tree));
	outside("the initrd", be64(fdt_need(tree, "/chosen", "linux,initrd-start").bytes),
		be64(fdt_need(tree, "/chosen", "linux,initrd-end").bytes));
	print("image ok\n");
	power_off();
}
