/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vm/rom.c without KVM: remembers what is mapped, and can be told to fail. */
#ifndef TEST_FAKE_ROM_H
#define TEST_FAKE_ROM_H

#include <errno.h>
#include "lkvm/vm/rom.h"
#include "lkvm/vm/vm.h"

static struct {
	const u8 *memory; /* what the guest sees without an exit; NULL: nothing */
	gpa_t gpa;
	u64 size;
	unsigned changes;
	int error; /* what the next ones return */
} fake_rom;

void vm_rom_init(struct vm_rom *rom, struct vm *vm, gpa_t gpa, void *memory, u64 size)
{
	*rom = (struct vm_rom){ .vm = vm, .gpa = gpa, .memory = memory, .size = size };
	rom->possible = true;
}

int vm_rom_map(struct vm_rom *rom, bool mapped)
{
	if (!rom->possible || rom->mapped == mapped)
		return 0;
	if (fake_rom.error)
		return fake_rom.error;
	rom->mapped = mapped;
	fake_rom.memory = mapped ? rom->memory : NULL;
	fake_rom.gpa = rom->gpa;
	fake_rom.size = rom->size;
	fake_rom.changes++;
	return 0;
}

#endif
