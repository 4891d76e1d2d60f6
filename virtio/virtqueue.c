/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The split virtqueue. The rings lie in memory that the guest changes at any moment, on other
 * threads: every value in them is loaded exactly once into a local, checked, and used from there.
 *
 * A legacy driver's rings have its own byte order. What depends on it is compiled twice: `big` is a
 * constant in the copy that modern queues run. Entries choose by vq->plain, which at the same time says
 * that nothing else is special, so a modern queue pays nothing for there being other kinds: the legacy
 * ones, and those of guests that may make the rings' pages private.
 */
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "lkvm/virtio/virtqueue.h"

_Static_assert(sizeof(struct vring_desc) == 16, "virtio 1.3, 2.7.5");
_Static_assert(offsetof(struct vring_avail, ring) == 4, "virtio 1.3, 2.7.6");
_Static_assert(sizeof(struct vring_used_elem) == 8, "virtio 1.3, 2.7.8");
_Static_assert(offsetof(struct vring_used, ring) == 4, "virtio 1.3, 2.7.8");

#define BOTH_ORDERS static inline __attribute__((always_inline))
/* What is no plain queue's: out of line, or the others save registers for it as well. */
#define NOT_PLAIN   static __attribute__((noinline))

/* Between the guest's byte order and ours, either way. */
BOTH_ORDERS u16 order16(u16 value, bool big)
{
	return big ? be16toh(value) : le16toh(value);
}

BOTH_ORDERS u32 order32(u32 value, bool big)
{
	return big ? be32toh(value) : le32toh(value);
}

BOTH_ORDERS u64 order64(u64 value, bool big)
{
	return big ? be64toh(value) : le64toh(value);
}

BOTH_ORDERS u16 load16(const u16 *p, bool big)
{
	return order16(__atomic_load_n(p, __ATOMIC_RELAXED), big);
}

BOTH_ORDERS void store16(u16 *p, u16 value, bool big)
{
	__atomic_store_n(p, order16(value, big), __ATOMIC_RELAXED);
}

/* The events lie behind the rings: used_event is the driver's, avail_event ours. */
static const u16 *used_event(const struct virtqueue *vq)
{
	return (const u16 *)&vq->avail->ring[vq->state.size];
}

static u16 *avail_event(const struct virtqueue *vq)
{
	return (u16 *)&vq->used->ring[vq->state.size];
}

static bool head_busy(const struct virtqueue *vq, u16 head)
{
	return vq->busy[head / 64] & BIT(head % 64);
}

static void head_take(struct virtqueue *vq, u16 head)
{
	vq->busy[head / 64] |= BIT(head % 64);
}

static void head_give(struct virtqueue *vq, u16 head)
{
	vq->busy[head / 64] &= ~BIT(head % 64);
}

/* False: not all of the three are in memory. The two bytes of the events are there whether they were negotiated or not. */
static bool map_rings(struct virtqueue *vq)
{
	u64 size = vq->state.size;

	vq->desc_ring =
		guest_memory_hva(vq->memory, vq->state.desc, size * sizeof(struct vring_desc));
	vq->avail = guest_memory_hva(vq->memory, vq->state.driver, sizeof(le16) * (3 + size));
	vq->used =
		guest_memory_hva_writable(vq->memory, vq->state.device_area,
					  sizeof(le16) * 3 + sizeof(struct vring_used_elem) * size);
	return vq->desc_ring && vq->avail && vq->used;
}

int virtqueue_enable(struct virtqueue *vq, const struct guest_memory *memory, u64 features)
{
	u16 size = vq->state.size;

	virtqueue_disable(vq);
	if (!IS_POWER_OF_2(size) || size > vq->max_size || size > VIRTQUEUE_MAX_SIZE)
		return -EINVAL;
	if (!IS_ALIGNED(vq->state.desc, VRING_DESC_ALIGN_SIZE) ||
	    !IS_ALIGNED(vq->state.driver, VRING_AVAIL_ALIGN_SIZE) ||
	    !IS_ALIGNED(vq->state.device_area, VRING_USED_ALIGN_SIZE))
		return -EINVAL;
	vq->memory = memory;
	if (!map_rings(vq))
		return -EINVAL;
	vq->event_idx = features & BIT(VIRTIO_RING_F_EVENT_IDX);
	vq->indirect = features & BIT(VIRTIO_RING_F_INDIRECT_DESC);
	vq->budget = VIRTQUEUE_BUDGET;
	vq->state.enabled = true;
	vq->guarded = guest_memory_may_vanish(memory);
	vq->plain = !vq->big_endian && !vq->guarded;
	return 0;
}

