// SPDX-License-Identifier: GPL-2.0-or-later
/* Pages made private and shared: what is refused, what is given back, what devices reach. */
#include <fcntl.h>
#include <sys/stat.h>

#include "conversion_guest.h"
#include "said.h"
#include "lkvm/memory/backends.h"

/* The shared half, whatever the page is. */
static u8 *shared(gpa_t gpa)
{
	for (unsigned i = 0; i < vm.memory.nr_regions; i++) {
		struct guest_region *region = &vm.memory.regions[i];

		if (gpa - region->gpa < region->size)
			return region->hva + (gpa - region->gpa);
	}
	fail();
	return NULL;
}

static u8 private_byte(gpa_t gpa)
{
	for (unsigned i = 0; i < vm.memory.nr_regions; i++) {
		struct guest_region *region = &vm.memory.regions[i];
		u8 byte;

		if (gpa - region->gpa >= region->size)
			continue;
		assert_int_equal(pread(region->guest_memfd, &byte, 1,
				       region->guest_memfd_offset + (gpa - region->gpa)),
				 1);
		return byte;
	}
	fail();
	return 0;
}

static void put_private(gpa_t gpa, u8 byte)
{
	for (unsigned i = 0; i < vm.memory.nr_regions; i++) {
		struct guest_region *region = &vm.memory.regions[i];

		if (gpa - region->gpa < region->size)
			assert_int_equal(pwrite(region->guest_memfd, &byte, 1, gpa - region->gpa),
					 1);
	}
}

static void every_region_has_two_halves(void **state)
{
	assert_int_equal(fake.memfds, 3);
	assert_int_equal(fake.memfd_flags, 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(vm.memory.regions[i].guest_memfd >= 0);
		assert_int_equal(fcntl(vm.memory.regions[i].guest_memfd, F_GETFD), FD_CLOEXEC);
		assert_true(reachable(vm.memory.regions[i].gpa, FAKE_SIZE));
	}
	assert_int_equal(fake.sets, 0);
	assert_true(guest_memory_may_vanish(&vm.memory));
}

static void page_goes_both_ways(void **state)
{
	gpa_t page = FAKE_LOW + 3 * FAKE_PAGE;

	*shared(page) = 0x11;
	*shared(page - 1) = 0x22;
	*shared(page + FAKE_PAGE) = 0x33;
	assert_int_equal(conversion_request(&vcpu, page, FAKE_PAGE, true), 0);
	assert_int_equal(fake.last.address, page);
	assert_int_equal(fake.last.size, FAKE_PAGE);
	assert_int_equal(fake.last.attributes, KVM_MEMORY_ATTRIBUTE_PRIVATE);
	assert_int_equal(fake.last.flags, 0);
	assert_int_equal(*shared(page), 0);
	put_private(page, 0x44);
	put_private(page + FAKE_PAGE, 0x55);
	assert_int_equal(conversion_request(&vcpu, page, FAKE_PAGE, false), 0);
	assert_int_equal(fake.last.attributes, 0);
	assert_int_equal(private_byte(page), 0);
	assert_int_equal(private_byte(page + FAKE_PAGE), 0x55);
	assert_int_equal(*shared(page - 1), 0x22);
	assert_int_equal(*shared(page + FAKE_PAGE), 0x33);
	assert_int_equal(counted(COUNTER_CONVERSIONS_PRIVATE), 1);
	assert_int_equal(counted(COUNTER_CONVERSIONS_SHARED), 1);
	assert_int_equal(counted(COUNTER_CONVERTED_BYTES), 2 * FAKE_PAGE);
	assert_int_equal(counted(COUNTER_CONVERSIONS_REFUSED), 0);
	/* A launch's are not the guest's wish. */
	assert_int_equal(conversion_apply(&vm, page, FAKE_PAGE, true), 0);
	assert_int_equal(conversion_apply(&vm, page + 1, FAKE_PAGE, true), -EINVAL);
	assert_int_equal(counted(COUNTER_CONVERSIONS_PRIVATE), 1);
	assert_int_equal(counted(COUNTER_CONVERTED_BYTES), 2 * FAKE_PAGE);
	assert_int_equal(counted(COUNTER_CONVERSIONS_REFUSED), 0);
}

