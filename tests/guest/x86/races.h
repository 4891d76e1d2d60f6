/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What races.c maltreats that only x86 has. */
#ifndef GUEST_RACES_H
#define GUEST_RACES_H

#include "guest.h"

/* Where MSIs go; the bits from 12 to 19 are anything. */
#define MSI_PLACE BOARD_LAPIC

static inline void poke_platform(u32 r)
{
	static const u16 ports[] = { 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3ff, 0x70, 0x60,
				     0x80,  0xcf8, 0x604, 0x2f8, 0x506, 0x71 };
	u16 port = ports[r % ARRAY_SIZE(ports)];

	/* Index and data in one go: the byte that counts lives must stay as it is. */
	if (port == 0x71 || port == 0x70)
		outw(0x70, (r >> 8 & 0x0f) | (r >> 16 & 0xff) << 8);
	else if (port == 0xcf8)
		outl(port, r);
	else if (port != 0x60)
		outb(port, r >> 8);
	(void)inb(port);
	if (port == 0xcf8) {
		outl(0xcf8, 0x80000000 | (r & 0xfffc));
		(void)inl(0xcfc);
	}
}

#endif
