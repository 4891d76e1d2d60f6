// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>

#include "test.h"
#include "hw_vm.h"
#include "virtio_driver.h"
#include "lkvm/console/chardev.h"
#include "lkvm/vm/device-kind.h"

extern const struct device_kind virtio_console_kind;

#define QUEUE 16
#define RAM   MIB(1)

/* ---- a chardev that takes as much as the test lets it ---- */

static struct chardev_client client;
static char out[70000];
static size_t out_len, out_room;
static unsigned again;
static u16 columns, rows;

void chardev_set_client(struct chardev *chardev, const struct chardev_client *c)
{
	client = *c;
}

size_t chardev_try_write(struct chardev *chardev, const u8 *data, size_t len)
{
	len = MIN(len, out_room);
	assert_true(out_len + len <= sizeof(out));
	memcpy(out + out_len, data, len);
	out_len += len;
	out_room -= len;
	return len;
}

void chardev_room_again(struct chardev *chardev)
{
	again++;
}

bool chardev_size(struct chardev *chardev, u16 *c, u16 *r)
{
	*c = columns;
	*r = rows;
	return columns;
}

/* ---- a transport ---- */

static struct test_transport transport;
static struct virtio_device *dev;

int virtio_attach(struct virtio_device *device, struct vm *vm)
{
	dev = device;
	test_transport_init(&transport, device);
	device_add(&vm->devices, &device->device);
	return 0;
}

static u8 *ram;
static struct ring rings[2];

static void init_rings(void)
{
	ring_init_at(&rings[0], ram, RING_BASE, RAM, QUEUE, RING_BASE, RING_BASE + RAM / 2);
	ring_init_at(&rings[1], ram, RING_BASE, RAM, QUEUE, RING_BASE + RAM / 2, RING_BASE + RAM);
}

static int setup(void **state)
{
	struct vm *vm = test_vm_init();

	ram = calloc(1, RAM);
	guest_memory_add_buffer(&vm->memory, RING_BASE, ram, RAM);
	out_len = 0;
	out_room = sizeof(out);
	again = 0;
	columns = 80;
	rows = 25;
	test_vm.config.console = CONSOLE_VIRTIO;
	assert_int_equal(virtio_console_kind.create(vm, NULL, 0, NULL), 0);
	devices_reset(&vm->devices);
	assert_int_equal(devices_start(&vm->devices), 0);
	init_rings();
	return 0;
}

static int teardown(void **state)
{
	test_vm_exit();
	free(ram);
	return 0;
}

static void run(void)
{
	test_run_loop(test_vm.vm.loop);
}

static void start_driver(u64 features)
{
	init_rings();
	assert_true(driver_start(dev, features, rings, 2));
	run();
}

/* The driver sends. */
static void send_text(const char *text, unsigned pieces)
{
	struct ring_buffer buffers[QUEUE];
	size_t len = strlen(text), each = len / pieces;
	gpa_t gpa = ring_alloc(&rings[1], len);

	memcpy(ring_ptr(&rings[1], gpa, len), text, len);
	for (unsigned i = 0; i < pieces; i++)
		buffers[i] = (struct ring_buffer){ gpa + i * each,
						   i + 1 < pieces ? each : len - i * each, false };
	ring_add(&rings[1], buffers, pieces);
	driver_notify(dev, 1);
	run();
}

static gpa_t offer(u32 len)
{
	struct ring_buffer buffer = { ring_alloc(&rings[0], MAX(len, 1u)), len, true };

	ring_add(&rings[0], &buffer, 1);
	driver_notify(dev, 0);
	run();
	return buffer.gpa;
}

static void type(const char *text)
{
	assert_true(client.room(client.opaque) >= strlen(text));
	client.receive(client.opaque, (const u8 *)text, strlen(text));
	run();
}

static void expect_out(const char *text)
{
	assert_int_equal(out_len, strlen(text));
	assert_memory_equal(out, text, out_len);
}

static void expect_in(gpa_t gpa, const char *text)
{
	u32 len = 0;

	assert_true(ring_used(&rings[0], NULL, &len));
	assert_int_equal(len, strlen(text));
	assert_memory_equal(ring_ptr(&rings[0], gpa, len), text, len);
}

static void is_what_it_says(void **state)
{
	struct virtio_console_config config;

	assert_int_equal(dev->ops->type, VIRTIO_ID_CONSOLE);
	assert_true(dev->device_features & BIT(VIRTIO_CONSOLE_F_SIZE));
	assert_false(dev->device_features & BIT(VIRTIO_CONSOLE_F_MULTIPORT));
	virtio_config_read(dev, 0, (u8 *)&config, sizeof(config));
	assert_int_equal(le16toh(config.cols), 80);
	assert_int_equal(le16toh(config.rows), 25);
	columns = 132;
	client.resized(client.opaque);
	virtio_config_read(dev, 0, (u8 *)&config.cols, 2);
	assert_int_equal(le16toh(config.cols), 132);
	assert_int_equal(virtio_config_generation(dev), 1);
}

