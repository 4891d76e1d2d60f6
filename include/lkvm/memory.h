/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory, and the one door to it. Nothing outside vm/memory.c turns a guest address into a
 * pointer without a length. What a guest wrote may change at any moment: copy it once (guest_read),
 * check the copy, use the copy.
 *
 * Regions are added while the guest is assembled and never move or go away while it exists, so
 * look-ups take no lock and may be done by any thread.
 */
#ifndef LKVM_MEMORY_H
#define LKVM_MEMORY_H

#include <sys/uio.h>
#include "lkvm/types.h"

#define GUEST_MEMORY_MAX_REGIONS 8

struct guest_region {
	gpa_t gpa; /* first byte */
	u64 size;  /* bytes, page multiple */
	u8 *hva;   /* where it is mapped here */
	/*
	 * A guest_memfd with its pages: all of them when `hva` is a mapping of it, or, in a guest with private
	 * memory, the private ones beside the shared ones at hva. -1: none. The region's to close.
	 */
	int guest_memfd;
	u64 guest_memfd_offset; /* bytes */
	/*
	 * A bit a page: the guest keeps it for itself (conversion.h), what is at hva is not what it has there, and
	 * all look-ups refuse it. Any thread. NULL: no page of the region ever is. The region's to free.
	 */
	_Atomic u64 *private_pages;
	bool readonly; /* a ROM: the guest and devices may only read it */
	bool unlisted; /* RAM that is not in the map of its memory that the guest gets */
	bool borrowed; /* the mapping belongs to the caller (tests) */
};

struct guest_memory {
	struct guest_region regions[GUEST_MEMORY_MAX_REGIONS]; /* sorted by gpa */
	unsigned nr_regions;
};

void guest_memory_init(struct guest_memory *memory);

/* Unmaps what add_ram mapped. No device or vCPU may exist any more. */
void guest_memory_destroy(struct guest_memory *memory);

/*
 * Allocates `size` bytes (page multiple) of zeroed memory for the guest at `gpa`. Nothing is
 * populated. -EINVAL when it overlaps or is not page aligned, -ENOMEM, -ENOSPC when the table is full.
 */
int guest_memory_add_ram(struct guest_memory *memory, gpa_t gpa, u64 size);

/* The same for what the guest learns of by other ways than its memory map (struct guest_region). */
int guest_memory_add_unlisted(struct guest_memory *memory, gpa_t gpa, u64 size);

/* The same with the caller's memory: unit tests and fuzzers need no KVM. */
int guest_memory_add_buffer(struct guest_memory *memory, gpa_t gpa, void *hva, u64 size);

/*
 * The hva of [gpa, gpa + len), or NULL unless all of it lies in one region (any length, overflow is
 * checked; len 0 is refused) and none of it is private to the guest. For long-lived areas such as rings and for boot loading.
 */
void *guest_memory_hva(const struct guest_memory *memory, gpa_t gpa, u64 len);

/* The same for something the device will write: NULL for read-only regions too. */
void *guest_memory_hva_writable(const struct guest_memory *memory, gpa_t gpa, u64 len);

/*
 * Can what guest_memory_hva() gave become private to the guest (struct guest_region)? The mapping stays, so to go on
 * using it harms nobody, but what is there is not the guest's: who keeps an hva asks for it again now and then.
 */
bool guest_memory_may_vanish(const struct guest_memory *memory);

/* Copies; the range may span adjacent regions. 0, or -EFAULT with nothing promised of the rest. */
int __must_check guest_read(const struct guest_memory *memory, gpa_t gpa, void *dst, u64 len);
int __must_check guest_write(const struct guest_memory *memory, gpa_t gpa, const void *src,
			     u64 len);

/*
 * Reads `len` bytes of a file from its offset straight into guest memory, for boot images. Short
 * files and ranges outside memory are errors: -EFAULT, -ENODATA, or what read(2) said.
 */
int __must_check guest_read_file(const struct guest_memory *memory, gpa_t gpa, int fd, off_t offset,
				 u64 len);

/*
 * Zeroes all RAM by giving the pages back to the host: what a reboot without leftovers needs. No vCPU
 * runs, every device is quiesced.
 */
int guest_memory_clear(struct guest_memory *memory);

#endif
