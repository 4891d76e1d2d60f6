// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of what guest RAM can be made of, and the simplest one with a file. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lkvm/util/log.h"
#include "lkvm/memory/backends.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U /* Linux 6.3 */
#endif

/* Whoever else maps it must not find it shorter one day, nor be able to add rules. */
static int open_memfd(struct guest_memory *memory, u64 size)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;

	memory->fd = memfd_create("guest", flags | MFD_NOEXEC_SEAL);
	if (memory->fd < 0 && errno == EINVAL)
		memory->fd = memfd_create("guest", flags);
	if (memory->fd >= 0 && !ftruncate(memory->fd, size) &&
	    !fcntl(memory->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
		memory->written = true;
		return 0;
	}
	return memory_refuse(memory, -errno, "%s", strerror(errno));
}

int memory_refuse(const struct guest_memory *memory, int err, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	log_fatal(MEMORY_PREFIX "%s", memory_name(memory), text);
	return err;
}

void memory_why_no_page(const struct guest_memory *memory, char *text, size_t size)
{
	if (memory->backend->why_no_page)
		memory->backend->why_no_page(memory, text, size);
	else
		snprintf(text, size, "the host has no page left for it");
}

const struct memory_backend memory_backends[MEMORY_NR_KINDS] = {
	[MEMORY_MEMFD] = { .open = open_memfd },
	[MEMORY_HUGETLB] = { .open = memory_open_hugetlb,
			     .reserved = true,
			     .keeps_pages = true,
			     .why_no_page = memory_why_no_huge_page },
	[MEMORY_HUGETLBFS] = { .open = memory_open_hugetlbfs,
			       .reserved = true,
			       .keeps_pages = true,
			       .why_no_page = memory_why_no_huge_page },
	[MEMORY_FILE] = { .open = memory_open_file,
			  .has_past = true,
			  .why_no_page = memory_why_no_file_page },
	[MEMORY_GUEST_MEMFD] = { .attach = memory_open_guest_memfd, .guest_memfd = true },
};
