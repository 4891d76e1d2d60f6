// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How boot images get into guest memory. write(2) on the file behind it makes each page and copies into it
 * at once; through the mapping every page costs a fault first. What guest_memfd takes (whole pages at page
 * boundaries) is kept to on every file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "lkvm/memory/backends.h"
#include "uapi/mman.h"
#include "lkvm/memory/populate.h"
#include "lkvm/util/log.h"

#define WORTH_WRITING KIB(64) /* tables and command lines are not, and share pages */
#define LONGEST_WRITE MIB(64)
#define MADE_AT_ONCE  MIB(2) /* still in the processor's cache when they are read into */

/* What goes in: bytes in memory; where that is NULL, a file's from `offset` on. */
struct source {
	const u8 *bytes;
	int fd;
	off_t offset;
};

static struct source source_behind(struct source from, u64 len)
{
	if (from.bytes)
		from.bytes += len;
	from.offset += len;
	return from;
}

static void populate_count(const struct guest_memory *memory, u64 written, u64 mapped)
{
	if (!memory->population)
		return;
	memory->population->written += written;
	memory->population->mapped += mapped;
}

/*
 * Whole pages, from a page boundary on. How many bytes went; less than len when the kernel takes no more:
 * out of memory, out of space, or a source that ends. The mapping then tells which.
 */
static u64 write_pages(const struct guest_memory *memory, const u8 *from, u64 file, u64 len)
{
	u64 done = 0;

	while (done < len) {
		ssize_t got = pwrite(memory->fd, from + done, MIN(len - done, (u64)LONGEST_WRITE),
				     file + done);

		if (got < 0 && errno == EINTR)
			continue;
		/* A page that came half is written again as a whole, and given up if it comes half again. */
		if (got < (ssize_t)memory->page) {
			if (memory->population)
				memory->population->error = got < 0 ? errno : EIO;
			break;
		}
		done += ALIGN_DOWN((u64)got, memory->page);
	}
	populate_count(memory, done, 0);
	return done;
}

/*
 * A file's pages come one by one as read(2) gets to each; made many at a time they cost a fifth less. Where
 * that cannot be done, read(2) says what is wrong.
 */
static void make_pages(const struct guest_memory *memory, const struct guest_region *region,
		       u64 offset, u64 len)
{
	u64 begin = ALIGN_DOWN(offset, memory->page), end = ALIGN_UP(offset + len, memory->page);

	if (region->shared && len >= WORTH_WRITING)
		madvise(region->hva + begin, end - begin, MADV_POPULATE_WRITE);
}

static int copy_through_mapping(const struct guest_memory *memory,
				const struct guest_region *region, u64 offset, struct source from,
				u64 len)
{
	int err = 0;

	populate_count(memory, 0, len);
	if (from.bytes)
		return guest_write(memory, region->gpa + offset, from.bytes, len);
	for (u64 done = 0, n; done < len && !err; done += n) {
		n = MIN(len - done, (u64)MADE_AT_ONCE);
		make_pages(memory, region, offset + done, n);
		err = guest_read_file(memory, region->gpa + offset + done, from.fd,
				      from.offset + done, n);
	}
	return err;
}

/* The last page, of which the file has `len` bytes and the rest becomes zero. */
static bool write_tail(const struct guest_memory *memory, int fd, off_t offset, u64 file, u64 len)
{
	u8 *page = aligned_alloc(memory->page, memory->page);
	bool done;

	if (!page)
		return false;
	memset(page, 0, memory->page);
	done = pread(fd, page, len, offset) == (ssize_t)len &&
	       write_pages(memory, page, file, memory->page) == memory->page;
	free(page);
	return done;
}

/*
 * Straight from the page cache: the source is a mapping of the file. The kernel alone touches it, so that a
 * file which became shorter makes a short write, and then an error of read(2), but no signal.
 */
static u64 write_body(const struct guest_memory *memory, struct source from, u64 file, u64 len)
{
	u64 before = from.offset & (sysconf(_SC_PAGESIZE) - 1), done;
	u8 *mapped;

	if (from.bytes || !len)
		return write_pages(memory, from.bytes, file, len);
	mapped = mmap(NULL, before + len, PROT_READ, MAP_SHARED, from.fd, from.offset - before);
	if (mapped == MAP_FAILED)
		return 0;
	done = write_pages(memory, mapped + before, file, len);
	munmap(mapped, before + len);
	return done;
}

static int write_part(const struct guest_memory *memory, const struct guest_region *region,
		      u64 offset, struct source from, u64 len, bool pad)
{
	u64 file = region->offset + offset, head = MIN(len, -file & (memory->page - 1));
	u64 body = ALIGN_DOWN(len - head, memory->page), tail = len - head - body, done;
	int err = copy_through_mapping(memory, region, offset, from, head);

	if (err)
		return err;
	done = head + write_body(memory, source_behind(from, head), file + head, body);
	if (pad && tail && done == head + body &&
	    write_tail(memory, from.fd, from.offset + done, file + done, tail))
		return 0;
	return copy_through_mapping(memory, region, offset + done, source_behind(from, done),
				    len - done);
}

static int populate(const struct guest_memory *memory, gpa_t gpa, struct source from, u64 len,
		    bool pad)
{
	int err = 0;

	for (u64 n; len && !err; len -= n) {
		u64 offset;
		const struct guest_region *region = guest_region_at(memory, gpa, &offset);

		if (!region || region->readonly)
			return -EFAULT;
		n = MIN(len, region->size - offset);
		if (region->shared && memory->written && n >= WORTH_WRITING)
			err = write_part(memory, region, offset, from, n, pad && n == len);
		else
			err = copy_through_mapping(memory, region, offset, from, n);
		gpa += n;
		from = source_behind(from, n);
	}
	return err;
}

int guest_memory_populate(const struct guest_memory *memory, gpa_t gpa, const void *bytes, u64 len)
{
	return populate(memory, gpa, (struct source){ .bytes = bytes, .fd = -1 }, len, false);
}

int guest_memory_populate_file(const struct guest_memory *memory, gpa_t gpa, int fd, off_t offset,
			       u64 len, bool pad)
{
	const struct guest_population *done = memory->population;
	int err = populate(memory, gpa, (struct source){ .fd = fd, .offset = offset }, len, pad);

	if (!err && done)
		log_debug("guest memory: %llu KiB at 0x%llx; so far %llu bytes by write(2), %llu "
			  "through the mapping%s%s",
			  (unsigned long long)len >> 10, (unsigned long long)gpa,
			  (unsigned long long)done->written, (unsigned long long)done->mapped,
			  done->error ? "; a write failed: " : "",
			  done->error ? strerror(done->error) : "");
	return err;
}

const char *guest_memory_population(const struct guest_memory *memory)
{
	const struct guest_population *done = memory->population;

	if (!done || !done->written)
		return "read(2) into the mapping";
	return done->error ? "write(2), where that failed read(2) into the mapping" : "write(2)";
}
