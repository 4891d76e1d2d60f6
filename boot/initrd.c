// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "lkvm/boot/file.h"
#include "lkvm/boot/initrd.h"
#include "lkvm/memory/populate.h"
#include "lkvm/util/log.h"

/* The kernel's unpacker looks for the next archive at a multiple of 4 bytes. */
#define INITRD_ALIGN 4

u64 boot_initrd_size(const struct boot_file *files, unsigned nr)
{
	u64 size = 0;

	for (unsigned i = 0; i < nr; i++)
		size = ALIGN_UP(size, INITRD_ALIGN) + files[i].size;
	return size;
}

int boot_initrd_load(const struct guest_memory *memory, gpa_t gpa, const struct boot_file *files,
		     unsigned nr)
{
	static const u8 padding[INITRD_ALIGN];
	u64 at = 0;
	int err;

	for (unsigned i = 0; i < nr; i++) {
		u64 aligned = ALIGN_UP(at, INITRD_ALIGN);

		err = guest_memory_populate(memory, gpa + at, padding, aligned - at);
		if (!err)
			err = guest_memory_populate_file(memory, gpa + aligned, files[i].fd, 0,
							 files[i].size, i == nr - 1);
		if (err) {
			log_fatal("Unable to load initrd %s: %s", files[i].path,
				  err == -ENODATA ? "it became shorter" : strerror(-err));
			return err;
		}
		at = aligned + files[i].size;
	}
	return 0;
}
