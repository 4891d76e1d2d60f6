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
	/* A slot of size 0 is none. */
	struct kvm_userspace_memory_region slot = {
		.slot = rom->slot,
		.flags = KVM_MEM_READONLY,
		.guest_phys_addr = rom->gpa,
		.memory_size = mapped ? rom->size : 0,
		.userspace_addr = (u64)(uintptr_t)rom->memory,
	};

	if (!rom->possible || rom->mapped == mapped)
		return 0;
	if (ioctl(rom->vm->fd, KVM_SET_USER_MEMORY_REGION, &slot))
		return -errno;
	rom->mapped = mapped;
	return 0;
}
