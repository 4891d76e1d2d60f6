/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtio driver in a few lines, for guests that are drivers, good and bad. The same calls over both
 * transports: `vio_pci` and `vio_mmio` find the device, everything else goes through struct vio.
 */
#ifndef GUEST_VIRTIO_H
#define GUEST_VIRTIO_H

#include "guest.h"

#define VIO_NET	    1
#define VIO_BLK	    2
#define VIO_CONSOLE 3
#define VIO_RNG	    4

#define VIO_ACKNOWLEDGE 1
#define VIO_DRIVER	2
#define VIO_DRIVER_OK	4
#define VIO_FEATURES_OK 8
#define VIO_NEEDS_RESET 0x40

#define VIO_NEXT     1
#define VIO_WRITE    2
#define VIO_INDIRECT 4

#define VIO_SIZE 16 /* of the queues that vio_queue makes */

struct vio_desc {
	u64 address;
	u32 len;
	u16 flags, next;
};

struct vio_queue {
	struct vio_desc desc[VIO_SIZE];
	struct {
		u16 flags, index, ring[VIO_SIZE], used_event;
	} avail __attribute__((aligned(2)));
	struct {
		u16 flags, index;
		struct {
			u32 id, len;
		} ring[VIO_SIZE];
		u16 avail_event;
	} used __attribute__((aligned(4)));
} __attribute__((aligned(4096)));

struct vio {
	addr_t mmio;			    /* registers, or 0: PCI */
	u32 slot;			    /* PCI */
	addr_t common, isr, notify, device; /* PCI: addresses */
	addr_t msix;			    /* PCI: MSI-X table */
	u32 msix_cap;			    /* PCI: offset in configuration space */
};

static inline u32 pci_config(u32 slot, u32 offset)
{
	return read32((addr_t)BOARD_ECAM + (slot << 15) + (offset & ~3U)) >> 8 * (offset & 3);
}

static inline void pci_set_config(u32 slot, u32 offset, u32 value)
{
	write32((addr_t)BOARD_ECAM + (slot << 15) + offset, value);
}

static inline addr_t pci_bar(u32 slot, u32 bar)
{
	u64 low = pci_config(slot, 0x10 + 4 * bar), high = 0;

	if ((low & 6) == 4)
		high = pci_config(slot, 0x14 + 4 * bar);
	return high << 32 | (low & ~15U);
}

/* The addresses again: BARs were moved. */
static inline void vio_find_bars(struct vio *v)
{
	for (u32 at = pci_config(v->slot, 0x34) & 0xff; at;
	     at = pci_config(v->slot, at + 1) & 0xff) {
		u32 id = pci_config(v->slot, at) & 0xff, type = pci_config(v->slot, at + 3) & 0xff;
		addr_t bar = pci_bar(v->slot, pci_config(v->slot, at + 4) & 7);
		addr_t address = bar + pci_config(v->slot, at + 8);

		if (id == 0x11) {
			v->msix_cap = at;
			v->msix = bar;
		}
		if (id != 9)
			continue;
		if (type == 1)
			v->common = address;
		if (type == 2)
			v->notify = address;
		if (type == 3)
			v->isr = address;
		if (type == 4)
			v->device = address;
	}
}

#define VIO_NR_MMIO 8
#define VIO_NR_PCI  32

/* Whether there is one of that type in that place: 0 to 7 are those of MMIO, slots of PCI behind. */
static inline int vio_at(struct vio *v, u32 type, u32 place)
{
	*v = (struct vio){ 0 };
	if (place < VIO_NR_MMIO) {
		v->mmio = (addr_t)BOARD_VIRTIO_MMIO + place * BOARD_VIRTIO_MMIO_SIZE;
		return read32(v->mmio) == 0x74726976 && read32(v->mmio + 8) == type;
	}
	v->slot = place - VIO_NR_MMIO;
	if (pci_config(v->slot, 0) != ((0x1040 + type) << 16 | 0x1af4))
		return 0;
	vio_find_bars(v);
	return 1;
}

/* These find a device of that type; 0 when there is none. */
static inline int vio_pci(struct vio *v, u32 type)
{
	for (u32 i = 0; i < VIO_NR_PCI; i++)
		if (vio_at(v, type, VIO_NR_MMIO + i))
			return 1;
	return 0;
}

static inline int vio_mmio(struct vio *v, u32 type)
{
	for (u32 i = 0; i < VIO_NR_MMIO; i++)
		if (vio_at(v, type, i))
			return 1;
	return 0;
}

static inline int vio_last(struct vio *v, u32 type)
{
	for (u32 i = VIO_NR_MMIO + VIO_NR_PCI; i > 0; i--)
		if (vio_at(v, type, i - 1))
			return 1;
	return 0;
}

