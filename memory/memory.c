// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lkvm/util/log.h"
#include "lkvm/memory/guard.h"
#include "lkvm/memory/backends.h"

#define PAGE 4096 /* of private_pages */

static const struct memory_config anonymous;

void guest_memory_init(struct guest_memory *memory)
{
	*memory = (struct guest_memory){
		.config = &anonymous,
		.backend = &memory_backends[MEMORY_ANONYMOUS],
		.vm_fd = -1,
		.fd = -1,
		.pool = -1,
		.page = sysconf(_SC_PAGESIZE),
	};
}

int guest_memory_use(struct guest_memory *memory, const struct memory_config *config, u64 size)
{
	memory->config = config;
	memory->backend = &memory_backends[config->kind];
	memory->size = size;
	memory->population = calloc(1, sizeof(*memory->population));
	if (!memory->population)
		return -ENOMEM;
	return memory->backend->open ? memory->backend->open(memory, size) : 0;
}

int guest_memory_attach(struct guest_memory *memory, int vm_fd)
{
	memory->vm_fd = vm_fd;
	return memory->backend->attach ? memory->backend->attach(memory, memory->size) : 0;
}

void guest_memory_destroy(struct guest_memory *memory)
{
	for (unsigned i = 0; i < memory->nr_regions; i++) {
		struct guest_region *region = &memory->regions[i];

		if (!region->borrowed)
			munmap(region->hva, region->size);
		if (region->guest_memfd >= 0)
			close(region->guest_memfd);
		free(region->private_pages);
	}
	if (memory->fd >= 0)
		close(memory->fd);
	if (memory->pool >= 0)
		close(memory->pool);
	memory->fd = memory->pool = -1;
	free(memory->population);
	memory->population = NULL;
	memory->nr_regions = 0;
}

int guest_memory_insert(struct guest_memory *memory, const struct guest_region *region)
{
	unsigned at = 0;

	if (!region->size || region->gpa + region->size < region->gpa)
		return -EINVAL;
	if (memory->nr_regions == GUEST_MEMORY_MAX_REGIONS)
		return -ENOSPC;
	while (at < memory->nr_regions && memory->regions[at].gpa < region->gpa)
		at++;
	if (at && memory->regions[at - 1].gpa + memory->regions[at - 1].size > region->gpa)
		return -EINVAL;
	if (at < memory->nr_regions && region->gpa + region->size > memory->regions[at].gpa)
		return -EINVAL;
	memmove(&memory->regions[at + 1], &memory->regions[at],
		(memory->nr_regions - at) * sizeof(*region));
	memory->regions[at] = *region;
	memory->nr_regions++;
	return 0;
}

int guest_memory_add_buffer(struct guest_memory *memory, gpa_t gpa, void *hva, u64 size)
{
	struct guest_region region = {
		.gpa = gpa, .size = size, .hva = hva, .borrowed = true, .guest_memfd = -1
	};

	return guest_memory_insert(memory, &region);
}

/* A guest has two or three regions: a walk beats anything cleverer. */
const struct guest_region *guest_region_at(const struct guest_memory *memory, gpa_t gpa,
					   u64 *offset)
{
	for (unsigned i = 0; i < memory->nr_regions; i++) {
		*offset = gpa - memory->regions[i].gpa;
		if (*offset < memory->regions[i].size)
			return &memory->regions[i];
	}
	return NULL;
}

const struct guest_region *guest_region_of(const struct guest_memory *memory, const void *hva,
					   u64 *offset)
{
	for (unsigned i = 0; i < memory->nr_regions; i++) {
		*offset = (uintptr_t)hva - (uintptr_t)memory->regions[i].hva;
		if (*offset < memory->regions[i].size)
			return &memory->regions[i];
	}
	return NULL;
}

/* Not empty, and within the region. */
static bool any_private(const struct guest_region *region, u64 offset, u64 len)
{
	u64 page = offset / PAGE, last = (offset + len - 1) / PAGE;

	if (!region->private_pages)
		return false;
	for (; page <= last; page++) {
		u64 bits = region->private_pages[page / 64];

		if (bits & BIT(page % 64))
			return true;
		/* Devices pass whole words of shared pages at once. */
		if (!bits)
			page |= 63;
	}
	return false;
}

