/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest with a balloon, and its driver; what the host answers, and when it is, is the test's. */
#ifndef TEST_BALLOON_GUEST_H
#define TEST_BALLOON_GUEST_H

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_balloon.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "hw_vm.h"
#include "lkvm/config/memory-config.h"
#include "lkvm/control/request.h"
#include "lkvm/vm/device-kind.h"
#include "said.h"
#include "virtio_driver.h"

#define RAM   MIB(32)
#define QUEUE 128
#define PAGE  4096ULL
/* Where the driver's pages are: behind its rings and buffers. */
#define PAGES (RING_BASE + MIB(8))
#define ALL                                                                                        \
	(BIT(VIRTIO_BALLOON_F_MUST_TELL_HOST) | BIT(VIRTIO_BALLOON_F_STATS_VQ) |                   \
	 BIT(VIRTIO_BALLOON_F_DEFLATE_ON_OOM) | BIT(VIRTIO_BALLOON_F_FREE_PAGE_HINT) |             \
	 BIT(VIRTIO_BALLOON_F_REPORTING))

enum { INFLATE, DEFLATE, STATS, HINT, REPORT, QUEUES };

extern const struct device_kind virtio_balloon_kind;

/* ---- in place of others ---- */

static struct test_transport transport;
static struct virtio_device *dev;

int virtio_attach(struct virtio_device *device, struct vm *vm)
{
	dev = device;
	test_transport_init(&transport, device);
	device_add(&vm->devices, &device->device);
	return 0;
}

/* A file system that knows no holes, on demand. */
static bool no_holes;

int fallocate(int fd, int mode, off_t offset, off_t len)
{
	errno = EOPNOTSUPP;
	return no_holes ? -1 : (int)syscall(SYS_fallocate, fd, mode, offset, len);
}

/* Time is the test's, and so is what happens while somebody looks at it. */
static u64 now;
static void (*meanwhile)(void);

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	void (*fn)(void) = meanwhile;

	meanwhile = NULL;
	if (fn)
		fn();
	ts->tv_sec = now / 1000000000;
	ts->tv_nsec = now % 1000000000;
	return 0;
}

