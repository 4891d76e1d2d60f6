/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KVM's part in private memory, as the code under test sees it: attributes of pages, guest_memfds that are files
 * of memory, and a script of answers to KVM_PRE_FAULT_MEMORY. It stands in for ioctl(2) itself; what a real
 * KVM does is the lab's to show.
 */
#ifndef FAKE_PRIVATE_KVM_H
#define FAKE_PRIVATE_KVM_H

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "lkvm/vm/conversion.h"
#include "lkvm/vm/vcpu.h"
#include "test.h"
#include "uapi/kvm.h"

#define FAKE_VM_FD   1000
#define FAKE_VCPU_FD 1001
#define FAKE_PAGE    4096ULL
#define FAKE_LOW     0x100000ULL
#define FAKE_SIZE    0x80000ULL /* of each of three regions: 128 pages */
#define FAKE_HIGH    (FAKE_LOW + FAKE_SIZE)
#define FAKE_FAR     0x1000000ULL /* behind a hole */

/* What one KVM_PRE_FAULT_MEMORY does: so many pages, and then this answer. */
struct fake_answer {
	unsigned pages;
	int error; /* 0: none */
};

static struct fake_private_kvm {
	pthread_mutex_t lock;
	u64 attributes, memfd, prefault, types; /* capabilities */
	unsigned sets;				/* KVM_SET_MEMORY_ATTRIBUTES that were taken */
	bool slow;
	void (*during_set)(void); /* NULL: nothing; called between KVM's change and ours */
	int set_error;		  /* what the next ones answer; 0: they are taken */
	struct kvm_memory_attributes last;
	u8 kinds[FAKE_FAR / FAKE_PAGE + 256]; /* by page */
	unsigned memfds;
	int memfd_error;
	u64 memfd_flags;
	/* KVM_PRE_FAULT_MEMORY: the script, and behind its end all that is asked for at once. */
	const struct fake_answer *answers;
	unsigned nr_answers, at, prefaults;
	u64 first_gpa, first_size, end; /* of the first call; where the last one came to */
	u8 kick_at;			/* the call at which somebody wants the vCPU; 0: none */
	struct kvm_enable_cap enabled;
	int enable_error;
	int (*other)(unsigned long request, void *arg); /* all other calls; NULL: there are none */
} fake;

static struct vm vm;
static struct vm_config config;
static struct vcpu vcpu;

static int fake_set_attributes(const struct kvm_memory_attributes *set)
{
	pthread_mutex_lock(&fake.lock);
	fake.last = *set;
	if (fake.set_error) {
		pthread_mutex_unlock(&fake.lock);
		errno = fake.set_error;
		return -1;
	}
	fake.sets++;
	if (set->address + set->size <= sizeof(fake.kinds) * FAKE_PAGE)
		memset(&fake.kinds[set->address / FAKE_PAGE], !!set->attributes,
		       set->size / FAKE_PAGE);
	pthread_mutex_unlock(&fake.lock);
	if (fake.during_set)
		fake.during_set();
	/* Time for another one to come in between KVM's change and ours. */
	if (fake.slow)
		usleep(1 + set->address / FAKE_PAGE % 50);
	return 0;
}

static int fake_prefault(struct kvm_pre_fault_memory *range)
{
	struct fake_answer answer = { range->size / FAKE_PAGE, 0 };

	if (!fake.prefaults++) {
		fake.first_gpa = range->gpa;
		fake.first_size = range->size;
	}
	if (fake.at < fake.nr_answers)
		answer = fake.answers[fake.at++];
	range->gpa += answer.pages * FAKE_PAGE;
	range->size -= answer.pages * FAKE_PAGE;
	fake.end = range->gpa;
	if (fake.prefaults == fake.kick_at)
		__atomic_store_n(&vcpu.run->immediate_exit, 1, __ATOMIC_RELEASE);
	if (!answer.error)
		return 0;
	/* As a fault that KVM cannot handle does, in the very place where a hypercall's answer is. */
	vcpu.run->exit_reason = KVM_EXIT_MEMORY_FAULT;
	memset(vcpu.run->padding, 0xee, sizeof(struct kvm_exit_memory_fault));
	errno = answer.error;
	return -1;
}

