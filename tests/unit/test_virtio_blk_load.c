// SPDX-License-Identifier: GPL-2.0-or-later
/* virtio-blk with more requests than it has room for, on many queues, and stopped in their midst. */
#include "blk_machine.h"

/* Offers everything at once, in a scrambled order, from a queue that is full. */
static void offer_load(struct machine *m, unsigned queue, u32 type, unsigned nr, gpa_t data,
		       gpa_t headers)
{
	for (unsigned i = 0; i < nr; i++) {
		unsigned sector = i * 37 % nr + queue * nr;
		gpa_t header = headers + (queue * nr + i) * 32ULL;
		struct virtio_blk_outhdr h = { .type = htole32(type), .sector = htole64(sector) };

		memcpy(at(m, header, 16), &h, 16);
		*at(m, header + 16, 1) = 0xee;
		ring_add(&m->ring[queue],
			 (struct ring_buffer[]){
				 { header, 16, false },
				 { data + sector * 512ULL, 512, type == VIRTIO_BLK_T_IN },
				 { header + 16, 1, true } },
			 3);
	}
}

static void check_load(struct machine *m, unsigned queue, unsigned nr, gpa_t headers)
{
	u64 seen[4] = { 0 };
	u32 id = 0;

	for (unsigned i = 0; i < nr; i++) {
		assert_true(ring_used(&m->ring[queue], &id, NULL));
		assert_false(seen[id / 64] & BIT(id % 64));
		seen[id / 64] |= BIT(id % 64);
		assert_int_equal(*at(m, headers + (queue * nr + i) * 32ULL + 16, 1), 0);
	}
	assert_false(ring_used(&m->ring[queue], NULL, NULL));
}

#define LOAD 80 /* requests of three descriptors that fit into a queue of 256 */

static void test_many_at_once(void **state)
{
	struct machine *m = make_machine(EVERYTHING, QUEUES, false, false);
	gpa_t data = alloc(m, QUEUES * LOAD * 512), headers = alloc(m, QUEUES * LOAD * 32);
	static u8 original[QUEUES * LOAD * 512];

	/* More than the device's requests, from all queues, before anything may complete. */
	fill(original, sizeof(original), 77);
	memcpy(at(m, data, sizeof(original)), original, sizeof(original));
	for (unsigned q = 0; q < QUEUES; q++)
		offer_load(m, q, VIRTIO_BLK_T_OUT, LOAD, data, headers);
	for (unsigned q = 0; q < QUEUES; q++)
		driver_notify(&m->blk->dev, q);
	for (unsigned i = 0; i < 20; i++)
		kick(m, 0);
	for (unsigned q = 0; q < QUEUES; q++) {
		check_load(m, q, LOAD, headers);
		assert_in_range(m->transport.interrupts[q], 1, LOAD / 4);
	}
	memset(at(m, data, sizeof(original)), 0, sizeof(original));
	for (unsigned q = 0; q < QUEUES; q++)
		offer_load(m, q, VIRTIO_BLK_T_IN, LOAD, data, headers);
	for (unsigned q = 0; q < QUEUES; q++)
		kick(m, q);
	for (unsigned q = 0; q < QUEUES; q++)
		check_load(m, q, LOAD, headers);
	assert_memory_equal(at(m, data, sizeof(original)), original, sizeof(original));
	free_machine(m);
}

/* One descriptor of the ring for a whole request of one sector, or segment. */
static void offer_indirect(struct machine *m, u16 slot, gpa_t where, u32 type, u64 sector)
{
	u32 data_len = type == VIRTIO_BLK_T_WRITE_ZEROES ? 16 : 512;
	struct vring_desc table[3] = {
		{ htole64(where + 64), htole32(16), htole16(VRING_DESC_F_NEXT), htole16(1) },
		{ htole64(where + 512), htole32(data_len),
		  htole16(VRING_DESC_F_NEXT | (type == VIRTIO_BLK_T_IN ? VRING_DESC_F_WRITE : 0)),
		  htole16(2) },
		{ htole64(where + 80), htole32(1), htole16(VRING_DESC_F_WRITE), 0 },
	};
	struct virtio_blk_outhdr header = { .type = htole32(type), .sector = htole64(sector) };

	memcpy(at(m, where, sizeof(table)), table, sizeof(table));
	memcpy(at(m, where + 64, 16), &header, 16);
	*at(m, where + 80, 1) = 0xee;
	ring_desc(&m->ring[0], slot, where, sizeof(table), VRING_DESC_F_INDIRECT, 0);
	ring_offer(&m->ring[0], slot);
}

