/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * arm64's KVM as the code under test sees it: a table of capabilities, registers of vCPUs, and a note of
 * everything else that was asked for. It stands in for ioctl(2) itself, so it shows what lkvm asks for, in
 * which order, and what it makes of the answers; what a real KVM does is the lab's to show.
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
#include "arch-vm.h"
#include "lkvm/vm/vcpu.h"
#include "arch-registers.h"

#define FAKE_MAX_CPUS	   4
#define FAKE_MAX_REGISTERS 64
#define FAKE_VM_FD	   1000
#define FAKE_GIC_FD	   3000

struct fake_register {
	u64 id, value;
};

static struct fake_kvm {
	u64 caps[8]; /* those the host has, below 512 */
	struct fake_vcpu {
		int fd; /* a file of memory, so that its struct kvm_run can be mapped */
		struct fake_register registers[FAKE_MAX_REGISTERS];
		unsigned nr_registers;
		unsigned inits; /* KVM_ARM_VCPU_INIT */
		u32 features;	/* of the last */
		u32 mp_state;
		u32 sve_finalized;
	} cpus[FAKE_MAX_CPUS];
	struct fake_attr {
		int fd;
		u32 group;
		u64 attr, value;
	} attrs[64]; /* KVM_SET_DEVICE_ATTR, in order */
	unsigned nr_attrs;
	u32 enabled[8]; /* KVM_ENABLE_CAP, in order */
	unsigned nr_enabled;
	struct kvm_smccc_filter filters[8];
	unsigned nr_filters;
	/* KVM_RUN, on the vCPU's thread: what ioctl(2) would have returned; NULL: nothing ever happens. */
	int (*run)(unsigned cpu, struct kvm_run *run);
	bool no_attrs;	/* KVM_HAS_DEVICE_ATTR knows none */
	bool protected; /* KVM_CREATE_VM takes KVM_VM_TYPE_ARM_PROTECTED */
	int fail;	/* errno of the next KVM_SET_DEVICE_ATTR or KVM_ENABLE_CAP; 0: none */
} fake;

static struct fake_guest {
	struct vm vm;
	struct vm_config config;
	struct arch_vm arm64;
} guest;

static inline void fake_cap(unsigned cap, bool there)
{
	if (there)
		fake.caps[cap / 64] |= BIT(cap % 64);
	else
		fake.caps[cap / 64] &= ~BIT(cap % 64);
}

/* The register, made with value 0 when nobody knew it yet. */
static inline u64 *fake_reg(unsigned cpu, u64 id)
{
	struct fake_vcpu *vcpu = &fake.cpus[cpu];
	unsigned i;

	for (i = 0; i < vcpu->nr_registers; i++) {
		if (vcpu->registers[i].id == id)
			return &vcpu->registers[i].value;
	}
	if (i == FAKE_MAX_REGISTERS)
		abort();
	vcpu->nr_registers++;
	vcpu->registers[i].id = id;
	return &vcpu->registers[i].value;
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
	size_t size = 1UL << ((reg->id & KVM_REG_SIZE_MASK) >> KVM_REG_SIZE_SHIFT);
	u64 *value = fake_reg(fake_index(fd), reg->id);
	void *place = (void *)(uintptr_t)reg->addr;

	/* Of longer ones the rest is 0. */
	if (!set)
		memset(place, 0, size);
	memcpy(set ? (void *)value : place, set ? place : (void *)value, MIN(size, sizeof(u64)));
	return 0;
}

static int fake_init(int fd, const struct kvm_vcpu_init *init)
{
	struct fake_vcpu *vcpu = &fake.cpus[fake_index(fd)];

	vcpu->inits++;
	vcpu->features = init->features[0];
	vcpu->mp_state = init->features[0] & BIT(KVM_ARM_VCPU_POWER_OFF) ? KVM_MP_STATE_STOPPED
									 : KVM_MP_STATE_RUNNABLE;
	for (unsigned i = 0; i < vcpu->nr_registers; i++) {
		u64 id = vcpu->registers[i].id;

		/* What the CPU is able to is the guest's for good. */
		if (id != REG_MPIDR_EL1 && id != KVM_REG_ARM64_SVE_VLS &&
		    id != REG_ID_AA64MMFR0_EL1)
			vcpu->registers[i].value = 0;
	}
	return 0;
}

