// SPDX-License-Identifier: GPL-2.0-or-later
/* KVM_RUN that fails as KVM has no page of the kind that the guest accessed, on a vCPU's own thread. */
#include <poll.h>
#include <stdlib.h>

#include "cpuid.h"
#include "guarded_vm.h"
#include "fake_private_kvm.h"
#include "lkvm/util/loop.h"
#include "lkvm/memory/guard.h"
#include "said.h"
#include "x86-vm.h"
#include "lkvm/memory/backends.h"

#define RUN_SIZE ALIGN_UP(sizeof(struct kvm_run), FAKE_PAGE)

/* What one KVM_RUN does. */
struct fake_exit {
	int error;
	bool told; /* kvm_run says which page it is about */
	gpa_t gpa;
	u64 flags;
};

static const struct fake_exit *exits_to_come;
static struct arch_vm x86;

static int fake_run(void)
{
	struct kvm_run *run = vm.vcpus[0]->run;
	const struct fake_exit *next = exits_to_come;
	struct kvm_exit_memory_fault fault = { .size = FAKE_PAGE };

	errno = EINTR;
	if (__atomic_load_n(&run->immediate_exit, __ATOMIC_ACQUIRE))
		return -1;
	exits_to_come++;
	errno = next->error;
	if (!next->told)
		return -1;
	fault.gpa = next->gpa;
	fault.flags = next->flags;
	run->exit_reason = KVM_EXIT_MEMORY_FAULT;
	memcpy(run->padding, &fault, sizeof(fault));
	return -1;
}

static int make_vcpu(void)
{
	int fd = memfd_create("vcpu", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, RUN_SIZE), 0);
	return fd;
}

static int fake_vcpu(unsigned long request, void *arg)
{
	switch (request) {
	case KVM_GET_VCPU_MMAP_SIZE:
		return RUN_SIZE;
	case KVM_CREATE_VCPU:
		return make_vcpu();
	case KVM_RUN:
		return fake_run();
	case KVM_GET_LAPIC:
		memset(arg, 0, sizeof(struct kvm_lapic_state));
		return 0;
	case KVM_SET_CPUID2:
	case KVM_SET_MSRS:
	case KVM_SET_LAPIC:
		return 0;
	}
	errno = ENOTTY;
	return -1;
}

static int setup(void **state)
{
	const struct conversion_options options = { .accesses_tell = true };

	fake_begin();
	fake.other = fake_vcpu;
	config.cpus = 1;
	vm.loop = loop_create("test");
	memset(&x86, 0, sizeof(x86));
	x86.phys_bits = 40;
	x86.cpuid = x86_cpuid_new();
	x86.cpuid->nent = 0;
	vm.arch = &x86;
	assert_int_equal(conversions_create(&vm, &options), 0);
	assert_int_equal(vcpus_create(&vm), 0);
	return 0;
}

static int teardown(void **state)
{
	vcpus_destroy(&vm);
	free(vm.exits);
	loop_destroy(vm.loop);
	free(x86.cpuid);
	fake_end();
	return 0;
}

/* Until the guest ends. */
static void run_to(const struct fake_exit *exits, enum vm_request end)
{
	struct pollfd asked = { .fd = vm.request_fd.fd, .events = POLLIN };

	exits_to_come = exits;
	said_begin();
	assert_int_equal(vcpus_run(&vm), 0);
	while (poll(&asked, 1, -1) != 1)
		;
	vcpus_park(&vm);
	said_end();
	assert_int_equal(vm.end, end);
}

static void run(const struct fake_exit *exits)
{
	run_to(exits, VM_REQUEST_INTERNAL_ERROR);
}

static u64 faults(void)
{
	return exit_counter_get(&vm.exits[0], KVM_EXIT_MEMORY_FAULT);
}