/* A page that is so already loses nothing. */
static void again_is_nothing_new(void **state)
{
	*shared(FAKE_LOW) = 0x11;
	assert_int_equal(conversion_apply(&vm, FAKE_LOW, 4 * FAKE_PAGE, false), 0);
	assert_int_equal(*shared(FAKE_LOW), 0x11);
	assert_int_equal(conversion_apply(&vm, FAKE_LOW, FAKE_PAGE, true), 0);
	put_private(FAKE_LOW, 0x22);
	assert_int_equal(conversion_apply(&vm, FAKE_LOW, 4 * FAKE_PAGE, true), 0);
	assert_int_equal(private_byte(FAKE_LOW), 0x22);
}

static void devices_reach_shared_pages_only(void **state)
{
	gpa_t page = FAKE_LOW + 70 * FAKE_PAGE;
	u64 value = 1;

	assert_int_equal(conversion_apply(&vm, page, 2 * FAKE_PAGE, true), 0);
	assert_true(reachable(page - 1, 1));
	assert_true(reachable(page + 2 * FAKE_PAGE, 1));
	assert_false(reachable(page, 1));
	assert_false(reachable(page + 2 * FAKE_PAGE - 1, 1));
	assert_false(reachable(page - 1, 2));
	assert_false(reachable(FAKE_LOW, FAKE_SIZE));
	assert_null(guest_memory_hva_writable(&vm.memory, page, 8));
	assert_int_equal(guest_read(&vm.memory, page - 4, &value, 8), -EFAULT);
	assert_int_equal(guest_write(&vm.memory, page + FAKE_PAGE, &value, 8), -EFAULT);
	assert_int_equal(*shared(page + FAKE_PAGE), 0);
	assert_int_equal(guest_write(&vm.memory, page - 8, &value, 8), 0);
	assert_int_equal(conversion_apply(&vm, page, FAKE_PAGE, false), 0);
	assert_int_equal(guest_write(&vm.memory, page - 4, &value, 8), 0);
	assert_false(reachable(page + FAKE_PAGE, 1));
}

static void nonsense_changes_nothing(void **state)
{
	static const struct {
		gpa_t gpa;
		u64 size;
	} ranges[] = {
		{ FAKE_LOW, 0 },
		{ FAKE_LOW + 1, FAKE_PAGE },
		{ FAKE_LOW + 2048, FAKE_PAGE },
		{ FAKE_LOW, FAKE_PAGE + 1 },
		{ FAKE_LOW, 2048 },
		{ FAKE_LOW - FAKE_PAGE, 2 * FAKE_PAGE },
		{ FAKE_HIGH + FAKE_SIZE, FAKE_PAGE },
		{ FAKE_HIGH, FAKE_SIZE + FAKE_PAGE },
		/* Two slots, though they touch. */
		{ FAKE_HIGH - FAKE_PAGE, 2 * FAKE_PAGE },
		{ FAKE_LOW, 2 * FAKE_SIZE },
		{ FAKE_HIGH, FAKE_FAR - FAKE_HIGH + FAKE_PAGE },
		{ FAKE_FAR + FAKE_SIZE - FAKE_PAGE, 2 * FAKE_PAGE },
		{ FAKE_LOW, -FAKE_PAGE },
		{ FAKE_LOW, -FAKE_LOW },
		{ -FAKE_PAGE, FAKE_PAGE },
		{ -FAKE_PAGE, 2 * FAKE_PAGE },
		{ 0, -FAKE_PAGE },
	};

	assert_int_equal(conversion_apply(&vm, FAKE_HIGH, FAKE_PAGE, true), 0);
	put_private(FAKE_HIGH, 0x77);
	*shared(FAKE_LOW) = 0x66;
	for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++)
		for (unsigned private = 0; private < 2; private ++)
			assert_int_equal(conversion_request(&vcpu, ranges[i].gpa, ranges[i].size,
							    private),
					 -EINVAL);
	assert_int_equal(fake.sets, 1);
	assert_int_equal(fake.prefaults, 0);
	assert_int_equal(*shared(FAKE_LOW), 0x66);
	assert_int_equal(private_byte(FAKE_HIGH), 0x77);
	assert_false(reachable(FAKE_HIGH, 1));
	assert_int_equal(counted(COUNTER_CONVERSIONS_REFUSED), 2 * ARRAY_SIZE(ranges));
}

static void what_kvm_refuses_changes_nothing(void **state)
{
	assert_int_equal(conversion_apply(&vm, FAKE_HIGH, FAKE_PAGE, true), 0);
	put_private(FAKE_HIGH, 0x77);
	*shared(FAKE_LOW) = 0x66;
	fake.set_error = ENOMEM;
	assert_int_equal(conversion_request(&vcpu, FAKE_LOW, FAKE_PAGE, true), -ENOMEM);
	assert_int_equal(conversion_request(&vcpu, FAKE_HIGH, FAKE_PAGE, false), -ENOMEM);
	assert_int_equal(*shared(FAKE_LOW), 0x66);
	assert_true(reachable(FAKE_LOW, 1));
	assert_int_equal(private_byte(FAKE_HIGH), 0x77);
	assert_false(reachable(FAKE_HIGH, 1));
	assert_int_equal(fake.prefaults, 0);
}

