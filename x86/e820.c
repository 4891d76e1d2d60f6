// SPDX-License-Identifier: GPL-2.0-or-later
#include "board.h"
#include "kernel.h"

#define E820_RAM      1
#define E820_RESERVED 2

static void add(struct boot_e820_entry *map, unsigned *nr, u64 from, u64 to, u32 type)
{
	if (from < to)
		map[(*nr)++] =
			(struct boot_e820_entry){ .addr = from, .size = to - from, .type = type };
}

unsigned x86_e820(struct boot_e820_entry *map, u64 low_ram, u64 high_ram)
{
	unsigned nr = 0;

	add(map, &nr, 0, MIN(low_ram, (u64)BOARD_LOW_RAM_END), E820_RAM);
	add(map, &nr, BOARD_LOW_RAM_END, BOARD_HIGH_RAM, E820_RESERVED);
	add(map, &nr, BOARD_HIGH_RAM, low_ram, E820_RAM);
	/* Linux believes the MCFG table only when the map or a motherboard device says so too. */
	add(map, &nr, BOARD_ECAM, BOARD_ECAM + BOARD_ECAM_SIZE, E820_RESERVED);
	add(map, &nr, BOARD_IDENTITY_MAP, BOARD_IDENTITY_MAP + BOARD_KVM_PAGES_SIZE, E820_RESERVED);
	add(map, &nr, BOARD_HOLE_END, BOARD_HOLE_END + high_ram, E820_RAM);
	return nr;
}
