// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "pe.h"

#define PE_POINTER   0x3c /* where a DOS header tells the PE header's offset */
#define MAX_SECTIONS 32	  /* kernels have two to four */

struct pe_header {
	u8 magic[4]; /* "PE", 0, 0 */
	le16 machine;
	le16 nr_sections;
	le32 unused[3];
	le16 optional_size; /* of what is between this and the sections, bytes */
	le16 characteristics;
};
_Static_assert(sizeof(struct pe_header) == 24, "PE/COFF");

struct pe_section {
	u8 name[8];
	le32 memory_size, memory_address;
	le32 file_size, file_offset; /* bytes */
	le32 unused[4];
};
_Static_assert(sizeof(struct pe_section) == 40, "PE/COFF");

struct machine_name {
	u16 machine;
	const char *name;
};

static const struct machine_name machines[] = {
	{ 0x014c, "32-bit x86" }, { 0x01c2, "32-bit ARM" }, { 0x5032, "riscv32" },
	{ 0x5064, "riscv64" },	  { 0x6264, "LoongArch" },  { 0x8664, "x86-64" },
	{ 0xaa64, "arm64" },
};

static const char *machine_name(u16 machine)
{
	for (unsigned i = 0; i < ARRAY_SIZE(machines); i++)
		if (machines[i].machine == machine)
			return machines[i].name;
	return NULL;
}

static bool read_all(const struct boot_file *file, u64 offset, void *to, size_t size)
{
	return boot_file_read(file, offset, to, size) == (ssize_t)size;
}

bool pe_read(const struct boot_file *file, struct pe_info *info)
{
	struct pe_section sections[MAX_SECTIONS];
	struct pe_header header;
	unsigned nr;
	le32 wire;
	u64 at;

	memset(info, 0, sizeof(*info));
	if (!read_all(file, PE_POINTER, &wire, sizeof(wire)))
		return false;
	at = le32toh(wire);
	if (!at || !read_all(file, at, &header, sizeof(header)) ||
	    memcmp(header.magic, "PE\0", sizeof(header.magic)))
		return false;
	nr = le16toh(header.nr_sections);
	at += sizeof(header) + le16toh(header.optional_size);
	if (nr > MAX_SECTIONS || !read_all(file, at, sections, nr * sizeof(*sections)))
		return false;
	info->machine_number = le16toh(header.machine);
	info->machine = machine_name(info->machine_number);
	for (unsigned i = 0; i < nr; i++)
		info->file_end = MAX(info->file_end, (u64)le32toh(sections[i].file_offset) +
							     le32toh(sections[i].file_size));
	return true;
}
