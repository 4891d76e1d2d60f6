// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Power-on: what KVM made is kept (only if the guest may reboot at all) and put back by a reset, then
 * vCPU 0 is set to where the kernel begins.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lkvm/arch.h"
#include "lkvm/util/log.h"
#include "msrs.h"
#include "lkvm/vm/confidential.h"
#include "x86-vm.h"

#define NESTED_SIZE (sizeof(struct kvm_nested_state) + 8192)
#define MSR_TSC	    0x10

struct x86_vm_state {
	struct kvm_irqchip chips[3];
	struct kvm_pit_state2 pit;
	struct kvm_clock_data clock;
};

struct x86_vcpu_state {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_xcrs xcrs;
	struct kvm_lapic_state lapic;
	struct kvm_debugregs debugregs;
	struct kvm_vcpu_events events;
	struct kvm_mp_state mp_state;
	bool has_nested;
	union {
		struct kvm_nested_state head;
		u8 bytes[NESTED_SIZE];
	} nested;
	void *xsave;	      /* as large as KVM says */
	struct x86_msrs msrs; /* those that can be read */
};

#define state_failed(what) x86_failed("Resetting the machine: " what)

int x86_vm_state_save(struct vm *vm)
{
	struct x86_vm_state *state = calloc(1, sizeof(*state));

	if (!state)
		return -ENOMEM;
	vm->arch->reset_state = state;
	for (unsigned i = 0; i < ARRAY_SIZE(state->chips); i++) {
		state->chips[i].chip_id = i;
		if (ioctl(vm->fd, KVM_GET_IRQCHIP, &state->chips[i]))
			return state_failed("KVM_GET_IRQCHIP");
	}
	if (ioctl(vm->fd, KVM_GET_PIT2, &state->pit))
		return state_failed("KVM_GET_PIT2");
	return 0;
}

static int restore_vm(struct vm *vm)
{
	struct x86_vm_state *state = vm->arch->reset_state;

	for (unsigned i = 0; i < ARRAY_SIZE(state->chips); i++)
		if (ioctl(vm->fd, KVM_SET_IRQCHIP, &state->chips[i]))
			return state_failed("KVM_SET_IRQCHIP");
	if (ioctl(vm->fd, KVM_SET_PIT2, &state->pit))
		return state_failed("KVM_SET_PIT2");
	/* The guest's clock begins anew, at 0. */
	if (ioctl(vm->fd, KVM_SET_CLOCK, &state->clock))
		return state_failed("KVM_SET_CLOCK");
	return 0;
}

/* KVM_GET_MSRS and KVM_SET_MSRS stop at the first one they refuse; this is what lies behind `from`. */
static void take_rest(struct x86_msrs *part, const struct x86_msrs *msrs, u32 from)
{
	part->nmsrs = msrs->nmsrs - from;
	part->pad = 0;
	memcpy(part->entries, msrs->entries + from, part->nmsrs * sizeof(*part->entries));
}

/* What cannot be read is left out. */
static void read_msrs(struct vcpu *vcpu, struct x86_msrs *msrs)
{
	u32 from = 0, kept = 0;
	struct x86_msrs part;

	while (from < msrs->nmsrs) {
		int done;

		take_rest(&part, msrs, from);
		done = ioctl(vcpu->fd, KVM_GET_MSRS, &part);
		if (done < 0)
			break;
		memcpy(msrs->entries + kept, part.entries, done * sizeof(*part.entries));
		kept += done;
		from += done + 1;
	}
	msrs->nmsrs = kept;
}

static int save_msrs(struct vcpu *vcpu, struct x86_msrs *msrs)
{
	struct {
		u32 nmsrs;
		u32 indices[X86_MAX_MSRS];
	} list = { .nmsrs = X86_MAX_MSRS };

	if (ioctl(vcpu->vm->kvm_fd, KVM_GET_MSR_INDEX_LIST, &list))
		return state_failed("KVM_GET_MSR_INDEX_LIST");
	msrs->nmsrs = MIN(list.nmsrs, (u32)X86_MAX_MSRS);
	for (u32 i = 0; i < msrs->nmsrs; i++)
		msrs->entries[i].index = list.indices[i];
	read_msrs(vcpu, msrs);
	/* Writing 0 to all vCPUs' TSCs is how KVM knows that they shall be one clock. */
	for (u32 i = 0; i < msrs->nmsrs; i++)
		if (msrs->entries[i].index == MSR_TSC)
			msrs->entries[i].data = 0;
	return 0;
}

