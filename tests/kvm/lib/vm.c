// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib.h"

int kvm_capability(unsigned long which)
{
	switch (which) {
	case KVM_CAP_IRQCHIP:
	case KVM_CAP_IRQFD:
	case KVM_CAP_IOEVENTFD:
	case KVM_CAP_READONLY_MEM:
	case KVM_CAP_IMMEDIATE_EXIT:
	case KVM_CAP_TSC_DEADLINE_TIMER:
	case KVM_CAP_MP_STATE:
		return 1;
	case KVM_CAP_NR_VCPUS:
	case KVM_CAP_MAX_VCPUS:
	case KVM_CAP_MAX_VCPU_ID:
		return KVM_MAX_VCPUS;
	case KVM_CAP_NR_MEMSLOTS:
		return KVM_MAX_SLOTS;
	}
	return 0;
}

static long call_vm(void *object, unsigned long request, void *arg)
{
	return kvm_vm_call(object, request, arg);
}

static long call_vcpu(void *object, unsigned long request, void *arg)
{
	return kvm_vcpu_call(object, request, arg);
}

/* Makes the file SCRIPTED_VM, if that is set: so a test knows, also from strace, that there was a VM. */
static void leave_trace(void)
{
	const char *path = getenv("SCRIPTED_VM");

	if (path)
		close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static long create_vm(void)
{
	struct kvm_vm *vm = calloc(1, sizeof(*vm));
	int fd = eventfd(0, EFD_CLOEXEC), err;

	leave_trace();
	if (vm && fd >= 0 && !kvm_irq_init(&vm->irq)) {
		pthread_mutex_init(&vm->lock, NULL);
		kvm_fd_is(fd, call_vm, vm);
		return fd;
	}
	err = -errno;
	free(vm);
	if (fd >= 0)
		close(fd);
	return err;
}

/* The run structure is a file's, so that the program may map it as it maps KVM's. */
static long create_vcpu(struct kvm_vm *vm, unsigned long id)
{
	struct kvm_vcpu *vcpu;
	int fd, err;

	if (id >= KVM_MAX_VCPUS)
		return -EINVAL;
	if (vm->vcpus[id])
		return -EEXIST;
	vcpu = calloc(1, sizeof(*vcpu));
	fd = memfd_create("vcpu", MFD_CLOEXEC);
	if (!vcpu || fd < 0 || ftruncate(fd, KVM_RUN_SIZE))
		goto fail;
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	vcpu->run = mmap(NULL, KVM_RUN_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	vcpu->stack = mmap(NULL, KVM_GUEST_STACK, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (vcpu->wake < 0 || vcpu->run == MAP_FAILED || vcpu->stack == MAP_FAILED ||
	    kvm_arch_vcpu_new(vcpu))
		goto fail;
	kvm_vcpu_reset(vcpu);
	vm->vcpus[id] = vcpu;
	kvm_fd_is(fd, call_vcpu, vcpu);
	return fd;
fail:
	/* Mappings stay: a program that gets none ends. */
	err = -errno;
	free(vcpu);
	if (fd >= 0)
		close(fd);
	return err;
}

long kvm_system_call(unsigned long request, void *arg)
{
	switch (request) {
	case KVM_GET_API_VERSION:
		return KVM_API_VERSION;
	case KVM_CHECK_EXTENSION:
		return kvm_capability((unsigned long)arg);
	case KVM_GET_VCPU_MMAP_SIZE:
		return KVM_RUN_SIZE;
	case KVM_CREATE_VM:
		return arg ? -EINVAL : create_vm();
	}
	return kvm_arch_system_call(request, arg);
}

/* ---- memory ---- */

static long set_slot(struct kvm_vm *vm, const struct kvm_userspace_memory_region *slot)
{
	if (slot->slot >= KVM_MAX_SLOTS)
		return -EINVAL;
	pthread_mutex_lock(&vm->lock);
	vm->slots[slot->slot] = *slot;
	pthread_mutex_unlock(&vm->lock);
	return 0;
}

void *kvm_memory(struct kvm_vm *vm, u64 gpa, u64 len, bool write)
{
	void *found = NULL;

	pthread_mutex_lock(&vm->lock);
	for (unsigned i = 0; i < KVM_MAX_SLOTS && !found; i++) {
		const struct kvm_userspace_memory_region *slot = &vm->slots[i];
		u64 offset = gpa - slot->guest_phys_addr;

		if (gpa < slot->guest_phys_addr || offset >= slot->memory_size ||
		    len > slot->memory_size - offset || (write && slot->flags & KVM_MEM_READONLY))
			continue;
		found = (void *)(uintptr_t)(slot->userspace_addr + offset);
	}
	pthread_mutex_unlock(&vm->lock);
	return found;
}

/* ---- ioeventfds ---- */

static bool same_ioeventfd(const struct kvm_ioeventfd *a, const struct kvm_ioeventfd *b)
{
	u32 kind = KVM_IOEVENTFD_FLAG_PIO | KVM_IOEVENTFD_FLAG_DATAMATCH;

	return a->addr == b->addr && a->len == b->len && (a->flags & kind) == (b->flags & kind) &&
	       a->datamatch == b->datamatch;
}

static long set_ioeventfd(struct kvm_vm *vm, const struct kvm_ioeventfd *which)
{
	bool remove = which->flags & KVM_IOEVENTFD_FLAG_DEASSIGN;
	long ret = 0;
	unsigned i;

	pthread_mutex_lock(&vm->lock);
	for (i = 0; i < vm->nr_ioeventfds; i++)
		if (same_ioeventfd(&vm->ioeventfds[i], which))
			break;
	if (remove) {
		if (i == vm->nr_ioeventfds)
			ret = -ENOENT;
		else
			vm->ioeventfds[i] = vm->ioeventfds[--vm->nr_ioeventfds];
	} else if (i < vm->nr_ioeventfds) {
		ret = -EEXIST;
	} else if (i == KVM_MAX_IOEVENTFDS) {
		ret = -ENOSPC;
	} else {
		vm->ioeventfds[vm->nr_ioeventfds++] = *which;
	}
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

static bool takes(const struct kvm_ioeventfd *event, bool port, u64 address, unsigned len,
		  u64 value)
{
	return !!(event->flags & KVM_IOEVENTFD_FLAG_PIO) == port && event->addr == address &&
	       (!event->len || event->len == len) &&
	       (!(event->flags & KVM_IOEVENTFD_FLAG_DATAMATCH) || event->datamatch == value);
}

bool kvm_ioeventfd(struct kvm_vm *vm, bool port, u64 address, unsigned len, u64 value)
{
	const u64 one = 1;
	bool taken = false;

	pthread_mutex_lock(&vm->lock);
	for (unsigned i = 0; i < vm->nr_ioeventfds && !taken; i++) {
		taken = takes(&vm->ioeventfds[i], port, address, len, value);
		if (taken && write(vm->ioeventfds[i].fd, &one, sizeof(one)) < 0)
			abort();
	}
	pthread_mutex_unlock(&vm->lock);
	return taken;
}

long kvm_vm_call(struct kvm_vm *vm, unsigned long request, void *arg)
{
	switch (request) {
	case KVM_CHECK_EXTENSION:
		return kvm_capability((unsigned long)arg);
	case KVM_CREATE_VCPU:
		return create_vcpu(vm, (unsigned long)arg);
	case KVM_SET_USER_MEMORY_REGION:
		return set_slot(vm, arg);
	case KVM_IOEVENTFD:
		return set_ioeventfd(vm, arg);
	case KVM_IRQ_LINE:
	case KVM_SIGNAL_MSI:
	case KVM_IRQFD:
	case KVM_SET_GSI_ROUTING:
		return kvm_irq_call(vm, request, arg);
	}
	return kvm_arch_vm_call(vm, request, arg);
}