void virtqueue_disable(struct virtqueue *vq)
{
	vq->state.enabled = vq->plain = false;
	vq->desc_ring = NULL;
	vq->avail = NULL;
	vq->used = NULL;
	vq->state.broken = false;
	vq->state.kicks_off = false;
	vq->state.next_avail = vq->seen_avail = 0;
	vq->state.next_used = vq->state.signalled = 0;
	memset(vq->busy, 0, sizeof(vq->busy));
}

void virtqueue_break(struct virtqueue *vq, const char *fmt, ...)
{
	char why[128];
	va_list args;

	if (vq->state.broken)
		return;
	vq->state.broken = true;
	vq->plain = false;
	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	if (vq->ops && vq->ops->broken)
		vq->ops->broken(vq, why);
}

/*
 * A guest with private memory may take back the pages that the rings lie in. What is read there afterwards is no
 * ring, and what is written reaches nobody. True: all three are where they were.
 */
static bool rings_there(struct virtqueue *vq)
{
	if (!vq->guarded || map_rings(vq))
		return true;
	virtqueue_break(vq, "the guest has made its rings private");
	return false;
}

/* NULL: it is not there, and the queue is broken. Inlined: two calls for a descriptor are too many. */
BOTH_ORDERS void *map(struct virtqueue *vq, const char *what, u64 addr, u32 len, bool writable)
{
	void *hva = writable ? guest_memory_hva_writable(vq->memory, addr, len)
			     : guest_memory_hva(vq->memory, addr, len);

	if (!hva)
		virtqueue_break(vq, "%s outside guest memory%s: 0x%llx, %u bytes", what,
				vq->guarded ? " or in private memory" : "",
				(unsigned long long)addr, len);
	return hva;
}

/* Adds one descriptor's buffer to the chain. The descriptor is our copy. */
BOTH_ORDERS int add_buffer(struct virtqueue *vq, struct virtq_chain *chain, u64 addr, u32 len,
			   bool writable)
{
	u32 *total = writable ? &chain->in_len : &chain->out_len;
	unsigned n = chain->nr_out + chain->nr_in;
	void *hva;

	if (!writable && chain->nr_in) {
		virtqueue_break(vq, "a readable descriptor behind a writable one");
		return -EINVAL;
	}
	if (!len)
		return 0;
	if (n == chain->iov_max) {
		virtqueue_break(vq, "a chain of more than %u buffers", chain->iov_max);
		return -E2BIG;
	}
	if (len > VIRTQUEUE_MAX_CHAIN_BYTES - chain->out_len - chain->in_len) {
		virtqueue_break(vq, "a chain of more than %llu bytes",
				VIRTQUEUE_MAX_CHAIN_BYTES + 0ULL);
		return -E2BIG;
	}
	hva = map(vq, "a buffer", addr, len, writable);
	if (!hva)
		return -EFAULT;
	chain->iov[n].iov_base = hva;
	chain->iov[n].iov_len = len;
	*total += len;
	if (writable)
		chain->nr_in++;
	else
		chain->nr_out++;
	return 0;
}

/* An indirect table takes the place of the ring's: its address, and its length in *nr. */
static const struct vring_desc *indirect_table(struct virtqueue *vq, u64 addr, u32 len, u16 flags,
					       bool nested, unsigned *nr)
{
	if (!vq->indirect || nested || (flags & VRING_DESC_F_NEXT)) {
		virtqueue_break(vq, "an indirect descriptor where none may be");
		return NULL;
	}
	*nr = len / sizeof(struct vring_desc);
	if (!*nr || len % sizeof(struct vring_desc) || *nr > vq->state.size) {
		virtqueue_break(vq, "an indirect table of %u bytes", len);
		return NULL;
	}
	return map(vq, "an indirect table", addr, len, false);
}

