/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * riscv64's KVM as the code under test sees it: registers of vCPUs that are there or not and can be written or
 * not, and a note of interrupts. It stands in for ioctl(2) itself.
 */
#ifndef FAKE_KVM_H
#define FAKE_KVM_H

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "lkvm/vm/vcpu.h"
#include "arch-registers.h"
#include "arch-vm.h"

#define FAKE_MAX_CPUS	   4
#define FAKE_MAX_REGISTERS 128
#define FAKE_MAX_ATTRS	   256
#define FAKE_VM_FD	   1000
#define FAKE_IDS	   255 /* identities of its IMSICs */

struct fake_register {
	u64 id, value;
	bool fixed; /* cannot be written */
};

static struct fake_kvm {
	struct fake_vcpu {
		int fd;		    /* a file of memory, so that its struct kvm_run can be mapped */
		unsigned interrupt; /* the last KVM_INTERRUPT */
		unsigned nr_interrupts;
		bool stopped;
		unsigned runs; /* KVM_RUN */
		unsigned
			csr_rd; /* a KVM_EXIT_RISCV_CSR waits to be finished with this register; 0: none does */
		struct fake_register registers[FAKE_MAX_REGISTERS];
		unsigned nr_registers;
	} cpus[FAKE_MAX_CPUS];
	bool has_aia;
	int aia_fd;
	struct fake_attr {
		u32 group;
		u64 attr, value;
	} attrs[FAKE_MAX_ATTRS]; /* of the AIA, as they were written */
	unsigned nr_attrs;
} fake;

static struct fake_guest {
	struct vm vm;
	struct vm_config config;
	struct arch_vm riscv;
} guest;

static struct fake_register *fake_find(unsigned cpu, u64 id)
{
	struct fake_vcpu *vcpu = &fake.cpus[cpu];

	for (unsigned i = 0; i < vcpu->nr_registers; i++) {
		if (vcpu->registers[i].id == id)
			return &vcpu->registers[i];
	}
	return NULL;
}

/* A register that all vCPUs have. */
static inline void fake_reg(u64 id, u64 value, bool fixed)
{
	for (unsigned i = 0; i < FAKE_MAX_CPUS; i++) {
		struct fake_vcpu *vcpu = &fake.cpus[i];

		if (vcpu->nr_registers == FAKE_MAX_REGISTERS)
			abort();
		vcpu->registers[vcpu->nr_registers++] =
			(struct fake_register){ .id = id, .value = value, .fixed = fixed };
	}
}

static unsigned fake_index(int fd)
{
	for (unsigned i = 0; i < FAKE_MAX_CPUS; i++) {
		if (fake.cpus[i].fd == fd)
			return i;
	}
	abort();
}

static int fake_create_vcpu(unsigned id)
{
	int fd = memfd_create("vcpu", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, sizeof(struct kvm_run)))
		abort();
	fake.cpus[id].fd = fd;
	return fd;
}

static int fake_one_reg(int fd, const struct kvm_one_reg *reg, bool set)
{
	struct fake_register *found = fake_find(fake_index(fd), reg->id);

	if (!found || (set && found->fixed)) {
		errno = found ? EINVAL : ENOENT;
		return -1;
	}
	if (set)
		memcpy(&found->value, (void *)(uintptr_t)reg->addr, sizeof(u64));
	else
		memcpy((void *)(uintptr_t)reg->addr, &found->value, sizeof(u64));
	return 0;
}

/* As KVM does with what user space answers, whatever it is. */
static void fake_finish_csr(unsigned cpu, const struct kvm_run *run)
{
	struct fake_vcpu *vcpu = &fake.cpus[cpu];

	if (run->exit_reason != KVM_EXIT_RISCV_CSR || !vcpu->csr_rd)
		return;
	fake_find(cpu, REG_X(vcpu->csr_rd))->value = run->riscv_csr.ret_value;
	fake_find(cpu, REG_PC)->value += 4;
	vcpu->csr_rd = 0;
}

/* Until somebody wants the thread out of the guest. */
static int fake_run(unsigned cpu)
{
	struct kvm_run *run = guest.vm.vcpus[cpu]->run;

	fake_finish_csr(cpu, run);
	__atomic_fetch_add(&fake.cpus[cpu].runs, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&run->immediate_exit, __ATOMIC_ACQUIRE))
		usleep(100);
	errno = EINTR;
	return -1;
}

