/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Port and MMIO dispatch: one struct bus for each address space. Look-up takes no lock: readers take
 * a sequence number, search a fixed, sorted table, and look again if a writer was at work. Writers
 * (assembly, and a guest moving a PCI BAR) hold a mutex. Nothing is ever allocated after
 * bus_create(), so a guest that moves BARs for ever costs nothing.
 */
#ifndef LKVM_VM_BUS_H
#define LKVM_VM_BUS_H

#include "lkvm/util/types.h"

#define BUS_MAX_REGIONS 256

struct bus_ops {
	/*
	 * Called on the vCPU thread that did the access, several at once. `offset` is from the
	 * region's base; [offset, offset + len) lies inside the region; len is 1 to 8, for ports 1, 2
	 * or 4. read fills all of `data`, little-endian as the guest sees it.
	 */
	void (*read)(void *opaque, u64 offset, u8 *data, unsigned len);
	void (*write)(void *opaque, u64 offset, const u8 *data, unsigned len);
};

struct bus;

struct bus *bus_create(void);
void bus_destroy(struct bus *bus);

/*
 * Any thread. -EEXIST when the range overlaps another (a guest may try: the device then simply is not
 * reachable), -ENOSPC, -EINVAL for size 0 or overflow. ops and opaque must live until the bus is gone
 * or no vCPU runs.
 */
int bus_add(struct bus *bus, u64 base, u64 size, const struct bus_ops *ops, void *opaque);

/* The region that begins at `base`. -ENOENT. A handler may still be running on another vCPU. */
int bus_remove(struct bus *bus, u64 base);

/*
 * vCPU threads. False when nothing is there or the access crosses a region's end; a read then has
 * filled `data` with 0xff.
 */
bool bus_read(struct bus *bus, u64 address, u8 *data, unsigned len);
bool bus_write(struct bus *bus, u64 address, const u8 *data, unsigned len);

/* Helpers for handlers: a little-endian value of len bytes (1..8). */
u64 bus_get(const u8 *data, unsigned len);
void bus_put(u8 *data, unsigned len, u64 value);

#endif
