// SPDX-License-Identifier: GPL-2.0-or-later
/* virtio-balloon: what goes back to the host and what does not, and what guests can tell of their memory. */
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

/* Time is the test's. */
static u64 now;

int clock_gettime(clockid_t clock, struct timespec *ts)
{
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

static struct vm *make(enum memory_kind kind)
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

static void run(void)
{
	for (int i = 0; i < 40; i++)
		test_run_loop(dev->queues[0].loop);
}

static void drive(u64 features)
{
	for (unsigned i = 0; i < QUEUES; i++)
		ring_init_at(&rings[i], ram, RING_BASE, RAM, QUEUE, RING_BASE + i * MIB(1),
			     RING_BASE + (i + 1) * MIB(1));
	assert_true(driver_start(dev, features, rings, QUEUES));
	run();
}

static int setup(void **state)
{
	memory_config = (struct memory_config){ .path = path };
	no_holes = false;
	host_page = 0;
	return 0;
}

static int teardown(void **state)
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

static u8 *page_at(unsigned nr)
{
	return ram + (PAGES - RING_BASE) + nr * PAGE;
}

static u32 pfn(unsigned nr)
{
	return (PAGES / PAGE) + nr;
}

/* All of the driver's pages have something in them. */
static void fill(void)
{
	memset(page_at(0), 7, RAM - (PAGES - RING_BASE));
}

static bool is_gone(unsigned nr)
{
	const u8 *page = page_at(nr);

	assert_true(*page == 0 || *page == 7);
	for (unsigned i = 0; i < PAGE; i++)
		assert_int_equal(page[i], *page);
	return !*page;
}

/* A request, answered. */
static void send_bytes(unsigned queue, const void *bytes, u32 len)
{
	gpa_t gpa = ring_alloc(&rings[queue], len);
	struct ring_buffer buffer = { gpa, len, false };

	memcpy(ring_ptr(&rings[queue], gpa, len), bytes, len);
	ring_add(&rings[queue], &buffer, 1);
	virtio_queue_notified(dev, queue);
	run();
}

static void expect_answer(unsigned queue)
{
	u32 len = 1;

	assert_true(ring_used(&rings[queue], NULL, &len));
	assert_int_equal(len, 0);
	assert_false(ring_used(&rings[queue], NULL, NULL));
}

static void send_pfns(unsigned queue, const u32 *pfns, unsigned nr)
{
	static le32 wire[5000];

	for (unsigned i = 0; i < nr; i++)
		wire[i] = htole32(pfns[i]);
	send_bytes(queue, wire, nr * sizeof(*wire));
}

static bool is_broken(void)
{
	return virtio_get_status(dev) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

static u32 config32(unsigned offset)
{
	le32 value;

	virtio_config_read(dev, offset, (u8 *)&value, 4);
	return le32toh(value);
}

static void set_config32(unsigned offset, u32 value)
{
	le32 wire = htole32(value);

	virtio_config_write(dev, offset, (u8 *)&wire, 4);
}

/* ---- who asks from outside ---- */

static struct control_call call;
static json_t *part;

/* The answer, or the refusal. */
static json_t *ask(const char *key, u64 value)
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

static u64 number(json_t *object, const char *key)
{
	assert_true(json_is_integer(json_object_get(object, key)));
	return json_integer_value(json_object_get(object, key));
}

static const char *code(json_t *refusal)
{
	return json_string_value(json_object_get(refusal, "code"));
}

static json_t *look(void)
{
	json_decref(part);
	part = json_object();
	virtio_balloon_kind.stat(&dev->device, part);
	run();
	return part;
}

static bool is_coming(json_t *numbers)
{
	return json_is_true(json_object_get(numbers, DEVICE_STAT_COMING));
}

static int end_asking(void **state)
{
	json_decref(call.answer);
	json_decref(call.refusal);
	json_decref(part);
	call.answer = call.refusal = part = NULL;
	return 0;
}

/* ---- inflating ---- */

static void inflates(enum memory_kind kind)
{
	/* In no order, one of them twice. */
	const u32 pfns[] = { pfn(9), pfn(3), pfn(2), pfn(100), pfn(3), pfn(4) };

	make(kind);
	drive(ALL);
	fill();
	send_pfns(INFLATE, pfns, ARRAY_SIZE(pfns));
	expect_answer(INFLATE);
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(is_gone(i), (i >= 2 && i <= 4) || i == 9 || i == 100);
	assert_int_equal(number(look(), "given_back_bytes"), 5 * PAGE);
	*page_at(3) = 1;
	send_pfns(DEFLATE, pfns, ARRAY_SIZE(pfns));
	expect_answer(DEFLATE);
	assert_int_equal(*page_at(3), 1);
	assert_int_equal(number(look(), "given_back_bytes"), 5 * PAGE);
	assert_false(is_broken());
}

static void inflates_anonymous(void **state)
{
	inflates(MEMORY_ANONYMOUS);
}

static void inflates_memfd(void **state)
{
	struct stat before, after;
	u32 pfns[256];

	inflates(MEMORY_MEMFD);
	fill();
	assert_int_equal(fstat(test_vm.vm.memory.fd, &before), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(pfns); i++)
		pfns[i] = pfn(1000 - i);
	send_pfns(INFLATE, pfns, ARRAY_SIZE(pfns));
	assert_int_equal(fstat(test_vm.vm.memory.fd, &after), 0);
	/* The request itself may be on a page that was not there before. */
	assert_in_range((before.st_blocks - after.st_blocks) * 512, MIB(1) - PAGE, MIB(1));
}

static void inflates_a_file(void **state)
{
	inflates(MEMORY_FILE);
}

/* As with huge pages, of which a part is nobody's to have. */
static void larger_pages_go_back_whole(void **state)
{
	u32 pfns[16];

	host_page = KIB(64);
	make(MEMORY_MEMFD);
	drive(ALL);
	fill();
	for (unsigned i = 0; i < 16; i++)
		pfns[i] = pfn(16 + i);
	send_pfns(INFLATE, pfns + 8, 8);
	/* One that the driver has taken back meanwhile, and one that it names twice. */
	send_pfns(DEFLATE, pfns + 15, 1);
	send_pfns(INFLATE, pfns, 9);
	for (unsigned i = 0; i < 48; i++)
		assert_false(is_gone(i));
	send_pfns(INFLATE, pfns + 15, 1);
	for (unsigned i = 0; i < 48; i++)
		assert_int_equal(is_gone(i), i >= 16 && i < 32);
	assert_int_equal(number(look(), "given_back_bytes"), KIB(64));
	/* A new driver's pages are its own again. */
	fill();
	send_pfns(INFLATE, pfns, 8);
	drive(ALL);
	fill();
	send_pfns(INFLATE, pfns + 8, 8);
	for (unsigned i = 0; i < 48; i++)
		assert_false(is_gone(i));
	assert_false(is_broken());
}

/* Who does not tell what it takes back may have taken it before the rest of the page comes. */
static void larger_pages_of_a_silent_driver(void **state)
{
	u32 pfns[16];

	host_page = KIB(64);
	make(MEMORY_MEMFD);
	drive(ALL & ~BIT(VIRTIO_BALLOON_F_MUST_TELL_HOST));
	fill();
	for (unsigned i = 0; i < 16; i++)
		pfns[i] = pfn(16 + i);
	send_pfns(INFLATE, pfns, 8);
	send_pfns(INFLATE, pfns + 8, 8);
	for (unsigned i = 0; i < 48; i++)
		assert_false(is_gone(i));
	send_pfns(INFLATE, pfns, 16);
	for (unsigned i = 0; i < 48; i++)
		assert_int_equal(is_gone(i), i >= 16 && i < 32);
}

static void pages_beyond_memory(void **state)
{
	const u32 wrong[] = { (RING_BASE + RAM) / PAGE, RING_BASE / PAGE - 1, 0, ~0u };

	for (unsigned pages = 0; pages < 2; pages++) {
		host_page = pages * KIB(64);
		make(MEMORY_MEMFD);
		for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
			/* Below all memory is no whole page of the host's, so nothing comes of it. */
			bool harmless = pages && wrong[i] < pfn(0);

			drive(ALL);
			fill();
			said_begin();
			send_pfns(INFLATE, &wrong[i], 1);
			said_end();
			assert_int_equal(is_broken(), !harmless);
			if (!pages && !i)
				SAID("Warning: virtio-balloon: the guest's driver broke it: queue 0: "
				     "pages in the balloon are no RAM: 0x2100000, 4096 bytes");
			send_pfns(DEFLATE, &wrong[i], 1);
		}
		assert_false(is_gone(0));
		setup(NULL);
		teardown(NULL);
	}
}

static void a_rom_stays(void **state)
{
	u32 first = pfn(0);

	make(MEMORY_ANONYMOUS);
	drive(ALL);
	fill();
	test_vm.vm.memory.regions[0].readonly = true;
	said_begin();
	send_pfns(INFLATE, &first, 1);
	said_end();
	assert_true(is_broken());
	assert_false(is_gone(0));
}

static void private_pages_stay(void **state)
{
	static _Atomic u64 private[RAM / PAGE / 64];
	struct vm *vm = make(MEMORY_ANONYMOUS);
	u32 pfns[] = { pfn(0), pfn(1) };
	unsigned bit = pfn(1) - RING_BASE / PAGE;

	drive(ALL);
	fill();
	vm->memory.regions[0].private_pages = private;
	private[bit / 64] = BIT(bit % 64);
	said_begin();
	send_pfns(INFLATE, pfns, 2);
	said_end();
	SAID("pages in the balloon are private to the guest: 0x900000, 8192 bytes");
	assert_true(is_broken());
	vm->memory.regions[0].private_pages = NULL;
	assert_false(is_gone(1));
}

static void a_guest_with_private_memory_gets_none(void **state)
{
	struct vm *vm = test_vm_init();

	vm->private_memory = true;
	said_begin();
	assert_int_equal(virtio_balloon_kind.create(vm, NULL, 0, NULL), -EOPNOTSUPP);
	said_end();
	SAID("Fatal: --balloon: the guest's memory is private");
	test_vm_exit();
}

/* More than any driver sends is answered, but not all of it is looked at. */
static void long_requests(void **state)
{
	unsigned nr = 5000;
	u32 *pfns = calloc(nr, sizeof(*pfns));

	make(MEMORY_ANONYMOUS);
	drive(ALL);
	fill();
	for (unsigned i = 0; i < nr; i++)
		pfns[i] = pfn(i);
	send_pfns(INFLATE, pfns, nr);
	expect_answer(INFLATE);
	assert_true(is_gone(4095));
	assert_false(is_gone(4096));
	/* What is no whole number, and what has no room for one. */
	fill();
	send_bytes(INFLATE, pfns, 7);
	expect_answer(INFLATE);
	assert_true(is_gone(0));
	assert_false(is_gone(1));
	fill();
	send_bytes(INFLATE, pfns, 3);
	expect_answer(INFLATE);
	assert_false(is_gone(0));
	free(pfns);
}

static void requests_to_write_to(void **state)
{
	struct ring_buffer buffer = { PAGES, PAGE, true };

	make(MEMORY_ANONYMOUS);
	drive(ALL);
	fill();
	for (unsigned i = INFLATE; i <= DEFLATE; i++) {
		ring_add(&rings[i], &buffer, 1);
		virtio_queue_notified(dev, i);
		run();
		expect_answer(i);
	}
	assert_false(is_gone(0));
}

/* A pause waits for a turn of the loop. */
static void many_requests_take_turns(void **state)
{
	struct ring_buffer buffer;
	unsigned answers = 0;

	make(MEMORY_ANONYMOUS);
	drive(ALL);
	buffer = (struct ring_buffer){ ring_alloc(&rings[INFLATE], 4), 4, false };
	*(le32 *)ring_ptr(&rings[INFLATE], buffer.gpa, 4) = htole32(pfn(0));
	for (unsigned i = 0; i < 100; i++)
		ring_add(&rings[INFLATE], &buffer, 1);
	virtio_queue_notified(dev, INFLATE);
	loop_post(dev->queues[0].loop, test_stop_loop, dev->queues[0].loop);
	loop_run(dev->queues[0].loop);
	while (ring_used(&rings[INFLATE], NULL, NULL))
		answers++;
	assert_in_range(answers, 0, 20);
	run();
	while (ring_used(&rings[INFLATE], NULL, NULL))
		answers++;
	assert_int_equal(answers, 100);
}

static void a_host_that_takes_none(void **state)
{
	u32 pfns[] = { pfn(0), pfn(2) };

	make(MEMORY_FILE);
	drive(ALL);
	fill();
	no_holes = true;
	said_begin();
	send_pfns(INFLATE, pfns, 2);
	said_end();
	SAID("Warning: virtio-balloon: the host does not take the guest's pages back: Operation not");
	expect_answer(INFLATE);
	assert_false(is_gone(0));
	assert_false(is_broken());
	assert_int_equal(number(look(), "given_back_bytes"), 0);
}

/* ---- reports ---- */

static void report(const struct ring_buffer *buffers, unsigned nr)
{
	ring_add(&rings[REPORT], buffers, nr);
	virtio_queue_notified(dev, REPORT);
	run();
	expect_answer(REPORT);
}

static void reports(enum memory_kind kind)
{
	const struct ring_buffer buffers[] = {
		{ PAGES, 4 * PAGE, true },
		{ PAGES + 6 * PAGE, PAGE, true },
		/* Parts of pages stay. */
		{ PAGES + 8 * PAGE + 1, 3 * PAGE, true },
		{ PAGES + 20 * PAGE + 1, PAGE, true },
	};

	make(kind);
	drive(ALL);
	fill();
	report(buffers, ARRAY_SIZE(buffers));
	for (unsigned i = 0; i < 30; i++)
		assert_int_equal(is_gone(i), i < 4 || i == 6 || i == 9 || i == 10);
	assert_int_equal(number(look(), "reported_bytes"), 7 * PAGE);
	assert_int_equal(number(part, "given_back_bytes"), 7 * PAGE);
}

static void reported_pages_go_back(void **state)
{
	reports(MEMORY_ANONYMOUS);
}

static void reported_pages_of_a_memfd_go_back(void **state)
{
	reports(MEMORY_MEMFD);
}

static void poisoned_pages_stay(void **state)
{
	const struct ring_buffer buffer = { PAGES, 4 * PAGE, true };

	make(MEMORY_ANONYMOUS);
	for (u32 poison = 0; poison < 2; poison++) {
		for (unsigned i = 0; i < QUEUES; i++)
			ring_init_at(&rings[i], ram, RING_BASE, RAM, QUEUE, RING_BASE + i * MIB(1),
				     RING_BASE + (i + 1) * MIB(1));
		assert_true(driver_negotiate(dev, ALL | BIT(VIRTIO_BALLOON_F_PAGE_POISON) |
							  BIT(VIRTIO_F_VERSION_1)));
		set_config32(12, poison ? 0xaaaaaaaa : 0);
		for (unsigned i = 0; i < QUEUES; i++)
			driver_set_queue(dev, i, &rings[i]);
		driver_ok(dev);
		/* Too late. */
		set_config32(12, !poison);
		assert_int_equal(config32(12), poison ? 0xaaaaaaaa : 0);
		fill();
		report(&buffer, 1);
		assert_int_equal(is_gone(0), !poison);
	}
}

/* Who has all pages made ahead gets none taken that nobody asks for. */
static void memory_made_ahead(void **state)
{
	make(MEMORY_ANONYMOUS);
	assert_int_equal(dev->device_features & ALL, ALL);
	teardown(NULL);
	memory_config.prealloc = true;
	make(MEMORY_ANONYMOUS);
	assert_int_equal(dev->device_features & ALL, ALL & ~BIT(VIRTIO_BALLOON_F_REPORTING));
	drive(ALL & ~BIT(VIRTIO_BALLOON_F_REPORTING));
	fill();
	send_pfns(INFLATE, (u32[]){ pfn(0) }, 1);
	assert_true(is_gone(0));
}

/* Drivers number the queues that there are. */
static void queues_without_gaps(void **state)
{
	const struct ring_buffer buffer = { PAGES, PAGE, true };

	make(MEMORY_ANONYMOUS);
	drive(BIT(VIRTIO_BALLOON_F_REPORTING));
	fill();
	ring_add(&rings[2], &buffer, 1);
	virtio_queue_notified(dev, 2);
	run();
	expect_answer(2);
	assert_true(is_gone(0));
	/* One that there is not. */
	fill();
	ring_add(&rings[3], &buffer, 1);
	virtio_queue_notified(dev, 3);
	run();
	assert_false(ring_used(&rings[3], NULL, NULL));
	assert_false(is_gone(0));
	assert_false(is_coming(look()));
}

/* ---- hints ---- */

static void hint(u32 id)
{
	le32 wire = htole32(id);

	send_bytes(HINT, &wire, 4);
	expect_answer(HINT);
}

static void hint_pages(unsigned first, unsigned nr)
{
	const struct ring_buffer buffer = { PAGES + first * PAGE, nr * PAGE, true };

	ring_add(&rings[HINT], &buffer, 1);
	virtio_queue_notified(dev, HINT);
	run();
	expect_answer(HINT);
}

static void a_round_of_hints(void **state)
{
	unsigned told;
	u32 id;

	make(MEMORY_ANONYMOUS);
	drive(ALL);
	fill();
	/* Nobody has asked. */
	hint_pages(0, 4);
	hint(5);
	hint_pages(0, 4);
	assert_int_equal(number(look(), "hinted_bytes"), 0);
	told = transport.config_interrupts;
	ask("hint", 0);
	assert_true(json_is_true(json_object_get(call.answer, "hinting")));
	assert_int_equal(transport.config_interrupts, told + 1);
	id = config32(8);
	assert_true(id > VIRTIO_BALLOON_CMD_ID_DONE);
	hint(id + 1);
	hint_pages(0, 4);
	assert_int_equal(number(look(), "hinted_bytes"), 0);
	hint(id);
	hint_pages(0, 4);
	hint_pages(8, 1);
	assert_int_equal(number(look(), "hinted_bytes"), 5 * PAGE);
	assert_int_equal(config32(8), id);
	/* The driver has no more: it gets its pages back. */
	hint(VIRTIO_BALLOON_CMD_ID_STOP);
	assert_int_equal(config32(8), VIRTIO_BALLOON_CMD_ID_DONE);
	assert_int_equal(transport.config_interrupts, told + 2);
	hint_pages(10, 4);
	assert_int_equal(number(look(), "hinted_bytes"), 5 * PAGE);
	assert_true(json_is_false(json_object_get(part, "hinting")));
	/* It may have written to them since, which nobody has seen. */
	for (unsigned i = 0; i < 20; i++)
		assert_false(is_gone(i));
	/* Another round is another number, and the first one's end is not its end. */
	ask("hint", 0);
	assert_true(config32(8) > id);
	hint(VIRTIO_BALLOON_CMD_ID_STOP);
	assert_int_equal(config32(8), id + 1);
	hint(id);
	hint(VIRTIO_BALLOON_CMD_ID_STOP);
	assert_int_equal(config32(8), id + 1);
	assert_int_equal(number(look(), "hinted_bytes"), 0);
	/* However often it says so. */
	hint(id + 1);
	for (unsigned i = 0; i < 10; i++)
		hint_pages(0, MIB(8) / PAGE);
	assert_int_equal(number(look(), "hinted_bytes"), RAM);
	/* A number alone is one. */
	send_bytes(HINT, "\1\0", 2);
	expect_answer(HINT);
	assert_int_equal(config32(8), id + 1);
}

/* ---- statistics ---- */

static void offer_stats(const void *bytes, u32 len)
{
	send_bytes(STATS, bytes, len);
}

static void offer_numbers(u64 free, u64 faults)
{
	struct virtio_balloon_stat stats[] = {
		{ htole16(VIRTIO_BALLOON_S_MEMFREE), htole64(free) },
		{ htole16(999), htole64(1) },
		{ htole16(VIRTIO_BALLOON_S_MAJFLT), htole64(faults) },
		{ htole16(15), htole64(15) },
	};

	offer_stats(stats, sizeof(stats));
}

static void statistics(void **state)
{
	make(MEMORY_ANONYMOUS);
	drive(ALL);
	/* What is there at first is of no time that anybody knows. */
	assert_true(is_coming(look()));
	offer_numbers(1, 1);
	assert_null(json_object_get(look(), "free_bytes"));
	assert_true(is_coming(part));
	expect_answer(STATS);
	offer_numbers(1000, 2000);
	assert_int_equal(number(look(), "free_bytes"), 1000);
	assert_int_equal(number(part, "major_faults"), 2000);
	assert_int_equal(number(part, "direct_reclaimed"), 15);
	assert_int_equal(number(part, "age_ms"), 0);
	assert_null(json_object_get(part, "total_bytes"));
	/* New enough. */
	assert_false(is_coming(part));
	assert_false(ring_used(&rings[STATS], NULL, NULL));
	now += 1500000000;
	assert_true(is_coming(look()));
	assert_int_equal(number(part, "age_ms"), 1500);
	assert_int_equal(number(part, "free_bytes"), 1000);
	expect_answer(STATS);
	offer_numbers(1ULL << 63, 0);
	assert_false(is_coming(look()));
	assert_int_equal(number(part, "free_bytes"), INT64_MAX);
}

static void statistics_that_do_not_come(void **state)
{
	make(MEMORY_ANONYMOUS);
	drive(ALL);
	offer_numbers(1, 1);
	assert_true(is_coming(look()));
	expect_answer(STATS);
	now += 999000000;
	assert_true(is_coming(look()));
	now += 2000000;
	assert_false(is_coming(look()));
	now += 60000000000;
	assert_false(is_coming(look()));
	/* After all. */
	offer_numbers(5, 5);
	assert_int_equal(number(look(), "free_bytes"), 5);
}

static void odd_statistics(void **state)
{
	u8 bytes[4096];

	memset(bytes, 0, sizeof(bytes));
	make(MEMORY_ANONYMOUS);
	drive(ALL);
	offer_numbers(1, 1);
	look();
	expect_answer(STATS);
	/* Too much, and not a whole number of them. */
	offer_stats(bytes, sizeof(bytes));
	assert_int_equal(number(look(), "swapped_in_bytes"), 0);
	assert_null(json_object_get(part, "free_bytes"));
	now += 2000000000;
	look();
	expect_answer(STATS);
	offer_stats(bytes, 9);
	assert_null(json_object_get(look(), "swapped_in_bytes"));
	/* Two at a time: the second waits until the first is given back. */
	offer_numbers(3, 3);
	assert_false(ring_used(&rings[STATS], NULL, NULL));
	now += 2000000000;
	look();
	expect_answer(STATS);
	assert_int_equal(number(look(), "free_bytes"), 3);
	assert_false(is_broken());
}

/* A device at rest holds no buffer. */
static void a_pause_between_statistics(void **state)
{
	struct vm *vm = make(MEMORY_ANONYMOUS);

	drive(ALL);
	offer_numbers(1, 1);
	dev->device.started = true;
	devices_quiesce(&vm->devices);
	assert_int_equal(dev->queues[STATS].vq.nr_busy, 0);
	assert_true(is_coming(look()));
	assert_false(ring_used(&rings[STATS], NULL, NULL));
	devices_resume(&vm->devices);
	run();
	expect_answer(STATS);
	offer_numbers(2, 2);
	devices_quiesce(&vm->devices);
	devices_resume(&vm->devices);
	run();
	assert_int_equal(number(look(), "free_bytes"), 2);
	dev->device.started = false;
}

/* ---- what is asked from outside ---- */

static void asks_for_memory(void **state)
{
	json_t *answer;

	make(MEMORY_ANONYMOUS);
	drive(ALL);
	answer = ask(NULL, 0);
	assert_int_equal(number(answer, "memory_bytes"), RAM);
	assert_int_equal(number(answer, "target_bytes"), RAM);
	assert_int_equal(number(answer, "actual_bytes"), RAM);
	answer = ask("inflate", MIB(4));
	assert_int_equal(number(answer, "target_bytes"), MIB(28));
	assert_int_equal(number(answer, "actual_bytes"), MIB(32));
	assert_int_equal(transport.config_interrupts, 1);
	assert_int_equal(config32(0), 1024);
	ask("inflate", MIB(2));
	assert_int_equal(config32(0), 1536);
	ask("deflate", MIB(1));
	assert_int_equal(config32(0), 1280);
	ask("target", MIB(16));
	assert_int_equal(config32(0), 4096);
	set_config32(4, 4000);
	assert_int_equal(config32(4), 4000);
	answer = ask(NULL, 0);
	assert_int_equal(number(answer, "target_bytes"), MIB(16));
	assert_int_equal(number(answer, "actual_bytes"), RAM - 4000 * PAGE);
	/* Only the number of its pages is the driver's to set. */
	set_config32(0, 1);
	set_config32(8, 77);
	assert_int_equal(config32(0), 4096);
	assert_int_equal(config32(8), 0);
	set_config32(4, ~0u);
	assert_int_equal(number(ask(NULL, 0), "actual_bytes"), 0);
	ask("target", RAM);
	assert_int_equal(config32(0), 0);
}

static void refuses(void **state)
{
	make(MEMORY_ANONYMOUS);
	assert_string_equal(code(ask("inflate", MIB(1))), "no-driver");
	drive(BIT(VIRTIO_BALLOON_F_STATS_VQ));
	assert_string_equal(code(ask("hint", 0)), "no-driver");
	assert_string_equal(code(ask("inflate", MIB(17))), "too-large");
	assert_string_equal(code(ask("inflate", ~0ULL >> 1)), "too-large");
	assert_string_equal(code(ask("target", MIB(15))), "too-large");
	assert_string_equal(code(ask("target", MIB(33))), "too-large");
	assert_string_equal(code(ask("deflate", PAGE)), "too-large");
	ask("inflate", MIB(1));
	assert_string_equal(code(ask("deflate", MIB(2))), "too-large");
	assert_string_equal(json_string_value(json_object_get(call.refusal, "error")),
			    "its balloon is to have 1 MiB, so it cannot have 2 MiB less");
	assert_int_equal(config32(0), 256);
	virtio_set_status(dev, 0);
	assert_string_equal(code(ask("inflate", MIB(1))), "no-driver");
}

/* Another kernel has all of its memory. */
static void a_reset_forgets(void **state)
{
	struct vm *vm = make(MEMORY_ANONYMOUS);

	drive(ALL);
	offer_numbers(1, 1);
	ask("inflate", MIB(1));
	ask("hint", 0);
	set_config32(4, 100);
	look();
	expect_answer(STATS);
	offer_numbers(9, 9);
	assert_int_equal(number(look(), "free_bytes"), 9);
	devices_reset(&vm->devices);
	for (unsigned offset = 0; offset < 16; offset += 4)
		assert_int_equal(config32(offset), 0);
	assert_null(json_object_get(look(), "free_bytes"));
	assert_int_equal(number(part, "target_bytes"), RAM);
	assert_false(is_coming(part));
	drive(ALL);
	fill();
	send_pfns(INFLATE, (u32[]){ pfn(0) }, 1);
	assert_true(is_gone(0));
}

/* ---- drivers of before virtio 1 ---- */

static void a_legacy_driver(void **state)
{
	u32 wire[] = { htobe32(pfn(1)), htobe32(pfn(3)) };

	make(MEMORY_ANONYMOUS);
	driver_big_endian = true;
	virtio_set_legacy(dev);
	for (unsigned i = 0; i < QUEUES; i++)
		ring_init_legacy(&rings[i], ram, RING_BASE, RAM, QUEUE, RING_BASE + i * MIB(1),
				 4096, true);
	assert_true(driver_start_legacy(dev, ALL, rings, QUEUES, 4096));
	driver_big_endian = false;
	fill();
	send_bytes(INFLATE, wire, sizeof(wire));
	assert_true(is_gone(1) && is_gone(3));
	assert_false(is_gone(0) || is_gone(2));
	/* Whose configuration is little-endian all the same, and written a byte at a time. */
	ask("inflate", MIB(1));
	assert_int_equal(config32(0), 256);
	for (unsigned i = 0; i < 4; i++)
		virtio_config_write(dev, 4 + i, (u8[]){ i == 1 }, 1);
	assert_int_equal(config32(4), 256);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(inflates_anonymous),
		T(inflates_memfd),
		T(inflates_a_file),
		T(larger_pages_go_back_whole),
		T(larger_pages_of_a_silent_driver),
		T(pages_beyond_memory),
		T(a_rom_stays),
		T(private_pages_stay),
		T(a_guest_with_private_memory_gets_none),
		T(long_requests),
		T(requests_to_write_to),
		T(many_requests_take_turns),
		T(a_host_that_takes_none),
		T(reported_pages_go_back),
		T(reported_pages_of_a_memfd_go_back),
		T(poisoned_pages_stay),
		T(memory_made_ahead),
		T(queues_without_gaps),
		T(a_round_of_hints),
		T(statistics),
		T(statistics_that_do_not_come),
		T(odd_statistics),
		T(a_pause_between_statistics),
		T(asks_for_memory),
		T(refuses),
		T(a_reset_forgets),
		T(a_legacy_driver),
	};

	snprintf(path, sizeof(path), "/tmp/lkvm-balloon-%d", getpid());
	return cmocka_run_group_tests(tests, NULL, end_asking);
}