static void resize_interrupts_the_driver(void **state)
{
	start_driver(BIT(VIRTIO_CONSOLE_F_SIZE));
	client.resized(client.opaque);
	assert_int_equal(transport.config_interrupts, 1);
}

static void stop_loop(struct loop_timer *timer)
{
	loop_stop(test_vm.vm.loop);
}

static void turn(unsigned ms)
{
	struct loop_timer limit = { .expired = stop_loop };

	loop_timer_set(test_vm.vm.loop, &limit, ms * 1000000ULL);
	loop_run(test_vm.vm.loop);
}

/* Linux looks at the size only then, and not before its console is there. */
static void driver_is_told_the_size(void **state)
{
	start_driver(BIT(VIRTIO_CONSOLE_F_SIZE));
	offer(100);
	for (int i = 0; transport.config_interrupts < 2; i++) {
		assert_true(i < 1000);
		turn(5);
	}
	/* Who is not interested is left alone, also when another one was before. */
	virtio_set_status(dev, 0);
	transport.config_interrupts = 0;
	start_driver(0);
	offer(100);
	turn(150);
	assert_int_equal(transport.config_interrupts, 0);
}

static void sends(void **state)
{
	u32 len;

	start_driver(0);
	send_text("hello", 1);
	send_text(", world\r\n", 3);
	expect_out("hello, world\r\n");
	assert_true(ring_used(&rings[1], NULL, &len));
	assert_int_equal(len, 0);
	assert_true(ring_used(&rings[1], NULL, &len));
	assert_false(ring_used(&rings[1], NULL, &len));
	assert_true(transport.interrupts[1] >= 1);
}

static void receives(void **state)
{
	gpa_t first, second;

	start_driver(0);
	first = offer(100);
	second = offer(100);
	assert_false(ring_used(&rings[0], NULL, NULL));
	type("ls\n");
	expect_in(first, "ls\n");
	assert_int_equal(transport.interrupts[0], 1);
	type("pwd\n");
	expect_in(second, "pwd\n");
}

/* Typed before the driver is there, or while it has no buffers: kept, and no more than fits taken. */
static void early_input_waits(void **state)
{
	char big[4096];
	gpa_t gpa;

	type("early");
	start_driver(0);
	assert_false(ring_used(&rings[0], NULL, NULL));
	gpa = offer(3);
	expect_in(gpa, "ear");
	again = 0;
	gpa = offer(64);
	expect_in(gpa, "ly");
	assert_true(again);
	while (client.room(client.opaque)) {
		size_t room = client.room(client.opaque);

		memset(big, 'b', sizeof(big));
		client.receive(client.opaque, (u8 *)big, MIN(room, (size_t)100));
		run();
	}
	gpa = offer(5000);
	assert_int_equal(client.room(client.opaque), 4096);
}

static void slow_host_loses_nothing(void **state)
{
	static char text[3000];

	for (unsigned i = 0; i < sizeof(text) - 1; i++)
		text[i] = 'a' + i % 26;
	start_driver(0);
	out_room = 10;
	send_text(text, 7);
	send_text("END", 1);
	assert_int_equal(out_len, 10);
	assert_false(ring_used(&rings[1], NULL, NULL));
	while (out_len < sizeof(text) - 1 + 3) {
		size_t before = out_len;

		out_room = 300;
		client.writable(client.opaque);
		run();
		assert_true(out_len > before);
	}
	assert_memory_equal(out, text, sizeof(text) - 1);
	assert_memory_equal(out + sizeof(text) - 1, "END", 3);
	assert_true(ring_used(&rings[1], NULL, NULL));
	assert_true(ring_used(&rings[1], NULL, NULL));
}

static void pause_in_the_middle(void **state)
{
	gpa_t gpa;

	start_driver(0);
	out_room = 4;
	send_text("0123456789", 3);
	devices_quiesce(&test_vm.vm.devices);
	out_room = 100;
	client.writable(client.opaque);
	client.receive(client.opaque, (const u8 *)"typed", 5);
	run();
	expect_out("0123");
	devices_resume(&test_vm.vm.devices);
	run();
	expect_out("0123456789");
	gpa = offer(10);
	expect_in(gpa, "typed");
}