BOTH_ORDERS int walk_chain(struct virtqueue *vq, struct virtq_chain *chain, bool big)
{
	const struct vring_desc *table = vq->desc_ring;
	unsigned nr = vq->state.size, i = chain->head, count = 0;
	bool nested = false;
	int err;

	for (;;) {
		struct vring_desc copy;
		u64 addr;
		u32 len;
		u16 flags;

		if (i >= nr) {
			virtqueue_break(vq, "descriptor %u of %u", i, nr);
			return -EINVAL;
		}
		/* Not memcpy into what the compiler may skip: one copy, whatever the guest does now. */
		memcpy(&copy, &table[i], sizeof(copy));
		__asm__ volatile("" : "+m"(copy));
		addr = order64(copy.addr, big);
		len = order32(copy.len, big);
		flags = order16(copy.flags, big);

		if (flags & VRING_DESC_F_INDIRECT) {
			table = indirect_table(vq, addr, len, flags, nested, &nr);
			if (!table)
				return -EINVAL;
			nested = true;
			i = 0;
			continue;
		}
		if (++count > vq->state.size) {
			virtqueue_break(vq, "a chain longer than the queue, or a loop");
			return -ELOOP;
		}
		err = add_buffer(vq, chain, addr, len, flags & VRING_DESC_F_WRITE);
		if (err)
			return err;
		if (!(flags & VRING_DESC_F_NEXT))
			return 0;
		i = order16(copy.next, big);
	}
}

/* Is something to be popped? Looks at the driver's index only when what it was last is used up. */
BOTH_ORDERS int chains_available(struct virtqueue *vq, bool big)
{
	u16 ahead;

	if (vq->state.next_avail != vq->seen_avail)
		return 1;
	/* Acquire: what the driver wrote before it moved the index must be seen after it. */
	vq->seen_avail = order16(__atomic_load_n(&vq->avail->idx, __ATOMIC_ACQUIRE), big);
	ahead = vq->seen_avail - vq->state.next_avail;
	if (ahead > vq->state.size) {
		virtqueue_break(vq, "the avail index is %u ahead", ahead);
		return -EINVAL;
	}
	return ahead != 0;
}

BOTH_ORDERS int pop(struct virtqueue *vq, struct virtq_chain *chain, bool big)
{
	int ret = chains_available(vq, big);
	u16 head;

	if (ret <= 0)
		return ret;
	/*
	 * A guest with a second CPU could refill the ring for ever and keep the loop from everything
	 * else it does, ending the VM included.
	 */
	if (vq->ops && vq->ops->again) {
		if (!vq->budget) {
			vq->ops->again(vq);
			return 0;
		}
		vq->budget--;
	}

	head = load16(&vq->avail->ring[vq->state.next_avail & (vq->state.size - 1)], big);
	if (head >= vq->state.size) {
		virtqueue_break(vq, "head %u of a queue of %u", head, vq->state.size);
		return -EINVAL;
	}
	if (head_busy(vq, head)) {
		virtqueue_break(vq, "head %u is in use already", head);
		return -EINVAL;
	}
	chain->head = head;
	chain->nr_out = chain->nr_in = 0;
	chain->out_len = chain->in_len = 0;
	ret = walk_chain(vq, chain, big);
	if (ret)
		return ret;
	head_take(vq, head);
	vq->state.next_avail++;
	return 1;
}

NOT_PLAIN int pop_not_plain(struct virtqueue *vq, struct virtq_chain *chain)
{
	if (!vq->state.enabled)
		return 0;
	return vq->state.broken || !rings_there(vq) ? -EIO : pop(vq, chain, vq->big_endian);
}

int virtqueue_pop(struct virtqueue *vq, struct virtq_chain *chain)
{
	return vq->plain ? pop(vq, chain, false) : pop_not_plain(vq, chain);
}

void virtqueue_unpop(struct virtqueue *vq, u16 head)
{
	if (!vq->state.enabled || head >= vq->state.size || !head_busy(vq, head))
		return;
	head_give(vq, head);
	/* The driver's index is read anew, so that however many were given back, it is no more than the queue ahead. */
	vq->seen_avail = --vq->state.next_avail;
}

