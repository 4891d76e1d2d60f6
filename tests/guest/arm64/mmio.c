// SPDX-License-Identifier: GPL-2.0-or-later
// status: 0
// output: mmio ok
/*
 * MMIO exits of every width: the host bridge's configuration space, places where nothing is, which read as
 * ones and take writes, and code where no memory is, which the guest hears of by an exception.
 */
#include "guest.h"

#define NOTHING (BOARD_PVPANIC + 0x1000)

#define EC_INSTRUCTION_ABORT 0x21

static volatile u64 esr;

/* As a call to there that returns at once. */
static u32 abort_expected(struct exception *e)
{
	esr = e->esr;
	e->elr = e->x[30];
	return 1;
}

static u64 read_signed_byte(addr_t address)
{
	u64 value;

	__asm__ volatile("ldrsb %0, [%1]" : "=r"(value) : "r"(address) : "memory");
	return value;
}

void guest_main(addr_t boot)
{
	addr_t ecam = BOARD_ECAM;
	u32 id = read32(ecam);

	if (id == 0xffffffff)
		fail("no host bridge in ECAM", id);
	CHECK_EQ("16 bits", read16(ecam + 2), id >> 16);
	CHECK_EQ("8 bits", read8(ecam + 1), id >> 8 & 0xff);
	CHECK_EQ("64 bits", read64(ecam), id | (u64)read32(ecam + 4) << 32);
	CHECK_EQ("an empty slot", read32(ecam + (31 << 15)), 0xffffffff);
	write32(ecam + (31 << 15), 0);
	CHECK_EQ("nothing, 8 bits", read8(NOTHING), 0xff);
	CHECK_EQ("nothing, 8 bits, signed", read_signed_byte(NOTHING), ~0UL);
	CHECK_EQ("nothing, 16 bits", read16(NOTHING), 0xffff);
	CHECK_EQ("nothing, 32 bits", read32(NOTHING), 0xffffffff);
	CHECK_EQ("nothing, 64 bits", read64(NOTHING), ~0UL);
	write8(NOTHING, 1);
	write16(NOTHING, 1);
	write32(NOTHING, 1);
	write64(NOTHING, 1);
	CHECK_EQ("nothing below memory", read32(RAM - 4), 0xffffffff);
	CHECK_EQ("the last of memory", read32(RAM_END - 4), 0);
	uart_write(0, UART_SCRATCH, 0x5a);
	CHECK_EQ("the serial port's scratch register", uart_read(0, UART_SCRATCH), 0x5a);
	exception_expected = abort_expected;
	/* Within the gibibyte that start.S maps as memory. */
	((void (*)(void))RAM_END)();
	CHECK_EQ("code where no memory is", esr >> 26, EC_INSTRUCTION_ABORT);
	print("mmio ok\n");
	power_off();
}
