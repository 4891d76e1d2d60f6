// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NOR flash under any sequence of accesses and resets: what the file has must always be what the array
 * has, and only erasing turns zeroes into ones.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake_rom.h"
#include "hw_vm.h"
#include "fuzz.h"
#include "lkvm/hw/cfi-flash.h"

#define BASE  0x2000000
#define BLOCK KIB(64)
#define SIZE  (2 * BLOCK)

/* Bytes of one access, mostly commands to both chips. */
static unsigned choose_write(struct fuzz *f, u8 *data)
{
	static const u8 commands[] = { 0x20, 0x40, 0x60, 0xd0, 0xe8, 0xff, 0x70,
				       0x90, 0x98, 0x50, 0x01, 0x2f, 0x10 };
	u8 how = fuzz8(f);

	memset(data, 0, 8);
	if (how & 0x80) {
		fuzz_bytes(f, data, 8);
		return 1 + how % 8;
	}
	data[0] = data[2] = how & 0x40 ? how & 31 : commands[how % ARRAY_SIZE(commands)];
	return 4;
}

static u64 choose_offset(struct fuzz *f, unsigned len)
{
	/* Few places, so that commands meet. */
	u8 how = fuzz8(f);
	u64 offset = (how & 0xc0) == 0xc0 ? fuzz16(f) * 2
					  : (how & 0x1f) * 4 + (how & 0x20 ? SIZE / 2 : 0);

	return MIN(offset, SIZE - len);
}

static bool erased(const u8 *block)
{
	for (u32 i = 0; i < BLOCK; i++)
		if (block[i] != 0xff)
			return false;
	return true;
}

/* After each access: a block is as it was, has fewer ones, or was erased. */
static void check_block(const u8 *now, u8 *before)
{
	bool ones = false;

	if (!memcmp(now, before, BLOCK))
		return;
	for (u32 i = 0; i < BLOCK; i++)
		ones |= now[i] & ~before[i];
	if (ones && !erased(now))
		abort();
	memcpy(before, now, BLOCK);
}

static void check(const u8 *file, u8 *before)
{
	u8 bytes[8];

	for (u32 at = 0; at < SIZE; at += BLOCK)
		check_block(file + at, before + at);
	if (!fake_rom.memory)
		return;
	/* What is mapped is the file, and what a read that comes here gets. */
	bus_read(test_vm.vm.mmio, BASE + 0x100, bytes, 8);
	if (memcmp(bytes, file + 0x100, 8) || memcmp(fake_rom.memory, file, SIZE))
		abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static u8 before[SIZE];
	struct fuzz f = { data, size };
	struct vm *vm = test_vm_init();
	int fd = memfd_create("flash", MFD_CLOEXEC);
	u8 bytes[8], *file;
	void *flash;
	char path[32];

	log_set_level(LOG_LEVEL_ERROR);
	memset(&fake_rom, 0, sizeof(fake_rom));
	if (fd < 0 || ftruncate(fd, SIZE))
		abort();
	file = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (file == MAP_FAILED)
		abort();
	memset(file, 0xa5, SIZE);
	memcpy(before, file, SIZE);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (cfi_flash_open(path, SIZE, &flash) || cfi_flash_create(vm, BASE, &flash))
		abort();
	devices_reset(&vm->devices);
	for (unsigned i = 0; f.left && i < 400; i++) {
		unsigned len = choose_write(&f, bytes);
		u64 offset = choose_offset(&f, len);

		if ((offset & 0x1c) == 0x1c)
			bus_read(vm->mmio, BASE + offset, bytes, len);
		else if (!(fuzz8(&f) & 0x3f))
			devices_reset(&vm->devices);
		else
			bus_write(vm->mmio, BASE + offset, bytes, len);
		check(file, before);
	}
	test_vm_exit();
	if (fake_rom.memory)
		abort();
	munmap(file, SIZE);
	close(fd);
	return 0;
}