static int fake_device(struct kvm_create_device *device)
{
	if (!fake.has_aia || device->type != KVM_DEV_TYPE_RISCV_AIA) {
		errno = ENODEV;
		return -1;
	}
	if (device->flags & KVM_CREATE_DEVICE_TEST)
		return 0;
	device->fd = fake.aia_fd = memfd_create("aia", MFD_CLOEXEC);
	return 0;
}

/* Values are of 64 bits for addresses, of 32 for numbers; KVM_DEV_RISCV_AIA_CTRL_INIT has none. */
static int fake_set_attr(const struct kvm_device_attr *attr)
{
	struct fake_attr *note = &fake.attrs[fake.nr_attrs];
	size_t size = attr->group == KVM_DEV_RISCV_AIA_GRP_ADDR ? sizeof(u64) : sizeof(u32);

	if (fake.nr_attrs++ == FAKE_MAX_ATTRS)
		abort();
	*note = (struct fake_attr){ attr->group, attr->attr, 0 };
	if (attr->addr)
		memcpy(&note->value, (void *)(uintptr_t)attr->addr, size);
	return 0;
}

static int fake_get_attr(const struct kvm_device_attr *attr)
{
	const u32 ids = FAKE_IDS;

	if (attr->group != KVM_DEV_RISCV_AIA_GRP_CONFIG ||
	    attr->attr != KVM_DEV_RISCV_AIA_CONFIG_IDS) {
		errno = ENXIO;
		return -1;
	}
	memcpy((void *)(uintptr_t)attr->addr, &ids, sizeof(ids));
	return 0;
}

static int fake_reg_list(struct kvm_reg_list *list)
{
	if (list->n)
		return 0;
	/* Room for one is asked for, none is told. */
	list->n = 1;
	errno = E2BIG;
	return -1;
}

/* In the place of the C library's. */
int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	switch (request) {
	case KVM_RUN:
		return fake_run(fake_index(fd));
	case KVM_CREATE_VCPU:
		return fake_create_vcpu((uintptr_t)arg);
	case KVM_GET_VCPU_MMAP_SIZE:
		return sizeof(struct kvm_run);
	case KVM_CHECK_EXTENSION:
		return 0;
	case KVM_CREATE_DEVICE:
		return fake_device(arg);
	case KVM_SET_DEVICE_ATTR:
		return fake_set_attr(arg);
	case KVM_GET_DEVICE_ATTR:
		return fake_get_attr(arg);
	case KVM_GET_REG_LIST:
		return fake_reg_list(arg);
	case KVM_GET_ONE_REG:
		return fake_one_reg(fd, arg, false);
	case KVM_SET_ONE_REG:
		return fake_one_reg(fd, arg, true);
	case KVM_GET_MP_STATE:
		*(struct kvm_mp_state *)arg = (struct kvm_mp_state){
			.mp_state = fake.cpus[fake_index(fd)].stopped ? KVM_MP_STATE_STOPPED
								      : KVM_MP_STATE_RUNNABLE,
		};
		return 0;
	case KVM_INTERRUPT:
		fake.cpus[fake_index(fd)].interrupt = ((struct kvm_interrupt *)arg)->irq;
		fake.cpus[fake_index(fd)].nr_interrupts++;
		return 0;
	}
	errno = ENOTTY;
	return -1;
}

/* A guest without memory, and a host that has only the base instructions; no vCPU yet. */
static inline struct vm *fake_guest_create(unsigned cpus)
{
	memset(&fake, 0, sizeof(fake));
	memset(&guest, 0, sizeof(guest));
	config_init(&guest.config, NULL);
	guest.config.cpus = cpus;
	guest.vm.config = &guest.config;
	guest.vm.fd = guest.vm.kvm_fd = FAKE_VM_FD;
	guest.vm.request_fd.fd = -1;
	guest.vm.arch = &guest.riscv;
	guest.vm.loop = loop_create("test");
	if (!guest.vm.loop)
		abort();
	TAILQ_INIT(&guest.vm.devices);
	guest_memory_init(&guest.vm.memory);
	fake_reg(REG_ISA(ISA_i), 1, true);
	return &guest.vm;
}

/* With their threads, if there are any, and what was counted of them. */
static inline void fake_vcpus_destroy(void)
{
	vcpus_destroy(&guest.vm);
	free(guest.vm.exits);
	guest.vm.exits = NULL;
}

static inline void fake_guest_destroy(void)
{
	fake_vcpus_destroy();
	guest_memory_destroy(&guest.vm.memory);
	loop_destroy(guest.vm.loop);
	config_release(&guest.config);
}

#endif
