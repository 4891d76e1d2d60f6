// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What KVM's counters say of a vCPU that wants a page for ever. They are a file made here, as are KVM's answer to
 * KVM_GET_STATS_FD and that of a host without pages; what a real KVM counts then is the lab's to show (memory-lost).
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lkvm/config/config.h"
#include "lkvm/memory/guard.h"
#include "lkvm/vm/vcpu.h"
#include "lkvm/vm/vm.h"
#include "quick_time.h"
#include "guarded_vm.h"
#include "memory-watch.h"

#define RAM  0x80000000ULL
#define SIZE (MIB(1) + 0ULL)
#define DATA 4096
#define NAME 32

static const char *const names[] = { "exits", "pf_taken", "pf_fixed", "pf_emulate", "pf_spurious" };

static struct vm vm;
static struct vm_config config;
static struct memory_config backend;
static struct vcpu vcpu, *vcpus[] = { &vcpu };
static struct loop_timer enough;
static int stats_fd;
static char path[64];
static unsigned tries; /* of pages, all in vain */

int ioctl(int fd, unsigned long request, ...)
{
	if (request == KVM_GET_STATS_FD && stats_fd >= 0)
		return dup(stats_fd);
	errno = ENOTTY;
	return -1;
}

int madvise(void *address, size_t length, int advice)
{
	if (advice != 23 /* MADV_POPULATE_WRITE */)
		return syscall(SYS_madvise, address, length, advice);
	tries++;
	errno = EFAULT;
	return -1;
}

static void publish(u64 taken, u64 fixed, u64 emulated)
{
	const u64 counts[ARRAY_SIZE(names)] = { 5, taken, fixed, emulated, 1 };

	assert_int_equal(pwrite(stats_fd, counts, sizeof(counts), DATA), sizeof(counts));
}

static void make_stats(unsigned nr)
{
	struct kvm_stats_header header = {
		.name_size = NAME,
		.num_desc = nr,
		.desc_offset = 64,
		.data_offset = DATA,
	};
	size_t size = sizeof(struct kvm_stats_desc) + NAME;
	struct kvm_stats_desc *desc = calloc(1, size);

	stats_fd = memfd_create("stats", MFD_CLOEXEC);
	assert_int_equal(pwrite(stats_fd, &header, sizeof(header), 0), sizeof(header));
	for (unsigned i = 0; i < nr; i++) {
		desc->size = 1;
		desc->offset = i * sizeof(u64);
		strcpy(desc->name, names[i]);
		assert_int_equal(pwrite(stats_fd, desc, size, 64 + i * size), size);
	}
	free(desc);
	publish(1000, 900, 50);
}

static void stop(struct loop_fd *handler, u32 events)
{
	loop_stop(vm.loop);
}

static void had_enough(struct loop_timer *timer)
{
	loop_stop(vm.loop);
}

static int setup(void **state)
{
	memset(&vm, 0, sizeof(vm));
	vcpu = (struct vcpu){ .vm = &vm };
	config.name = "test";
	vm.config = &config;
	vm.vcpus = vcpus;
	vm.nr_vcpus = 1;
	vm.loop = loop_create("test");
	vm.request_fd = (struct loop_fd){ .fd = eventfd(0, EFD_CLOEXEC), .ready = stop };
	assert_int_equal(loop_fd_add(vm.loop, &vm.request_fd, EPOLLIN), 0);
	TAILQ_INIT(&vm.devices);
	guest_memory_init(&vm.memory);
	strcpy(path, "/tmp/lkvm-watch-XXXXXX");
	stats_fd = -1;
	tries = 0;
	return 0;
}

static int teardown(void **state)
{
	devices_destroy(&vm.devices);
	memory_guard_disarm();
	loop_timer_cancel(&enough);
	loop_fd_del(&vm.request_fd);
	loop_destroy(vm.loop);
	close(vm.request_fd.fd);
	close(stats_fd);
	guest_memory_destroy(&vm.memory);
	return 0;
}

