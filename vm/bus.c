// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/vm/bus.h"

/*
 * Every field is atomic because readers may look while a writer shifts entries; the sequence number
 * tells them afterwards whether what they saw was one consistent table.
 */
struct entry {
	_Atomic u64 base, size;
	const struct bus_ops *_Atomic ops;
	void *_Atomic opaque;
};

struct bus {
	atomic_uint sequence; /* odd while a writer is at work */
	_Atomic unsigned nr;
	struct entry entries[BUS_MAX_REGIONS]; /* sorted by base */
	pthread_mutex_t lock;		       /* writers */
};

struct hit {
	u64 offset;
	u64 room; /* bytes from offset to the region's end */
	const struct bus_ops *ops;
	void *opaque;
};

struct bus *bus_create(void)
{
	struct bus *bus = calloc(1, sizeof(*bus));

	if (bus)
		pthread_mutex_init(&bus->lock, NULL);
	return bus;
}

void bus_destroy(struct bus *bus)
{
	if (!bus)
		return;
	pthread_mutex_destroy(&bus->lock);
	free(bus);
}

#define GET(field)	  atomic_load_explicit(&(field), memory_order_relaxed)
#define SET(field, value) atomic_store_explicit(&(field), value, memory_order_relaxed)

/* Index of the first entry whose base is above address. */
static unsigned bus_upper(struct bus *bus, unsigned nr, u64 address)
{
	unsigned low = 0, high = nr;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (GET(bus->entries[middle].base) <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool bus_search(struct bus *bus, u64 address, struct hit *hit)
{
	unsigned nr = MIN(GET(bus->nr), (unsigned)BUS_MAX_REGIONS);
	unsigned at = bus_upper(bus, nr, address);
	struct entry *entry;
	u64 size;

	if (!at)
		return false;
	entry = &bus->entries[at - 1];
	hit->offset = address - GET(entry->base);
	size = GET(entry->size);
	if (hit->offset >= size)
		return false;
	hit->room = size - hit->offset;
	hit->ops = GET(entry->ops);
	hit->opaque = GET(entry->opaque);
	return true;
}

static bool bus_find(struct bus *bus, u64 address, struct hit *hit)
{
	for (;;) {
		unsigned before = atomic_load_explicit(&bus->sequence, memory_order_acquire);
		bool found;

		if (before & 1)
			continue; /* a writer moves a few entries: shorter than going to sleep */
		found = bus_search(bus, address, hit);
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&bus->sequence, memory_order_relaxed) == before)
			return found;
	}
}

static void write_begin(struct bus *bus)
{
	atomic_fetch_add_explicit(&bus->sequence, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

static void write_end(struct bus *bus)
{
	atomic_fetch_add_explicit(&bus->sequence, 1, memory_order_release);
}

static void copy_entry(struct entry *to, struct entry *from)
{
	SET(to->base, GET(from->base));
	SET(to->size, GET(from->size));
	SET(to->ops, GET(from->ops));
	SET(to->opaque, GET(from->opaque));
}

static int add_locked(struct bus *bus, u64 base, u64 size, const struct bus_ops *ops, void *opaque)
{
	unsigned nr = bus->nr, at = bus_upper(bus, nr, base);
	struct entry *entries = bus->entries;

	if (nr == BUS_MAX_REGIONS)
		return -ENOSPC;
	if (at && entries[at - 1].base + (entries[at - 1].size - 1) >= base)
		return -EEXIST;
	if (at < nr && base + (size - 1) >= entries[at].base)
		return -EEXIST;
	write_begin(bus);
	for (unsigned i = nr; i > at; i--)
		copy_entry(&entries[i], &entries[i - 1]);
	SET(entries[at].base, base);
	SET(entries[at].size, size);
	SET(entries[at].ops, ops);
	SET(entries[at].opaque, opaque);
	SET(bus->nr, nr + 1);
	write_end(bus);
	return 0;
}

int bus_add(struct bus *bus, u64 base, u64 size, const struct bus_ops *ops, void *opaque)
{
	int err;

	if (!size || base + (size - 1) < base)
		return -EINVAL;
	pthread_mutex_lock(&bus->lock);
	err = add_locked(bus, base, size, ops, opaque);
	pthread_mutex_unlock(&bus->lock);
	return err;
}

int bus_remove(struct bus *bus, u64 base)
{
	struct entry *entries = bus->entries;
	unsigned nr, at;
	int err = -ENOENT;

	pthread_mutex_lock(&bus->lock);
	nr = bus->nr;
	at = bus_upper(bus, nr, base);
	if (at && entries[at - 1].base == base) {
		write_begin(bus);
		for (unsigned i = at; i < nr; i++)
			copy_entry(&entries[i - 1], &entries[i]);
		SET(bus->nr, nr - 1);
		write_end(bus);
		err = 0;
	}
	pthread_mutex_unlock(&bus->lock);
	return err;
}

bool bus_read(struct bus *bus, u64 address, u8 *data, unsigned len)
{
	struct hit hit;

	if (!bus_find(bus, address, &hit) || hit.room < len) {
		memset(data, 0xff, len);
		return false;
	}
	hit.ops->read(hit.opaque, hit.offset, data, len);
	return true;
}

bool bus_write(struct bus *bus, u64 address, const u8 *data, unsigned len)
{
	struct hit hit;

	if (!bus_find(bus, address, &hit) || hit.room < len)
		return false;
	hit.ops->write(hit.opaque, hit.offset, data, len);
	return true;
}

u64 bus_get(const u8 *data, unsigned len)
{
	le64 value = 0;

	memcpy(&value, data, MIN(len, 8u));
	return le64toh(value);
}

void bus_put(u8 *data, unsigned len, u64 value)
{
	le64 wire = htole64(value);

	memcpy(data, &wire, MIN(len, 8u));
}
