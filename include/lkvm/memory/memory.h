/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory, and the one door to it. Nothing outside memory/memory.c turns a guest address into a
 * pointer without a length. What a guest wrote may change at any moment: copy it once (guest_read),
 * check the copy, use the copy.
 *
 * Regions are added while the guest is assembled and never move or go away while it exists, so
 * look-ups take no lock and may be done by any thread.
 */
#ifndef LKVM_MEMORY_MEMORY_H
#define LKVM_MEMORY_MEMORY_H

#include <sys/uio.h>
#include "lkvm/util/types.h"

#define GUEST_MEMORY_MAX_REGIONS 8

struct memory_backend;
struct memory_config;

struct guest_region {
	gpa_t gpa; /* first byte */
	u64 size;  /* bytes, page multiple */
	u8 *hva;   /* where it is mapped here */
	/* hva is a shared mapping of guest_memory's file from here on, bytes; else anonymous memory. */
	bool shared;
	u64 offset;
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

/* How boot images came into guest memory. */
struct guest_population {
	u64 written; /* bytes by write(2) */
	u64 mapped;  /* bytes through the mapping */
	int error;   /* the errno that made an end of writing; 0: none */
};

struct guest_memory {
	struct guest_region regions[GUEST_MEMORY_MAX_REGIONS]; /* sorted by gpa */
	unsigned nr_regions;
	const struct memory_config *config;   /* what its RAM is made of */
	const struct memory_backend *backend; /* and by what */
	int vm_fd;			      /* KVM's, for guest_memfd; -1: none */
	int fd;	  /* all of its RAM, as other processes may map it; -1: it is anonymous */
	int pool; /* the host's folder of numbers about the huge pages that it is made of; -1: none */
	u64 size; /* bytes of all its RAM */
	u64 used; /* bytes of the file that regions have */
	u64 page; /* bytes of the pages that RAM comes in */
	bool written; /* the file takes what goes into guest memory by pwrite(2); else it goes through the mapping */
	struct guest_population *population; /* NULL: nobody counts */
};

void guest_memory_init(struct guest_memory *memory);

/*
 * What RAM added from now on is made of; `size` bytes will be in all. Without this call it is anonymous. Opens
 * all files that this takes; config outlives memory. Logs and returns -errno: what the host lacks, with what would help.
 */
int guest_memory_use(struct guest_memory *memory, const struct memory_config *config, u64 size);
/* Tells it KVM's VM, before RAM is added: guest_memfd is made by that. Logs and returns -errno. */
int guest_memory_attach(struct guest_memory *memory, int vm_fd);

/* Unmaps what add_ram mapped. No device or vCPU may exist any more. */
void guest_memory_destroy(struct guest_memory *memory);

/*
 * Allocates `size` bytes (page multiple) of zeroed memory for the guest at `gpa`. Nothing is
 * populated unless that was asked for. -EINVAL when it overlaps or is not page aligned, -ENOMEM, -ENOSPC
 * when the table is full; said.
 */
int guest_memory_add_ram(struct guest_memory *memory, gpa_t gpa, u64 size);

/*
 * The same for what the guest learns of by other ways than its memory map (struct guest_region). It is
 * anonymous memory always. Logs nothing.
 */
int guest_memory_add_unlisted(struct guest_memory *memory, gpa_t gpa, u64 size);

/* The same with the caller's memory: unit tests and fuzzers need no KVM. */
int guest_memory_add_buffer(struct guest_memory *memory, gpa_t gpa, void *hva, u64 size);

/*
 * The hva of [gpa, gpa + len), or NULL unless all of it lies in one region (any length, overflow is
 * checked; len 0 is refused) and none of it is private to the guest. For long-lived areas such as rings
 * and for boot loading.
 */
void *guest_memory_hva(const struct guest_memory *memory, gpa_t gpa, u64 len);

/* The same for something the device will write: NULL for read-only regions too. */
void *guest_memory_hva_writable(const struct guest_memory *memory, gpa_t gpa, u64 len);

/* The other way round, of an address that these gave. Any thread. False: there is none of guest memory there. */
bool guest_memory_gpa(const struct guest_memory *memory, const void *hva, gpa_t *gpa);

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
 * Reads `len` bytes of a file from its offset straight into the mapping. Short files and ranges outside
 * memory are errors: -EFAULT, -ENODATA, or what read(2) said; -ENOMEM when the host has no page for it.
 */
int __must_check guest_read_file(const struct guest_memory *memory, gpa_t gpa, int fd, off_t offset,
				 u64 len);

/*
 * Gives pages of RAM back to the host, which can use them for anything: the guest finds zeroes there, and the
 * host must have a page again when it touches one. Multiples of memory->page. Any thread. 0; -EINVAL: no whole
 * pages; -EFAULT: not all of it is RAM that the guest was given as such; -EACCES: some is private to the guest, which
 * keeps it; or what the host says (-EOPNOTSUPP: a file system without holes). After an error the first part of it may
 * have been given back.
 */
int __must_check guest_memory_give_back(const struct guest_memory *memory, gpa_t gpa, u64 size);

/*
 * Zeroes all RAM, by giving the pages back to the host where they are not the guest's to keep: what a
 * reboot without leftovers needs. No vCPU runs, every device is quiesced. Logs and returns -errno on failure.
 */
int guest_memory_clear(struct guest_memory *memory);

#endif
