/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How boot images come into guest memory. */
#ifndef LKVM_MEMORY_POPULATE_H
#define LKVM_MEMORY_POPULATE_H

#include "lkvm/memory/memory.h"

/*
 * What boots a guest goes into its memory by these, before it runs. Whole pages are given to
 * write(2) where the back end takes that, from the file's own pages, in few and large requests; the rest, and
 * all of it where writing ends with an error, goes through the mapping. With `pad`, the rest of the last page
 * is the caller's too and becomes zero. Errors are guest_write's and guest_read_file's.
 */
int __must_check guest_memory_populate(const struct guest_memory *memory, gpa_t gpa,
				       const void *bytes, u64 len);
int __must_check guest_memory_populate_file(const struct guest_memory *memory, gpa_t gpa, int fd,
					    off_t offset, u64 len, bool pad);
/* Which way that went, in words: "write(2)". Never NULL; a constant's. */
const char *guest_memory_population(const struct guest_memory *memory);

#endif