/* What was half sent belongs to the chain of a driver that is gone. */
static void reset_in_the_middle(void **state)
{
	start_driver(0);
	out_room = 4;
	send_text("0123456789", 1);
	virtio_set_status(dev, 0);
	client.writable(client.opaque);
	run();
	out_room = 100;
	start_driver(0);
	send_text("new", 1);
	expect_out("0123new");
}

/* What the kernel says after that nobody hears. */
static void a_driver_lets_go_of_it(void **state)
{
	virtio_set_status(dev, 0);
	assert_int_equal(test_vm.vm.last_words.last, LAST_WORDS_NONE);
	start_driver(0);
	assert_int_equal(test_vm.vm.last_words.last, LAST_WORDS_NONE);
	virtio_set_status(dev, 0);
	assert_int_equal(test_vm.vm.last_words.last, LAST_WORDS_CONSOLE_LEFT);
}

static void emergency_write(void **state)
{
	le32 value = htole32('!');

	virtio_config_write(dev, 8, (u8 *)&value, 4);
	expect_out("!");
	/* Elsewhere nothing is writable. */
	virtio_config_write(dev, 0, (u8 *)&value, 4);
	expect_out("!");
	out_room = 0;
	virtio_config_write(dev, 8, (u8 *)&value, 4);
	expect_out("!");
}

/* A legacy driver's fields are in its order, and it writes them byte by byte. */
static void legacy_driver(void **state)
{
	for (unsigned big = 0; big < 2; big++) {
		struct virtio_console_config config;
		gpa_t gpa;
		u8 value[4] = { big ? 0 : '!', 0, 0, big ? '!' : 0 };

		virtio_set_legacy(dev);
		driver_big_endian = big;
		out_len = 0;
		for (unsigned i = 0; i < 2; i++)
			ring_init_legacy(&rings[i], ram, RING_BASE, RAM, QUEUE,
					 RING_BASE + i * (RAM / 2), 4096, big);
		assert_true(driver_start_legacy(dev, BIT(VIRTIO_CONSOLE_F_SIZE), rings, 2, 4096));
		run();
		virtio_config_read(dev, 0, (u8 *)&config, sizeof(config));
		assert_memory_equal(&config, big ? "\0\x50\0\x19\0\0\0\1" : "\x50\0\x19\0\1\0\0\0",
				    8);
		for (unsigned i = 0; i < 4; i++)
			virtio_config_write(dev, 8 + i, &value[i], 1);
		virtio_config_write(dev, 8, value, 4);
		expect_out("!!");
		send_text("sent", 2);
		expect_out("!!sent");
		gpa = offer(8);
		type("typed");
		expect_in(gpa, "typed");
		driver_big_endian = false;
	}
}

static void odd_chains(void **state)
{
	struct ring_buffer wrong = { ring_alloc(&rings[1], 8), 8, true };
	gpa_t gpa;

	start_driver(0);
	/* Writable in the transmit queue, readable in the receive queue, empty: taken, nothing moves. */
	wrong.gpa = ring_alloc(&rings[1], 8);
	ring_add(&rings[1], &wrong, 1);
	driver_notify(dev, 1);
	run();
	assert_true(ring_used(&rings[1], NULL, NULL));
	expect_out("");
	wrong.gpa = ring_alloc(&rings[0], 8);
	wrong.writable = false;
	ring_add(&rings[0], &wrong, 1);
	driver_notify(dev, 0);
	offer(0);
	gpa = offer(8);
	type("x");
	assert_true(ring_used(&rings[0], NULL, NULL));
	assert_true(ring_used(&rings[0], NULL, NULL));
	expect_in(gpa, "x");
	assert_false(virtio_get_status(dev) & VIRTIO_CONFIG_S_NEEDS_RESET);
}

static void broken_ring_breaks_only_the_device(void **state)
{
	start_driver(0);
	ring_desc(&rings[1], 0, 0xdead0000, 16, 0, 0);
	ring_offer(&rings[1], 0);
	driver_notify(dev, 1);
	run();
	assert_true(virtio_get_status(dev) & VIRTIO_CONFIG_S_NEEDS_RESET);
	expect_out("");
	start_driver(0);
	send_text("again", 1);
	expect_out("again");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(is_what_it_says),
		T(resize_interrupts_the_driver),
		T(driver_is_told_the_size),
		T(sends),
		T(receives),
		T(early_input_waits),
		T(slow_host_loses_nothing),
		T(pause_in_the_middle),
		T(reset_in_the_middle),
		T(a_driver_lets_go_of_it),
		T(emergency_write),
		T(legacy_driver),
		T(odd_chains),
		T(broken_ring_breaks_only_the_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
