/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The device core behind a transport of the test's own: negotiation, reset, breaking, pausing. */
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include "lkvm/util/log.h"
#include "lkvm/vm/vm.h"
#include "virtio_driver.h"

#define RAM_SIZE    0x40000
#define SIZE	    8
#define QUEUES	    2
#define FEATURE_ONE BIT(5)
#define FEATURE_TWO BIT(50)
#define ALL_OFFERED                                                                                \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_INDIRECT_DESC) |                              \
	 BIT(VIRTIO_RING_F_EVENT_IDX) | BIT(VIRTIO_F_RING_RESET) | FEATURE_ONE | FEATURE_TWO)

/* Echoes how often it was called; completes what it pops unless told to hold it. */
struct fake {
	struct virtio_device dev;
	struct test_transport transport;
	struct vm vm; /* its memory */
	struct loop *loop;
	u8 *ram;
	struct ring rings[QUEUES];
	u8 config[6];
	_Atomic unsigned notifies, completed;
	unsigned activates, quiesces, resumes, resets, starts, queue_resets;
	bool quiet; /* between quiesce and resume or reset */
	_Atomic bool hold;
	int activate_error;
	bool destroyed;
};

static struct fake *to_fake(struct virtio_device *dev)
{
	return CONTAINER_OF(dev, struct fake, dev);
}

static void fake_config_read(struct virtio_device *dev, u32 offset, u8 *data, u32 len)
{
	memcpy(data, to_fake(dev)->config + offset, len);
}

static void fake_config_write(struct virtio_device *dev, u32 offset, const u8 *data, u32 len)
{
	memcpy(to_fake(dev)->config + offset, data, len);
}

static int fake_activate(struct virtio_device *dev)
{
	to_fake(dev)->activates++;
	return to_fake(dev)->activate_error;
}

static void fake_notify(struct virtio_device *dev, struct virtqueue *vq)
{
	struct fake *f = to_fake(dev);
	struct iovec iov[4];
	struct virtq_chain chain = { .iov = iov, .iov_max = 4 };

	assert_false(f->quiet);
	f->notifies++;
	if (f->hold)
		return;
	do {
		virtqueue_kick_off(vq);
		while (virtqueue_pop(vq, &chain) > 0) {
			virtqueue_push(vq, chain.head, chain.in_len);
			f->completed++;
		}
	} while (virtqueue_kick_on(vq));
	virtqueue_signal(vq);
}

static void fake_quiesce(struct virtio_device *dev)
{
	struct fake *f = to_fake(dev);

	assert_false(f->quiet);
	f->quiet = true;
	f->quiesces++;
}

static void fake_resume(struct virtio_device *dev)
{
	struct fake *f = to_fake(dev);

	assert_true(f->quiet);
	f->quiet = false;
	f->resumes++;
}

static void fake_queue_reset(struct virtio_device *dev, struct virtqueue *vq)
{
	assert_true(to_fake(dev)->quiet);
	to_fake(dev)->queue_resets++;
}

static void fake_reset(struct virtio_device *dev)
{
	struct fake *f = to_fake(dev);

	f->quiet = false;
	f->resets++;
	for (unsigned i = 0; i < QUEUES; i++)
		assert_false(dev->queues[i].attached);
}

static int fake_start(struct virtio_device *dev)
{
	to_fake(dev)->starts++;
	return 0;
}

static void fake_destroy(struct virtio_device *dev)
{
	to_fake(dev)->destroyed = true;
	virtio_exit(dev);
}

static const struct virtio_device_ops fake_ops = {
	.name = "fake",
	.type = 42,
	.config_size = sizeof(((struct fake *)0)->config),
	.queue_size = 2 * SIZE,
	.config_read = fake_config_read,
	.config_write = fake_config_write,
	.activate = fake_activate,
	.notify = fake_notify,
	.quiesce = fake_quiesce,
	.resume = fake_resume,
	.queue_reset = fake_queue_reset,
	.reset = fake_reset,
	.start = fake_start,
	.destroy = fake_destroy,
};

