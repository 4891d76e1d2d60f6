// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as a kernel for arm64, 32-bit ARM and riscv64: Image, gzip, zstd, EFI zboot. The first byte says how it
 * was packed before the fuzzer changed it and how much room there is. What is taken must load, or be
 * refused, without a byte written behind the room.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "image.h"
#include "lkvm/boot/file.h"
#include "lkvm/boot/image.h"
#include "lkvm/boot/zimage.h"
#include "quiet.h"

#define RAM	 0x80000000ULL
#define RAM_SIZE MIB(1)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct guest_memory memory;
static int fd = -1;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	fuzz_quiet(argc, argv);
	guest_memory_init(&memory);
	fd = memfd_create("kernel", MFD_CLOEXEC);
	if (fd < 0 || guest_memory_add_ram(&memory, RAM, RAM_SIZE))
		abort();
	return 0;
}

/* Packed here, or the fuzzer would never get past a checksum. */
static struct bytes wrap(const u8 *data, size_t size, unsigned how)
{
	struct bytes plain = { 0 }, packed = { 0 }, efi;
	u16 machine = how & 8 ? 0 : 0xaa64;

	bytes_add(&plain, data, size);
	switch (how & 3) {
	case 0:
		return plain;
	case 1:
		packed = gzip_bytes(plain.data, plain.size);
		break;
	default:
		packed = zstd_bytes(plain.data, plain.size, how & 1 ? GIB(1) / 64 : 0);
	}
	bytes_free(&plain);
	if (!(how & 4))
		return packed;
	efi = zboot_bytes(&packed, how & 2 ? "zstd22" : "gzip", machine);
	bytes_free(&packed);
	return efi;
}

/* Changes bytes of what was packed: position and value. */
static void damage(struct bytes *b, const u8 *data, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++, data += 3)
		b->data[(data[0] | data[1] << 8) % b->size] = data[2];
}

static int open_for(struct kernel_image *image, const struct boot_file *file, unsigned how)
{
	if (how & 0x20)
		return zimage_open(image, file);
	return image_open(image, file, how & 0x80 ? &image_riscv64 : &image_arm64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned how, nr;
	struct kernel_image image;
	struct boot_file file;
	struct bytes b;
	char path[32];
	u64 room;

	if (size < 4)
		return -1;
	how = data[0];
	room = how & 0x40 ? 256 : RAM_SIZE / 2;
	nr = MIN((size_t)data[1] & 3, (size - 2) / 3);
	b = wrap(data + 2 + 3 * nr, size - 2 - 3 * nr, how);
	if (b.size)
		damage(&b, data + 2, nr);
	if (ftruncate(fd, 0) || pwrite(fd, b.data, b.size, 0) != (ssize_t)b.size)
		abort();
	bytes_free(&b);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (boot_file_open(&file, "kernel", path, GIB(1)))
		return 0;
	if (!open_for(&image, &file, how)) {
		image_load(&image, &memory, RAM, room);
		for (u64 i = room; i < room + 4096; i++)
			if (*(u8 *)guest_memory_hva(&memory, RAM + i, 1))
				abort();
		if (guest_memory_clear(&memory))
			abort();
	}
	boot_file_close(&file);
	return 0;
}
