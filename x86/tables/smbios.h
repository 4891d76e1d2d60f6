/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SMBIOS table (SMBIOS 3.6): what dmidecode(8) tells of the machine, and the credentials for the guest's systemd, as
 * strings of type 11.
 */
#ifndef X86_SMBIOS_H
#define X86_SMBIOS_H

#include "lkvm/memory/memory.h"

struct credential;

/* For a firmware that puts them where it likes, as fw_cfg's files. */
#define SMBIOS_FILE_ANCHOR "etc/smbios/smbios-anchor"
#define SMBIOS_FILE_TABLES "etc/smbios/smbios-tables"

/* "_SM3_": where the table is. SMBIOS 3.6, 5.2.2. */
struct smbios_anchor {
	char anchor[5];
	u8 checksum;
	u8 length;
	u8 major, minor, docrev;
	u8 revision;
	u8 reserved;
	le32 table_size; /* at most */
	le64 table;
} __packed;
_Static_assert(sizeof(struct smbios_anchor) == 24, "SMBIOS 3.6, 5.2.2");

/*
 * The table, which is the caller's to free, and the anchor of one that is at `gpa`. 0 or -ENOMEM; -ENOSPC: more than
 * BOARD_SMBIOS_TABLE_SIZE.
 */
int smbios_make(const struct credential *credentials, gpa_t gpa, struct smbios_anchor *anchor,
		u8 **table, size_t *size);

/* Anchor at BOARD_SMBIOS, table at BOARD_SMBIOS_TABLE. The same, and -EFAULT. */
int smbios_build(const struct guest_memory *memory, const struct credential *credentials);

#endif