static int setup(void **state)
{
	struct fake *f = calloc(1, sizeof(*f));

	f->ram = calloc(1, RAM_SIZE);
	guest_memory_init(&f->vm.memory);
	assert_int_equal(guest_memory_add_buffer(&f->vm.memory, RING_BASE, f->ram, RAM_SIZE), 0);
	f->loop = loop_create("test");
	assert_non_null(f->loop);
	f->vm.loop = f->loop;
	assert_int_equal(virtio_init(&f->dev, &fake_ops, &f->vm, f->loop, FEATURE_ONE | FEATURE_TWO,
				     QUEUES),
			 0);
	test_transport_init(&f->transport, &f->dev);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fake *f = *state;

	if (!f->destroyed) {
		loop_stop_thread(f->loop);
		f->dev.device.ops->destroy(&f->dev.device);
	}
	assert_true(f->destroyed);
	assert_true(f->transport.destroyed);
	loop_destroy(f->loop);
	guest_memory_destroy(&f->vm.memory);
	free(f->ram);
	free(f);
	return 0;
}

static void make_rings(struct fake *f)
{
	gpa_t half = RING_BASE + RAM_SIZE / 2;

	ring_init_at(&f->rings[0], f->ram, RING_BASE, RAM_SIZE, SIZE, RING_BASE, half);
	ring_init_at(&f->rings[1], f->ram, RING_BASE, RAM_SIZE, SIZE, half, RING_BASE + RAM_SIZE);
}

static void start_driver(struct fake *f)
{
	make_rings(f);
	assert_true(driver_start(&f->dev, BIT(VIRTIO_RING_F_EVENT_IDX) | BIT(VIRTIO_F_RING_RESET),
				 f->rings, QUEUES));
	test_run_loop(f->loop);
}

static void offer(struct fake *f, unsigned queue)
{
	struct ring *r = &f->rings[queue];
	struct ring_buffer b = { r->desc_gpa + 0x4000, 16, true };

	ring_add(r, &b, 1);
	ring_set_used_event(r, r->next_used);
}

/* The whole way: offer, kick, run, completion, interrupt. */
static void assert_works(struct fake *f, unsigned queue)
{
	unsigned before = f->transport.interrupts[queue];
	u32 len;

	offer(f, queue);
	driver_notify(&f->dev, queue);
	test_run_loop(f->loop);
	assert_true(ring_used(&f->rings[queue], NULL, &len));
	assert_int_equal(len, 16);
	assert_int_equal(f->transport.interrupts[queue], before + 1);
}

static void features_are_offered(void **state)
{
	struct fake *f = *state;

	assert_int_equal(virtio_get_device_features(&f->dev, 0), (u32)ALL_OFFERED);
	assert_int_equal(virtio_get_device_features(&f->dev, 1), ALL_OFFERED >> 32);
	assert_int_equal(virtio_get_device_features(&f->dev, 2), 0);
	assert_int_equal(virtio_get_device_features(&f->dev, ~0U), 0);
}

