// SPDX-License-Identifier: GPL-2.0-or-later
/* The PVH entry of an ELF kernel (Xen's docs/misc/pvh.pandoc): 32-bit, EBX = hvm_start_info. */
#include <string.h>

#include "board.h"
#include "kernel.h"
#include "lkvm/memory/populate.h"

#define START_INFO_MAGIC 0x336ec578

struct start_info {
	le32 magic;
	le32 version;
	le32 flags;
	le32 nr_modules;
	le64 modlist;
	le64 cmdline;
	le64 rsdp;
	le64 memmap;
	le32 memmap_entries;
	le32 reserved;
};
_Static_assert(sizeof(struct start_info) == 56, "hvm_start_info, version 1");

struct module {
	le64 paddr;
	le64 size;
	le64 cmdline;
	le64 reserved;
};
_Static_assert(sizeof(struct module) == 32, "hvm_modlist_entry");

struct memmap_entry {
	le64 addr;
	le64 size;
	le32 type;
	le32 reserved;
};
_Static_assert(sizeof(struct memmap_entry) == 24, "hvm_memmap_table_entry");

struct tables {
	struct start_info info;
	struct module module;
	struct memmap_entry memmap[X86_E820_MAX];
};
_Static_assert(sizeof(struct tables) <= BOARD_BOOT_PARAMS - BOARD_BOOT_PVH, "room for PVH's lists");

int x86_load_pvh(const struct x86_boot *boot, const struct x86_placement *at)
{
	struct boot_e820_entry map[X86_E820_MAX];
	unsigned nr = x86_e820(map, boot);
	struct tables tables;

	memset(&tables, 0, sizeof(tables));
	tables.info.magic = htole32(START_INFO_MAGIC);
	tables.info.version = htole32(1);
	tables.info.cmdline = htole64(BOARD_BOOT_CMDLINE);
	tables.info.rsdp = htole64(boot->rsdp);
	tables.info.memmap = htole64(BOARD_BOOT_PVH + offsetof(struct tables, memmap));
	tables.info.memmap_entries = htole32(nr);
	if (at->initrd_size) {
		tables.info.nr_modules = htole32(1);
		tables.info.modlist = htole64(BOARD_BOOT_PVH + offsetof(struct tables, module));
		tables.module.paddr = htole64(at->initrd);
		tables.module.size = htole64(at->initrd_size);
	}
	for (unsigned i = 0; i < nr; i++) {
		tables.memmap[i].addr = htole64(map[i].addr);
		tables.memmap[i].size = htole64(map[i].size);
		tables.memmap[i].type = htole32(map[i].type);
	}
	return guest_memory_populate(boot->memory, BOARD_BOOT_PVH, &tables, sizeof(tables));
}
