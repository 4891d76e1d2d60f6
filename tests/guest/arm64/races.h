/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What races.c maltreats that only arm64 has. */
#ifndef GUEST_RACES_H
#define GUEST_RACES_H

#include "guest.h"

/* Where MSIs go, more or less; the bits from 12 to 19 are anything. */
#define MSI_PLACE (BOARD_GIC_DIST & ~0xfffffU)

/* Serial ports but the first, the interrupt controller's distributor, what lies between devices. */
static inline void poke_platform(u32 r)
{
	static const u32 places[] = {
		BOARD_SERIAL + BOARD_SERIAL_DISTANCE,
		BOARD_SERIAL + 3 * BOARD_SERIAL_DISTANCE,
		BOARD_SERIAL + BOARD_NR_SERIAL * BOARD_SERIAL_DISTANCE,
		BOARD_RTC + 0x20,
		BOARD_FLASH,
		BOARD_PVTIME,
		BOARD_GIC_DIST,
	};
	addr_t place = places[r % ARRAY_SIZE(places)] + (r >> 8 & 0xfc);

	write32(place, r);
	write8(place, r >> 8);
	(void)read32(place);
	(void)read8(place);
}

#endif