static void features_must_be_good(void **state)
{
	struct fake *f = *state;

	assert_true(driver_negotiate(&f->dev, ALL_OFFERED));
	assert_true(driver_negotiate(&f->dev, BIT(VIRTIO_F_VERSION_1)));
	assert_false(driver_negotiate(&f->dev, 0));
	assert_false(driver_negotiate(&f->dev, ALL_OFFERED & ~BIT(VIRTIO_F_VERSION_1)));
	for (unsigned bit = 0; bit < 64; bit++)
		assert_int_equal(driver_negotiate(&f->dev, BIT(VIRTIO_F_VERSION_1) | BIT(bit)),
				 !!(ALL_OFFERED & BIT(bit)));
	/* Bits 64 and up exist for the driver, too. */
	virtio_set_status(&f->dev, 0);
	virtio_set_driver_features(&f->dev, 1, BIT(VIRTIO_F_VERSION_1) >> 32);
	virtio_set_driver_features(&f->dev, 2, 0);
	virtio_set_driver_features(&f->dev, 3, 1);
	virtio_set_status(&f->dev, VIRTIO_CONFIG_S_FEATURES_OK);
	assert_int_equal(virtio_get_status(&f->dev), 0);
	/* DRIVER_OK is not to be had without it. */
	virtio_set_status(&f->dev, VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
	assert_int_equal(virtio_get_status(&f->dev), 0);
	assert_int_equal(f->activates, 0);
}

/* Where the host sees only what is shared, a driver that does not know of it cannot work. */
static void private_memory_wants_access_platform(void **state)
{
	const u64 both = BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_ACCESS_PLATFORM);
	struct fake *f = *state;
	struct fake other = { .activates = 0 };

	f->vm.private_memory = true;
	assert_int_equal(virtio_init(&other.dev, &fake_ops, &f->vm, f->loop, 0, QUEUES), 0);
	test_transport_init(&other.transport, &other.dev);
	assert_int_equal(virtio_get_device_features(&other.dev, 1) & both >> 32, both >> 32);
	assert_false(driver_negotiate(&other.dev, BIT(VIRTIO_F_VERSION_1)));
	assert_true(driver_negotiate(&other.dev, both));
	virtio_exit(&other.dev);
}

static void features_are_frozen(void **state)
{
	struct fake *f = *state;

	assert_true(driver_negotiate(&f->dev, BIT(VIRTIO_F_VERSION_1) | FEATURE_ONE));
	virtio_set_driver_features(&f->dev, 0, ~0U);
	assert_int_equal(virtio_get_driver_features(&f->dev, 0), FEATURE_ONE);
	assert_int_equal(virtio_get_driver_features(&f->dev, 1), 1);
	assert_int_equal(virtio_get_driver_features(&f->dev, 2), 0);
	assert_true(virtio_has_feature(&f->dev, 5));
	virtio_set_status(&f->dev, 0);
	assert_int_equal(virtio_get_driver_features(&f->dev, 0), 0);
}

