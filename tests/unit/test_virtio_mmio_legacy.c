/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-mmio version 1, register by register, as Linux's driver uses it, on vCPUs of both byte orders;
 * and what the device core does differently for a legacy driver.
 */
#include <linux/virtio_mmio.h>
#include "lkvm/util/log.h"
#include "mmio_device.h"

#define QUEUE 1
#define PAGE  4096U

#define ACK    VIRTIO_CONFIG_S_ACKNOWLEDGE
#define DRIVER VIRTIO_CONFIG_S_DRIVER
#define OK     VIRTIO_CONFIG_S_DRIVER_OK
#define BROKEN VIRTIO_CONFIG_S_NEEDS_RESET

static int setup_order(void **state, bool order)
{
	driver_big_endian = order;
	*state = make_state(true);
	return 0;
}

static int setup_little(void **state)
{
	return setup_order(state, false);
}

static int setup_big(void **state)
{
	return setup_order(state, true);
}

static void init_ring(struct state *s, u16 size, gpa_t at, u32 align)
{
	ring_init_legacy(&s->ring, fake_ram(s->vm), RING_BASE, FAKE_RAM_SIZE, size, at, align,
			 driver_big_endian);
}

/* As the driver does it, with what it looks at on the way. */
static void set_queue(struct state *s, unsigned index, u16 size, gpa_t at, u32 page, u32 align)
{
	init_ring(s, size, at, align);
	put(s, VIRTIO_MMIO_QUEUE_SEL, index);
	assert_int_equal(get(s, VIRTIO_MMIO_QUEUE_PFN), 0);
	assert_int_equal(get(s, VIRTIO_MMIO_QUEUE_NUM_MAX), FAKE_SIZE);
	put(s, VIRTIO_MMIO_QUEUE_NUM, size);
	put(s, VIRTIO_MMIO_QUEUE_ALIGN, align);
	put(s, VIRTIO_MMIO_QUEUE_PFN, at / page);
}

