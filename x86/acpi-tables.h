/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Those ACPI tables that refer to others: acpi.c makes them, acpi-files.c makes them movable. */
#ifndef X86_ACPI_TABLES_H
#define X86_ACPI_TABLES_H

#include "lkvm/types.h"

#define TABLE_ALIGN 16

struct sdt {
	char signature[4];
	le32 length;
	u8 revision;
	u8 checksum;
	char oem_id[6];
	char oem_table_id[8];
	le32 oem_revision;
	char creator_id[4];
	le32 creator_revision;
} __packed;
_Static_assert(sizeof(struct sdt) == 36, "ACPI 6.5, 5.2.6");

struct rsdp {
	char signature[8];
	u8 checksum; /* of the first 20 bytes */
	char oem_id[6];
	u8 revision;
	le32 rsdt;
	le32 length;
	le64 xsdt;
	u8 extended_checksum;
	u8 reserved[3];
} __packed;
_Static_assert(sizeof(struct rsdp) == 36, "ACPI 6.5, 5.2.5.3");

struct gas {
	u8 space; /* 1: ports */
	u8 bits;
	u8 offset;
	u8 access; /* 1: byte */
	le64 address;
} __packed;
_Static_assert(sizeof(struct gas) == 12, "ACPI 6.5, 5.2.3.2");

struct fadt {
	struct sdt header;
	le32 facs;
	le32 dsdt;
	u8 reserved0;
	u8 profile;
	u8 legacy_power
		[62]; /* SCI, SMI, PM1 and PM2 blocks, GPEs, latencies: not on reduced hardware */
	u8 century;   /* CMOS index */
	le16 boot_arch;
	u8 reserved1;
	le32 flags;
	struct gas reset_register;
	u8 reset_value;
	le16 arm_boot_arch;
	u8 minor;
	le64 x_facs;
	le64 x_dsdt;
	struct gas legacy_blocks[8];
	struct gas sleep_control;
	struct gas sleep_status;
	le64 hypervisor_id;
} __packed;
_Static_assert(sizeof(struct fadt) == 276, "ACPI 6.5, 5.2.9");
_Static_assert(offsetof(struct fadt, century) == 108, "FADT");
_Static_assert(offsetof(struct fadt, flags) == 112, "FADT");
_Static_assert(offsetof(struct fadt, x_dsdt) == 140, "FADT");
_Static_assert(offsetof(struct fadt, sleep_control) == 244, "FADT");

struct platform;

/*
 * All tables as acpi_build() puts them into memory at BOARD_ACPI, the RSDP first. *bytes is the caller's to free, in
 * any case.
 */
int acpi_build_area(u8 **bytes, size_t *len, const struct platform *platform);

#endif