BOTH_ORDERS void push(struct virtqueue *vq, const struct virtq_used *used, unsigned nr, bool big)
{
	for (unsigned i = 0; i < nr; i++) {
		u16 head = used[i].head;
		struct vring_used_elem *elem;

		/* Not busy: the queue was reset while the device worked on it, there is nobody to tell. */
		if (head >= vq->state.size || !head_busy(vq, head))
			return;
		head_give(vq, head);
		elem = &vq->used->ring[vq->state.next_used & (vq->state.size - 1)];
		elem->id = order32(head, big);
		elem->len = order32(used[i].written, big);
		vq->state.next_used++;
	}
	/* Release: elements and data before the index. */
	if (nr)
		__atomic_store_n(&vq->used->idx, order16(vq->state.next_used, big),
				 __ATOMIC_RELEASE);
}

NOT_PLAIN void push_not_plain(struct virtqueue *vq, const struct virtq_used *used, unsigned nr)
{
	if (vq->state.enabled && rings_there(vq))
		push(vq, used, nr, vq->big_endian);
}

void virtqueue_push_many(struct virtqueue *vq, const struct virtq_used *used, unsigned nr)
{
	if (vq->plain)
		push(vq, used, nr, false);
	else
		push_not_plain(vq, used, nr);
}

void virtqueue_push(struct virtqueue *vq, u16 head, u32 written)
{
	struct virtq_used used = { .head = head, .written = written };

	virtqueue_push_many(vq, &used, 1);
}

BOTH_ORDERS void signal_driver(struct virtqueue *vq, bool big)
{
	u16 before = vq->state.signalled;
	bool wanted;

	if (vq->state.next_used == before)
		return;
	vq->state.signalled = vq->state.next_used;
	/* Our index must be visible before we look whether the driver sleeps; it does the reverse. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (vq->event_idx)
		wanted = vring_need_event(load16(used_event(vq), big), vq->state.next_used, before);
	else
		wanted = !(load16(&vq->avail->flags, big) & VRING_AVAIL_F_NO_INTERRUPT);
	if (wanted && vq->ops && vq->ops->interrupt)
		vq->ops->interrupt(vq);
}

NOT_PLAIN void signal_not_plain(struct virtqueue *vq)
{
	if (vq->state.enabled && rings_there(vq))
		signal_driver(vq, vq->big_endian);
}

void virtqueue_signal(struct virtqueue *vq)
{
	if (vq->plain)
		signal_driver(vq, false);
	else
		signal_not_plain(vq);
}

BOTH_ORDERS void kick_off(struct virtqueue *vq, bool big)
{
	if (vq->state.kicks_off)
		return;
	vq->state.kicks_off = true;
	/* With EVENT_IDX the event that was passed already keeps the driver quiet. */
	if (!vq->event_idx)
		store16(&vq->used->flags, VRING_USED_F_NO_NOTIFY, big);
}

NOT_PLAIN void kick_off_not_plain(struct virtqueue *vq)
{
	if (vq->state.enabled && rings_there(vq))
		kick_off(vq, vq->big_endian);
}

void virtqueue_kick_off(struct virtqueue *vq)
{
	if (vq->plain)
		kick_off(vq, false);
	else
		kick_off_not_plain(vq);
}

BOTH_ORDERS bool kick_on(struct virtqueue *vq, bool big)
{
	vq->state.kicks_off = false;
	if (vq->event_idx)
		store16(avail_event(vq), vq->state.next_avail, big);
	else
		store16(&vq->used->flags, 0, big);
	/* The wish must be visible before the last look at the index; the driver does the reverse. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (chains_available(vq, big) <= 0)
		return false;
	if (vq->ops && vq->ops->again && !vq->budget) {
		vq->ops->again(vq);
		return false;
	}
	return true;
}

NOT_PLAIN bool kick_on_not_plain(struct virtqueue *vq)
{
	return vq->state.enabled && !vq->state.broken && rings_there(vq) &&
	       kick_on(vq, vq->big_endian);
}

bool virtqueue_kick_on(struct virtqueue *vq)
{
	return vq->plain ? kick_on(vq, false) : kick_on_not_plain(vq);
}
