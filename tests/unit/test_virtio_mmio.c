/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-mmio, register by register, with a driver that only sees the bus. */
#include <linux/virtio_mmio.h>
#include "lkvm/util/log.h"
#include "mmio_device.h"

static int setup(void **state)
{
	*state = make_state(false);
	return 0;
}

static void set_queue(struct state *s, unsigned index, struct ring *r)
{
	put(s, VIRTIO_MMIO_QUEUE_SEL, index);
	put(s, VIRTIO_MMIO_QUEUE_NUM, r->size);
	put(s, VIRTIO_MMIO_QUEUE_DESC_LOW, r->desc_gpa);
	put(s, VIRTIO_MMIO_QUEUE_DESC_HIGH, r->desc_gpa >> 32);
	put(s, VIRTIO_MMIO_QUEUE_AVAIL_LOW, r->avail_gpa);
	put(s, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, r->avail_gpa >> 32);
	put(s, VIRTIO_MMIO_QUEUE_USED_LOW, r->used_gpa);
	put(s, VIRTIO_MMIO_QUEUE_USED_HIGH, r->used_gpa >> 32);
	put(s, VIRTIO_MMIO_QUEUE_READY, 1);
}

static void start_driver(struct state *s)
{
	put(s, VIRTIO_MMIO_STATUS, 0);
	put(s, VIRTIO_MMIO_STATUS, 1);
	put(s, VIRTIO_MMIO_STATUS, 3);
	put(s, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	put(s, VIRTIO_MMIO_DRIVER_FEATURES, 1 | BIT(VIRTIO_F_RING_RESET - 32));
	put(s, VIRTIO_MMIO_STATUS, 11);
	assert_int_equal(get(s, VIRTIO_MMIO_STATUS), 11);
	ring_init(&s->ring, fake_ram(s->vm), RING_BASE, FAKE_RAM_SIZE, FAKE_SIZE);
	set_queue(s, 1, &s->ring);
	put(s, VIRTIO_MMIO_STATUS, 15);
	assert_int_equal(get(s, VIRTIO_MMIO_STATUS), 15);
	test_run_loop(s->vm->loop);
}

static void assert_completes(struct state *s)
{
	u32 len;

	test_run_loop(s->vm->loop);
	assert_true(ring_used(&s->ring, NULL, &len));
	assert_int_equal(len, 4);
	assert_true(fake_irq.line[GSI]);
	assert_int_equal(get(s, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_VRING);
	put(s, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	assert_false(fake_irq.line[GSI]);
	assert_int_equal(get(s, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
}

static void offer(struct state *s)
{
	struct ring_buffer b = { RING_BASE + 0x8000, 16, true };

	ring_add(&s->ring, &b, 1);
}

static void identification(void **state)
{
	struct state *s = *state;

	assert_int_equal(get(s, VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	assert_int_equal(get(s, VIRTIO_MMIO_VERSION), 2);
	assert_int_equal(get(s, VIRTIO_MMIO_DEVICE_ID), FAKE_TYPE);
	assert_string_equal(s->f->dev.device.description.compatible, "virtio,mmio");
	assert_int_equal(s->f->dev.device.description.gsi, GSI);
	assert_int_equal(s->f->dev.device.description.where.base, BASE);
	put(s, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	assert_int_equal(get(s, VIRTIO_MMIO_DEVICE_FEATURES) & BIT(3), BIT(3));
	put(s, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	assert_int_equal(get(s, VIRTIO_MMIO_DEVICE_FEATURES) & 1, 1);
	put(s, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2);
	assert_int_equal(get(s, VIRTIO_MMIO_DEVICE_FEATURES), 0);
}

static void requests_by_trapped_kicks(void **state)
{
	struct state *s = *state;

	start_driver(s);
	for (unsigned i = 0; i < 40; i++) {
		offer(s);
		put(s, VIRTIO_MMIO_QUEUE_NOTIFY, 1);
		assert_completes(s);
	}
	put(s, VIRTIO_MMIO_QUEUE_NOTIFY, FAKE_QUEUES);
	put(s, VIRTIO_MMIO_QUEUE_NOTIFY, ~0U);
}

static void requests_by_ioeventfd(void **state)
{
	struct state *s = *state;
	struct fake_ioeventfd *io;

	start_driver(s);
	assert_int_equal(fake_irq.nr_io, 1);
	io = fake_ioeventfd_at(BASE + VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	assert_non_null(io);
	assert_int_equal(io->len, 4);
	assert_true(io->datamatch);
	offer(s);
	eventfd_write(io->fd, 1);
	assert_completes(s);
	put(s, VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(fake_irq.nr_io, 0);
}

static void works_without_ioeventfd(void **state)
{
	struct state *s = *state;

	fake_irq.io_error = -ENOSPC;
	start_driver(s);
	offer(s);
	put(s, VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	assert_completes(s);
	put(s, VIRTIO_MMIO_STATUS, 0);
}

static void queue_registers(void **state)
{
	struct state *s = *state;

	put(s, VIRTIO_MMIO_QUEUE_SEL, 1);
	assert_int_equal(get(s, VIRTIO_MMIO_QUEUE_NUM_MAX), FAKE_SIZE);
	assert_int_equal(get(s, VIRTIO_MMIO_QUEUE_READY), 0);
	put(s, VIRTIO_MMIO_QUEUE_SEL, FAKE_QUEUES);
	assert_int_equal(get(s, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	put(s, VIRTIO_MMIO_QUEUE_READY, 1);
	assert_int_equal(get(s, VIRTIO_MMIO_QUEUE_READY), 0);
	put(s, VIRTIO_MMIO_QUEUE_SEL, 0x10000001);
	assert_int_equal(get(s, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	start_driver(s);
	assert_int_equal(get(s, VIRTIO_MMIO_QUEUE_READY), 1);
	put(s, VIRTIO_MMIO_QUEUE_READY, 0);
	assert_int_equal(get(s, VIRTIO_MMIO_QUEUE_READY), 0);
	assert_int_equal(fake_irq.nr_io, 0);
	ring_init(&s->ring, fake_ram(s->vm), RING_BASE, FAKE_RAM_SIZE, FAKE_SIZE);
	set_queue(s, 1, &s->ring);
	offer(s);
	put(s, VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	assert_completes(s);
	put(s, 0x0c0, 1);
	assert_int_equal(get(s, VIRTIO_MMIO_QUEUE_READY), 0);
	assert_int_equal(get(s, 0x0c0), 0);
	ring_init(&s->ring, fake_ram(s->vm), RING_BASE, FAKE_RAM_SIZE, FAKE_SIZE);
	set_queue(s, 1, &s->ring);
	offer(s);
	put(s, VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	assert_completes(s);
}

static void odd_accesses(void **state)
{
	struct state *s = *state;

	assert_int_equal(mmio_get(s->vm, BASE, 1), 0);
	assert_int_equal(mmio_get(s->vm, BASE, 2), 0);
	assert_int_equal(mmio_get(s->vm, BASE, 8), 0);
	assert_int_equal(mmio_get(s->vm, BASE + 2, 4), 0);
	mmio_put(s->vm, BASE + VIRTIO_MMIO_STATUS, 1, 1);
	mmio_put(s->vm, BASE + VIRTIO_MMIO_STATUS + 1, 4, 1);
	mmio_put(s->vm, BASE + VIRTIO_MMIO_STATUS, 8, 1);
	assert_int_equal(get(s, VIRTIO_MMIO_STATUS), 0);
	/* Write-only and unknown registers, and shared memory that is not there. */
	assert_int_equal(get(s, VIRTIO_MMIO_QUEUE_NOTIFY), 0);
	assert_int_equal(get(s, 0x0f0), 0);
	assert_int_equal(get(s, VIRTIO_MMIO_SHM_LEN_LOW), 0xffffffff);
	assert_int_equal(get(s, VIRTIO_MMIO_SHM_LEN_HIGH), 0xffffffff);
	for (unsigned offset = 0; offset < 0x200; offset++)
		if (offset < VIRTIO_MMIO_QUEUE_NOTIFY || offset > VIRTIO_MMIO_STATUS + 3)
			mmio_put(s->vm, BASE + offset, 1, 0xff);
	assert_int_equal(get(s, VIRTIO_MMIO_STATUS), 0);
}

static void config_has_any_width(void **state)
{
	struct state *s = *state;

	memcpy(s->f->config, "0123456789ab", 12);
	assert_int_equal(mmio_get(s->vm, BASE + 0x101, 1), '1');
	assert_int_equal(mmio_get(s->vm, BASE + 0x102, 2), '3' << 8 | '2');
	assert_int_equal(mmio_get(s->vm, BASE + 0x108, 8), 0x62613938);
	assert_int_equal(mmio_get(s->vm, BASE + 0x10c, 4), 0);
	assert_int_equal(mmio_get(s->vm, BASE + 0x1f8, 8), 0);
	mmio_put(s->vm, BASE + 0x103, 1, 'X');
	assert_int_equal(s->f->config[3], 'X');
	mmio_put(s->vm, BASE + 0x109, 4, 0);
	assert_int_equal(s->f->config[9], '9');
}

static void config_change(void **state)
{
	struct state *s = *state;
	u32 generation = get(s, VIRTIO_MMIO_CONFIG_GENERATION);

	start_driver(s);
	virtio_config_changed(&s->f->dev);
	assert_true(fake_irq.line[GSI]);
	assert_int_equal(get(s, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
	assert_int_equal(get(s, VIRTIO_MMIO_CONFIG_GENERATION), generation + 1);
	put(s, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	assert_true(fake_irq.line[GSI]);
	put(s, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
	assert_false(fake_irq.line[GSI]);
	/* A reset takes the level away, too. */
	virtio_config_changed(&s->f->dev);
	put(s, VIRTIO_MMIO_STATUS, 0);
	assert_false(fake_irq.line[GSI]);
}

static void broken_and_on(void **state)
{
	struct state *s = *state;

	start_driver(s);
	ring_offer(&s->ring, 0x7fff);
	put(s, VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	test_run_loop(s->vm->loop);
	assert_int_equal(get(s, VIRTIO_MMIO_STATUS), 15 | VIRTIO_CONFIG_S_NEEDS_RESET);
	assert_int_equal(get(s, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
	start_driver(s);
	offer(s);
	put(s, VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	assert_completes(s);
}

static void reboot_walk(void **state)
{
	struct state *s = *state;

	assert_int_equal(devices_start(&s->vm->devices), 0);
	for (unsigned i = 0; i < 3; i++) {
		start_driver(s);
		offer(s);
		put(s, VIRTIO_MMIO_QUEUE_NOTIFY, 1);
		assert_completes(s);
		offer(s);
		devices_quiesce(&s->vm->devices);
		devices_reset(&s->vm->devices);
		devices_resume(&s->vm->devices);
		assert_int_equal(get(s, VIRTIO_MMIO_STATUS), 0);
		assert_int_equal(fake_irq.nr_io, 0);
	}
}

static void no_place(void **state)
{
	struct state *s = *state;
	struct fake_device *f = fake_device_create(s->vm);
	struct device_resource taken = { RESOURCE_MMIO, BASE + 0x100, 0x200 };
	struct device_resource small = { RESOURCE_MMIO, BASE + 0x10000, 0x100 };

	assert_int_equal(virtio_mmio_attach(&f->dev, s->vm, &taken, 8), -EEXIST);
	assert_int_equal(virtio_mmio_attach(&f->dev, s->vm, &small, 8), -EINVAL);
	fake_destroy(&f->dev);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(identification),
		T(requests_by_trapped_kicks),
		T(requests_by_ioeventfd),
		T(works_without_ioeventfd),
		T(queue_registers),
		T(odd_accesses),
		T(config_has_any_width),
		T(config_change),
		T(broken_and_on),
		T(reboot_walk),
		T(no_place),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
