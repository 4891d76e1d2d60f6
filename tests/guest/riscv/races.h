/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What races.c maltreats that only riscv64 has. */
#ifndef GUEST_RACES_H
#define GUEST_RACES_H

#include "guest.h"

/* Where MSIs go; the bits from 12 to 19 tell the hart, which may be one that there is not. */
#define MSI_PLACE ((u32)BOARD_IMSIC)

/* Serial ports but the first, interrupt controllers, what lies between devices. */
static inline void poke_platform(u32 r)
{
	static const u32 places[] = {
		BOARD_SERIAL + BOARD_SERIAL_DISTANCE,
		BOARD_SERIAL + 3 * BOARD_SERIAL_DISTANCE,
		BOARD_SERIAL + BOARD_NR_SERIAL * BOARD_SERIAL_DISTANCE,
		BOARD_RTC,
		BOARD_PVPANIC + 0x100,
		BOARD_IMSIC,
		BOARD_APLIC,
		BOARD_APLIC + 0x1c00,
		BOARD_APLIC + 0x3000,
		BOARD_PLIC,
		BOARD_PLIC + 0x200000,
	};
	addr_t place = places[r % ARRAY_SIZE(places)] + (r >> 8 & 0xfc);

	write32(place, r);
	write8(place, r >> 8);
	(void)read32(place);
	(void)read8(place);
}

#endif