void control_refuse(struct control_call *call, const char *code, const char *fmt, ...)
{
	char words[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	assert_false(call->refused);
	call->refusal = json_pack("{s:s, s:s}", "code", code, "error", words);
	call->refused = true;
}

/* ---- a guest ---- */

static struct memory_config memory_config;
static struct ring rings[QUEUES];
static char path[64];
static u8 *ram;
static u64 host_page; /* 0: as it is */

static inline struct vm *make(enum memory_kind kind)
{
	struct vm *vm = test_vm_init();

	now = 1;
	memory_config.kind = kind;
	assert_int_equal(guest_memory_use(&vm->memory, &memory_config, RAM), 0);
	if (host_page)
		vm->memory.page = host_page;
	assert_int_equal(guest_memory_add_ram(&vm->memory, RING_BASE, RAM), 0);
	ram = vm->memory.regions[0].hva;
	assert_int_equal(virtio_balloon_kind.create(vm, NULL, 0, NULL), 0);
	dev->device.kind = &virtio_balloon_kind;
	devices_reset(&vm->devices);
	return vm;
}

static inline void run(void)
{
	for (int i = 0; i < 40; i++)
		test_run_loop(dev->queues[0].loop);
}

static inline void drive(u64 features)
{
	for (unsigned i = 0; i < QUEUES; i++)
		ring_init_at(&rings[i], ram, RING_BASE, RAM, QUEUE, RING_BASE + i * MIB(1),
			     RING_BASE + (i + 1) * MIB(1));
	assert_true(driver_start(dev, features, rings, QUEUES));
	run();
}

static inline int setup(void **state)
{
	snprintf(path, sizeof(path), "/tmp/lkvm-balloon-%d", getpid());
	memory_config = (struct memory_config){ .path = path };
	no_holes = false;
	host_page = 0;
	return 0;
}

static inline int teardown(void **state)
{
	if (dev) {
		struct guest_memory *memory = &test_vm.vm.memory;

		test_vm_exit();
		assert_true(transport.destroyed);
		guest_memory_destroy(memory);
	}
	dev = NULL;
	unlink(path);
	return 0;
}

static inline u8 *page_at(unsigned nr)
{
	return ram + (PAGES - RING_BASE) + nr * PAGE;
}

static inline u32 pfn(unsigned nr)
{
	return (PAGES / PAGE) + nr;
}

/* All of the driver's pages have something in them. */
static inline void fill(void)
{
	memset(page_at(0), 7, RAM - (PAGES - RING_BASE));
}

static inline bool is_gone(unsigned nr)
{
	const u8 *page = page_at(nr);

	assert_true(*page == 0 || *page == 7);
	for (unsigned i = 0; i < PAGE; i++)
		assert_int_equal(page[i], *page);
	return !*page;
}

/* A request, answered. */
static inline void send_bytes(unsigned queue, const void *bytes, u32 len)
{
	gpa_t gpa = ring_alloc(&rings[queue], len);
	struct ring_buffer buffer = { gpa, len, false };

	memcpy(ring_ptr(&rings[queue], gpa, len), bytes, len);
	ring_add(&rings[queue], &buffer, 1);
	driver_notify(dev, queue);
	run();
}

static inline void expect_answer(unsigned queue)
{
	u32 len = 1;

	assert_true(ring_used(&rings[queue], NULL, &len));
	assert_int_equal(len, 0);
	assert_false(ring_used(&rings[queue], NULL, NULL));
}

static inline void send_pfns(unsigned queue, const u32 *pfns, unsigned nr)
{
	static le32 wire[5000];

	for (unsigned i = 0; i < nr; i++)
		wire[i] = htole32(pfns[i]);
	send_bytes(queue, wire, nr * sizeof(*wire));
}

static inline bool is_broken(void)
{
	return virtio_get_status(dev) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

static inline u32 config32(unsigned offset)
{
	le32 value;

	virtio_config_read(dev, offset, (u8 *)&value, 4);
	return le32toh(value);
}

static inline void set_config32(unsigned offset, u32 value)
{
	le32 wire = htole32(value);

	virtio_config_write(dev, offset, (u8 *)&wire, 4);
}

/* ---- who asks from outside ---- */

static struct control_call call;
static json_t *part;

/* The answer, or the refusal. */
static inline json_t *ask(const char *key, u64 value)
{
	const struct control_request *request = virtio_balloon_kind.requests;
	const struct key_row *row = request->args;
	char text[32], why[KEY_WHY];

	json_decref(call.answer);
	json_decref(call.refusal);
	call = (struct control_call){ .vm = &test_vm.vm, .device = &dev->device };
	call.answer = json_object();
	snprintf(text, sizeof(text), "%lluB", (unsigned long long)value);
	for (; key && strcmp(row->name, key); row++)
		;
	if (key)
		assert_int_equal(
			key_store(row, call.args, row->type == KEY_FLAG ? NULL : text, why), 0);
	request->act(&call);
	return call.refused ? call.refusal : call.answer;
}

static inline u64 number(json_t *object, const char *key)
{
	assert_true(json_is_integer(json_object_get(object, key)));
	return json_integer_value(json_object_get(object, key));
}

static inline const char *code(json_t *refusal)
{
	return json_string_value(json_object_get(refusal, "code"));
}

static inline json_t *look(void)
{
	json_decref(part);
	part = json_object();
	virtio_balloon_kind.stat(&dev->device, part);
	run();
	return part;
}

static inline bool is_coming(json_t *numbers)
{
	return json_is_true(json_object_get(numbers, DEVICE_STAT_COMING));
}

static inline int end_asking(void **state)
{
	json_decref(call.answer);
	json_decref(call.refusal);
	json_decref(part);
	call.answer = call.refusal = part = NULL;
	return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
