// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lkvm/util/fatal.h"
#include "lkvm/util/log.h"
#include "lkvm/memory/guard.h"
#include "lkvm/memory/backends.h"

#define PAGE 4096 /* the precision of the addresses in messages */

#ifndef EHWPOISON
#define EHWPOISON 133
#endif

/* Why it cannot be had. */
enum loss {
	LOSS_NONE,
	LOSS_UNSHARED, /* the protected guest does not share it */
	LOSS_NO_PAGE,  /* the host has none for it */
	LOSS_BROKEN,   /* the host has told of a memory error */
};

/* Without memory: it is not armed. Written while there is no other thread. */
static struct memory_guard guard;
/* The address in the guest of the page that was lost first, and in its low bits enum loss. Any thread. */
static _Atomic u64 first_loss;
static u64 host_page; /* bytes; constant while armed */

/* ---- what happened; all of it async-signal-safe ---- */

/* Only the first loss is told of, but each asks for the end. */
static void guard_lose(gpa_t gpa, enum loss why)
{
	u64 none = LOSS_NONE;

	atomic_compare_exchange_strong(&first_loss, &none, ALIGN_DOWN(gpa, (u64)PAGE) | why);
	guard.lost(guard.opaque, why == LOSS_UNSHARED);
}

/* Regions are there for as long as the guard is armed, and nobody changes their table. */
static const struct guest_region *find_hva(const void *hva, u64 *offset)
{
	const struct guest_region *region = guest_region_of(guard.memory, hva, offset);

	return region && !region->borrowed ? region : NULL;
}

/* ---- signals ---- */

/* A mapping of huge pages can be replaced by whole ones alone. True: what is there now can be touched. */
static bool replace_page(const struct guest_region *region, u64 offset)
{
	u64 page = region->shared ? guard.memory->page : host_page;

	return mmap(region->hva + ALIGN_DOWN(offset, page), page, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != MAP_FAILED;
}

static enum loss loss_of(int signal_number, int code)
{
	if (signal_number == SIGSEGV)
		return LOSS_UNSHARED;
	return code == BUS_MCEERR_AR || code == BUS_MCEERR_AO ? LOSS_BROKEN : LOSS_NO_PAGE;
}

static bool guard_mend(int signal_number, const siginfo_t *info)
{
	enum loss why = loss_of(signal_number, info->si_code);
	const struct guest_region *region;
	u64 offset;

	if (!guard.memory || (signal_number == SIGSEGV && !*guard.private))
		return false;
	region = find_hva(info->si_addr, &offset);
	if (!region)
		return false;
	/*
	 * First: no thread may see zeroes without learning that they are ours, or end the guest for
	 * their effect.
	 */
	guard_lose(region->gpa + offset, why);
	return replace_page(region, offset);
}

int memory_guard_arm(const struct memory_guard *wanted)
{
	host_page = sysconf(_SC_PAGESIZE);
	guard = *wanted;
	return fatal_on_fault(guard_mend);
}

void memory_guard_disarm(void)
{
	fatal_on_fault(NULL);
	guard.memory = NULL;
	first_loss = LOSS_NONE;
}

bool memory_guard_tripped(void)
{
	return first_loss != LOSS_NONE;
}

/* ---- errors of system calls ---- */

bool memory_guard_report(gpa_t gpa, bool broken)
{
	u64 offset;

	if (!guard.memory || !guest_region_at(guard.memory, gpa, &offset))
		return false;
	guard_lose(gpa, broken ? LOSS_BROKEN : LOSS_NO_PAGE);
	return true;
}

/* One page. A kernel that cannot tell takes it for one that can be had. */
static bool try_page(const struct guest_region *region, u64 offset)
{
	int err = memory_have(region->hva + offset, host_page);

	if (!err || err == -EINVAL)
		return true;
	memory_guard_report(region->gpa + offset, err == -EHWPOISON);
	return false;
}

bool memory_guard_check(const void *hva, u64 len)
{
	const u8 *at = hva, *end = at + len;

	while (guard.memory && at < end) {
		u64 offset;
		const struct guest_region *region = find_hva(at, &offset);

		if (!region)
			return false;
		offset = ALIGN_DOWN(offset, host_page);
		if (!try_page(region, offset))
			return true;
		at = region->hva + offset + host_page;
	}
	return false;
}

bool memory_guard_check_iov(const struct iovec *iov, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		if (memory_guard_check(iov[i].iov_base, iov[i].iov_len))
			return true;
	return false;
}

/* What the file is shorter than it was, as an offset in the region; its size: it is not. */
static u64 find_end(const struct guest_memory *memory, const struct guest_region *region)
{
	u64 page = memory->page, end;
	struct stat st;

	if (fstat(memory->fd, &st))
		return region->size;
	end = (st.st_size + page - 1) / page * page;
	return end <= region->offset ? 0 : MIN(end - region->offset, region->size);
}

/* The first page that nobody has had yet; the region's size: none. */
static u64 find_hole(const struct guest_memory *memory, const struct guest_region *region)
{
	u8 there = 1;
	off_t hole;

	/* A file of huge pages tells of no holes, but those that are not mapped here are none of ours yet. */
	if (memory->backend->keeps_pages) {
		for (u64 at = 0; at < region->size; at += memory->page)
			if (!mincore(region->hva + at, 1, &there) && !(there & 1))
				return at;
		return region->size;
	}
	hole = lseek(memory->fd, region->offset, SEEK_HOLE);
	return hole < 0 ? region->size : MIN((u64)hole - region->offset, region->size);
}

bool memory_guard_search(void)
{
	const struct guest_memory *memory = guard.memory;

	for (unsigned i = 0; memory && i < memory->nr_regions; i++) {
		const struct guest_region *region = &memory->regions[i];
		u64 at;

		if (!region->shared || memory->backend->guest_memfd)
			continue;
		at = find_end(memory, region);
		if (at < region->size)
			return memory_guard_report(region->gpa + at, false);
		at = find_hole(memory, region);
		if (at < region->size && !try_page(region, ALIGN_DOWN(at, host_page)))
			return true;
	}
	return false;
}

/* ---- the message ---- */

void memory_guard_log(const char *name)
{
	u64 first = first_loss;
	unsigned long long gpa = ALIGN_DOWN(first, (u64)PAGE);
	enum loss loss = first & (PAGE - 1);
	char why[256];

	if (loss == LOSS_NONE || !guard.memory)
		return;
	if (loss == LOSS_UNSHARED) {
		log_error("Guest %s had a device use memory that it does not share, at 0x%llx; its "
			  "kernel must be built for protected guests, with restricted DMA pools",
			  name, gpa);
		return;
	}
	if (loss == LOSS_BROKEN)
		snprintf(why, sizeof(why),
			 "the host's memory there is broken, as the host's kernel log tells");
	else
		memory_why_no_page(guard.memory, why, sizeof(why));
	log_error("Guest %s: " MEMORY_PREFIX "memory at 0x%llx is lost: %s", name,
		  memory_name(guard.memory), gpa, why);
}