static void status_bits_are_only_added(void **state)
{
	struct fake *f = *state;

	virtio_set_status(&f->dev, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	virtio_set_status(&f->dev, VIRTIO_CONFIG_S_DRIVER);
	assert_int_equal(virtio_get_status(&f->dev), 3);
	/* NEEDS_RESET and the unknown bits are not the driver's. */
	virtio_set_status(&f->dev, 0x70);
	assert_int_equal(virtio_get_status(&f->dev), 3);
	virtio_set_status(&f->dev, VIRTIO_CONFIG_S_FAILED);
	assert_int_equal(virtio_get_status(&f->dev), 0x83);
	virtio_set_status(&f->dev, 0);
	assert_int_equal(virtio_get_status(&f->dev), 0);
}

static void requests_flow(void **state)
{
	struct fake *f = *state;

	start_driver(f);
	assert_int_equal(f->activates, 1);
	assert_true(f->dev.queues[0].live);
	for (unsigned i = 0; i < 3 * SIZE; i++) {
		assert_works(f, 0);
		assert_works(f, 1);
	}
	driver_notify(&f->dev, QUEUES);
	driver_notify(&f->dev, ~0U);
	virtio_set_status(&f->dev, VIRTIO_CONFIG_S_DRIVER_OK);
	assert_int_equal(f->activates, 1);
}

static void nothing_happens_before_driver_ok(void **state)
{
	struct fake *f = *state;

	make_rings(f);
	assert_true(driver_negotiate(&f->dev, BIT(VIRTIO_F_VERSION_1)));
	driver_set_queue(&f->dev, 0, &f->rings[0]);
	offer(f, 0);
	driver_notify(&f->dev, 0);
	virtio_config_changed(&f->dev);
	test_run_loop(f->loop);
	assert_int_equal(f->notifies, 0);
	assert_int_equal(f->transport.config_interrupts, 0);
	assert_false(f->dev.queues[0].live);
	/* What was offered before is found without another kick. */
	driver_ok(&f->dev);
	test_run_loop(f->loop);
	assert_int_equal(f->completed, 1);
}

static void queue_enabled_late(void **state)
{
	struct fake *f = *state;

	make_rings(f);
	assert_true(driver_start(&f->dev, 0, f->rings, 1));
	driver_set_queue(&f->dev, 1, &f->rings[1]);
	assert_true(f->dev.queues[1].live);
	assert_works(f, 1);
}

static void queue_registers_freeze(void **state)
{
	struct fake *f = *state;

	make_rings(f);
	assert_int_equal(driver_read_queue(&f->dev, 1, REG_QUEUE_MAX), 2 * SIZE);
	assert_int_equal(driver_read_queue(&f->dev, 1, REG_QUEUE_SIZE), 2 * SIZE);
	assert_true(driver_negotiate(&f->dev, BIT(VIRTIO_F_VERSION_1)));
	driver_set_queue(&f->dev, 1, &f->rings[1]);
	assert_true(driver_read_queue(&f->dev, 1, REG_QUEUE_ENABLE));
	driver_write_queue(&f->dev, 1, REG_QUEUE_SIZE, 2);
	driver_write_queue(&f->dev, 1, REG_DESC_LOW, 0x10);
	driver_write_queue(&f->dev, 1, REG_USED_HIGH, 0x10);
	assert_int_equal(driver_read_queue(&f->dev, 1, REG_QUEUE_SIZE), SIZE);
	assert_int_equal(driver_read_queue(&f->dev, 1, REG_DESC_LOW), f->rings[1].desc_gpa);
	assert_int_equal(driver_read_queue(&f->dev, 1, REG_USED_HIGH), 0);
	/* Past the last queue. */
	for (unsigned i = QUEUES; i; i *= 2) {
		assert_int_equal(driver_read_queue(&f->dev, i, REG_QUEUE_MAX), 0);
		assert_int_equal(driver_read_queue(&f->dev, i, REG_QUEUE_SIZE), 0);
		assert_false(driver_read_queue(&f->dev, i, REG_QUEUE_ENABLE));
		driver_write_queue(&f->dev, i, REG_QUEUE_SIZE, 4);
		driver_write_queue(&f->dev, i, REG_QUEUE_ENABLE, 1);
		driver_write_queue(&f->dev, i, REG_DESC_LOW, 1);
		assert_int_equal(driver_read_queue(&f->dev, i, REG_DESC_LOW), 0);
		driver_write_queue(&f->dev, i, REG_QUEUE_RESET, 1);
	}
	virtio_set_status(&f->dev, 0);
	assert_false(driver_read_queue(&f->dev, 1, REG_QUEUE_ENABLE));
	assert_int_equal(driver_read_queue(&f->dev, 1, REG_QUEUE_SIZE), 2 * SIZE);
	assert_int_equal(driver_read_queue(&f->dev, 1, REG_DESC_LOW), 0);
}

static void bad_queue_breaks(void **state)
{
	struct fake *f = *state;
	static const u32 bad[] = { 0, 3, 4 * SIZE, 0x10000 | SIZE, ~0U };

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		make_rings(f);
		assert_true(driver_negotiate(&f->dev, BIT(VIRTIO_F_VERSION_1)));
		driver_write_queue(&f->dev, 0, REG_QUEUE_SIZE, bad[i]);
		driver_write_queue(&f->dev, 0, REG_DESC_LOW, f->rings[0].desc_gpa);
		driver_write_queue(&f->dev, 0, REG_AVAIL_LOW, f->rings[0].avail_gpa);
		driver_write_queue(&f->dev, 0, REG_USED_LOW, f->rings[0].used_gpa);
		driver_write_queue(&f->dev, 0, REG_QUEUE_ENABLE, 1);
		assert_false(driver_read_queue(&f->dev, 0, REG_QUEUE_ENABLE));
		assert_true(virtio_get_status(&f->dev) & VIRTIO_CONFIG_S_NEEDS_RESET);
		driver_ok(&f->dev);
		assert_false(virtio_get_status(&f->dev) & VIRTIO_CONFIG_S_DRIVER_OK);
	}
	start_driver(f);
	assert_works(f, 0);
}

