/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firmware tables: ACPI 6.5 for nearly everybody, an MP table (MultiProcessor Specification 1.4)
 * for kernels built without ACPI. Both are made from the same description, into guest memory.
 *
 * The machine has ACPI's fixed hardware, and beside the I/O APIC the PICs and the PIT: a kernel that is told to leave
 * one of its timers or interrupt controllers alone finds another.
 */
#ifndef X86_ACPI_H
#define X86_ACPI_H

#include "lkvm/vm/device.h"
#include "lkvm/memory/memory.h"
#include "lkvm/pci/pci.h"
#include "writer.h"

/* Power management, from BOARD_PORT_PM: the PM1 event and control blocks, the timer, and a byte that resets. */
#define ACPI_PM1_STATUS		  0x0
#define ACPI_PM1_ENABLE		  0x2
#define ACPI_PM1_CONTROL	  0x4
#define ACPI_PM_TIMER		  0x8
#define ACPI_PM_RESET		  0xc
#define ACPI_PM_SIZE		  0x10
#define ACPI_PM_RESET_VALUE	  1
/* Control: always in ACPI mode; S5 is the one sleep there is, by the number that OVMF has for it. */
#define ACPI_PM1_SCI_ENABLED	  0x0001
#define ACPI_PM1_SLEEP		  0x2000
#define ACPI_PM1_SLEEP_TYPE_SHIFT 10
#define ACPI_SLEEP_TYPE_S5	  0

struct platform {
	unsigned nr_cpus;		   /* APIC ids 0 to nr_cpus - 1 */
	u32 cpu_signature, cpu_features;   /* CPUID leaf 1's EAX and EDX, for the MP table */
	const struct device_list *devices; /* those that describe themselves */
	const struct pci_board *pci;	   /* NULL: none */
	u64 low_ram, high_ram;		   /* bytes from 0, and from BOARD_HOLE_END */
};

/*
 * RSDP (at BOARD_ACPI), XSDT, FADT, FACS, MADT, SRAT, MCFG, DSDT. `rsdp` gets the RSDP's address. -ENOSPC when
 * BOARD_ACPI_SIZE is too small, -EFAULT when there is no memory.
 */
int acpi_build(const struct guest_memory *memory, const struct platform *platform, gpa_t *rsdp);

/*
 * The same tables for a firmware that puts them where it likes: as fw_cfg has them (QEMU, hw/acpi/bios-linker-loader.c
 * says how). Addresses in them are offsets into the file of tables, and sums are 0, until the firmware has
 * done what the loader's commands say. 0 or -errno; acpi_files_free() after success.
 */
#define ACPI_FILE_TABLES "etc/acpi/tables"
#define ACPI_FILE_RSDP	 "etc/acpi/rsdp"
struct acpi_files {
	u8 *area; /* tables' and rsdp's */
	const u8 *tables, *rsdp;
	size_t tables_size, rsdp_size;
	struct writer loader; /* its commands */
};
int acpi_build_files(struct acpi_files *files, const struct platform *platform);
void acpi_files_free(struct acpi_files *files);

/* What makes the bytes of a table, with itself among them as 0 so far, add up to 0. */
u8 firmware_checksum(const void *data, size_t len);

/* At BOARD_MPTABLE. Errors as above. */
int mptable_build(const struct guest_memory *memory, const struct platform *platform);

#endif