static void make(enum memory_kind kind)
{
	backend = (struct memory_config){ .kind = kind, .path = path };
	assert_int_equal(guest_memory_use(&vm.memory, &backend, SIZE), 0);
	assert_int_equal(guest_memory_add_ram(&vm.memory, RAM, SIZE), 0);
	assert_int_equal(guarded_begin(&vm), 0);
	assert_int_equal(memory_watch_create(&vm), 0);
	assert_int_equal(devices_start(&vm.devices), 0);
}

/* One look at least, or until the guest is to end. */
static void watch(void)
{
	enough.expired = had_enough;
	loop_timer_set(vm.loop, &enough, 1500000000ULL);
	assert_int_equal(loop_run(vm.loop), 0);
}

/* A vCPU that tries often: what KVM counts of it goes on every half second, with these steps. */
static struct loop_timer counting;
static u64 count[3], steps[3];

static void go_on(struct loop_timer *timer)
{
	for (unsigned i = 0; i < 3; i++)
		count[i] += steps[i];
	publish(count[0], count[1], count[2]);
	loop_timer_set(vm.loop, timer, 500000000ULL);
}

static void watch_long(u64 taken, u64 fixed, u64 emulated)
{
	const u64 first[] = { 1500, 1000, 100 }, each[] = { taken, fixed, emulated };

	memcpy(count, first, sizeof(count));
	memcpy(steps, each, sizeof(steps));
	counting.expired = go_on;
	loop_timer_set(vm.loop, &counting, 1);
	enough.expired = had_enough;
	loop_timer_set(vm.loop, &enough, 6500000000ULL);
	assert_int_equal(loop_run(vm.loop), 0);
	loop_timer_cancel(&counting);
}

static void vcpu_is_stuck(void **state)
{
	make_stats(ARRAY_SIZE(names));
	make(MEMORY_MEMFD);
	watch_long(50, 0, 0);
	assert_int_equal(vm.end, VM_REQUEST_HOST_ERROR);
	assert_int_equal(tries, 1);
}

/* Most are answered by another try, as with shadow paging; but it comes along. */
static void vcpu_tries_often(void **state)
{
	make_stats(ARRAY_SIZE(names));
	make(MEMORY_MEMFD);
	watch_long(5000, 1, 0);
	assert_int_equal(vm.end, VM_REQUEST_NONE);
	assert_int_equal(tries, 0);
}

/* Nobody wants the pages that cannot be had. */
static void vcpu_gets_what_it_wants(void **state)
{
	make_stats(ARRAY_SIZE(names));
	make(MEMORY_MEMFD);
	publish(100000, 99800, 150);
	watch();
	assert_int_equal(vm.end, VM_REQUEST_NONE);
	assert_int_equal(tries, 0);
}

/* KVM of before 5.14 has no such counters. */
static void nothing_is_counted(void **state)
{
	make_stats(2);
	make(MEMORY_MEMFD);
	publish(100000, 0, 0);
	watch();
	assert_int_equal(vm.end, VM_REQUEST_NONE);
	assert_int_equal(tries, 0);
}

static void file_made_shorter(void **state)
{
	make_stats(ARRAY_SIZE(names));
	close(mkstemp(path));
	assert_int_equal(truncate(path, SIZE), 0);
	make(MEMORY_FILE);
	assert_int_equal(truncate(path, SIZE / 2), 0);
	watch_long(50, 0, 0);
	assert_int_equal(vm.end, VM_REQUEST_HOST_ERROR);
	assert_int_equal(tries, 0);
	unlink(path);
}

static void anonymous_memory_needs_no_watch(void **state)
{
	make(MEMORY_ANONYMOUS);
	assert_true(TAILQ_EMPTY(&vm.devices));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(vcpu_is_stuck),	       TEST(vcpu_tries_often),
		TEST(vcpu_gets_what_it_wants), TEST(nothing_is_counted),
		TEST(file_made_shorter),       TEST(anonymous_memory_needs_no_watch),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
