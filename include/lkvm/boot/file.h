/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel and initrd files. They stay open so that a reboot loads the same bytes again, even if a new kernel was
 * installed under the name.
 */
#ifndef LKVM_BOOT_FILE_H
#define LKVM_BOOT_FILE_H

#include <sys/types.h>
#include "lkvm/util/types.h"

struct boot_file {
	const char *path;
	int fd;
	u64 size;  /* bytes */
	bool copy; /* of what came out of a pipe, in memory */
};

/*
 * Opens a regular file for reading, or reads a pipe, FIFO or socket to its end, at most `most` bytes, which
 * takes as long as its writer does: call it while signals still end the process. Where the file is standard
 * input, that becomes /dev/null. Logs "Unable to open kernel FILE" (`what` is "kernel", "initrd") with
 * the reason (also: is a directory, is empty) and returns -errno.
 */
int boot_file_open(struct boot_file *file, const char *what, const char *path, u64 most);
/* It is not read again: gives the memory of a copy back. */
void boot_file_drop_copy(struct boot_file *file);
/* Also right for one that is all zero. */
void boot_file_close(struct boot_file *file);
/* Up to `size` bytes from `offset`; less only at the file's end. Bytes read or -errno. */
ssize_t boot_file_read(const struct boot_file *file, u64 offset, void *buffer, size_t size);

#endif
