// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>

#include "acpi.h"
#include "board.h"
#include "lkvm/memory/populate.h"
#include "lkvm/vm/credential.h"
#include "smbios.h"
#include "writer.h"

/* A structure's number of strings has 8 bits. */
#define MAX_STRINGS 255

enum { SMBIOS_BIOS = 0, SMBIOS_SYSTEM = 1, SMBIOS_OEM_STRINGS = 11, SMBIOS_END = 127 };

/* Of the first byte, and of the second of the extension. */
#define BIOS_CHARACTERISTICS_UNKNOWN 8
#define BIOS_IS_VIRTUAL_MACHINE	     0x10
#define WAKE_UP_POWER_SWITCH	     6
#define BIOS_NO_CONTROLLER	     0xff

struct smbios_head {
	u8 type, length;
	le16 handle;
} __packed;

/* Strings are told by their number, from 1. */
struct smbios_bios {
	struct smbios_head head;
	u8 vendor, version;
	le16 segment;
	u8 date;
	u8 rom_size; /* in 64 KiB, less 1 */
	le64 characteristics;
	u8 extension[2];
	u8 major, minor, controller_major, controller_minor;
	le16 extended_rom_size;
} __packed;
_Static_assert(sizeof(struct smbios_bios) == 26, "SMBIOS 3.6, 7.1");

struct smbios_system {
	struct smbios_head head;
	u8 manufacturer, product, version, serial;
	u8 uuid[16]; /* all 0: none */
	u8 wake_up;
	u8 sku, family;
} __packed;
_Static_assert(sizeof(struct smbios_system) == 27, "SMBIOS 3.6, 7.2");

struct smbios_oem {
	struct smbios_head head;
	u8 nr_strings;
} __packed;
_Static_assert(sizeof(struct smbios_oem) == 5, "SMBIOS 3.6, 7.12");

static void add_string(struct writer *out, const char *string)
{
	writer_add(out, string, strlen(string) + 1);
}

/* An empty string. Structures without any strings have two. */
static void end_strings(struct writer *out)
{
	writer_add(out, "", 1);
}

/*
 * With a date: Linux takes a BIOS without one, or from before 2008, for one whose tables are not to be believed. It is the day
 * on which this table was written first.
 */
static void add_bios(struct writer *out)
{
	WRITER_ADD(out, struct smbios_bios,
		   .head = { .type = SMBIOS_BIOS, .length = sizeof(struct smbios_bios) },
		   .vendor = 1, .version = 2, .date = 3,
		   .characteristics = htole64(BIOS_CHARACTERISTICS_UNKNOWN),
		   .extension = { 0, BIOS_IS_VIRTUAL_MACHINE }, .major = 1,
		   .controller_major = BIOS_NO_CONTROLLER, .controller_minor = BIOS_NO_CONTROLLER);
	add_string(out, "lkvm");
	add_string(out, "1.0");
	add_string(out, "12/01/2026");
	end_strings(out);
}

static void add_system(struct writer *out)
{
	WRITER_ADD(out, struct smbios_system,
		   .head = { .type = SMBIOS_SYSTEM,
			     .length = sizeof(struct smbios_system),
			     .handle = htole16(1) },
		   .manufacturer = 1, .product = 2, .wake_up = WAKE_UP_POWER_SWITCH);
	add_string(out, "lkvm");
	add_string(out, "virtual machine");
	end_strings(out);
}

static int add_credential(struct writer *out, const struct credential *credential)
{
	char *words =
		credential_words(credential, credential->is_text,
				 "io.systemd.credential:", "io.systemd.credential.binary:", '=');

	if (!words)
		return -ENOMEM;
	add_string(out, words);
	free(words);
	return 0;
}

static int add_credentials(struct writer *out, const struct credential *credentials, unsigned nr)
{
	int err = 0;

	WRITER_ADD(out, struct smbios_oem,
		   .head = { .type = SMBIOS_OEM_STRINGS,
			     .length = sizeof(struct smbios_oem),
			     .handle = htole16(2) },
		   .nr_strings = nr);
	for (; credentials && !err; credentials = credentials->next)
		err = add_credential(out, credentials);
	end_strings(out);
	return err;
}

static void add_end(struct writer *out)
{
	WRITER_ADD(out, struct smbios_head, .type = SMBIOS_END,
		   .length = sizeof(struct smbios_head), .handle = htole16(3));
	end_strings(out);
	end_strings(out);
}

static int fill_table(struct writer *out, const struct credential *credentials)
{
	unsigned nr = 0;
	int err = 0;

	for (const struct credential *c = credentials; c; c = c->next)
		nr++;
	if (nr > MAX_STRINGS)
		return -ENOSPC;
	add_bios(out);
	add_system(out);
	if (nr)
		err = add_credentials(out, credentials, nr);
	add_end(out);
	return err ?: out->failed ? -ENOSPC : 0;
}

int smbios_make(const struct credential *credentials, gpa_t gpa, struct smbios_anchor *anchor,
		u8 **table, size_t *size)
{
	struct writer out = { .bytes = malloc(BOARD_SMBIOS_TABLE_SIZE),
			      .size = BOARD_SMBIOS_TABLE_SIZE };
	int err = out.bytes ? fill_table(&out, credentials) : -ENOMEM;

	if (err) {
		free(out.bytes);
		return err;
	}
	*anchor = (struct smbios_anchor){
		.anchor = { '_', 'S', 'M', '3', '_' },
		.length = sizeof(*anchor),
		.major = 3,
		.minor = 6,
		.revision = 1,
		.table_size = htole32(out.len),
		.table = htole64(gpa),
	};
	anchor->checksum = firmware_checksum(anchor, sizeof(*anchor));
	*table = out.bytes;
	*size = out.len;
	return 0;
}

int smbios_build(const struct guest_memory *memory, const struct credential *credentials)
{
	struct smbios_anchor anchor;
	size_t size;
	u8 *table;
	int err = smbios_make(credentials, BOARD_SMBIOS_TABLE, &anchor, &table, &size);

	if (err)
		return err;
	err = guest_memory_populate(memory, BOARD_SMBIOS_TABLE, table, size)
		      ?: guest_memory_populate(memory, BOARD_SMBIOS, &anchor, sizeof(anchor));
	free(table);
	return err;
}
