/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Those ACPI tables that refer to others: acpi.c makes them, acpi-files.c makes them movable. */
#ifndef X86_ACPI_TABLES_H
#define X86_ACPI_TABLES_H

#include "writer.h"

#define TABLE_ALIGN 64 /* the FACS's; others have none */

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
	le16 sci;	 /* the PIC's input, and the gsi */
	u8 smi[8];	 /* 0: in ACPI mode from the start */
	le32 pm1a_event; /* ports */
	le32 pm1b_event;
	le32 pm1a_control;
	le32 pm1b_control;
	le32 pm2_control;
	le32 pm_timer;
	le32 gpe0, gpe1;
	u8 pm1_event_length, pm1_control_length, pm2_control_length, pm_timer_length;
	u8 gpe0_length, gpe1_length, gpe1_base;
	u8 cst_control;
	le16 c2_latency, c3_latency; /* us */
	u8 caches[8]; /* flush size and stride, duty cycles, alarm of day and month */
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
	struct gas x_pm1a_event, x_pm1b_event, x_pm1a_control, x_pm1b_control;
	struct gas x_pm2_control, x_pm_timer, x_gpe0, x_gpe1;
	struct gas sleep_control;
	struct gas sleep_status;
	char hypervisor_id[8];
} __packed;
_Static_assert(sizeof(struct fadt) == 276, "ACPI 6.5, 5.2.9");
_Static_assert(offsetof(struct fadt, pm_timer) == 76, "FADT");
_Static_assert(offsetof(struct fadt, c2_latency) == 96, "FADT");
_Static_assert(offsetof(struct fadt, century) == 108, "FADT");
_Static_assert(offsetof(struct fadt, flags) == 112, "FADT");
_Static_assert(offsetof(struct fadt, x_dsdt) == 140, "FADT");
_Static_assert(offsetof(struct fadt, sleep_control) == 244, "FADT");

/* Shared with the operating system: the lock, and where it wants to wake up, which is nowhere. */
struct facs {
	char signature[4];
	le32 length;
	le32 hardware_signature, waking_vector, global_lock, flags;
	le64 x_waking_vector;
	u8 version;
	u8 reserved[31];
} __packed;
_Static_assert(sizeof(struct facs) == 64, "ACPI 6.5, 5.2.10");

struct platform;

/*
 * All tables as acpi_build() puts them into memory at BOARD_ACPI, the RSDP first. out->bytes is the caller's to free,
 * in any case. 0, -ENOMEM, -ENOSPC.
 */
int acpi_build_area(struct writer *out, const struct platform *platform);

#endif
