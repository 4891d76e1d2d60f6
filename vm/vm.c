// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <linux/kvm.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lkvm/arch.h"
#include "lkvm/vm/irq.h"
#include "lkvm/host/kvm.h"
#include "lkvm/memory/guard.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/port-latch.h"
#include "lkvm/vm/vm.h"
#include "lkvm/vm/end.h"
#include "signals.h"
#include "uapi/kvm.h"

/* The newer call's structure begins with the older's. */
_Static_assert(offsetof(struct kvm_userspace_memory_region2, userspace_addr) ==
		       offsetof(struct kvm_userspace_memory_region, userspace_addr),
	       "one structure for both calls");

static bool is_from_outside(enum vm_request request)
{
	return request == VM_REQUEST_QUIT || request == VM_REQUEST_SIGNAL ||
	       request == VM_REQUEST_TIMEOUT || request == VM_REQUEST_READER_GONE;
}

void vm_request(struct vm *vm, enum vm_request request)
{
	unsigned none = VM_REQUEST_NONE, nothing = VM_REQUEST_NONE, reboot = VM_REQUEST_REBOOT;
	int saved = errno;

	if (request == VM_REQUEST_PAUSE)
		vm->paused_wanted = 1;
	else if (request == VM_REQUEST_RESUME)
		vm->paused_wanted = -1;
	if (is_from_outside(request)) {
		vm_end_hurry(vm);
		atomic_compare_exchange_strong(&vm->external_request, &nothing, request);
	}
	/* Second: a reboot clears `end` first and looks at external_request afterwards. */
	if (request != VM_REQUEST_PAUSE && request != VM_REQUEST_RESUME)
		atomic_compare_exchange_strong(&vm->end, &none, request);
	/* What the host cannot go on with is no better after a reset. */
	if (request == VM_REQUEST_INTERNAL_ERROR || request == VM_REQUEST_HOST_ERROR)
		atomic_compare_exchange_strong(&vm->end, &reboot, request);
	/* The main thread may be busy with the guest's start, or stuck. */
	if (is_from_outside(request))
		vm_signals_hurry(vm);
	eventfd_write(vm->request_fd.fd, 1);
	errno = saved;
}

static void on_request(struct loop_fd *handler, u32 events)
{
	struct vm *vm = CONTAINER_OF(handler, struct vm, request_fd);
	eventfd_t count;
	int wanted;

	eventfd_read(handler->fd, &count);
	if (vm_ending(vm)) {
		loop_stop(vm->loop);
		return;
	}
	last_words_serve(vm);
	wanted = atomic_exchange(&vm->paused_wanted, 0);
	if (wanted > 0)
		vm_pause(vm);
	else if (wanted < 0)
		vm_resume(vm);
}

static int make_loop(struct vm *vm)
{
	vm->loop = loop_create("lkvm");
	vm->request_fd.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	vm->request_fd.ready = on_request;
	if (!vm->loop || vm->request_fd.fd < 0 || loop_fd_add(vm->loop, &vm->request_fd, EPOLLIN)) {
		log_fatal("Unable to make the event loop: %s", strerror(errno));
		return -ENOMEM;
	}
	return 0;
}

void vm_init(struct vm *vm, const struct vm_config *config)
{
	memset(vm, 0, sizeof(*vm));
	vm->config = config;
	vm->kvm_fd = vm->fd = vm->request_fd.fd = -1;
	vm->status = -1;
	TAILQ_INIT(&vm->devices);
	guest_memory_init(&vm->memory);
}

static void on_lost_memory(void *vm, bool unshared)
{
	vm_request(vm, unshared ? VM_REQUEST_INTERNAL_ERROR : VM_REQUEST_HOST_ERROR);
}

static int guard_memory(struct vm *vm)
{
	const struct memory_guard guard = {
		.memory = &vm->memory,
		.private = &vm->private_memory,
		.lost = on_lost_memory,
		.opaque = vm,
	};

	return memory_guard_arm(&guard);
}

int vm_open(struct vm *vm)
{
	const struct vm_config *config = vm->config;
	int err;

	vm->kvm_fd = kvm_open();
	if (vm->kvm_fd < 0)
		return vm->kvm_fd;
	err = arch_vm_type(config, vm->kvm_fd, &vm->type);
	if (!err)
		err = arch_open_devices(vm);
	if (err)
		return err;
	counter_set_word(&vm->counters, COUNTER_WORD_BACKEND,
			 memory_kind_names[config->memory_backend.kind]);
	last_words_init(vm);
	err = make_loop(vm);
	if (!err)
		err = vm_signals_start(vm);
	if (!err)
		err = guest_memory_use(&vm->memory, &config->memory_backend, config->memory);
	return err;
}

int vm_create(struct vm *vm)
{
	int err;

	vm->fd = kvm_create_vm(vm->kvm_fd, vm->type);
	if (vm->fd < 0)
		return vm->fd;
	err = guest_memory_attach(&vm->memory, vm->fd);
	if (!err)
		err = guard_memory(vm);
	if (err)
		return err;
	vm->mmio = bus_create();
	vm->ports = bus_create();
	if (!vm->mmio || !vm->ports)
		return -ENOMEM;
	return 0;
}

void vm_destroy(struct vm *vm)
{
	vcpus_destroy(vm);
	devices_destroy(&vm->devices);
	arch_vm_destroy(vm);
	irq_destroy(vm);
	port_latch_destroy(vm);
	bus_destroy(vm->mmio);
	bus_destroy(vm->ports);
	if (vm->fd >= 0)
		close(vm->fd);
	guest_memory_destroy(&vm->memory);
	memory_guard_disarm();
	if (vm->kvm_fd >= 0)
		close(vm->kvm_fd);
}

void vm_release(struct vm *vm)
{
	vm_signals_stop(vm);
	if (vm->loop) {
		loop_fd_del(&vm->request_fd);
		loop_destroy(vm->loop);
	}
	if (vm->request_fd.fd >= 0)
		close(vm->request_fd.fd);
	free(vm->exits);
}

/* KVM of before 6.8 has only the older call; a slot without guest_memfd needs no more. */
int vm_set_slot(struct vm *vm, u32 number, const struct guest_region *region)
{
	struct kvm_userspace_memory_region2 slot = {
		.slot = number,
		.flags = region->readonly ? KVM_MEM_READONLY : 0,
		.guest_phys_addr = region->gpa,
		.memory_size = region->size,
		.userspace_addr = (u64)(uintptr_t)region->hva,
	};

	if (region->guest_memfd < 0)
		return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &slot) ? -errno : 0;
	slot.flags |= KVM_MEM_GUEST_MEMFD;
	slot.guest_memfd = region->guest_memfd;
	slot.guest_memfd_offset = region->guest_memfd_offset;
	return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION2, &slot) ? -errno : 0;
}

int vm_map_memory(struct vm *vm)
{
	for (unsigned i = 0; i < vm->memory.nr_regions; i++) {
		const struct guest_region *region = &vm->memory.regions[i];
		int err = vm_set_slot(vm, i, region);

		if (err) {
			log_fatal("KVM does not take %llu MiB of memory at 0x%llx: %s",
				  (unsigned long long)region->size >> 20,
				  (unsigned long long)region->gpa, strerror(-err));
			return err;
		}
	}
	return 0;
}