static void broken_ring_and_on(void **state)
{
	struct fake *f = *state;

	for (unsigned i = 0; i < 20; i++) {
		unsigned interrupts = f->transport.config_interrupts, notifies;

		start_driver(f);
		assert_works(f, 0);
		f->rings[0].avail->idx += SIZE + 1;
		driver_notify(&f->dev, 0);
		test_run_loop(f->loop);
		assert_true(virtio_get_status(&f->dev) & VIRTIO_CONFIG_S_NEEDS_RESET);
		assert_int_equal(f->transport.config_interrupts, interrupts + 1);
		/* The whole device stands still, and says so only once. */
		notifies = f->notifies;
		driver_notify(&f->dev, 0);
		driver_notify(&f->dev, 1);
		test_run_loop(f->loop);
		assert_int_equal(f->notifies, notifies);
		assert_int_equal(f->transport.config_interrupts, interrupts + 1);
	}
	assert_int_equal(f->dev.complaints.spent >= 3, 1);
	start_driver(f);
	assert_int_equal(virtio_get_status(&f->dev), 0xf & ~VIRTIO_CONFIG_S_FAILED);
	assert_works(f, 1);
}

static void activate_may_fail(void **state)
{
	struct fake *f = *state;

	f->activate_error = -EIO;
	make_rings(f);
	driver_start(&f->dev, 0, f->rings, QUEUES);
	assert_true(virtio_get_status(&f->dev) & VIRTIO_CONFIG_S_NEEDS_RESET);
	assert_int_equal(f->quiesces, 0);
	test_run_loop(f->loop);
	assert_int_equal(f->notifies, 0);
	f->activate_error = 0;
	start_driver(f);
	assert_works(f, 0);
}

static void reset_stops_everything(void **state)
{
	struct fake *f = *state;
	unsigned notifies, resets;

	start_driver(f);
	assert_works(f, 0);
	resets = f->resets;
	notifies = f->notifies;
	virtio_set_status(&f->dev, 0);
	assert_int_equal(f->quiesces, 1);
	assert_int_equal(f->resets, resets + 1);
	assert_int_equal(f->resumes, 0);
	assert_false(f->dev.queues[0].live);
	offer(f, 0);
	driver_notify(&f->dev, 0);
	virtio_queue_kick(&f->dev, 1);
	test_run_loop(f->loop);
	assert_int_equal(f->notifies, notifies);
	virtio_set_status(&f->dev, 0);
	assert_int_equal(f->quiesces, 1);
	start_driver(f);
	assert_works(f, 0);
}

static void pause_loses_no_kick(void **state)
{
	struct fake *f = *state;
	struct device *d = &f->dev.device;
	unsigned completed, notifies;

	start_driver(f);
	completed = f->completed;
	notifies = f->notifies;
	offer(f, 0);
	driver_notify(&f->dev, 0);
	d->ops->quiesce(d);
	offer(f, 1);
	driver_notify(&f->dev, 1);
	test_run_loop(f->loop);
	assert_int_equal(f->notifies, notifies);
	assert_int_equal(f->quiesces, 1);
	/* ioeventfds stay: what they collect is looked at later. */
	assert_true(f->dev.queues[0].live);
	d->ops->resume(d);
	test_run_loop(f->loop);
	assert_int_equal(f->completed, completed + 2);
	assert_int_equal(f->resumes, 1);
}

static void resume_kicks_even_without_a_kick(void **state)
{
	struct fake *f = *state;
	struct device *d = &f->dev.device;
	unsigned completed;

	start_driver(f);
	f->hold = true;
	completed = f->completed;
	offer(f, 0);
	driver_notify(&f->dev, 0);
	test_run_loop(f->loop);
	assert_int_equal(f->completed, completed);
	d->ops->quiesce(d);
	f->hold = false;
	d->ops->resume(d);
	test_run_loop(f->loop);
	assert_int_equal(f->completed, completed + 1);
}

