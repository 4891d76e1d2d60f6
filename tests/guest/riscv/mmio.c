// SPDX-License-Identifier: GPL-2.0-or-later
// status: 0
// output: mmio ok
/*
 * MMIO exits of every width and kind of instruction: the host bridge's configuration space, and places where
 * nothing is, which read as ones and take writes.
 */
#include "guest.h"

#define NOTHING (BOARD_PVPANIC + 0x1000)

/* KVM finds out from the instruction how wide it is, and whether the value has a sign. */
#define LOAD(instruction, address)                                                                 \
	({                                                                                         \
		register u64 a0 __asm__("a0") = (address);                                         \
                                                                                                   \
		__asm__ volatile(".option push\n.option arch, +c\n" instruction                    \
				 " a0, 0(a0)\n.option pop"                                         \
				 : "+r"(a0)                                                        \
				 :                                                                 \
				 : "memory");                                                      \
		a0;                                                                                \
	})
#define STORE(instruction, address)                                                                \
	__asm__ volatile(".option push\n.option arch, +c\nmv a0, %0\nli a1, 1\n" instruction       \
			 " a1, 0(a0)\n.option pop"                                                 \
			 :                                                                         \
			 : "r"(address)                                                            \
			 : "a0", "a1", "memory")

static void widths(addr_t ecam)
{
	u32 id = read32(ecam);

	if (id == 0xffffffff)
		fail("no host bridge in ECAM", id);
	CHECK_EQ("16 bits", read16(ecam + 2), id >> 16);
	CHECK_EQ("8 bits", read8(ecam + 1), id >> 8 & 0xff);
	CHECK_EQ("64 bits", read64(ecam), id | (u64)read32(ecam + 4) << 32);
	CHECK_EQ("32 bits without a sign", LOAD("lwu", ecam), id);
	CHECK_EQ("32 bits by a compressed load", LOAD("c.lw", ecam), (u64)(long)(int)id);
	CHECK_EQ("64 bits by a compressed load", LOAD("c.ld", ecam), read64(ecam));
	CHECK_EQ("an empty slot", read32(ecam + (31 << 15)), 0xffffffff);
	write32(ecam + (31 << 15), 0);
}

static void nothing(void)
{
	CHECK_EQ("nothing, 8 bits", LOAD("lbu", NOTHING), 0xff);
	CHECK_EQ("nothing, 8 bits, signed", LOAD("lb", NOTHING), ~0UL);
	CHECK_EQ("nothing, 16 bits", LOAD("lhu", NOTHING), 0xffff);
	CHECK_EQ("nothing, 16 bits, signed", LOAD("lh", NOTHING), ~0UL);
	CHECK_EQ("nothing, 32 bits", LOAD("lwu", NOTHING), 0xffffffff);
	CHECK_EQ("nothing, 32 bits, signed", LOAD("lw", NOTHING), ~0UL);
	CHECK_EQ("nothing, 64 bits", LOAD("ld", NOTHING), ~0UL);
	write8(NOTHING, 1);
	write16(NOTHING, 1);
	write32(NOTHING, 1);
	write64(NOTHING, 1);
	STORE("c.sw", NOTHING);
	STORE("c.sd", NOTHING);
}

void guest_main(addr_t boot)
{
	widths(BOARD_ECAM);
	nothing();
	CHECK_EQ("nothing below memory", read32(RAM - 4), 0xffffffff);
	CHECK_EQ("the last of memory", read32(RAM_END - 4), 0);
	uart_write(0, UART_SCRATCH, 0x5a);
	CHECK_EQ("the serial port's scratch register", uart_read(0, UART_SCRATCH), 0x5a);
	STORE("sb", BOARD_SERIAL + UART_SCRATCH);
	CHECK_EQ("a byte of one", uart_read(0, UART_SCRATCH), 1);
	print("mmio ok\n");
	power_off();
}
