// SPDX-License-Identifier: GPL-2.0-or-later
// status: 0
// output: mmio ok
/* MMIO exits of every width: the host bridge through ECAM must be what CF8/CFC shows. */
#include "guest.h"

void guest_main(addr_t boot)
{
	u32 id, ecam = BOARD_ECAM;

	outl(0xcf8, 0x80000000);
	id = inl(0xcfc);
	if (id == 0xffffffff)
		fail("no host bridge behind CF8/CFC", id);
	CHECK_EQ("ECAM, 32 bits", read32(ecam), id);
	CHECK_EQ("ECAM, 16 bits", read16(ecam + 2), id >> 16);
	CHECK_EQ("ECAM, 8 bits", read8(ecam + 1), (id >> 8) & 0xff);
	CHECK_EQ("CFC, 8 bits", inb(0xcfe), (id >> 16) & 0xff);
	CHECK_EQ("an empty slot", read32(ecam + (31 << 15)), 0xffffffff);
	write32(ecam + (31 << 15), 0);
	CHECK_EQ("nothing below the local APIC", read32(0xfed80000), 0xffffffff);
	write32(0xfed80000, 1);
	print("mmio ok\n");
	power_off();
}