/* Has the first region's shared half in a file, from the second page on, with its first 4 pages made. */
static void put_in_file(const struct memory_backend *backend)
{
	struct guest_region *region = &vm.memory.regions[0];

	vm.memory.backend = backend;
	vm.memory.fd = memfd_create("guest", MFD_CLOEXEC);
	assert_int_equal(ftruncate(vm.memory.fd, FAKE_PAGE + FAKE_SIZE), 0);
	region->shared = true;
	region->offset = FAKE_PAGE;
	assert_ptr_equal(mmap(region->hva, FAKE_SIZE, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_FIXED, vm.memory.fd, FAKE_PAGE),
			 region->hva);
	memset(region->hva, 0x99, 4 * FAKE_PAGE);
}

static u64 bytes_in_file(void)
{
	struct stat st;

	assert_int_equal(fstat(vm.memory.fd, &st), 0);
	return st.st_blocks * 512;
}

static void shared_half_in_a_file(const struct memory_backend *backend, u64 given_back)
{
	put_in_file(backend);
	assert_int_equal(bytes_in_file(), 4 * FAKE_PAGE);
	assert_int_equal(conversion_apply(&vm, FAKE_LOW + FAKE_PAGE, 2 * FAKE_PAGE, true), 0);
	/* What was never made is not made now. */
	assert_int_equal(conversion_apply(&vm, FAKE_LOW + 8 * FAKE_PAGE, FAKE_PAGE, true), 0);
	assert_int_equal(bytes_in_file(), 4 * FAKE_PAGE - given_back);
	for (u64 i = 0; i < 2 * FAKE_PAGE; i++)
		assert_int_equal(shared(FAKE_LOW + FAKE_PAGE)[i], 0);
	assert_int_equal(*shared(FAKE_LOW + FAKE_PAGE - 1), 0x99);
	assert_int_equal(*shared(FAKE_LOW + 3 * FAKE_PAGE), 0x99);
}

static void files_pages_are_given_back(void **state)
{
	static const struct memory_backend ordinary;

	shared_half_in_a_file(&ordinary, 2 * FAKE_PAGE);
}

/* Huge pages of a pool: without them, the guest's own access to the page could be its end, or lkvm's. */
static void pages_of_a_pool_are_kept(void **state)
{
	static const struct memory_backend pool = { .keeps_pages = true };

	shared_half_in_a_file(&pool, 0);
}

/* The page is a part of one that the host has as a whole. */
static void part_of_a_huge_page(void **state)
{
	static const struct memory_backend pool = { .keeps_pages = true };

	vm.memory.page = 2 * FAKE_PAGE;
	shared_half_in_a_file(&pool, 0);
}

/* Not every file system makes holes; what was in the pages is gone all the same. */
static void file_without_holes(void **state)
{
	static const struct memory_backend ordinary;
	struct guest_region *region = &vm.memory.regions[0];

	vm.memory.backend = &ordinary;
	vm.memory.fd = open("/proc/self/comm", O_RDWR | O_CLOEXEC);
	assert_true(vm.memory.fd >= 0);
	region->shared = true;
	memset(region->hva, 0x99, 4 * FAKE_PAGE);
	assert_int_equal(conversion_apply(&vm, FAKE_LOW + FAKE_PAGE, 2 * FAKE_PAGE, true), 0);
	assert_int_equal(conversion_apply(&vm, FAKE_LOW + FAKE_PAGE, 2 * FAKE_PAGE, false), 0);
	for (u64 i = 0; i < 2 * FAKE_PAGE; i++)
		assert_int_equal(shared(FAKE_LOW + FAKE_PAGE)[i], 0);
	assert_int_equal(*shared(FAKE_LOW + FAKE_PAGE - 1), 0x99);
	assert_int_equal(*shared(FAKE_LOW + 3 * FAKE_PAGE), 0x99);
}

