// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A driver that does everything wrong that a driver can: queues of sizes and at addresses that cannot
 * be, chains that are none, kicks of queues that are not there. Afterwards everything works as before.
 * hostile.sh runs it with all devices over both transports.
 */
#include "virtio.h"

#define FAR	  0x7ffffff000ULL /* no RAM there */
#define NR_QUEUES 3

static struct vio_queue queue;
static struct vio_desc table[VIO_SIZE];
static u8 buffer[64];

static const u32 types[] = { VIO_RNG, VIO_BLK, VIO_CONSOLE, VIO_NET };

/* ---- rings that cannot be ---- */

static void bad_ring(const struct vio *v, u32 index, u32 size, u64 desc, u64 avail, u64 used)
{
	vio_begin(v, 0);
	vio_enable(v, index, size, desc, avail, used);
	vio_ready(v);
	vio_kick(v, index);
	if (!(vio_status(v) & VIO_NEEDS_RESET))
		fail("a ring that cannot be is taken, of size", size);
}

static void bad_rings(const struct vio *v, u32 index)
{
	static const u16 sizes[] = { 0, 3, 5, 255, 1023, 2048, 0x8000, 0xffff };
	static const u64 places[] = {
		FAR,	~0xfffULL, RAM_END,    RAM_END - 16,	      0xffffffffULL & ~15U,
		NO_RAM, ~15ULL,	   1ULL << 63, 0xffffffff00000000ULL, (1ULL << 52) - 16,
	};
	u64 desc = gpa(queue.desc), avail = gpa(&queue.avail), used = gpa(&queue.used);

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
		bad_ring(v, index, sizes[i], desc, avail, used);
	for (u32 i = 0; i < ARRAY_SIZE(places); i++) {
		bad_ring(v, index, VIO_SIZE, places[i], avail, used);
		bad_ring(v, index, VIO_SIZE, desc, places[i], used);
		bad_ring(v, index, VIO_SIZE, desc, avail, places[i]);
	}
	bad_ring(v, index, VIO_SIZE, desc + 8, avail, used);
	bad_ring(v, index, VIO_SIZE, desc, avail + 1, used);
	bad_ring(v, index, VIO_SIZE, desc, avail, used + 2);
}

/* ---- chains that are none ---- */

enum { INDIRECT = 1U << 28, EVENT_IDX = 1U << 29 };

static void itself(void)
{
	vio_buffer(&queue, 0, buffer, 16, VIO_NEXT);
	queue.desc[0].next = 0;
}

static void past_the_table(void)
{
	vio_buffer(&queue, 0, buffer, 16, VIO_NEXT);
	queue.desc[0].next = VIO_SIZE;
}

static void far_past_the_table(void)
{
	vio_buffer(&queue, 0, buffer, 16, VIO_NEXT);
	queue.desc[0].next = 0xffff;
}

static void outside(void)
{
	vio_buffer(&queue, 0, buffer, 16, 0);
	queue.desc[0].address = FAR;
}

static void over_the_edge(void)
{
	vio_buffer(&queue, 0, buffer, 16, VIO_WRITE);
	queue.desc[0].address = RAM_END - 8;
}

static void around_the_world(void)
{
	vio_buffer(&queue, 0, buffer, 64, VIO_WRITE);
	queue.desc[0].address = ~15ULL;
}

static void of_four_gigabytes(void)
{
	vio_buffer(&queue, 0, buffer, ~0U, VIO_WRITE);
}

static void backwards(void)
{
	vio_buffer(&queue, 0, buffer, 16, VIO_WRITE | VIO_NEXT);
	vio_buffer(&queue, 1, buffer, 16, 0);
}

static void table_of(u32 len)
{
	vio_buffer(&queue, 0, table, len, VIO_INDIRECT);
}

static void empty_table(void)
{
	table_of(0);
}

static void odd_table(void)
{
	table_of(24);
}

static void huge_table(void)
{
	table_of(~15U);
}

static void table_outside(void)
{
	table_of(32);
	queue.desc[0].address = FAR;
}

static void table_in_a_table(void)
{
	table_of(16);
	table[0] = (struct vio_desc){ gpa(table), 16, VIO_INDIRECT, 0 };
}

static void loop_in_a_table(void)
{
	table_of(sizeof(table));
	for (u32 i = 0; i < VIO_SIZE; i++)
		table[i] = (struct vio_desc){ gpa(buffer), 1, VIO_NEXT, (i + 1) % VIO_SIZE };
}

static void table_and_next(void)
{
	table_of(16);
	queue.desc[0].flags |= VIO_NEXT;
}

static void (*const chains[])(void) = {
	itself,		  past_the_table, far_past_the_table, outside,	       over_the_edge,
	around_the_world, backwards,	  of_four_gigabytes,  empty_table,     odd_table,
	huge_table,	  table_outside,  table_in_a_table,   loop_in_a_table, table_and_next,
};

static void wait_broken(const struct vio *v, const char *what, u32 which)
{
	for (u32 i = 0; i < 3000000; i++)
		if (vio_status(v) & VIO_NEEDS_RESET)
			return;
	fail(what, which);
}

