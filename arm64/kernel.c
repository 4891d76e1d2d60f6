// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "kernel.h"
#include "lkvm/log.h"

#define RAW_OFFSET 0x80000 /* what boot loaders gave kernels without a header */

struct image_header {
	le32 code[2];
	le64 text_offset;
	le64 image_size;
	le64 flags;
	le64 reserved[3];
	u8 magic[4];
	le32 pe_offset;
};
_Static_assert(sizeof(struct image_header) == 64, "booting.rst");

int arm64_kernel_open(struct arm64_kernel *kernel, const char *path)
{
	struct image_header header;
	int error = boot_file_open(&kernel->file, "kernel", path);

	if (error)
		return error;
	kernel->text_offset = RAW_OFFSET;
	kernel->size = kernel->file.size;
	if (boot_file_read(&kernel->file, 0, &header, sizeof(header)) != sizeof(header))
		return 0;
	if (memcmp(header.magic, "ARM\x64", 4))
		return 0;
	kernel->text_offset = le64toh(header.text_offset);
	kernel->size = MAX(kernel->size, (u64)le64toh(header.image_size));
	return 0;
}

void arm64_kernel_close(struct arm64_kernel *kernel)
{
	boot_file_close(&kernel->file);
}

int arm64_kernel_load(const struct arm64_kernel *kernel, const struct guest_memory *memory,
		      gpa_t base)
{
	int error = guest_read_file(memory, base + kernel->text_offset, kernel->file.fd, 0,
				    kernel->file.size);

	if (error)
		log_fatal("Unable to load kernel %s: %s", kernel->file.path, strerror(-error));
	return error;
}