/* A full ring of indirect requests is twice what the device takes at once. */
static void test_more_than_the_pool(void **state)
{
	struct machine *m = make_machine(EVERYTHING, 1, false, false);
	gpa_t where = alloc(m, 256 * 1024);

	_Static_assert(BLK_REQUESTS < 256, "the ring holds more than the device");
	for (unsigned i = 0; i < 256; i++) {
		fill(at(m, where + i * 1024 + 512, 512), 512, i);
		offer_indirect(m, i, where + i * 1024, VIRTIO_BLK_T_OUT, i * 5);
	}
	for (unsigned i = 0; i < 8; i++)
		kick(m, 0);
	for (unsigned i = 0; i < 256; i++) {
		u8 seen[512], expected[512];

		assert_true(ring_used(&m->ring[0], NULL, NULL));
		assert_int_equal(*at(m, where + i * 1024 + 80, 1), 0);
		fill(expected, 512, i);
		assert_int_equal(pread(m->memfd, seen, 512, i * 5 * 512), 512);
		assert_memory_equal(seen, expected, 512);
	}
	assert_false(ring_used(&m->ring[0], NULL, NULL));
	free_machine(m);
}

/*
 * With the threads at work the queue stalls for want of free requests while the worker writes zeroes,
 * and has to go on by itself: there is one kick only.
 */
static void test_stall(void **state)
{
	struct machine *m = make_machine(EVERYTHING, 1, false, false);
	struct device *device = &m->blk->dev.device;
	gpa_t where = alloc(m, 256 * 1024);
	struct virtio_blk_discard_write_zeroes segment = { .num_sectors = htole32(SECTORS / 4) };
	u16 *idx = &m->ring[0].used->idx;

	for (unsigned i = 0; i < 256; i++) {
		memcpy(at(m, where + i * 1024 + 512, 16), &segment, 16);
		offer_indirect(m, i, where + i * 1024, VIRTIO_BLK_T_WRITE_ZEROES, 0);
	}
	driver_notify(&m->blk->dev, 0);
	assert_int_equal(device->ops->start(device), 0);
	for (int i = 0; i < 100000 && !__atomic_load_n(idx, __ATOMIC_ACQUIRE); i++)
		usleep(100);
	/* A pause in the middle: what was under way is answered, the rest waits, taken or not. */
	device->ops->quiesce(device);
	u16 before = *idx;
	usleep(5000);
	assert_int_equal(*idx, before);
	device->ops->resume(device);
	for (int i = 0; i < 10000 && __atomic_load_n(idx, __ATOMIC_ACQUIRE) != 256; i++)
		usleep(1000);
	assert_int_equal(__atomic_load_n(idx, __ATOMIC_ACQUIRE), 256);
	for (unsigned i = 0; i < 256; i++)
		assert_int_equal(*at(m, where + i * 1024 + 80, 1), 0);
	free_machine(m);
}

/* The I/O thread runs; pausing and resetting come in between, from here. */
static void test_life_under_load(void **state)
{
	struct machine *m = make_machine(EVERYTHING, QUEUES, false, false);
	struct device *device = &m->blk->dev.device;
	u64 features = m->blk->dev.device_features;
	gpa_t data, headers;

	assert_int_equal(device->ops->start(device), 0);
	for (unsigned round = 0; round < 20; round++) {
		boot(m, features);
		data = alloc(m, QUEUES * LOAD * 512);
		headers = alloc(m, QUEUES * LOAD * 32);
		for (unsigned q = 0; q < QUEUES; q++) {
			ring_set_used_event(&m->ring[q], LOAD - 1);
			offer_load(m, q, round % 2 ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT, LOAD, data,
				   headers);
			driver_notify(&m->blk->dev, q);
		}
		device->ops->quiesce(device);
		/* Nothing moves any more. */
		u16 used[QUEUES];
		for (unsigned q = 0; q < QUEUES; q++)
			used[q] = m->ring[q].used->idx;
		if (round % 5 == 4)
			device->ops->reset(device);
		for (unsigned q = 0; q < QUEUES; q++)
			assert_int_equal(used[q], m->ring[q].used->idx);
		device->ops->resume(device);
		if (round % 5 >= 3)
			continue; /* the next boot resets it in the middle */
		for (unsigned q = 0; q < QUEUES; q++) {
			u16 *idx = &m->ring[q].used->idx;

			for (int i = 0; i < 10000 && __atomic_load_n(idx, __ATOMIC_ACQUIRE) != LOAD;
			     i++)
				usleep(1000);
			check_load(m, q, LOAD, headers);
		}
	}
	free_machine(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_more_than_the_pool),
		cmocka_unit_test(test_stall),
		cmocka_unit_test(test_life_under_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