static int fake_set_attr(int fd, const struct kvm_device_attr *attr)
{
	struct fake_attr *seen = &fake.attrs[fake.nr_attrs];

	if (fake.fail) {
		errno = fake.fail;
		return -1;
	}
	if (fd == FAKE_VM_FD && attr->group == KVM_ARM_VM_SMCCC_CTRL) {
		fake.filters[fake.nr_filters++] = *(struct kvm_smccc_filter *)(uintptr_t)attr->addr;
		return 0;
	}
	*seen = (struct fake_attr){ .fd = fd, .group = attr->group, .attr = attr->attr };
	if (attr->addr)
		memcpy(&seen->value, (void *)(uintptr_t)attr->addr, sizeof(u32));
	fake.nr_attrs++;
	return 0;
}

/* Until somebody wants the thread out of the guest. */
static int fake_run(unsigned cpu)
{
	struct kvm_run *run = guest.vm.vcpus[cpu]->run;

	if (fake.run && !__atomic_load_n(&run->immediate_exit, __ATOMIC_ACQUIRE))
		return fake.run(cpu, run);
	while (!__atomic_load_n(&run->immediate_exit, __ATOMIC_ACQUIRE))
		usleep(100);
	errno = EINTR;
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
	case KVM_CREATE_VM:
		if (!fake.protected && (uintptr_t)arg & KVM_VM_TYPE_ARM_PROTECTED) {
			errno = EINVAL;
			return -1;
		}
		return memfd_create("vm", MFD_CLOEXEC);
	case KVM_RUN:
		return fake_run(fake_index(fd));
	case KVM_CREATE_VCPU:
		return fake_create_vcpu((uintptr_t)arg);
	case KVM_GET_VCPU_MMAP_SIZE:
		return sizeof(struct kvm_run);
	case KVM_CHECK_EXTENSION:
		return fake.caps[(uintptr_t)arg / 64] >> (uintptr_t)arg % 64 & 1;
	case KVM_ENABLE_CAP:
		if (fake.fail)
			break;
		fake.enabled[fake.nr_enabled++] = ((struct kvm_enable_cap *)arg)->cap;
		return 0;
	case KVM_ARM_PREFERRED_TARGET:
		*(struct kvm_vcpu_init *)arg = (struct kvm_vcpu_init){ .target = 5 };
		return 0;
	case KVM_ARM_VCPU_INIT:
		return fake_init(fd, arg);
	case KVM_ARM_VCPU_FINALIZE:
		fake.cpus[fake_index(fd)].sve_finalized++;
		return 0;
	case KVM_GET_ONE_REG:
		return fake_one_reg(fd, arg, false);
	case KVM_SET_ONE_REG:
		return fake_one_reg(fd, arg, true);
	case KVM_GET_MP_STATE:
		((struct kvm_mp_state *)arg)->mp_state = fake.cpus[fake_index(fd)].mp_state;
		return 0;
	case KVM_SET_MP_STATE:
		fake.cpus[fake_index(fd)].mp_state = ((struct kvm_mp_state *)arg)->mp_state;
		return 0;
	case KVM_SET_DEVICE_ATTR:
		return fake_set_attr(fd, arg);
	case KVM_HAS_DEVICE_ATTR:
		if (!fake.no_attrs)
			return 0;
		errno = ENXIO;
		return -1;
	}
	errno = fake.fail ?: ENOTTY;
	return -1;
}

/* 256 MiB that are only named, a GICv3, a host that has nothing special, and no vCPU yet. */
static inline struct vm *fake_guest_create(unsigned cpus)
{
	memset(&fake, 0, sizeof(fake));
	memset(&guest, 0, sizeof(guest));
	config_init(&guest.config, NULL);
	guest.config.cpus = cpus;
	guest.config.memory = MIB(256);
	guest.vm.config = &guest.config;
	guest.vm.fd = guest.vm.kvm_fd = FAKE_VM_FD;
	guest.vm.request_fd.fd = -1;
	guest.vm.arch = &guest.arm64;
	guest.arm64.init.features[0] = BIT(KVM_ARM_VCPU_PSCI_0_2);
	guest.arm64.gic.kind = IRQCHIP_GICV3;
	guest.arm64.gic.fd = FAKE_GIC_FD;
	TAILQ_INIT(&guest.vm.devices);
	guest_memory_init(&guest.vm.memory);
	for (unsigned i = 0; i < cpus; i++)
		*fake_reg(i, REG_MPIDR_EL1) = 0x80000000 | i;
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
}

#endif