static void machine_reset_while_quiesced(void **state)
{
	struct fake *f = *state;
	struct device *d = &f->dev.device;

	start_driver(f);
	d->ops->quiesce(d);
	d->ops->reset(d);
	assert_int_equal(f->quiesces, 1);
	d->ops->resume(d);
	assert_int_equal(f->resumes, 0);
	assert_int_equal(virtio_get_status(&f->dev), 0);
	start_driver(f);
	assert_works(f, 0);
	assert_works(f, 1);
}

static void pause_of_an_idle_device(void **state)
{
	struct fake *f = *state;
	struct device *d = &f->dev.device;

	assert_int_equal(d->ops->start(d), 0);
	assert_int_equal(f->starts, 1);
	d->ops->quiesce(d);
	d->ops->resume(d);
	assert_int_equal(f->quiesces, 0);
	assert_int_equal(f->resumes, 0);
	start_driver(f);
	assert_works(f, 1);
}

static void one_queue_is_reset(void **state)
{
	struct fake *f = *state;

	start_driver(f);
	assert_works(f, 0);
	assert_works(f, 1);
	driver_write_queue(&f->dev, 0, REG_QUEUE_RESET, 1);
	assert_int_equal(f->queue_resets, 1);
	assert_false(driver_read_queue(&f->dev, 0, REG_QUEUE_ENABLE));
	assert_int_equal(driver_read_queue(&f->dev, 0, REG_QUEUE_SIZE), 2 * SIZE);
	assert_int_equal(driver_read_queue(&f->dev, 0, REG_DESC_LOW), 0);
	assert_false(f->dev.queues[0].live);
	assert_true(f->dev.queues[1].live);
	assert_works(f, 1);
	ring_init_at(&f->rings[0], f->ram, RING_BASE, RAM_SIZE, SIZE, RING_BASE,
		     RING_BASE + RAM_SIZE / 2);
	driver_set_queue(&f->dev, 0, &f->rings[0]);
	assert_works(f, 0);
	assert_works(f, 1);
	assert_int_equal(f->activates, 1);
}

static void queue_reset_needs_the_feature(void **state)
{
	struct fake *f = *state;

	make_rings(f);
	assert_true(driver_start(&f->dev, BIT(VIRTIO_RING_F_EVENT_IDX), f->rings, QUEUES));
	driver_write_queue(&f->dev, 0, REG_QUEUE_RESET, 1);
	assert_true(driver_read_queue(&f->dev, 0, REG_QUEUE_ENABLE));
	assert_works(f, 0);
	/* virtio-mmio may switch a queue off without it. */
	driver_write_queue(&f->dev, 0, REG_QUEUE_ENABLE, 0);
	assert_false(driver_read_queue(&f->dev, 0, REG_QUEUE_ENABLE));
	assert_works(f, 1);
}

static void config_space_is_bounded(void **state)
{
	struct fake *f = *state;
	u8 data[8];

	memcpy(f->config, "abcdef", 6);
	virtio_config_read(&f->dev, 2, data, 4);
	assert_memory_equal(data, "cdef", 4);
	memset(data, 0xff, 8);
	virtio_config_read(&f->dev, 4, data, 8);
	assert_memory_equal(data, "ef\0\0\0\0\0\0", 8);
	virtio_config_read(&f->dev, 6, data, 8);
	assert_memory_equal(data, "\0\0\0\0\0\0\0\0", 8);
	virtio_config_read(&f->dev, 0xfffffffe, data, 8);
	assert_memory_equal(data, "\0\0\0\0\0\0\0\0", 8);
	virtio_config_write(&f->dev, 3, (const u8 *)"XYZ", 3);
	assert_memory_equal(f->config, "abcXYZ", 6);
	virtio_config_write(&f->dev, 3, (const u8 *)"1234", 4);
	virtio_config_write(&f->dev, 6, (const u8 *)"1", 1);
	virtio_config_write(&f->dev, ~0U, (const u8 *)"1", 1);
	assert_memory_equal(f->config, "abcXYZ", 6);
}

static void config_change_is_announced(void **state)
{
	struct fake *f = *state;
	u8 generation = virtio_config_generation(&f->dev);

	start_driver(f);
	virtio_config_changed(&f->dev);
	assert_int_equal(f->transport.config_interrupts, 1);
	assert_int_equal(virtio_config_generation(&f->dev), (u8)(generation + 1));
}

