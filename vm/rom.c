// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lkvm/vm/rom.h"
#include "lkvm/vm/vm.h"

/* The slots below are those of vm->memory's regions, whose number may still grow. */
#define FIRST_SLOT GUEST_MEMORY_MAX_REGIONS

void vm_rom_init(struct vm_rom *rom, struct vm *vm, gpa_t gpa, void *memory, u64 size)
{
	*rom = (struct vm_rom){
		.vm = vm,
		.slot = FIRST_SLOT + vm->nr_roms++,
		.gpa = gpa,
		.memory = memory,
		.size = size,
		.possible = ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_READONLY_MEM) > 0,
	};
}

int vm_rom_map(struct vm_rom *rom, bool mapped)
{
	const struct guest_region region = {
		.gpa = rom->gpa,
		.size = mapped ? rom->size : 0,
		.hva = rom->memory,
		.guest_memfd = -1,
		.readonly = true,
	};
	int err;

	if (!rom->possible || rom->mapped == mapped)
		return 0;
	err = vm_set_slot(rom->vm, rom->slot, &region);
	if (err)
		return err;
	rom->mapped = mapped;
	return 0;
}
