/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-rng: what the driver gets, and how much of it at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "lkvm/util/log.h"
#include "lkvm/vm/device-kind.h"
#include "fake_vm.h"
#include "virtio_driver.h"

extern const struct device_kind virtio_rng_kind;

static struct virtio_device *created;
static struct test_transport transport;

/* The board is not here: the test is the transport. */
int virtio_attach(struct virtio_device *dev, struct vm *vm)
{
	created = dev;
	test_transport_init(&transport, dev);
	device_add(&vm->devices, &dev->device);
	return 0;
}

struct state {
	struct vm *vm;
	struct ring ring;
};

static int setup(void **state)
{
	struct state *s = calloc(1, sizeof(*s));

	s->vm = fake_vm_create();
	assert_int_equal(virtio_rng_kind.create(s->vm, NULL, 0, NULL), 0);
	ring_init(&s->ring, fake_ram(s->vm), RING_BASE, FAKE_RAM_SIZE, 64);
	assert_true(driver_start(created, 0, &s->ring, 1));
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct state *s = *state;

	fake_vm_destroy(s->vm);
	assert_true(transport.destroyed);
	free(s);
	return 0;
}

static u32 ask(struct state *s, const struct ring_buffer *buffers, unsigned nr)
{
	u32 len = ~0U;

	ring_add(&s->ring, buffers, nr);
	driver_notify(created, 0);
	test_run_loop(s->vm->loop);
	assert_true(ring_used(&s->ring, NULL, &len));
	return len;
}

static unsigned zeroes(const u8 *bytes, unsigned len)
{
	unsigned n = 0;

	while (len--)
		n += !bytes[len];
	return n;
}

static void fills_buffers(void **state)
{
	struct state *s = *state;
	gpa_t a = ring_alloc(&s->ring, 512);
	struct ring_buffer b[] = { { a, 64, true }, { a + 128, 64, true } };
	u8 *ram = ring_ptr(&s->ring, a, 512);

	assert_int_equal(ask(s, b, 2), 128);
	/* 64 random bytes with more than 32 zeroes do not happen. */
	assert_true(zeroes(ram, 64) < 32);
	assert_int_equal(zeroes(ram + 64, 64), 64);
	assert_true(zeroes(ram + 128, 64) < 32);
	assert_int_equal(zeroes(ram + 192, 320), 320);
	assert_memory_not_equal(ram, ram + 128, 64);
}

static void large_requests_are_cut(void **state)
{
	struct state *s = *state;
	gpa_t a = ring_alloc(&s->ring, 0x10000);
	struct ring_buffer b = { a, 0x10000, true };

	assert_int_equal(ask(s, &b, 1), 4096);
	assert_int_equal(zeroes(ring_ptr(&s->ring, a + 4096, 0xf000), 0xf000), 0xf000);
}

static void requests_without_room(void **state)
{
	struct state *s = *state;
	struct ring_buffer b = { ring_alloc(&s->ring, 16), 16, false };

	assert_int_equal(ask(s, &b, 1), 0);
	b.len = 0;
	assert_int_equal(ask(s, &b, 1), 0);
	b.len = 16;
	b.writable = true;
	assert_int_equal(ask(s, &b, 1), 16);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(fills_buffers),
		T(large_requests_are_cut),
		T(requests_without_room),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