/* How much of [gpa, gpa + len) lies in the region that gpa is in, and where; 0: none. */
static u64 memory_piece(const struct guest_memory *memory, gpa_t gpa, u64 len, bool write, u8 **hva)
{
	u64 offset;
	const struct guest_region *region = guest_region_at(memory, gpa, &offset);

	if (!region || !len || (write && region->readonly))
		return 0;
	*hva = region->hva + offset;
	len = MIN(len, region->size - offset);
	return any_private(region, offset, len) ? 0 : len;
}

static void *look_up(const struct guest_memory *memory, gpa_t gpa, u64 len, bool write)
{
	u8 *hva;

	return len && memory_piece(memory, gpa, len, write, &hva) == len ? hva : NULL;
}

void *guest_memory_hva(const struct guest_memory *memory, gpa_t gpa, u64 len)
{
	return look_up(memory, gpa, len, false);
}

void *guest_memory_hva_writable(const struct guest_memory *memory, gpa_t gpa, u64 len)
{
	return look_up(memory, gpa, len, true);
}

bool guest_memory_gpa(const struct guest_memory *memory, const void *hva, gpa_t *gpa)
{
	u64 offset;
	const struct guest_region *region = guest_region_of(memory, hva, &offset);

	if (region)
		*gpa = region->gpa + offset;
	return region;
}

bool guest_memory_may_vanish(const struct guest_memory *memory)
{
	for (unsigned i = 0; i < memory->nr_regions; i++)
		if (memory->regions[i].private_pages)
			return true;
	return false;
}

/* `bytes` is only read if they are to be written to the guest. */
static int guest_copy(const struct guest_memory *memory, gpa_t gpa, u8 *bytes, u64 len, bool write)
{
	u8 *hva;

	for (u64 n; len; gpa += n, bytes += n, len -= n) {
		n = memory_piece(memory, gpa, len, write, &hva);
		if (!n)
			return -EFAULT;
		if (write)
			memcpy(hva, bytes, n);
		else
			memcpy(bytes, hva, n);
	}
	return 0;
}

int guest_read(const struct guest_memory *memory, gpa_t gpa, void *dst, u64 len)
{
	return guest_copy(memory, gpa, dst, len, false);
}

int guest_write(const struct guest_memory *memory, gpa_t gpa, const void *src, u64 len)
{
	return guest_copy(memory, gpa, (u8 *)src, len, true);
}

int guest_memory_give_back(const struct guest_memory *memory, gpa_t gpa, u64 size)
{
	if (!size || !IS_ALIGNED(gpa, memory->page) || !IS_ALIGNED(size, memory->page))
		return -EINVAL;
	while (size) {
		u64 offset, n;
		const struct guest_region *region = guest_region_at(memory, gpa, &offset);
		int err;

		if (!region || region->readonly || region->unlisted)
			return -EFAULT;
		n = MIN(size, region->size - offset);
		/*
		 * One that becomes private from now on has a page of its own in the other half, and
		 * what is mapped here is given back anyway.
		 */
		if (any_private(region, offset, n))
			return -EACCES;
		err = memory_give_back(memory, region, offset, n);
		if (err)
			return err;
		gpa += n;
		size -= n;
	}
	return 0;
}

int guest_read_file(const struct guest_memory *memory, gpa_t gpa, int fd, off_t offset, u64 len)
{
	u8 *hva;

	while (len) {
		u64 want = memory_piece(memory, gpa, len, false, &hva);
		ssize_t got;

		if (!want)
			return -EFAULT;
		got = pread(fd, hva, want, offset);
		if (got < 0 && errno == EINTR)
			continue;
		/* There is a mapping there, so it was a page that could not be had. */
		if (got < 0 && errno == EFAULT) {
			memory_guard_check(hva, want);
			return -ENOMEM;
		}
		if (got < 0)
			return -errno;
		if (!got)
			return -ENODATA;
		gpa += got;
		offset += got;
		len -= got;
	}
	return 0;
}
