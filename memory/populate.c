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

/* Part of a region; file is where its first byte is in memory->fd. */
struct piece {
	u8 *hva;
	u64 len, file;
	bool shared;   /* a mapping of memory->fd */
	bool writable; /* by write(2) */
};

static bool find_piece(const struct guest_memory *memory, gpa_t gpa, u64 len, struct piece *piece)
{
	for (unsigned i = 0; i < memory->nr_regions; i++) {
		const struct guest_region *region = &memory->regions[i];
		u64 at = gpa - region->gpa;

		if (at >= region->size)
			continue;
		*piece = (struct piece){
			.hva = region->hva + at,
			.len = MIN(len, region->size - at),
			.file = region->offset + at,
			.shared = region->shared,
			.writable = region->shared && memory->written,
		};
		return !region->readonly;
	}
	return false;
}

static void count(const struct guest_memory *memory, u64 written, u64 mapped)
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
	count(memory, done, 0);
	return done;
}

static u64 bytes_before_page(const struct guest_memory *memory, const struct piece *piece)
{
	return MIN(piece->len, -piece->file & (memory->page - 1));
}

/* ---- from memory ---- */

static int copy_through_mapping(const struct guest_memory *memory, gpa_t gpa, const void *bytes,
				u64 len)
{
	count(memory, 0, len);
	return len ? guest_write(memory, gpa, bytes, len) : 0;
}

static int populate_piece(const struct guest_memory *memory, const struct piece *piece, gpa_t gpa,
			  const u8 *from)
{
	u64 head = bytes_before_page(memory, piece);
	u64 body = ALIGN_DOWN(piece->len - head, memory->page);
	u64 done;
	int err = copy_through_mapping(memory, gpa, from, head);

	if (err)
		return err;
	done = head + write_pages(memory, from + head, piece->file + head, body);
	return copy_through_mapping(memory, gpa + done, from + done, piece->len - done);
}

int guest_memory_populate(const struct guest_memory *memory, gpa_t gpa, const void *bytes, u64 len)
{
	const u8 *from = bytes;
	struct piece piece;
	int err = 0;

	while (len && !err) {
		if (!find_piece(memory, gpa, len, &piece))
			return -EFAULT;
		if (piece.writable && piece.len >= WORTH_WRITING)
			err = populate_piece(memory, &piece, gpa, from);
		else
			err = copy_through_mapping(memory, gpa, from, piece.len);
		gpa += piece.len;
		from += piece.len;
		len -= piece.len;
	}
	return err;
}

/* ---- from a file ---- */

/*
 * A file's pages come one by one as read(2) gets to each; made many at a time they cost a fifth less. Where
 * that cannot be done, read(2) says what is wrong.
 */
static void make_pages(const struct guest_memory *memory, gpa_t gpa, u64 len)
{
	struct piece piece;
	u64 before;

	if (memory->fd < 0 || len < WORTH_WRITING || !find_piece(memory, gpa, len, &piece))
		return;
	before = (uintptr_t)piece.hva & (memory->page - 1);
	if (piece.shared)
		madvise(piece.hva - before, ALIGN_UP(before + piece.len, memory->page),
			MADV_POPULATE_WRITE);
}

static int read_through_mapping(const struct guest_memory *memory, gpa_t gpa, int fd, off_t offset,
				u64 len)
{
	int err = 0;

	count(memory, 0, len);
	for (u64 done = 0, n; done < len && !err; done += n) {
		n = MIN(len - done, (u64)MADE_AT_ONCE);
		make_pages(memory, gpa + done, n);
		err = guest_read_file(memory, gpa + done, fd, offset + done, n);
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
static u64 write_body(const struct guest_memory *memory, int fd, off_t offset, u64 file, u64 len)
{
	u64 before = offset & (sysconf(_SC_PAGESIZE) - 1), done;
	u8 *source;

	if (!len)
		return 0;
	source = mmap(NULL, before + len, PROT_READ, MAP_SHARED, fd, offset - before);
	if (source == MAP_FAILED)
		return 0;
	done = write_pages(memory, source + before, file, len);
	munmap(source, before + len);
	return done;
}

static int write_piece(const struct guest_memory *memory, const struct piece *piece, gpa_t gpa,
		       int fd, off_t offset, bool pad)
{
	u64 head = bytes_before_page(memory, piece);
	u64 body = ALIGN_DOWN(piece->len - head, memory->page), tail = piece->len - head - body;
	u64 done;
	int err = read_through_mapping(memory, gpa, fd, offset, head);

	if (err)
		return err;
	done = head + write_body(memory, fd, offset + head, piece->file + head, body);
	if (pad && tail && done == head + body &&
	    write_tail(memory, fd, offset + done, piece->file + done, tail))
		return 0;
	return read_through_mapping(memory, gpa + done, fd, offset + done, piece->len - done);
}

static void log_population(const struct guest_memory *memory, gpa_t gpa, u64 len)
{
	const struct guest_population *done = memory->population;

	if (!done)
		return;
	log_debug(
		"guest memory: %llu KiB at 0x%llx; so far %llu bytes by write(2), %llu through the "
		"mapping%s%s",
		(unsigned long long)len >> 10, (unsigned long long)gpa,
		(unsigned long long)done->written, (unsigned long long)done->mapped,
		done->error ? "; a write failed: " : "", done->error ? strerror(done->error) : "");
}

int guest_memory_populate_file(const struct guest_memory *memory, gpa_t gpa, int fd, off_t offset,
			       u64 len, bool pad)
{
	gpa_t begin = gpa;
	u64 size = len;
	struct piece piece;
	int err = 0;

	while (len && !err) {
		if (!find_piece(memory, gpa, len, &piece))
			return -EFAULT;
		if (piece.writable && piece.len >= WORTH_WRITING)
			err = write_piece(memory, &piece, gpa, fd, offset, pad && piece.len == len);
		else
			err = read_through_mapping(memory, gpa, fd, offset, piece.len);
		gpa += piece.len;
		offset += piece.len;
		len -= piece.len;
	}
	log_population(memory, begin, size);
	return err;
}

/* ---- what became of it ---- */

const char *guest_memory_population(const struct guest_memory *memory)
{
	const struct guest_population *done = memory->population;

	if (!done || !done->written)
		return "read(2) into the mapping";
	return done->error ? "write(2), where that failed read(2) into the mapping" : "write(2)";
}