static inline void vio_find(struct vio *v, u32 type)
{
	if (!vio_pci(v, type) && !vio_mmio(v, type))
		fail("no such virtio device", type);
}

static inline u8 vio_status(const struct vio *v)
{
	return v->mmio ? read32(v->mmio + 0x70) : read8(v->common + 20);
}

static inline void vio_set_status(const struct vio *v, u8 status)
{
	if (v->mmio)
		write32(v->mmio + 0x70, status);
	else
		write8(v->common + 20, status);
}

static inline void vio_kick(const struct vio *v, u32 queue)
{
	memory_barrier();
	if (v->mmio)
		write32(v->mmio + 0x50, queue);
	else
		write16(v->notify + 4 * queue, queue);
}

/* VERSION_1, and ACCESS_PLATFORM where it is offered: who offers it insists. */
static inline u32 vio_high_features(const struct vio *v)
{
	write32(v->mmio ? v->mmio + 0x14 : v->common, 1);
	return 1 | (read32(v->mmio ? v->mmio + 0x10 : v->common + 4) & 2);
}

/* Reset, and everything up to FEATURES_OK; `features` are the low 32 bits. */
static inline void vio_begin(const struct vio *v, u32 features)
{
	vio_set_status(v, 0);
	CHECK_EQ("status after a reset", vio_status(v), 0);
	vio_set_status(v, VIO_ACKNOWLEDGE | VIO_DRIVER);
	for (u32 i = 0; i < 2; i++) {
		write32(v->mmio ? v->mmio + 0x24 : v->common + 8, i);
		write32(v->mmio ? v->mmio + 0x20 : v->common + 12,
			i ? vio_high_features(v) : features);
	}
	vio_set_status(v, VIO_ACKNOWLEDGE | VIO_DRIVER | VIO_FEATURES_OK);
	CHECK_EQ("features", vio_status(v), VIO_ACKNOWLEDGE | VIO_DRIVER | VIO_FEATURES_OK);
}

static inline void vio_ready(const struct vio *v)
{
	vio_set_status(v, VIO_ACKNOWLEDGE | VIO_DRIVER | VIO_FEATURES_OK | VIO_DRIVER_OK);
}

/* A queue with whatever size and addresses. */
static inline void vio_enable(const struct vio *v, u32 queue, u32 size, u64 desc, u64 avail,
			      u64 used)
{
	u64 address[3] = { desc, avail, used };

	if (v->mmio) {
		write32(v->mmio + 0x30, queue);
		write32(v->mmio + 0x38, size);
	} else {
		write16(v->common + 22, queue);
		write16(v->common + 24, size);
	}
	for (u32 i = 0; i < 3; i++) {
		write32(v->mmio ? v->mmio + 0x80 + 16 * i : v->common + 32 + 8 * i, address[i]);
		write32(v->mmio ? v->mmio + 0x84 + 16 * i : v->common + 36 + 8 * i,
			address[i] >> 32);
	}
	if (v->mmio)
		write32(v->mmio + 0x44, 1);
	else
		write16(v->common + 28, 1);
}

static inline void vio_queue(const struct vio *v, u32 queue, struct vio_queue *q)
{
	for (u32 i = 0; i < sizeof(*q) / 4; i++)
		((volatile u32 *)q)[i] = 0;
	vio_enable(v, queue, VIO_SIZE, gpa(q->desc), gpa(&q->avail), gpa(&q->used));
}

static inline void vio_buffer(struct vio_queue *q, u16 i, const volatile void *address, u32 len,
			      u16 flags)
{
	q->desc[i] = (struct vio_desc){ gpa(address), len, flags, i + 1 };
}

static inline void vio_offer(struct vio_queue *q, u16 head)
{
	volatile u16 *index = &q->avail.index;

	q->avail.ring[*index % VIO_SIZE] = head;
	memory_barrier();
	*index += 1;
}

/* Until the device has used as many chains as were offered. */
static inline void vio_wait(struct vio_queue *q)
{
	volatile u16 *used = &q->used.index;

	while (*used != *(volatile u16 *)&q->avail.index)
		cpu_relax();
	memory_barrier();
}

/* One buffer that virtio-rng is to fill: not all of it can be zero. */
static inline void vio_random(struct vio *rng, struct vio_queue *q, volatile u8 *buffer, u32 len)
{
	u32 sum = 0;

	for (u32 i = 0; i < len; i++)
		buffer[i] = 0;
	vio_buffer(q, 0, buffer, len, VIO_WRITE);
	vio_offer(q, 0);
	vio_kick(rng, 0);
	vio_wait(q);
	for (u32 i = 0; i < len; i++)
		sum += buffer[i];
	if (!sum)
		fail("random bytes that are all zero", sum);
}

#endif
