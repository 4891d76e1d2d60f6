// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * populate [MIB [ROUNDS [FILE]]]: how long a boot image of so many MiB takes to get into guest memory that
 * nobody has touched yet, by each way and for each kind of memory, in turns. FILE is what is loaded (default:
 * one in memory), of at least that size; it comes from the page cache. Prints medians and best turns in
 * milliseconds, and what the medians are of memcpy's.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "lkvm/config/memory-config.h"
#include "lkvm/host/kvm.h"
#include "lkvm/host/guest-memfd.h"
#include "lkvm/memory/memory.h"
#include "lkvm/memory/populate.h"
#include "uapi/kvm.h"

#define MAX_ROUNDS 99

static u64 size;
static int source = -1;
static const u8 *source_bytes; /* the file's pages, in place */

/* ---- ways ---- */

static int by_memcpy(struct guest_memory *memory)
{
	return guest_write(memory, 0, source_bytes, size);
}

static int by_read(struct guest_memory *memory)
{
	return guest_read_file(memory, 0, source, 0, size);
}

/* Everything as lkvm does it, the source's mapping included. */
static int by_write(struct guest_memory *memory)
{
	if (!memory->written)
		return -EOPNOTSUPP;
	return guest_memory_populate_file(memory, 0, source, 0, size, true);
}

/* As lkvm does it where it cannot write. */
static int by_read_made(struct guest_memory *memory)
{
	memory->written = false;
	return guest_memory_populate_file(memory, 0, source, 0, size, true);
}

/* One copy more, but the bytes in between never leave the processor's cache. */
static int by_bounce(struct guest_memory *memory)
{
	static u8 buffer[KIB(256)] __attribute__((aligned(4096)));

	if (!memory->written)
		return -EOPNOTSUPP;
	for (u64 at = 0; at < size;) {
		ssize_t got = pread(source, buffer, sizeof(buffer), at);

		if (got <= 0 || pwrite(memory->fd, buffer, got, at) != got)
			return -EIO;
		at += got;
	}
	return 0;
}

static const struct way {
	const char *name;
	int (*run)(struct guest_memory *memory);
	bool prealloc;
} ways[] = {
	{ "memcpy into the mapping", by_memcpy, false },
	{ "read(2) into the mapping", by_read, false },
	{ "read(2), 2 MiB made ahead", by_read_made, false },
	{ "prealloc, then read(2)", by_read, true },
	{ "write(2) from a mapping", by_write, false },
	{ "write(2) from a small buffer", by_bounce, false },
};

static const enum memory_kind kinds[] = { MEMORY_ANONYMOUS, MEMORY_MEMFD, MEMORY_GUEST_MEMFD };

/* ---- measuring ---- */

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
	double first = *(const double *)a, second = *(const double *)b;

	return first < second ? -1 : first > second;
}

/* Milliseconds, or -errno. */
static double once(const struct way *way, enum memory_kind kind, int vm_fd)
{
	struct memory_config config = { .kind = kind, .prealloc = way->prealloc };
	struct guest_memory memory;
	double begin, took;
	int error;

	guest_memory_init(&memory);
	error = guest_memory_use(&memory, &config, size);
	if (!error)
		error = guest_memory_attach(&memory, vm_fd);
	begin = now_ms();
	if (!error)
		error = guest_memory_add_ram(&memory, 0, size);
	if (!error)
		error = way->run(&memory);
	took = now_ms() - begin;
	if (!error && memcmp(guest_memory_hva(&memory, 0, size), source_bytes, size))
		error = -EILSEQ;
	guest_memory_destroy(&memory);
	return error ? error : took;
}

static void measure(enum memory_kind kind, int vm_fd, unsigned rounds)
{
	double took[ARRAY_SIZE(ways)][MAX_ROUNDS];
	double base;

	/* The first turn warms up and is not counted. */
	for (unsigned round = 0; round <= rounds; round++)
		for (unsigned way = 0; way < ARRAY_SIZE(ways); way++)
			took[way][round ? round - 1 : 0] = once(&ways[way], kind, vm_fd);
	for (unsigned way = 0; way < ARRAY_SIZE(ways); way++) {
		double *t = took[way];

		qsort(t, rounds, sizeof(*t), by_value);
		base = way ? base : t[rounds / 2];
		if (t[0] < 0)
			printf("%-12s %-30s %s\n", memory_kind_names[kind], ways[way].name,
			       t[0] == -EOPNOTSUPP ? "not offered here" : strerror(-t[0]));
		else
			printf("%-12s %-30s %9.1f ms %9.1f ms   %.2f\n", memory_kind_names[kind],
			       ways[way].name, t[rounds / 2], t[0], t[rounds / 2] / base);
	}
}

static int make_source(const char *path)
{
	u8 *bytes;

	source = path ? open(path, O_RDONLY | O_CLOEXEC) : memfd_create("source", MFD_CLOEXEC);
	if (source < 0 || (!path && ftruncate(source, size)))
		return -errno;
	bytes = mmap(NULL, size, path ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED, source, 0);
	if (bytes == MAP_FAILED)
		return -errno;
	for (u64 at = 0; !path && at < size; at += sizeof(u64))
		*(u64 *)(bytes + at) = at * 0x9e3779b97f4a7c15ULL;
	source_bytes = bytes;
	return 0;
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 2 ? atoi(argv[2]) : 5;
	int kvm_fd, vm_fd = -1;

	size = MIB(argc > 1 ? atoi(argv[1]) : 512);
	rounds = MIN(MAX(rounds, 1U), (unsigned)MAX_ROUNDS);
	if (make_source(argc > 3 ? argv[3] : NULL)) {
		perror("source");
		return 1;
	}
	kvm_fd = kvm_open();
	if (kvm_fd >= 0)
		vm_fd = kvm_create_vm(kvm_fd, 0);
	printf("%llu MiB, %u turns\n%-12s %-30s %12s %12s   %s\n", (unsigned long long)size >> 20,
	       rounds, "memory", "way", "median", "best", "of memcpy");
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i] != MEMORY_GUEST_MEMFD || vm_fd >= 0)
			measure(kinds[i], vm_fd, rounds);
	return 0;
}
