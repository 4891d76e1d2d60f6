// SPDX-License-Identifier: GPL-2.0-or-later
// status: 0
// output: resetting
/* A jump to the BIOS in real mode, a kernel's last resort, ends lkvm with 0. */
#include "guest.h"

struct __attribute__((packed)) table_register {
	u16 limit;
	u32 base;
};

/* Through a 16-bit code segment that begins at the code itself, then out of protected mode. */
asm(".pushsection .text\n"
    "to_bios:\n"
    ".code16\n"
    "	mov %cr0, %eax\n"
    "	and $0xfe, %al\n"
    "	mov %eax, %cr0\n"
    "	ljmp $0xffff, $0\n"
    ".code32\n"
    ".popsection\n");
extern const char to_bios[];

static unsigned long long table[2];

void guest_main(addr_t boot)
{
	unsigned long long base = (u32)to_bios;
	struct table_register gdtr = { .limit = sizeof(table) - 1, .base = (u32)table };

	print("resetting\n");
	table[1] = 0x00009a000000ffff | (base & 0xffffff) << 16 | (base & 0xff000000) << 32;
	asm volatile("lgdt %0\n\tljmp $8, $0" ::"m"(gdtr), "m"(table));
	print("FAIL: still here\n");
	stop();
}