/* What KVM said of one is not taken for what it says of the next, of which it says nothing. */
static void page_is_converted(void **state)
{
	static const struct fake_exit exits[] = {
		{ EFAULT, true, FAKE_LOW, KVM_MEMORY_EXIT_FLAG_PRIVATE },
		{ .error = EINTR },
		{ EFAULT, true, FAKE_HIGH, KVM_MEMORY_EXIT_FLAG_PRIVATE },
		{ EFAULT, true, FAKE_LOW, 0 },
		{ .error = EFAULT },
	};

	run(exits);
	assert_non_null(strstr(said, "vCPU 0: KVM_RUN: Bad address\n"));
	assert_int_equal(fake.sets, 3);
	assert_non_null(guest_memory_hva(&vm.memory, FAKE_LOW, 1));
	assert_null(guest_memory_hva(&vm.memory, FAKE_HIGH, 1));
	assert_int_equal(counted(COUNTER_MEMORY_FAULTS), 3);
	assert_int_equal(faults(), 3);
}

static void page_that_is_none(void **state)
{
	static const struct fake_exit exits[] = {
		{ EFAULT, true, 0xfee00000, KVM_MEMORY_EXIT_FLAG_PRIVATE },
	};

	run(exits);
	assert_non_null(strstr(said, "vCPU 0: KVM_RUN: Bad address: the guest's private memory at "
				     "0xfee00000 cannot be had\n"));
	assert_int_equal(fake.sets, 0);
	assert_int_equal(faults(), 1);
}

/* A conversion would not mend it. */
static void page_that_is_broken(void **state)
{
	static const struct fake_exit exits[] = {
		{ EHWPOISON, true, FAKE_LOW, KVM_MEMORY_EXIT_FLAG_PRIVATE },
	};

	run(exits);
	assert_non_null(strstr(said, ": the guest's private memory at 0x100000 cannot be had\n"));
	assert_int_equal(fake.sets, 0);
	assert_int_equal(faults(), 1);
}

/* Of memory that everybody has, --mem-backend's, more can be said, and registers tell nothing. */
static void lose_shared_page(int error, const char *words)
{
	const struct fake_exit exits[] = {
		{ error, true, FAKE_LOW + FAKE_PAGE, 0 },
	};

	assert_int_equal(guarded_begin(&vm), 0);
	run_to(exits, VM_REQUEST_HOST_ERROR);
	SAID(NULL);
	said_begin();
	memory_guard_log("test");
	said_end();
	SAID(words);
	memory_guard_disarm();
}

static void shared_page_is_broken(void **state)
{
	lose_shared_page(EHWPOISON,
			 "memory at 0x101000 is lost: the host's memory there is broken");
}

static void host_has_no_shared_page(void **state)
{
	lose_shared_page(ENOMEM, "memory at 0x101000 is lost: the host has no page left for it");
}

/* KVM says of a page that is no more but EFAULT. */
static void page_is_cut_off(void **state)
{
	static const struct fake_exit exits[] = {
		{ .error = EFAULT },
	};
	struct guest_region *region = &vm.memory.regions[0];
	struct memory_config file = { .kind = MEMORY_FILE, .path = "ram" };

	vm.memory.fd = memfd_create("ram", MFD_CLOEXEC);
	assert_int_equal(ftruncate(vm.memory.fd, 2 * FAKE_PAGE), 0);
	region->shared = true;
	vm.memory.config = &file;
	vm.memory.backend = &memory_backends[MEMORY_FILE];
	vm.memory.size = region->size;
	assert_int_equal(guarded_begin(&vm), 0);
	run_to(exits, VM_REQUEST_HOST_ERROR);
	SAID(NULL);
	said_begin();
	memory_guard_log("test");
	said_end();
	SAID("memory at 0x102000 is lost: ram was made shorter, to 8 KiB of 512");
	memory_guard_disarm();
	region->shared = false;
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	static const struct CMUnitTest tests[] = {
		T(page_is_converted),	  T(page_that_is_none),	      T(page_that_is_broken),
		T(shared_page_is_broken), T(host_has_no_shared_page), T(page_is_cut_off),
	};
#undef T

	return cmocka_run_group_tests_name("vcpu_fault", tests, NULL, NULL);
}
