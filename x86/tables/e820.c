// SPDX-License-Identifier: GPL-2.0-or-later
#include "board.h"
#include "kernel.h"

#define E820_RAM      1
#define E820_RESERVED 2
#define E820_ACPI     3

static void e820_add(struct boot_e820_entry *map, unsigned *nr, u64 from, u64 to, u32 type)
{
	if (from < to)
		map[(*nr)++] =
			(struct boot_e820_entry){ .addr = from, .size = to - from, .type = type };
}

/* Linux maps ranges of type ACPI as private memory, and reserved ones as shared. */
static void add_first_mib_snp(struct boot_e820_entry *map, unsigned *nr)
{
	u64 pages_end = BOARD_SNP_CPUID + 0x1000, acpi_end = BOARD_ACPI + BOARD_ACPI_SIZE;

	e820_add(map, nr, 0, BOARD_SNP_SECRETS, E820_RAM);
	e820_add(map, nr, BOARD_SNP_SECRETS, pages_end, E820_RESERVED);
	e820_add(map, nr, pages_end, BOARD_LOW_RAM_END, E820_RAM);
	e820_add(map, nr, BOARD_LOW_RAM_END, BOARD_ACPI, E820_RESERVED);
	e820_add(map, nr, BOARD_ACPI, acpi_end, E820_ACPI);
	e820_add(map, nr, acpi_end, BOARD_HIGH_RAM, E820_RESERVED);
}

unsigned x86_e820(struct boot_e820_entry *map, const struct x86_boot *boot)
{
	unsigned nr = 0;

	if (boot->private_bit) {
		add_first_mib_snp(map, &nr);
	} else {
		e820_add(map, &nr, 0, MIN(boot->low_ram, (u64)BOARD_LOW_RAM_END), E820_RAM);
		e820_add(map, &nr, BOARD_LOW_RAM_END, BOARD_HIGH_RAM, E820_RESERVED);
	}
	e820_add(map, &nr, BOARD_HIGH_RAM, boot->low_ram, E820_RAM);
	/* Linux believes the MCFG table only when the map or a motherboard device says so too. */
	e820_add(map, &nr, BOARD_ECAM, BOARD_ECAM + BOARD_ECAM_SIZE, E820_RESERVED);
	e820_add(map, &nr, BOARD_IDENTITY_MAP, BOARD_IDENTITY_MAP + BOARD_KVM_PAGES_SIZE,
		 E820_RESERVED);
	e820_add(map, &nr, BOARD_HOLE_END, BOARD_HOLE_END + boot->high_ram, E820_RAM);
	return nr;
}

unsigned x86_e820_firmware(struct boot_e820_entry *map, const struct x86_boot *boot)
{
	unsigned nr = 0;

	e820_add(map, &nr, 0, boot->low_ram, E820_RAM);
	e820_add(map, &nr, BOARD_FIRMWARE_IDENTITY_MAP,
		 BOARD_FIRMWARE_IDENTITY_MAP + BOARD_KVM_PAGES_SIZE, E820_RESERVED);
	e820_add(map, &nr, BOARD_HOLE_END, BOARD_HOLE_END + boot->high_ram, E820_RAM);
	return nr;
}