static int save_xsave(struct vcpu *vcpu, struct x86_vcpu_state *state)
{
	int size = ioctl(vcpu->vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_XSAVE2);
	bool large = size > (int)sizeof(struct kvm_xsave);

	state->xsave = calloc(1, large ? (size_t)size : sizeof(struct kvm_xsave));
	if (!state->xsave)
		return -ENOMEM;
	if (ioctl(vcpu->fd, large ? KVM_GET_XSAVE2 : KVM_GET_XSAVE, state->xsave))
		return state_failed("KVM_GET_XSAVE");
	return 0;
}

int x86_vcpu_state_save(struct vcpu *vcpu)
{
	struct x86_vcpu_state *state = calloc(1, sizeof(*state));
	int err;

	if (!state)
		return -ENOMEM;
	vcpu->arch.reset_state = state;
	if (ioctl(vcpu->fd, KVM_GET_REGS, &state->regs) ||
	    ioctl(vcpu->fd, KVM_GET_SREGS, &state->sregs) ||
	    ioctl(vcpu->fd, KVM_GET_XCRS, &state->xcrs) ||
	    ioctl(vcpu->fd, KVM_GET_LAPIC, &state->lapic) ||
	    ioctl(vcpu->fd, KVM_GET_DEBUGREGS, &state->debugregs) ||
	    ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &state->events) ||
	    ioctl(vcpu->fd, KVM_GET_MP_STATE, &state->mp_state))
		return state_failed("a vCPU's state cannot be read");
	state->nested.head.size = sizeof(state->nested);
	state->has_nested = !ioctl(vcpu->fd, KVM_GET_NESTED_STATE, &state->nested);
	/* What is pending or shadowed must be written even if it is nothing. */
	state->events.flags |= KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SIPI_VECTOR |
			       KVM_VCPUEVENT_VALID_SHADOW;
	err = save_xsave(vcpu, state);
	if (!err)
		err = save_msrs(vcpu, &state->msrs);
	return err;
}

void arch_vcpu_destroy(struct vcpu *vcpu)
{
	struct x86_vcpu_state *state = vcpu->arch.reset_state;

	if (!state)
		return;
	free(state->xsave);
	free(state);
	vcpu->arch.reset_state = NULL;
}

/* Those that KVM lets be read but not written are passed over. */
static void restore_msrs(struct vcpu *vcpu, const struct x86_msrs *msrs)
{
	struct x86_msrs part;

	for (u32 from = 0; from < msrs->nmsrs; from++) {
		int done;

		take_rest(&part, msrs, from);
		done = ioctl(vcpu->fd, KVM_SET_MSRS, &part);
		if (done < 0)
			return;
		from += done;
		if (from < msrs->nmsrs)
			log_debug("vCPU %u: MSR 0x%x stays as it is", vcpu->id,
				  msrs->entries[from].index);
	}
}

static int restore_vcpu(struct vcpu *vcpu)
{
	struct x86_vcpu_state *state = vcpu->arch.reset_state;

	/* First out of a nested guest: nothing else can be set while one runs. */
	if (state->has_nested && ioctl(vcpu->fd, KVM_SET_NESTED_STATE, &state->nested))
		return state_failed("KVM_SET_NESTED_STATE");
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &state->sregs) ||
	    ioctl(vcpu->fd, KVM_SET_REGS, &state->regs) ||
	    ioctl(vcpu->fd, KVM_SET_XSAVE, state->xsave) ||
	    ioctl(vcpu->fd, KVM_SET_XCRS, &state->xcrs) ||
	    ioctl(vcpu->fd, KVM_SET_DEBUGREGS, &state->debugregs))
		return state_failed("a vCPU's registers cannot be set");
	restore_msrs(vcpu, &state->msrs);
	if (ioctl(vcpu->fd, KVM_SET_LAPIC, &state->lapic) ||
	    ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &state->events) ||
	    ioctl(vcpu->fd, KVM_SET_MP_STATE, &state->mp_state))
		return state_failed("a vCPU's state cannot be set");
	return 0;
}

static int set_entry(struct vcpu *vcpu, const struct x86_entry *entry)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		return state_failed("KVM_GET_SREGS");
	x86_entry_registers(entry, &sregs, &regs);
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) || ioctl(vcpu->fd, KVM_SET_REGS, &regs))
		return state_failed("the entry's registers cannot be set");
	return 0;
}

int arch_reset(struct vm *vm)
{
	struct arch_vm *x86 = vm->arch;
	struct vcpu *vcpu;
	unsigned i;
	int err;

	if (x86->used) {
		err = x86->reset_state ? restore_vm(vm) : -EINVAL;
		if (err)
			return err;
		vcpu_for_each (vcpu, vm, i) {
			err = restore_vcpu(vcpu);
			if (err)
				return err;
		}
	}
	x86->used = true;
	if (x86->confidential->launch)
		return x86->confidential->launch(vm);
	/* As KVM makes them, which is as a reset does. */
	if (vm->config->firmware)
		return 0;
	return set_entry(vm->vcpus[0], &x86->entry);
}
