// SPDX-License-Identifier: GPL-2.0-or-later
/* virtio-balloon: which pages go back to the host, and which do not. */
#include "balloon_guest.h"

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
		driver_notify(dev, i);
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
	driver_notify(dev, INFLATE);
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
	driver_notify(dev, REPORT);
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
	driver_notify(dev, 2);
	run();
	expect_answer(2);
	assert_true(is_gone(0));
	/* One that there is not. */
	fill();
	ring_add(&rings[3], &buffer, 1);
	driver_notify(dev, 3);
	run();
	assert_false(ring_used(&rings[3], NULL, NULL));
	assert_false(is_gone(0));
	assert_false(is_coming(look()));
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
		T(a_legacy_driver),
	};

	return cmocka_run_group_tests(tests, NULL, end_asking);
}