static void negotiate(struct state *s, u32 features)
{
	put(s, VIRTIO_MMIO_GUEST_PAGE_SIZE, PAGE);
	put(s, VIRTIO_MMIO_STATUS, 0);
	put(s, VIRTIO_MMIO_STATUS, ACK);
	put(s, VIRTIO_MMIO_STATUS, ACK | DRIVER);
	put(s, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	put(s, VIRTIO_MMIO_DRIVER_FEATURES, 0);
	put(s, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	put(s, VIRTIO_MMIO_DRIVER_FEATURES, features);
}

static void start_driver(struct state *s)
{
	negotiate(s, BIT(VIRTIO_RING_F_INDIRECT_DESC));
	set_queue(s, QUEUE, FAKE_SIZE, RING_BASE + PAGE, PAGE, PAGE);
	assert_int_equal(get(s, VIRTIO_MMIO_QUEUE_PFN), RING_BASE / PAGE + 1);
	put(s, VIRTIO_MMIO_STATUS, ACK | DRIVER | OK);
	assert_int_equal(get(s, VIRTIO_MMIO_STATUS), ACK | DRIVER | OK);
	test_run_loop(s->vm->loop);
}

static void offer(struct state *s)
{
	struct ring_buffer b = { RING_BASE + 0x8000, 16, true };

	ring_add(&s->ring, &b, 1);
}

static void kick(struct state *s)
{
	put(s, VIRTIO_MMIO_QUEUE_NOTIFY, QUEUE);
	test_run_loop(s->vm->loop);
}

static void assert_completes(struct state *s)
{
	u32 len;

	offer(s);
	kick(s);
	assert_true(ring_used(&s->ring, NULL, &len));
	assert_int_equal(len, 4);
	assert_memory_equal(fake_ram(s->vm) + 0x8000, "done", 4);
	assert_true(fake_irq.line[GSI]);
	assert_int_equal(get(s, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_VRING);
	put(s, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	assert_false(fake_irq.line[GSI]);
}

static void assert_broken(struct state *s)
{
	assert_int_equal(get(s, VIRTIO_MMIO_STATUS) & BROKEN, BROKEN);
	start_driver(s);
	assert_completes(s);
}

/* ---- what a driver sees ---- */

static void identification(void **state)
{
	struct state *s = *state;

	assert_int_equal(get(s, VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	assert_int_equal(get(s, VIRTIO_MMIO_VERSION), 1);
	assert_int_equal(get(s, VIRTIO_MMIO_DEVICE_ID), FAKE_TYPE);
	put(s, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	assert_int_equal(get(s, VIRTIO_MMIO_DEVICE_FEATURES),
			 BIT(3) | BIT(VIRTIO_RING_F_INDIRECT_DESC) | BIT(VIRTIO_RING_F_EVENT_IDX));
	for (unsigned i = 1; i < 4; i++) {
		put(s, VIRTIO_MMIO_DEVICE_FEATURES_SEL, i);
		assert_int_equal(get(s, VIRTIO_MMIO_DEVICE_FEATURES), 0);
	}
}

static void requests(void **state)
{
	struct state *s = *state;

	start_driver(s);
	for (unsigned i = 0; i < 40; i++)
		assert_completes(s);
	assert_int_equal(fake_irq.nr_io, 1);
	assert_int_equal(fake_ioeventfd_at(BASE + VIRTIO_MMIO_QUEUE_NOTIFY, QUEUE)->len, 4);
}

/* Both orders, whatever the last driver's was: the one that resets it counts. */
static void order_is_the_drivers(void **state)
{
	struct state *s = *state;

	for (unsigned i = 0; i < 4; i++) {
		start_driver(s);
		assert_int_equal(s->f->dev.state.big_endian, driver_big_endian);
		assert_completes(s);
		/* While the device works, nothing that a vCPU does to itself changes it. */
		driver_big_endian = !driver_big_endian;
		put(s, VIRTIO_MMIO_STATUS, ACK | DRIVER | OK);
		assert_int_equal(s->f->dev.state.big_endian, !driver_big_endian);
		s->ring.big = !driver_big_endian;
		assert_completes(s);
	}
}

/* A driver that finds the device as the machine's reset left it need not reset it. */
static void order_without_a_reset(void **state)
{
	struct state *s = *state;

	put(s, VIRTIO_MMIO_GUEST_PAGE_SIZE, PAGE);
	put(s, VIRTIO_MMIO_STATUS, ACK | DRIVER);
	set_queue(s, QUEUE, FAKE_SIZE, RING_BASE + PAGE, PAGE, PAGE);
	put(s, VIRTIO_MMIO_STATUS, ACK | DRIVER | OK);
	assert_completes(s);
}

static void fields_follow_the_order(void **state)
{
	struct state *s = *state;
	struct virtio_device *dev = &s->f->dev;
	u64 bytes;

	put(s, VIRTIO_MMIO_STATUS, 0);
	bytes = virtio64(dev, 0x0102030405060708);
	assert_memory_equal(&bytes, driver_big_endian ? "\1\2\3\4\5\6\7\10" : "\10\7\6\5\4\3\2\1",
			    8);
	bytes = virtio32(dev, 0x01020304);
	assert_memory_equal(&bytes, driver_big_endian ? "\1\2\3\4" : "\4\3\2\1", 4);
	bytes = virtio16(dev, 0x0102);
	assert_memory_equal(&bytes, driver_big_endian ? "\1\2" : "\2\1", 2);
}

static void other_layouts(void **state)
{
	static const struct {
		u32 page, align;
		u16 size;
	} rows[] = {
		{ 4096, 64, 16 },  { 4096, 4, 1 },  { 65536, 4096, 16 }, { 65536, 65536, 16 },
		{ 16384, 128, 8 }, { 256, 256, 2 }, { 16, 4, 16 },
	};
	struct state *s = *state;

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		negotiate(s, 0);
		put(s, VIRTIO_MMIO_GUEST_PAGE_SIZE, rows[i].page);
		set_queue(s, QUEUE, rows[i].size, RING_BASE + 0x10000, rows[i].page, rows[i].align);
		assert_int_equal(get(s, VIRTIO_MMIO_QUEUE_PFN),
				 (RING_BASE + 0x10000) / rows[i].page);
		put(s, VIRTIO_MMIO_STATUS, ACK | DRIVER | OK);
		assert_int_equal(s->f->dev.queues[QUEUE].vq.state.device_area, s->ring.used_gpa);
		assert_completes(s);
		assert_completes(s);
	}
}

/* The page size is told before the first reset, and lives until the machine's. */
static void page_size_outlives_resets(void **state)
{
	struct state *s = *state;

	start_driver(s);
	put(s, VIRTIO_MMIO_STATUS, 0);
	put(s, VIRTIO_MMIO_STATUS, ACK | DRIVER);
	set_queue(s, QUEUE, FAKE_SIZE, RING_BASE + PAGE, PAGE, PAGE);
	put(s, VIRTIO_MMIO_STATUS, ACK | DRIVER | OK);
	assert_completes(s);
	devices_quiesce(&s->vm->devices);
	devices_reset(&s->vm->devices);
	devices_resume(&s->vm->devices);
	put(s, VIRTIO_MMIO_STATUS, ACK | DRIVER);
	put(s, VIRTIO_MMIO_QUEUE_SEL, QUEUE);
	put(s, VIRTIO_MMIO_QUEUE_ALIGN, PAGE);
	put(s, VIRTIO_MMIO_QUEUE_PFN, RING_BASE / PAGE);
	assert_broken(s);
}

static void queue_comes_and_goes(void **state)
{
	struct state *s = *state;

	start_driver(s);
	for (unsigned i = 0; i < 3; i++) {
		assert_completes(s);
		put(s, VIRTIO_MMIO_QUEUE_PFN, 0);
		assert_int_equal(get(s, VIRTIO_MMIO_QUEUE_PFN), 0);
		assert_int_equal(fake_irq.nr_io, 0);
		offer(s);
		kick(s);
		assert_false(ring_used(&s->ring, NULL, NULL));
		set_queue(s, QUEUE, FAKE_SIZE, RING_BASE + i * PAGE, PAGE, PAGE);
	}
	assert_completes(s);
}

static void config_is_bytes(void **state)
{
	struct state *s = *state;

	memcpy(s->f->config, "0123456789ab", 12);
	assert_int_equal(mmio_get(s->vm, BASE + 0x101, 1), '1');
	assert_int_equal(mmio_get(s->vm, BASE + 0x102, 2), '3' << 8 | '2');
	mmio_put(s->vm, BASE + 0x103, 1, 'X');
	assert_int_equal(s->f->config[3], 'X');
	assert_int_equal(mmio_get(s->vm, BASE + 0x10c, 4), 0);
}

/* ---- what is not there ---- */

static void version2_is_not_there(void **state)
{
	static const u32 others[] = {
		VIRTIO_MMIO_QUEUE_READY,
		VIRTIO_MMIO_QUEUE_DESC_LOW,
		VIRTIO_MMIO_QUEUE_DESC_HIGH,
		VIRTIO_MMIO_QUEUE_AVAIL_LOW,
		VIRTIO_MMIO_QUEUE_AVAIL_HIGH,
		VIRTIO_MMIO_QUEUE_USED_LOW,
		VIRTIO_MMIO_QUEUE_USED_HIGH,
		VIRTIO_MMIO_SHM_LEN_LOW,
		VIRTIO_MMIO_SHM_BASE_LOW,
		VIRTIO_MMIO_CONFIG_GENERATION,
		0x0c0,
	};
	struct state *s = *state;

	start_driver(s);
	virtio_config_changed(&s->f->dev);
	put(s, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
	for (unsigned i = 0; i < ARRAY_SIZE(others); i++) {
		assert_int_equal(get(s, others[i]), 0);
		put(s, others[i], 1);
		put(s, others[i], 0);
	}
	assert_completes(s);
	put(s, VIRTIO_MMIO_STATUS, ACK | DRIVER | OK | VIRTIO_CONFIG_S_FEATURES_OK);
	assert_int_equal(get(s, VIRTIO_MMIO_STATUS), ACK | DRIVER | OK);
	assert_completes(s);
}

static void version1_is_not_in_version2(void **state)
{
	struct state *s = *state;
	struct fake_device *f = fake_device_create(s->vm);
	struct device_resource where = { RESOURCE_MMIO, BASE + 0x200, 0x200 };
	u64 at = where.base;

	assert_int_equal(virtio_mmio_attach(&f->dev, s->vm, &where, 8), 0);
	device_add(&s->vm->devices, &f->dev.device);
	assert_int_equal(mmio_get(s->vm, at + VIRTIO_MMIO_VERSION, 4), 2);
	mmio_put(s->vm, at + VIRTIO_MMIO_STATUS, 4, 0);
	mmio_put(s->vm, at + VIRTIO_MMIO_STATUS, 4, ACK | DRIVER);
	assert_false(f->dev.state.big_endian);
	mmio_put(s->vm, at + VIRTIO_MMIO_GUEST_PAGE_SIZE, 4, PAGE);
	mmio_put(s->vm, at + VIRTIO_MMIO_QUEUE_ALIGN, 4, PAGE);
	mmio_put(s->vm, at + VIRTIO_MMIO_QUEUE_PFN, 4, RING_BASE / PAGE);
	assert_int_equal(mmio_get(s->vm, at + VIRTIO_MMIO_QUEUE_PFN, 4), 0);
	assert_false(f->dev.queues[0].vq.state.enabled);
	/* No first use, and no DRIVER_OK without FEATURES_OK. */
	mmio_put(s->vm, at + VIRTIO_MMIO_QUEUE_NOTIFY, 4, 0);
	mmio_put(s->vm, at + VIRTIO_MMIO_STATUS, 4, ACK | DRIVER | OK);
	assert_int_equal(mmio_get(s->vm, at + VIRTIO_MMIO_STATUS, 4), ACK | DRIVER);
}

/* ---- use before DRIVER_OK ---- */

static void first_kick_starts_it(void **state)
{
	struct state *s = *state;

	negotiate(s, BIT(VIRTIO_RING_F_INDIRECT_DESC));
	set_queue(s, QUEUE, FAKE_SIZE, RING_BASE + PAGE, PAGE, PAGE);
	assert_completes(s);
	/* Features are what they were by then. */
	put(s, VIRTIO_MMIO_DRIVER_FEATURES, 0);
	assert_int_equal(s->f->dev.state.features, BIT(VIRTIO_RING_F_INDIRECT_DESC));
	put(s, VIRTIO_MMIO_STATUS, ACK | DRIVER | OK);
	assert_completes(s);
	assert_int_equal(get(s, VIRTIO_MMIO_STATUS), ACK | DRIVER | OK);
}

static void kicks_that_start_nothing(void **state)
{
	struct state *s = *state;

	/* No driver yet; no such queue; a queue that is not set up. */
	put(s, VIRTIO_MMIO_GUEST_PAGE_SIZE, PAGE);
	put(s, VIRTIO_MMIO_STATUS, 0);
	set_queue(s, QUEUE, FAKE_SIZE, RING_BASE + PAGE, PAGE, PAGE);
	kick(s);
	assert_false(s->f->dev.state.active);
	negotiate(s, 0);
	set_queue(s, QUEUE, FAKE_SIZE, RING_BASE + PAGE, PAGE, PAGE);
	put(s, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	put(s, VIRTIO_MMIO_QUEUE_NOTIFY, FAKE_QUEUES);
	put(s, VIRTIO_MMIO_QUEUE_NOTIFY, ~0U);
	assert_false(s->f->dev.state.active);
	assert_completes(s);
	/* A broken one stays so until it is reset. */
	ring_offer(&s->ring, 0x7fff);
	kick(s);
	assert_broken(s);
}

/* ---- bad drivers ---- */

static void bad_features(void **state)
{
	struct state *s = *state;

	negotiate(s, BIT(5));
	put(s, VIRTIO_MMIO_STATUS, ACK | DRIVER | OK);
	assert_false(s->f->dev.state.active);
	assert_broken(s);
	negotiate(s, 0);
	put(s, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	put(s, VIRTIO_MMIO_DRIVER_FEATURES, 1);
	set_queue(s, QUEUE, FAKE_SIZE, RING_BASE + PAGE, PAGE, PAGE);
	kick(s);
	assert_false(s->f->dev.state.active);
	assert_broken(s);
	negotiate(s, 0);
	put(s, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 2);
	put(s, VIRTIO_MMIO_DRIVER_FEATURES, 1);
	put(s, VIRTIO_MMIO_STATUS, ACK | DRIVER | OK);
	assert_broken(s);
}

static void try_queue(struct state *s, u32 size, u32 page, u32 align, u32 pfn)
{
	negotiate(s, 0);
	put(s, VIRTIO_MMIO_GUEST_PAGE_SIZE, page);
	put(s, VIRTIO_MMIO_QUEUE_SEL, QUEUE);
	put(s, VIRTIO_MMIO_QUEUE_NUM, size);
	put(s, VIRTIO_MMIO_QUEUE_ALIGN, align);
	put(s, VIRTIO_MMIO_QUEUE_PFN, pfn);
	assert_false(s->f->dev.queues[QUEUE].vq.state.enabled);
	assert_int_equal(get(s, VIRTIO_MMIO_QUEUE_PFN), 0);
	assert_broken(s);
}

static void bad_queues(void **state)
{
	struct state *s = *state;
	const u32 good = RING_BASE / PAGE, last = (RING_BASE + FAKE_RAM_SIZE) / PAGE;

	try_queue(s, FAKE_SIZE, 0, PAGE, good);
	try_queue(s, FAKE_SIZE, 3000, PAGE, good);
	try_queue(s, FAKE_SIZE, ~0U, PAGE, good);
	try_queue(s, FAKE_SIZE, 1, PAGE, RING_BASE + 8);
	try_queue(s, FAKE_SIZE, PAGE, 0, good);
	try_queue(s, FAKE_SIZE, PAGE, 3, good);
	try_queue(s, FAKE_SIZE, PAGE, ~0U, good);
	/* 16 * 16 + 2 * 19 is no multiple of 4. */
	try_queue(s, FAKE_SIZE, PAGE, 1, good);
	try_queue(s, FAKE_SIZE, PAGE, 1U << 31, good);
	try_queue(s, FAKE_SIZE, 1U << 31, PAGE, ~0U);
	try_queue(s, FAKE_SIZE, PAGE, PAGE, ~0U);
	try_queue(s, FAKE_SIZE, PAGE, PAGE, 1);
	try_queue(s, FAKE_SIZE, PAGE, PAGE, last);
	/* The used ring would lie behind memory's end. */
	try_queue(s, FAKE_SIZE, PAGE, PAGE, last - 1);
	try_queue(s, 0, PAGE, PAGE, good);
	try_queue(s, 5, PAGE, PAGE, good);
	try_queue(s, 2 * FAKE_SIZE, PAGE, PAGE, good);
	try_queue(s, 0x10000 + FAKE_SIZE, PAGE, PAGE, good);
}

static void no_such_queue(void **state)
{
	static const u32 bad[] = { FAKE_QUEUES, VIRTIO_MAX_QUEUES, 0x10000, ~0U };
	struct state *s = *state;

	start_driver(s);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		put(s, VIRTIO_MMIO_QUEUE_SEL, bad[i]);
		assert_int_equal(get(s, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
		put(s, VIRTIO_MMIO_QUEUE_NUM, 4);
		put(s, VIRTIO_MMIO_QUEUE_ALIGN, PAGE);
		put(s, VIRTIO_MMIO_QUEUE_PFN, RING_BASE / PAGE);
		assert_int_equal(get(s, VIRTIO_MMIO_QUEUE_PFN), 0);
		put(s, VIRTIO_MMIO_QUEUE_PFN, 0);
	}
	assert_completes(s);
}

/* A queue in use is not moved. */
static void second_place_is_ignored(void **state)
{
	struct state *s = *state;

	start_driver(s);
	put(s, VIRTIO_MMIO_QUEUE_PFN, RING_BASE / PAGE + 7);
	put(s, VIRTIO_MMIO_QUEUE_NUM, 4);
	assert_completes(s);
	assert_int_equal(get(s, VIRTIO_MMIO_QUEUE_PFN), RING_BASE / PAGE + 1);
	put(s, VIRTIO_MMIO_GUEST_PAGE_SIZE, 0);
	assert_int_equal(get(s, VIRTIO_MMIO_QUEUE_PFN), 0);
	put(s, VIRTIO_MMIO_GUEST_PAGE_SIZE, 3);
	get(s, VIRTIO_MMIO_QUEUE_PFN);
	assert_completes(s);
}

static void odd_accesses(void **state)
{
	struct state *s = *state;

	start_driver(s);
	mmio_put(s->vm, BASE + VIRTIO_MMIO_QUEUE_PFN, 1, 0);
	mmio_put(s->vm, BASE + VIRTIO_MMIO_QUEUE_PFN, 8, 0);
	mmio_put(s->vm, BASE + VIRTIO_MMIO_QUEUE_PFN + 1, 4, 0);
	assert_int_equal(mmio_get(s->vm, BASE + VIRTIO_MMIO_QUEUE_PFN, 2), 0);
	assert_completes(s);
}

static void reboot_walk(void **state)
{
	struct state *s = *state;

	assert_int_equal(devices_start(&s->vm->devices), 0);
	for (unsigned i = 0; i < 4; i++) {
		start_driver(s);
		assert_completes(s);
		devices_quiesce(&s->vm->devices);
		devices_reset(&s->vm->devices);
		devices_resume(&s->vm->devices);
		assert_int_equal(get(s, VIRTIO_MMIO_STATUS), 0);
		assert_int_equal(fake_irq.nr_io, 0);
		assert_false(s->f->dev.state.big_endian);
		driver_big_endian = !driver_big_endian;
	}
}

#define T(name)                                                                                    \
	{ #name " (little)", name, setup_little, teardown, NULL },                                 \
	{                                                                                          \
#name " (big)", name, setup_big, teardown, NULL                                    \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(identification),
		T(requests),
		T(order_is_the_drivers),
		T(order_without_a_reset),
		T(fields_follow_the_order),
		T(other_layouts),
		T(page_size_outlives_resets),
		T(queue_comes_and_goes),
		T(config_is_bytes),
		T(version2_is_not_there),
		T(version1_is_not_in_version2),
		T(first_kick_starts_it),
		T(kicks_that_start_nothing),
		T(bad_features),
		T(bad_queues),
		T(no_such_queue),
		T(second_place_is_ignored),
		T(odd_accesses),
		T(reboot_walk),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