static void begin_queue(const struct vio *v, u32 index, u32 features)
{
	vio_begin(v, features);
	vio_queue(v, index, &queue);
	vio_ready(v);
}

/* Not every device looks at its queue at once: one that has nothing to give leaves buffers alone. */
static int takes_chains(u32 type, u32 index)
{
	return type == VIO_RNG || type == VIO_BLK ? !index : index == 1;
}

static void bad_chains(const struct vio *v, u32 index)
{
	for (u32 i = 0; i < ARRAY_SIZE(chains); i++) {
		begin_queue(v, index, i % 2 ? INDIRECT : INDIRECT | EVENT_IDX);
		chains[i]();
		vio_offer(&queue, 0);
		vio_kick(v, index);
		wait_broken(v, "a chain that is none, number", i);
		/* Broken is broken: more of it changes nothing. */
		vio_offer(&queue, 0);
		vio_kick(v, index);
	}
	begin_queue(v, index, 0);
	table_of(16);
	vio_offer(&queue, 0);
	vio_kick(v, index);
	wait_broken(v, "a table nobody agreed to", 0);
	begin_queue(v, index, 0);
	vio_offer(&queue, VIO_SIZE);
	vio_kick(v, index);
	wait_broken(v, "a head past the table", 0);
	begin_queue(v, index, 0);
	queue.avail.index = VIO_SIZE + 1;
	vio_kick(v, index);
	wait_broken(v, "an index far ahead", 0);
	begin_queue(v, index, 0);
	queue.avail.index = 0xffff;
	vio_kick(v, index);
	wait_broken(v, "an index behind", 0);
}

/* ---- everything else ---- */

static void absent_queues(const struct vio *v)
{
	static const u32 numbers[] = { 3, 31, 32, 33, 64, 255, 256, 1023 };

	for (u32 i = 0; i < ARRAY_SIZE(numbers); i++) {
		vio_kick(v, numbers[i]);
		if (v->mmio) {
			write32(v->mmio + 0x50, numbers[i] << 20);
			write32(v->mmio + 0x30, numbers[i] << 20 | numbers[i]);
			CHECK_EQ("size of an absent queue", read32(v->mmio + 0x34), 0);
			write32(v->mmio + 0x44, 1);
			CHECK_EQ("an absent queue is ready", read32(v->mmio + 0x44), 0);
			continue;
		}
		write16(v->common + 22, numbers[i] | 0x8000);
		CHECK_EQ("size of an absent queue", read16(v->common + 24), 0);
		write16(v->common + 26, 1);
		write16(v->common + 28, 1);
		CHECK_EQ("an absent queue is enabled", read16(v->common + 28), 0);
	}
}

static void odd_accesses(const struct vio *v)
{
	addr_t from = v->mmio ?: v->common, to = from + (v->mmio ? 0x200 : 0x100);

	vio_set_status(v, 0);
	for (addr_t at = from; at < to; at++) {
		/* Not the status: a mere write there would be a right one. */
		if ((v->mmio ? at - from == 0x70 : at - from == 20))
			continue;
		(void)read8(at);
		write8(at, 0xa5);
		if (MMIO_ALIGNED && at % 2)
			continue;
		(void)read16(at);
		write16(at, 0xa5a5);
		if (!MMIO_ALIGNED || at % 4 == 0)
			(void)read32(at);
	}
	vio_set_status(v, 0);
}

static void without_negotiation(const struct vio *v)
{
	vio_set_status(v, 0);
	vio_set_status(v, VIO_DRIVER_OK);
	vio_queue(v, 0, &queue);
	vio_offer(&queue, 0);
	vio_kick(v, 0);
	if (vio_status(v) & VIO_DRIVER_OK)
		fail("DRIVER_OK without FEATURES_OK", vio_status(v));
	vio_set_status(v, 0);
}

static void works(void)
{
	struct vio v;

	vio_find(&v, VIO_RNG);
	begin_queue(&v, 0, 0);
	vio_buffer(&queue, 0, buffer, sizeof(buffer), VIO_WRITE);
	vio_offer(&queue, 0);
	vio_kick(&v, 0);
	vio_wait(&queue);
	CHECK_EQ("bytes of the rng", queue.used.ring[0].len, sizeof(buffer));
	vio_set_status(&v, 0);
}

void guest_main(addr_t boot)
{
	struct vio v;
	u32 found = 0;

	for (u32 t = 0; t < ARRAY_SIZE(types); t++) {
		/* The console that is being maltreated is not the one to print to. */
		if (!vio_pci(&v, types[t]) && !vio_mmio(&v, types[t]))
			continue;
		absent_queues(&v);
		without_negotiation(&v);
		odd_accesses(&v);
		bad_rings(&v, 0);
		for (u32 index = 0; index < NR_QUEUES; index++)
			if (takes_chains(types[t], index))
				bad_chains(&v, index);
		works();
		found++;
	}
	if (found < 3)
		fail("devices", found);
	print("hostile ok\n");
	power_off();
}
