// SPDX-License-Identifier: GPL-2.0-or-later
/* KVM has one ring for a VM, which every vCPU's mapping shows. KVM fills it under a lock of its own, we empty it under ours. */
#include <linux/kvm.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lkvm/vm/port-latch.h"
#include "lkvm/vm/vcpu.h"
#include "lkvm/vm/vm.h"

struct port_latch {
	size_t ring_at; /* from a vCPU's struct kvm_run, bytes */
	u32 nr;		/* the ring's entries */
	pthread_mutex_t lock;
};

void port_latch_create(struct vm *vm, u16 port)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = port, .size = 1, .pio = 1 };
	int pages = ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_MMIO);
	size_t page = sysconf(_SC_PAGESIZE), ring_at;
	struct port_latch *latch;

	if (pages <= 0 || ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_PIO) <= 0)
		return;
	ring_at = pages * page;
	if (!vm->nr_vcpus || ring_at + page > vm->vcpus[0]->run_size)
		return;
	latch = calloc(1, sizeof(*latch));
	if (!latch)
		return;
	if (ioctl(vm->fd, KVM_REGISTER_COALESCED_MMIO, &zone)) {
		free(latch);
		return;
	}
	latch->ring_at = ring_at;
	latch->nr =
		(page - sizeof(struct kvm_coalesced_mmio_ring)) / sizeof(struct kvm_coalesced_mmio);
	pthread_mutex_init(&latch->lock, NULL);
	vm->port_latch = latch;
}

void port_latch_destroy(struct vm *vm)
{
	if (!vm->port_latch)
		return;
	pthread_mutex_destroy(&vm->port_latch->lock);
	free(vm->port_latch);
	vm->port_latch = NULL;
}

static void hand_over_all(struct port_latch *latch, struct kvm_coalesced_mmio_ring *ring,
			  struct bus *ports)
{
	u32 first = ring->first, last = __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE);

	/* Other vCPUs may write for ever; what this one wrote is there by now. */
	while (first != last) {
		const struct kvm_coalesced_mmio *write = &ring->coalesced_mmio[first];

		bus_write(ports, write->phys_addr, write->data, MIN(write->len, 4U));
		first = (first + 1) % latch->nr;
		/* Only now may another vCPU take the ring for empty. */
		__atomic_store_n(&ring->first, first, __ATOMIC_RELEASE);
	}
}

void port_latch_hand_over(struct vcpu *vcpu)
{
	struct port_latch *latch = vcpu->vm->port_latch;
	struct kvm_coalesced_mmio_ring *ring;

	if (!latch)
		return;
	ring = (struct kvm_coalesced_mmio_ring *)((u8 *)vcpu->run + latch->ring_at);
	if (__atomic_load_n(&ring->first, __ATOMIC_ACQUIRE) ==
	    __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE))
		return;
	pthread_mutex_lock(&latch->lock);
	hand_over_all(latch, ring, vcpu->vm->ports);
	pthread_mutex_unlock(&latch->lock);
}
