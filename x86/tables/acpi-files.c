// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tables are built for BOARD_ACPI; here every address in them is turned into an offset, with a command to add
 * the place that the firmware finds.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "acpi-tables.h"
#include "acpi.h"
#include "board.h"

/* The RSDP is a file of its own; behind it the other tables begin. */
#define TABLES_AT    ALIGN_UP(sizeof(struct rsdp), TABLE_ALIGN)
#define FILE_NAME    56
#define MAX_COMMANDS 32

enum command_kind { COMMAND_ALLOCATE = 1, COMMAND_ADD_POINTER = 2, COMMAND_ADD_CHECKSUM = 3 };
enum zone { ZONE_HIGH = 1, ZONE_FSEG = 2 /* where an RSDP is searched for */ };

struct command {
	le32 kind;
	union {
		u8 bytes[124]; /* the first member, so that = {} is all 0 */
		struct {
			char file[FILE_NAME];
			le32 align;
			u8 zone;
		} __packed allocate;
		struct {
			char file[FILE_NAME]; /* in this one, at offset, there is a pointer ... */
			char to[FILE_NAME];   /* ... into that one */
			le32 offset;
			u8 size;
		} __packed pointer;
		struct {
			char file[FILE_NAME];
			le32 offset; /* of the sum */
			le32 start, length;
		} __packed checksum;
	};
} __packed;
_Static_assert(sizeof(struct command) == 128, "BiosLinkerLoaderEntry");

static void acpi_files_allocate(struct acpi_files *files, const char *file, enum zone zone)
{
	struct command c = { .kind = htole32(COMMAND_ALLOCATE) };

	strcpy(c.allocate.file, file);
	c.allocate.align = htole32(TABLE_ALIGN);
	c.allocate.zone = zone;
	writer_add(&files->loader, &c, sizeof(c));
}

/* `at` is an offset into the area, for this and the next. */
static const char *file_of(size_t *at)
{
	if (*at < TABLES_AT)
		return ACPI_FILE_RSDP;
	*at -= TABLES_AT;
	return ACPI_FILE_TABLES;
}

static void add_pointer(struct acpi_files *files, size_t at, u8 size)
{
	struct command c = { .kind = htole32(COMMAND_ADD_POINTER) };
	le64 value = 0;

	memcpy(&value, files->area + at, size);
	value = htole64(le64toh(value) - BOARD_ACPI - TABLES_AT);
	memcpy(files->area + at, &value, size);
	strcpy(c.pointer.file, file_of(&at));
	strcpy(c.pointer.to, ACPI_FILE_TABLES);
	c.pointer.offset = htole32(at);
	c.pointer.size = size;
	writer_add(&files->loader, &c, sizeof(c));
}

static void add_checksum(struct acpi_files *files, size_t start, size_t sum, size_t length)
{
	struct command c = { .kind = htole32(COMMAND_ADD_CHECKSUM) };
	size_t at = start;

	files->area[start + sum] = 0;
	strcpy(c.checksum.file, file_of(&at));
	c.checksum.offset = htole32(at + sum);
	c.checksum.start = htole32(at);
	c.checksum.length = htole32(length);
	writer_add(&files->loader, &c, sizeof(c));
}

static void move_fadt(struct acpi_files *files, size_t at)
{
	add_pointer(files, at + offsetof(struct fadt, facs), 4);
	add_pointer(files, at + offsetof(struct fadt, dsdt), 4);
	add_pointer(files, at + offsetof(struct fadt, x_dsdt), 8);
	add_checksum(files, at, offsetof(struct sdt, checksum), sizeof(struct fadt));
}

static void move_xsdt(struct acpi_files *files, size_t at)
{
	const u8 *area = files->area;
	u32 length = le32toh(((const struct sdt *)(area + at))->length);
	le64 entry;

	for (size_t i = sizeof(struct sdt); i < length; i += sizeof(entry)) {
		size_t table;

		memcpy(&entry, area + at + i, sizeof(entry));
		table = le64toh(entry) - BOARD_ACPI;
		if (!memcmp(area + table, "FACP", 4))
			move_fadt(files, table);
		add_pointer(files, at + i, sizeof(entry));
	}
	add_checksum(files, at, offsetof(struct sdt, checksum), length);
}

static void move_all(struct acpi_files *files)
{
	const struct rsdp *rsdp = (const struct rsdp *)files->area;
	size_t xsdt = le64toh(rsdp->xsdt) - BOARD_ACPI;

	acpi_files_allocate(files, ACPI_FILE_RSDP, ZONE_FSEG);
	acpi_files_allocate(files, ACPI_FILE_TABLES, ZONE_HIGH);
	move_xsdt(files, xsdt);
	add_pointer(files, offsetof(struct rsdp, xsdt), sizeof(rsdp->xsdt));
	/* The first sum is part of what the second one covers. */
	add_checksum(files, 0, offsetof(struct rsdp, checksum), 20);
	add_checksum(files, 0, offsetof(struct rsdp, extended_checksum), sizeof(*rsdp));
}

int acpi_build_files(struct acpi_files *files, const struct platform *platform)
{
	size_t size = MAX_COMMANDS * sizeof(struct command);
	struct writer area;
	int err = acpi_build_area(&area, platform);

	*files = (struct acpi_files){
		.area = area.bytes,
		.loader = { .bytes = calloc(1, size), .size = size },
	};
	if (!err && !files->loader.bytes)
		err = -ENOMEM;
	if (!err) {
		move_all(files);
		err = files->loader.failed ? -ENOSPC : 0;
	}
	if (err) {
		acpi_files_free(files);
		return err;
	}
	files->rsdp = files->area;
	files->rsdp_size = sizeof(struct rsdp);
	files->tables = files->area + TABLES_AT;
	files->tables_size = area.len - TABLES_AT;
	return 0;
}

void acpi_files_free(struct acpi_files *files)
{
	free(files->area);
	free(files->loader.bytes);
	*files = (struct acpi_files){ .area = NULL };
}
