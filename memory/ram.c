// SPDX-License-Identifier: GPL-2.0-or-later
/* How guest RAM is made and how it becomes as new for a reboot. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lkvm/util/log.h"
#include "lkvm/memory/backends.h"

#define HUGE_PAGE MIB(2)

/* ---- mapping ---- */

static u8 *map_at(const struct guest_memory *memory, const struct guest_region *region, u8 *at)
{
	int flags = region->shared ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;

	/* NORESERVE: a guest is usually given more than it touches; the host's overcommit rules decide. */
	if (!region->shared || !memory->backend->reserved)
		flags |= MAP_NORESERVE;
	return mmap(at, region->size, PROT_READ | PROT_WRITE, flags | (at ? MAP_FIXED : 0),
		    region->shared ? memory->fd : -1, region->offset);
}

/*
 * Only where host and guest addresses are the same but for a multiple of a huge page can KVM map one; not
 * every kernel aligns a mapping so far by itself.
 */
static u8 *map_aligned(const struct guest_memory *memory, const struct guest_region *region)
{
	u64 align = MAX(memory->page, (u64)HUGE_PAGE), size = region->size + align;
	u8 *area, *hva, *at;

	if (region->size < HUGE_PAGE)
		return map_at(memory, region, NULL);
	area = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (area == MAP_FAILED)
		return area;
	at = area + ((region->gpa - (uintptr_t)area) & (align - 1));
	hva = map_at(memory, region, at);
	if (hva == MAP_FAILED) {
		munmap(area, size);
		return hva;
	}
	if (at > area)
		munmap(area, at - area);
	munmap(at + region->size, area + align - at);
	return hva;
}

static int ram_map(struct guest_memory *memory, struct guest_region *region)
{
	int err = 0;

	region->hva = map_aligned(memory, region);
	if (region->hva == MAP_FAILED)
		return -errno;
	/* Advice only: fewer faults and a smaller second-level page table where the host allows it. */
	madvise(region->hva, region->size, MADV_HUGEPAGE);
	madvise(region->hva, region->size, MADV_DONTDUMP);
	if (region->shared && memory->backend->guest_memfd) {
		region->guest_memfd = fcntl(memory->fd, F_DUPFD_CLOEXEC, 0);
		err = region->guest_memfd < 0 ? -errno : 0;
	}
	if (!err)
		err = guest_memory_insert(memory, region);
	if (!err)
		return 0;
	if (region->guest_memfd >= 0)
		close(region->guest_memfd);
	munmap(region->hva, region->size);
	return err;
}

/* ---- contents ---- */

static int ram_punch(int fd, u64 offset, u64 size)
{
	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, size) ? -errno : 0;
}

/* Untouched pages are zero, and stay unpopulated. */
static void zero_pages(const struct guest_memory *memory, const struct guest_region *region,
		       u64 offset, u64 size)
{
	u64 end = offset + size, next;
	u8 there;

	for (; offset < end; offset = next) {
		u64 page = ALIGN_DOWN(offset, memory->page);

		next = MIN(page + memory->page, end);
		if (mincore(region->hva + page, 1, &there) || there & 1)
			memset(region->hva + offset, 0, next - offset);
	}
}

int memory_give_back(const struct guest_memory *memory, const struct guest_region *region,
		     u64 offset, u64 size)
{
	if (region->borrowed) {
		memset(region->hva + offset, 0, size);
		return 0;
	}
	/* MADV_DONTNEED would only forget where a file's pages are mapped, and find them again. */
	if (region->shared)
		return ram_punch(memory->fd, region->offset + offset, size);
	return madvise(region->hva + offset, size, MADV_DONTNEED) ? -errno : 0;
}

void memory_zero(const struct guest_memory *memory, const struct guest_region *region, u64 offset,
		 u64 size)
{
	int err;

	/* Given back, another process could have them before we get them again. */
	if (region->shared && memory->backend->keeps_pages) {
		zero_pages(memory, region, offset, size);
		return;
	}
	err = memory_give_back(memory, region, offset, size);
	if (!err)
		return;
	/* A file system without holes, say: the host does not get its pages, but the guest gets its zeroes. */
	log_debug("Memory is zeroed instead of being given back: %s", strerror(-err));
	memset(region->hva + offset, 0, size);
}

/* All of it is there before the guest starts. */
static int make_pages(const struct guest_memory *memory, const struct guest_region *region)
{
	int err = memory_preallocate(region->hva, region->size, memory->page);
	char why[256];

	if (!err)
		return 0;
	if (err == -EFAULT)
		memory_why_no_page(memory, why, sizeof(why));
	else
		snprintf(why, sizeof(why), "%s", strerror(-err));
	return memory_refuse(memory, err, "prealloc: not all of %llu MiB can be had: %s",
			     (unsigned long long)region->size >> 20, why);
}

int guest_memory_clear(struct guest_memory *memory)
{
	int err = 0;

	for (unsigned i = 0; i < memory->nr_regions && !err; i++) {
		const struct guest_region *region = &memory->regions[i];

		memory_zero(memory, region, 0, region->size);
		if (memory->config->prealloc && !region->borrowed && !region->unlisted)
			err = make_pages(memory, region);
	}
	return err;
}

/* ---- RAM ---- */

static int check_pages(const struct guest_memory *memory, gpa_t gpa, u64 size)
{
	if (IS_ALIGNED(gpa | size, memory->page))
		return 0;
	return memory_refuse(
		memory, -EINVAL,
		"%llu KiB of memory at 0x%llx are no whole number of its pages of %llu "
		"KiB; choose the size of --mem accordingly",
		(unsigned long long)size >> 10, (unsigned long long)gpa,
		(unsigned long long)memory->page >> 10);
}

static int no_memory(const struct guest_memory *memory, u64 size, int err)
{
	if (err == -ENOMEM && memory->backend->reserved)
		return memory_too_few(memory, memory->size);
	log_fatal("--mem: no %llu MiB of memory for the guest: %s", (unsigned long long)size >> 20,
		  strerror(-err));
	return err;
}

int guest_memory_add_ram(struct guest_memory *memory, gpa_t gpa, u64 size)
{
	struct guest_region region = {
		.gpa = gpa,
		.size = size,
		.guest_memfd = -1,
		.shared = memory->fd >= 0,
	};
	int err = check_pages(memory, gpa, size);

	if (err)
		return err;
	if (region.shared)
		region.offset = region.guest_memfd_offset = memory->used;
	err = ram_map(memory, &region);
	if (err)
		return no_memory(memory, size, err);
	memory->used += region.shared ? size : 0;
	if (memory->backend->has_past)
		memory_zero(memory, &region, 0, size);
	return memory->config->prealloc ? make_pages(memory, &region) : 0;
}

int guest_memory_add_unlisted(struct guest_memory *memory, gpa_t gpa, u64 size)
{
	struct guest_region region = {
		.gpa = gpa, .size = size, .unlisted = true, .guest_memfd = -1
	};

	return ram_map(memory, &region);
}