/* The real thing: handlers on a thread, resets and pauses against them. Run under TSan too. */
static void resets_race_with_the_loop(void **state)
{
	struct fake *f = *state;
	struct device *d = &f->dev.device;

	assert_int_equal(loop_start_thread(f->loop), 0);
	for (unsigned i = 0; i < 200; i++) {
		unsigned before = f->completed;

		make_rings(f);
		assert_true(driver_start(&f->dev, BIT(VIRTIO_RING_F_EVENT_IDX), f->rings, QUEUES));
		for (unsigned n = 0; n < SIZE; n++) {
			offer(f, n & 1);
			driver_notify(&f->dev, n & 1);
			if (n == 3) {
				d->ops->quiesce(d);
				d->ops->resume(d);
			}
		}
		if (i & 1)
			while (f->completed != before + SIZE)
				usleep(10);
		virtio_set_status(&f->dev, 0);
	}
	loop_stop_thread(f->loop);
}

static unsigned seated;

static int seat_attach(struct virtio_queue_slot *slot)
{
	seated++;
	return 0;
}

static void seat_detach(struct virtio_queue_slot *slot)
{
	seated--;
}

/* Kicks are somebody else's then, and what he cannot do is not offered. */
static void somebody_else_serves_the_queues(void **state)
{
	static const struct virtio_seat_ops ops = { .attach = seat_attach, .detach = seat_detach };
	static const struct virtio_seat seat = { &ops, ~BIT(VIRTIO_RING_F_EVENT_IDX) };
	struct fake *f = *state;
	const struct device_ops *life = f->dev.device.ops;
	eventfd_t kicks;

	seated = 0;
	virtio_set_seat(&f->dev, &seat);
	assert_int_equal(f->dev.device_features, ALL_OFFERED & seat.features);
	assert_false(driver_negotiate(&f->dev, ALL_OFFERED));
	make_rings(f);
	assert_true(driver_start(&f->dev, BIT(VIRTIO_F_RING_RESET), f->rings, QUEUES));
	assert_int_equal(seated, QUEUES);
	offer(f, 0);
	driver_notify(&f->dev, 0);
	test_run_loop(f->loop);
	assert_int_equal(f->notifies, 0);
	assert_int_equal(eventfd_read(f->dev.queues[0].kick_fd, &kicks), 0);
	life->quiesce(&f->dev.device);
	assert_int_equal(seated, 0);
	life->resume(&f->dev.device);
	assert_int_equal(seated, QUEUES);
	driver_write_queue(&f->dev, 1, REG_QUEUE_RESET, 1);
	assert_int_equal(seated, QUEUES - 1);
	virtio_set_status(&f->dev, 0);
	assert_int_equal(seated, 0);
}

static void what_cannot_be_made_is_destroyed(void **state)
{
	struct rlimit before, few = { 3, 0 };
	struct fake other = { .activates = 0 };
	struct fake *f = *state;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(virtio_init(&other.dev, &fake_ops, &f->vm, f->loop, 0, QUEUES), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true(other.destroyed);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(features_are_offered),
		T(features_must_be_good),
		T(private_memory_wants_access_platform),
		T(features_are_frozen),
		T(status_bits_are_only_added),
		T(requests_flow),
		T(nothing_happens_before_driver_ok),
		T(queue_enabled_late),
		T(queue_registers_freeze),
		T(bad_queue_breaks),
		T(broken_ring_and_on),
		T(activate_may_fail),
		T(reset_stops_everything),
		T(pause_loses_no_kick),
		T(resume_kicks_even_without_a_kick),
		T(machine_reset_while_quiesced),
		T(pause_of_an_idle_device),
		T(one_queue_is_reset),
		T(queue_reset_needs_the_feature),
		T(config_space_is_bounded),
		T(config_change_is_announced),
		T(resets_race_with_the_loop),
		T(somebody_else_serves_the_queues),
		T(what_cannot_be_made_is_destroyed),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