/* A region without the other half is not the guest's to convert: a ROM, say. */
static void what_has_one_half_is_not_converted(void **state)
{
	u8 rom[FAKE_PAGE] = { 0 };

	assert_int_equal(guest_memory_add_buffer(&vm.memory, FAKE_LOW - FAKE_PAGE, rom, FAKE_PAGE),
			 0);
	assert_int_equal(conversion_apply(&vm, FAKE_LOW - FAKE_PAGE, FAKE_PAGE, true), -EINVAL);
	assert_int_equal(conversion_apply(&vm, FAKE_LOW - FAKE_PAGE, 2 * FAKE_PAGE, true), -EINVAL);
	assert_int_equal(fake.sets, 0);
	assert_true(reachable(FAKE_LOW, 1));
}

/* Against a model with a byte a page: words of the map are cut at both ends. */
static void map_follows(void **state)
{
	static u8 model[FAKE_SIZE / FAKE_PAGE];
	u32 random = 12345;

	for (unsigned round = 0; round < 2000; round++) {
		unsigned first, nr;
		bool private;

		random = random * 1664525 + 1013904223;
		first = (random >> 8) % ARRAY_SIZE(model);
		nr = 1 + (random >> 16) % (ARRAY_SIZE(model) - first);
		private = random >> 30 & 1;
		assert_int_equal(conversion_apply(&vm, FAKE_LOW + first * FAKE_PAGE, nr * FAKE_PAGE,
						  private),
				 0);
		memset(model + first, private, nr);
		for (unsigned i = 0; i < ARRAY_SIZE(model); i++)
			assert_int_equal(reachable(FAKE_LOW + i * FAKE_PAGE, FAKE_PAGE), !model[i]);
	}
}

struct worker {
	pthread_t thread;
	pthread_barrier_t *together;
	u32 random;
	bool checks;
};

static bool agree_with_kvm(void)
{
	for (unsigned i = 0; i < 64; i++)
		if (reachable(FAKE_LOW + i * FAKE_PAGE, 1) ==
		    !!fake.kinds[FAKE_LOW / FAKE_PAGE + i])
			return false;
	return true;
}

static void *convert_at_random(void *arg)
{
	struct worker *worker = arg;
	bool good = true;

	for (unsigned round = 0; round < 300; round++) {
		unsigned first, nr;

		worker->random = worker->random * 1664525 + 1013904223;
		first = worker->random >> 8 & 31;
		nr = 32 - first;
		pthread_barrier_wait(worker->together);
		if (conversion_apply(&vm, FAKE_LOW + first * FAKE_PAGE, nr * FAKE_PAGE,
				     worker->random >> 30 & 1))
			good = false;
		pthread_barrier_wait(worker->together);
		if (worker->checks && !agree_with_kvm())
			good = false;
	}
	return good ? NULL : worker;
}

/* Whoever comes last for KVM comes last for devices. */
static void two_at_once_agree_with_kvm(void **state)
{
	pthread_barrier_t together;
	struct worker workers[2] = {
		{ .random = 1, .together = &together, .checks = true },
		{ .random = 77, .together = &together },
	};

	fake.slow = true;
	pthread_barrier_init(&together, NULL, 2);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&workers[i].thread, NULL, convert_at_random,
						&workers[i]),
				 0);
	for (unsigned i = 0; i < 2; i++) {
		void *failed;

		pthread_join(workers[i].thread, &failed);
		assert_null(failed);
	}
	assert_int_equal(fake.sets, 600);
	pthread_barrier_destroy(&together);
}

/* It runs no more, and each of its vCPUs may wait to do so. */
static void guest_that_ends_converts_nothing(void **state)
{
	*shared(FAKE_LOW) = 0x66;
	vm.end = VM_REQUEST_TIMEOUT;
	assert_int_equal(conversion_request(&vcpu, FAKE_LOW, FAKE_PAGE, true), -ECANCELED);
	assert_int_equal(fake.sets, 0);
	assert_int_equal(*shared(FAKE_LOW), 0x66);
	assert_true(reachable(FAKE_LOW, 1));
}

/* Nor does a pause wait for all of them: what is left is done afterwards. */
static void vcpu_that_is_wanted_elsewhere(void **state)
{
	put_private(FAKE_LOW, 1);
	looks_left = 0;
	assert_int_equal(conversion_request(&vcpu, FAKE_LOW, FAKE_PAGE, true), -EINTR);
	assert_int_equal(fake.sets, 0);
	assert_int_equal(conversion_fault(&vcpu, FAKE_LOW, FAKE_PAGE, false), 0);
	assert_int_equal(counted(COUNTER_CONVERSIONS_REFUSED), 0);
	/* Of a reboot, or before the guest's first instruction, nobody is the vCPU. */
	assert_int_equal(conversion_apply(&vm, FAKE_LOW, FAKE_PAGE, true), 0);
	looks_left = UINT_MAX;
	assert_int_equal(conversion_request(&vcpu, FAKE_LOW, FAKE_PAGE, true), 0);
}

