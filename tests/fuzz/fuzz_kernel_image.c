// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as a kernel: bzImage and ELF. The first byte says how much memory the guest has. What is
 * taken must also load, or be refused, without touching anything outside guest memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel.h"
#include "quiet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct guest_memory memory;
static int fd = -1;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	fuzz_quiet(argc, argv);
	guest_memory_init(&memory);
	fd = memfd_create("kernel", MFD_CLOEXEC);
	if (fd < 0 || guest_memory_add_ram(&memory, 0, MIB(32)))
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct x86_boot boot = { .memory = &memory,
				 .low_ram = MIB(32),
				 .cmdline = "console=ttyS0" };
	struct x86_kernel kernel;
	struct x86_entry entry;
	char path[32];

	if (size < 2)
		return -1;
	boot.low_ram = MIB(2) + (data[0] & 15) * MIB(2);
	if (ftruncate(fd, 0) || pwrite(fd, data + 1, size - 1, 0) != (ssize_t)size - 1)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!x86_kernel_open(&kernel, path, GIB(1)) && !x86_kernel_load(&kernel, &boot, &entry) &&
	    entry.rip >= boot.low_ram)
		abort();
	boot_file_close(&kernel.file);
	return 0;
}