static int fake_capability(unsigned long cap)
{
	switch (cap) {
	case KVM_CAP_MEMORY_ATTRIBUTES:
		return fake.attributes;
	case KVM_CAP_GUEST_MEMFD:
		return fake.memfd;
	case KVM_CAP_PRE_FAULT_MEMORY:
		return fake.prefault;
	case KVM_CAP_VM_TYPES:
		return fake.types;
	}
	return 0;
}

static int fake_memfd(const struct kvm_create_guest_memfd *create)
{
	int fd;

	if (fake.memfd_error) {
		errno = fake.memfd_error;
		return -1;
	}
	fake.memfds++;
	fake.memfd_flags |= create->flags;
	/* KVM's is not closed on exec. */
	fd = memfd_create("guest_memfd", 0);
	assert_int_equal(ftruncate(fd, create->size), 0);
	return fd;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	switch (request) {
	case KVM_CHECK_EXTENSION:
		return fake_capability((unsigned long)arg);
	case KVM_CREATE_GUEST_MEMFD:
		return fake_memfd(arg);
	case KVM_SET_MEMORY_ATTRIBUTES:
		assert_int_equal(fd, FAKE_VM_FD);
		return fake_set_attributes(arg);
	case KVM_PRE_FAULT_MEMORY:
		assert_int_equal(fd, FAKE_VCPU_FD);
		return fake_prefault(arg);
	case KVM_ENABLE_CAP:
		fake.enabled = *(struct kvm_enable_cap *)arg;
		errno = fake.enable_error;
		return fake.enable_error ? -1 : 0;
	}
	if (fake.other)
		return fake.other(request, arg);
	errno = ENOTTY;
	return -1;
}

/* A guest with three regions of RAM and one vCPU; no conversions yet. */
static inline void fake_begin(void)
{
	static struct kvm_run run;

	memset(&fake, 0, sizeof(fake));
	pthread_mutex_init(&fake.lock, NULL);
	fake.attributes = KVM_MEMORY_ATTRIBUTE_PRIVATE;
	fake.memfd = fake.prefault = 1;
	fake.types = 3;
	memset(&vm, 0, sizeof(vm));
	memset(&vcpu, 0, sizeof(vcpu));
	memset(&run, 0, sizeof(run));
	memset(&config, 0, sizeof(config));
	config.name = "test";
	vm.config = &config;
	vm.fd = FAKE_VM_FD;
	vm.request_fd.fd = eventfd(0, EFD_CLOEXEC);
	vcpu.vm = &vm;
	vcpu.fd = FAKE_VCPU_FD;
	vcpu.run = &run;
	TAILQ_INIT(&vm.devices);
	guest_memory_init(&vm.memory);
	assert_int_equal(guest_memory_add_ram(&vm.memory, FAKE_LOW, FAKE_SIZE), 0);
	assert_int_equal(guest_memory_add_ram(&vm.memory, FAKE_HIGH, FAKE_SIZE), 0);
	assert_int_equal(guest_memory_add_ram(&vm.memory, FAKE_FAR, FAKE_SIZE), 0);
}

static inline void fake_end(void)
{
	close(vm.request_fd.fd);
	devices_destroy(&vm.devices);
	guest_memory_destroy(&vm.memory);
}

static inline void fake_script(const struct fake_answer *answers, unsigned nr)
{
	fake.answers = answers;
	fake.nr_answers = nr;
	fake.at = fake.prefaults = 0;
}

static inline u64 counted(enum counter counter)
{
	return counter_get(&vm.counters, counter);
}

#endif