/* A region larger than what is done at once. */
static void large_range_in_pieces(void **state)
{
	struct guest_region *region = &vm.memory.regions[2];
	u64 size = MIB(256);

	looks_left = 2;
	free(region->private_pages);
	region->private_pages = calloc(size / FAKE_PAGE / 64, sizeof(u64));
	munmap(region->hva, FAKE_SIZE);
	region->hva = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	region->size = size;
	assert_int_equal(conversion_request(&vcpu, FAKE_FAR, size, true), -EINTR);
	assert_int_equal(fake.sets, 2);
	assert_false(reachable(FAKE_FAR + MIB(127), 1));
	assert_true(reachable(FAKE_FAR + MIB(128), 1));
	looks_left = UINT_MAX;
	assert_int_equal(conversion_request(&vcpu, FAKE_FAR, size, true), 0);
	assert_int_equal(fake.sets, 6);
	assert_false(reachable(FAKE_FAR + MIB(255), 1));
	assert_int_equal(counted(COUNTER_CONVERSIONS_PRIVATE), 1);
	assert_int_equal(counted(COUNTER_CONVERTED_BYTES), size);
}

static void new_life_is_shared(void **state)
{
	assert_int_equal(conversion_apply(&vm, FAKE_LOW, FAKE_SIZE, true), 0);
	put_private(FAKE_LOW, 1);
	put_private(FAKE_FAR, 1);
	vm.end = VM_REQUEST_REBOOT;
	devices_reset(&vm.devices);
	assert_int_equal(vm.end, VM_REQUEST_REBOOT);
	assert_int_equal(fake.sets, 4);
	assert_int_equal(private_byte(FAKE_LOW), 0);
	assert_int_equal(private_byte(FAKE_FAR), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_true(reachable(vm.memory.regions[i].gpa, FAKE_SIZE));
	/* It is nothing that the guest did. */
	assert_int_equal(counted(COUNTER_CONVERSIONS_SHARED), 0);
	fake.set_error = ENOMEM;
	said_begin();
	devices_reset(&vm.devices);
	said_end();
	assert_int_equal(vm.end, VM_REQUEST_HOST_ERROR);
	SAID("does not make the guest's memory shared again: Cannot allocate memory");
}

static void without_private_memory(void **state)
{
	fake_begin();
	assert_int_equal(conversion_apply(&vm, FAKE_LOW, FAKE_PAGE, true), -EOPNOTSUPP);
	assert_int_equal(conversion_request(&vcpu, FAKE_LOW, FAKE_PAGE, true), -EOPNOTSUPP);
	assert_int_equal(conversion_fault(&vcpu, FAKE_LOW, FAKE_PAGE, true), -EOPNOTSUPP);
	assert_false(guest_memory_may_vanish(&vm.memory));
	fake_end();
}

static void kvm_that_cannot(void **state)
{
	const struct conversion_options options = { 0 };

	fake_begin();
	fake.attributes = 0;
	said_begin();
	assert_int_equal(conversions_create(&vm, &options), -EOPNOTSUPP);
	said_end();
	SAID("KVM has no private memory for guests of this type");
	fake.attributes = KVM_MEMORY_ATTRIBUTE_PRIVATE;
	fake.memfd_error = EMFILE;
	said_begin();
	assert_int_equal(conversions_create(&vm, &options), -EMFILE);
	said_end();
	SAID("KVM gives the guest no private memory: Too many open files");
	fake_end();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(every_region_has_two_halves),
		T(page_goes_both_ways),
		T(again_is_nothing_new),
		T(devices_reach_shared_pages_only),
		T(nonsense_changes_nothing),
		T(what_kvm_refuses_changes_nothing),
		T(files_pages_are_given_back),
		T(pages_of_a_pool_are_kept),
		T(part_of_a_huge_page),
		T(file_without_holes),
		T(what_has_one_half_is_not_converted),
		T(map_follows),
		T(two_at_once_agree_with_kvm),
		T(guest_that_ends_converts_nothing),
		T(vcpu_that_is_wanted_elsewhere),
		T(large_range_in_pieces),
		T(new_life_is_shared),
		cmocka_unit_test(without_private_memory),
		cmocka_unit_test(kvm_that_cannot),
	};

	return cmocka_run_group_tests_name("conversion", tests, NULL, NULL);
}
