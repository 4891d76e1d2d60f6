// SPDX-License-Identifier: GPL-2.0-or-later
/* A vCPU as a firmware would hand it over, apart from where it starts (state.c). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "board.h"
#include "cpuid.h"
#include "lkvm/arch.h"
#include "lkvm/util/log.h"
#include "msrs.h"
#include "x86-vm.h"

#define MSR_MISC_ENABLE	  0x1a0
#define MSR_MTRR_BASE0	  0x200
#define MSR_MTRR_MASK0	  0x201
#define MSR_MTRR_DEF_TYPE 0x2ff

#define MISC_ENABLE_FAST_STRINGS BIT(0)
#define MISC_ENABLE_NO_BTS	 BIT(11)
#define MISC_ENABLE_NO_PEBS	 BIT(12)
#define MTRR_ENABLE		 BIT(11) /* in the default type; in a mask: this range counts */
#define MTRR_WRITE_BACK		 6
#define MTRR_UNCACHED		 0

#define LAPIC_LVT_LINT0	     0x350
#define LAPIC_LVT_LINT1	     0x360
#define LAPIC_DELIVER_NMI    (4 << 8)
#define LAPIC_DELIVER_EXTINT (7 << 8)

static int arch_vcpu_failed(const struct vcpu *vcpu, const char *what)
{
	int err = -errno;

	log_fatal("vCPU %u: %s: %s", vcpu->id, what, strerror(errno));
	return err;
}

static void set_common_cpuid(struct vcpu *vcpu, struct arch_vm *x86)
{
	struct vm *vm = vcpu->vm;
	bool deadline = ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0;
	int tsc_khz = ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0);

	x86_cpuid_set_common(x86->cpuid, vm->config->cpus, MAX(tsc_khz, 0), deadline);
	if (vm->conversions)
		x86_cpuid_offer_map_gpa_range(x86->cpuid);
}

static int set_cpuid(struct vcpu *vcpu, struct arch_vm *x86)
{
	if (!vcpu->id)
		set_common_cpuid(vcpu, x86);
	/* The one table is made each vCPU's in turn. */
	x86_cpuid_set_vcpu(x86->cpuid, vcpu->id);
	if (ioctl(vcpu->fd, KVM_SET_CPUID2, x86->cpuid))
		return arch_vcpu_failed(vcpu, "KVM does not take its CPUID");
	return 0;
}

/* All RAM is write-back and the hole is not cached: what Linux expects to find on every CPU alike. */
static void set_msrs(struct vcpu *vcpu, const struct arch_vm *x86)
{
	u64 address_mask = BIT(x86->phys_bits) - 1;
	const struct kvm_msr_entry entries[] = {
		{ .index = MSR_MISC_ENABLE,
		  .data = MISC_ENABLE_FAST_STRINGS | MISC_ENABLE_NO_BTS | MISC_ENABLE_NO_PEBS },
		{ .index = MSR_MTRR_BASE0, .data = BOARD_HOLE | MTRR_UNCACHED },
		{ .index = MSR_MTRR_MASK0,
		  .data = (~(BOARD_HOLE_END - BOARD_HOLE - 1) & address_mask) | MTRR_ENABLE },
		{ .index = MSR_MTRR_DEF_TYPE, .data = MTRR_ENABLE | MTRR_WRITE_BACK },
		{ .index = MSR_UCODE_REV, .data = x86->microcode },
	};
	struct x86_msrs msrs;
	int done;

	msrs.nmsrs = ARRAY_SIZE(entries) - (x86->microcode ? 0 : 1);
	msrs.pad = 0;
	memcpy(msrs.entries, entries, sizeof(entries));
	done = ioctl(vcpu->fd, KVM_SET_MSRS, &msrs);
	/* A guest runs without them, if with a warning or two of its own. */
	if (done >= 0 && done < (int)msrs.nmsrs)
		log_debug("vCPU %u: KVM does not take MSR 0x%x", vcpu->id, entries[done].index);
}

static void set_mce(struct vcpu *vcpu, const struct arch_vm *x86)
{
	u64 cap = x86->mce_cap;

	if (cap && ioctl(vcpu->fd, KVM_X86_SETUP_MCE, &cap))
		log_debug("vCPU %u: KVM does not set up machine checks: %s", vcpu->id,
			  strerror(errno));
}

static void set_lvt(struct kvm_lapic_state *lapic, unsigned offset, u32 value)
{
	memcpy(lapic->regs + offset, &value, sizeof(value));
}

/*
 * "Virtual wire": the PICs' output on LINT0 of the CPU that boots, NMI on LINT1. The others' state is set to what
 * it is, because KVM looks up an IPI's target in a map which it last made before it knew of the new vCPU. A
 * guest that does not enable its local APIC first, and so has KVM make that map anew, would start no CPU.
 */
static int set_lapic(struct vcpu *vcpu)
{
	struct kvm_lapic_state lapic;

	if (ioctl(vcpu->fd, KVM_GET_LAPIC, &lapic))
		return arch_vcpu_failed(vcpu, "KVM does not report its local APIC's state");
	if (!vcpu->id) {
		set_lvt(&lapic, LAPIC_LVT_LINT0, LAPIC_DELIVER_EXTINT);
		set_lvt(&lapic, LAPIC_LVT_LINT1, LAPIC_DELIVER_NMI);
	}
	if (ioctl(vcpu->fd, KVM_SET_LAPIC, &lapic))
		return arch_vcpu_failed(vcpu, "KVM does not take its local APIC's state");
	return 0;
}

int arch_vcpu_create(struct vcpu *vcpu)
{
	struct arch_vm *x86 = vcpu->vm->arch;
	int err = set_cpuid(vcpu, x86);

	if (err)
		return err;
	set_mce(vcpu, x86);
	set_msrs(vcpu, x86);
	err = set_lapic(vcpu);
	if (err)
		return err;
	return vcpu->vm->config->reboot && !vcpu->vm->single_boot ? x86_vcpu_state_save(vcpu) : 0;
}

/* Otherwise a guest's watchdog takes the pause for a CPU that hung. */
void arch_vcpu_resume(struct vcpu *vcpu)
{
	if (ioctl(vcpu->fd, KVM_KVMCLOCK_CTRL, 0) && errno != EINVAL)
		log_debug("vCPU %u: KVM_KVMCLOCK_CTRL: %s", vcpu->id, strerror(errno));
}
