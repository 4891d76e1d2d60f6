/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kinds of guest RAM, between memory/memory.c and what makes each. A kind other than anonymous is one file
 * for all of a guest's RAM; regions are mappings of it, one behind the other. Main thread.
 */
#ifndef MEMORY_BACKEND_H
#define MEMORY_BACKEND_H

#include "lkvm/memory/memory.h"
#include "lkvm/config/memory-config.h"

struct memory_backend {
	/*
	 * Makes memory->fd, `size` bytes of zeroes, and sets memory->page if its pages are not the host's
	 * ordinary ones. Logs and returns -errno on failure. NULL: anonymous, there is no file.
	 */
	int (*open)(struct guest_memory *memory, u64 size);
	/* The same for a file that KVM makes: memory->vm_fd is there. NULL: KVM does not. */
	int (*attach)(struct guest_memory *memory, u64 size);
	/* Its pages are promised, not hoped for: they are counted when they are mapped. */
	bool reserved;
	/* Its pages are a pool's that others wait for: a reboot keeps them, and writes the zeroes. */
	bool keeps_pages;
	/* What was in it before is to be thrown away. */
	bool has_past;
	/* KVM is given the file, not only the mapping. */
	bool guest_memfd;
	/* Why the host has no page for some of it, and what would help, for a message. NULL: nobody knows. */
	void (*why_no_page)(const struct guest_memory *memory, char *text, size_t size);
};

extern const struct memory_backend memory_backends[MEMORY_NR_KINDS];

/* memory/memory.c: into the table, sorted. -EINVAL when it overlaps, -ENOSPC; logs nothing. */
int guest_memory_insert(struct guest_memory *memory, const struct guest_region *region);

/* memory/memory.c: the region that gpa, or hva, lies in, and how many bytes behind its beginning; NULL: none. */
const struct guest_region *guest_region_at(const struct guest_memory *memory, gpa_t gpa,
					   u64 *offset);
const struct guest_region *guest_region_of(const struct guest_memory *memory, const void *hva,
					   u64 *offset);

/*
 * memory/ram.c: gives [offset, offset + size) of what is mapped of a region back to the host; zeroes are there
 * afterwards. Whole pages of the back end's. Any thread. 0; -errno: the host does not take them, nothing was done.
 */
int memory_give_back(const struct guest_memory *memory, const struct guest_region *region,
		     u64 offset, u64 size);
/*
 * The same to have zeroes there, whole pages of the host's: where pages are kept or not taken they are written.
 * For a range that nobody uses.
 */
void memory_zero(const struct guest_memory *memory, const struct guest_region *region, u64 offset,
		 u64 size);

/* The backend's why_no_page, or words for all of them. Any thread. */
void memory_why_no_page(const struct guest_memory *memory, char *text, size_t size);

/* memory/huge-pages.c, for memory_backends. */
int memory_open_hugetlb(struct guest_memory *memory, u64 size);
int memory_open_hugetlbfs(struct guest_memory *memory, u64 size);
void memory_why_no_huge_page(const struct guest_memory *memory, char *text, size_t size);
/* Logs that there are fewer huge pages of memory->page bytes than `size` bytes take, and what to do. -ENOMEM. */
int memory_too_few(const struct guest_memory *memory, u64 size);

/* memory/file-backend.c, the same. */
int memory_open_file(struct guest_memory *memory, u64 size);
void memory_why_no_file_page(const struct guest_memory *memory, char *text, size_t size);

/* host/guest-memfd.c, the same. */
int memory_open_guest_memfd(struct guest_memory *memory, u64 size);

/*
 * memory/prealloc.c: has every page of [hva, hva + size) made, each of `page` bytes, by several threads
 * if it is much. Contents stay. 0; -ENOMEM, -EFAULT and the like: not all could be had; logs nothing.
 */
int memory_preallocate(u8 *hva, u64 size, u64 page);
/*
 * The same of [hva, hva + size), pages of the host's, on this thread. -EINVAL: the kernel does not know how to
 * do that, and nothing was done.
 */
int memory_have(u8 *hva, u64 size);

/* What lines about it begin with: "--mem-backend hugetlb: ". */
#define MEMORY_PREFIX	    "--mem-backend %s: "
#define memory_name(memory) memory_kind_names[(memory)->config->kind]
/* Logs a fatal line that begins so, and returns err. */
int memory_refuse(const struct guest_memory *memory, int err, const char *fmt, ...) __printf(3, 4);

#endif
