// SPDX-License-Identifier: GPL-2.0-or-later
/* Registers and the like are kept and given back: no guest has any use for them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib.h"

#define RFLAGS_FIXED 2
#define RFLAGS_IF    BIT(9)

struct vcpu_arch {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_xcrs xcrs;
	struct kvm_xsave xsave;
	struct kvm_lapic_state lapic;
	struct kvm_debugregs debugregs;
	struct kvm_vcpu_events events;
};

int kvm_arch_vcpu_new(struct kvm_vcpu *vcpu)
{
	vcpu->arch = calloc(1, sizeof(*vcpu->arch));
	if (!vcpu->arch)
		return -ENOMEM;
	vcpu->arch->regs.rflags = RFLAGS_FIXED;
	return 0;
}

void *kvm_arch_stack(void *top, void (*entry)(void))
{
	/* Six registers, where to return, and what a call would have left. */
	void **sp = (void **)top - 8;

	memset(sp, 0, 8 * sizeof(*sp));
	sp[6] = (void *)entry;
	return sp;
}

unsigned long kvm_arch_boot(const struct kvm_vcpu *vcpu)
{
	const struct kvm_regs *regs = &vcpu->arch->regs;

	return regs->rbx ? regs->rbx : regs->rsi;
}

void kvm_arch_halted(struct kvm_vcpu *vcpu, bool interrupts)
{
	vcpu->arch->regs.rflags = RFLAGS_FIXED | (interrupts ? RFLAGS_IF : 0);
	vcpu->run->if_flag = interrupts;
}

static long supported_cpuid(struct kvm_cpuid2 *cpuid)
{
	static const struct kvm_cpuid_entry2 entries[] = {
		{ .function = 0,
		  .eax = 1,
		  .ebx = 0x756e6547,
		  .ecx = 0x6c65746e,
		  .edx = 0x49656e69 },
		{ .function = 1, .eax = 0x000306a9, .ecx = 0x80202001, .edx = 0x078bfbff },
		{ .function = 0x40000000,
		  .eax = 0x40000001,
		  .ebx = 0x4b4d564b,
		  .ecx = 0x564b4d56,
		  .edx = 0x4d },
		{ .function = 0x40000001, .eax = 0x01000009 },
		{ .function = 0x80000000, .eax = 0x80000008 },
		{ .function = 0x80000001, .ecx = 1, .edx = 0x20100800 },
		{ .function = 0x80000008, .eax = 0x3028 },
	};

	if (cpuid->nent < ARRAY_SIZE(entries))
		return -E2BIG;
	cpuid->nent = ARRAY_SIZE(entries);
	memcpy(cpuid->entries, entries, sizeof(entries));
	return 0;
}

/* None is known. */
static long msr_list(struct kvm_msr_list *list)
{
	list->nmsrs = 0;
	return 0;
}

long kvm_arch_system_call(unsigned long request, void *arg)
{
	switch (request) {
	case KVM_GET_SUPPORTED_CPUID:
		return supported_cpuid(arg);
	case KVM_GET_MSR_INDEX_LIST:
		return msr_list(arg);
	case KVM_GET_MSRS:
		return 0;
	}
	return -EINVAL;
}

long kvm_arch_vm_call(struct kvm_vm *vm, unsigned long request, void *arg)
{
	switch (request) {
	case KVM_SET_IDENTITY_MAP_ADDR:
	case KVM_SET_TSS_ADDR:
	case KVM_CREATE_IRQCHIP:
	case KVM_CREATE_PIT2:
	case KVM_GET_IRQCHIP:
	case KVM_SET_IRQCHIP:
	case KVM_GET_PIT2:
	case KVM_SET_PIT2:
	case KVM_SET_CLOCK:
		return 0;
	}
	return -EINVAL;
}

static long get_mp_state(const struct kvm_vcpu *vcpu, struct kvm_mp_state *state)
{
	static const u32 states[] = {
		[VCPU_WAITING] = KVM_MP_STATE_UNINITIALIZED,
		[VCPU_RUNNING] = KVM_MP_STATE_RUNNABLE,
		[VCPU_HALTED] = KVM_MP_STATE_HALTED,
	};

	state->mp_state = states[vcpu->state];
	return 0;
}

/* Only a reset sets them: the guest's life begins anew there. */
static long set_regs(struct kvm_vcpu *vcpu, const struct kvm_regs *regs)
{
	vcpu->arch->regs = *regs;
	kvm_vcpu_reset(vcpu);
	return 0;
}

#define KEEP(GET, SET, what)                                                                       \
	case GET:                                                                                  \
		memcpy(arg, &arch->what, sizeof(arch->what));                                      \
		return 0;                                                                          \
	case SET:                                                                                  \
		memcpy(&arch->what, arg, sizeof(arch->what));                                      \
		return 0

long kvm_arch_vcpu_call(struct kvm_vcpu *vcpu, unsigned long request, void *arg)
{
	struct vcpu_arch *arch = vcpu->arch;

	switch (request) {
		KEEP(KVM_GET_SREGS, KVM_SET_SREGS, sregs);
		KEEP(KVM_GET_XCRS, KVM_SET_XCRS, xcrs);
		KEEP(KVM_GET_XSAVE, KVM_SET_XSAVE, xsave);
		KEEP(KVM_GET_LAPIC, KVM_SET_LAPIC, lapic);
		KEEP(KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS, debugregs);
		KEEP(KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS, events);
	case KVM_GET_REGS:
		memcpy(arg, &arch->regs, sizeof(arch->regs));
		return 0;
	case KVM_SET_REGS:
		return set_regs(vcpu, arg);
	case KVM_GET_MP_STATE:
		return get_mp_state(vcpu, arg);
	case KVM_SET_MP_STATE:
	case KVM_SET_CPUID2:
		return 0;
	case KVM_GET_TSC_KHZ:
		return 1000000;
	case KVM_SET_MSRS:
	case KVM_GET_MSRS:
		return ((struct kvm_msrs *)arg)->nmsrs;
	case KVM_TRANSLATE:
		((struct kvm_translation *)arg)->valid = 0;
		return 0;
	}
	return -EINVAL;
}
