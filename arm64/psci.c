// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Everything a guest passes is of 64 bits that mean anything: an affinity is looked up, an address is only
 * ever given to the guest's own CPU as its program counter.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>

#include "arch-vm.h"
#include "arch-byte-order.h"
#include "lkvm/host/kvm-device.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/registers.h"
#include "lkvm/vm/vcpu.h"
#include "psci.h"
#include "arch-registers.h"

#define SMCCC_VERSION 0x80000000u
#define NR_FUNCTIONS  0x20 /* identifiers from PSCI_0_2_FN_BASE on, and as many of 64 bits */
#define NR_OLD	      4	   /* of those that KVM had before there was a standard */
#define PSTATE_T32    BIT(5)

/* What is called with arguments of 64 bits has PSCI_0_2_64BIT in its identifier. */
static const struct function {
	u32 id;
	bool wide; /* there is one of 64 bits, too */
	s64 features;
} functions[] = {
	{ .id = PSCI_0_2_FN_PSCI_VERSION },
	{ .id = PSCI_0_2_FN_CPU_SUSPEND, .wide = true },
	{ .id = PSCI_0_2_FN_CPU_OFF },
	{ .id = PSCI_0_2_FN_CPU_ON, .wide = true },
	{ .id = PSCI_0_2_FN_AFFINITY_INFO, .wide = true },
	{ .id = PSCI_0_2_FN_MIGRATE_INFO_TYPE },
	{ .id = PSCI_0_2_FN_SYSTEM_OFF },
	{ .id = PSCI_0_2_FN_SYSTEM_RESET },
	{ .id = PSCI_1_0_FN_PSCI_FEATURES },
	{ .id = PSCI_1_0_FN_SYSTEM_SUSPEND, .wide = true },
	{ .id = PSCI_1_1_FN_SYSTEM_RESET2, .wide = true },
	{ .id = PSCI_1_3_FN_SYSTEM_OFF2,
	  .wide = true,
	  .features = PSCI_1_3_OFF_TYPE_HIBERNATE_OFF },
};

/* One at a time: two CPUs may want to turn the same third one on. */
static pthread_mutex_t power = PTHREAD_MUTEX_INITIALIZER;

static bool is_aarch32(const struct vcpu *vcpu)
{
	return arm64_wants(vcpu->vm, KVM_ARM_VCPU_EL1_32BIT);
}

static u64 psci_argument(struct vcpu *vcpu, unsigned n, bool wide)
{
	u64 value = 0;

	vcpu_get_register(vcpu, REG_X(n), &value);
	return wide ? value : (u32)value;
}

static enum exit_action psci_answer(struct vcpu *vcpu, s64 result)
{
	vcpu_set_register(vcpu, REG_X(0), result);
	for (unsigned n = 1; n <= 3; n++)
		vcpu_set_register(vcpu, REG_X(n), 0);
	return EXIT_ACTION_CONTINUE;
}

static int set_mp_state(struct vcpu *vcpu, u32 mp_state)
{
	struct kvm_mp_state state = { .mp_state = mp_state };

	return ioctl(vcpu->fd, KVM_SET_MP_STATE, &state) ? -errno : 0;
}

/* ---- beginnings ---- */

static int set_bit(struct vcpu *vcpu, u64 id, u64 bit)
{
	u64 value;
	int err = vcpu_get_register(vcpu, id, &value);

	return err ?: vcpu_set_register(vcpu, id, value | bit);
}

static int set_big_endian(struct vcpu *vcpu)
{
	if (is_aarch32(vcpu))
		return set_bit(vcpu, REG_PSTATE, PSTATE_E);
	if (arm64_wants(vcpu->vm, KVM_ARM_VCPU_HAS_EL2))
		return set_bit(vcpu, REG_SCTLR_EL2, SCTLR_EE);
	return set_bit(vcpu, REG_SCTLR_EL1, SCTLR_EE);
}

/*
 * The vCPU is as after a reset and begins at `entry`, or goes on there, with `context` in x0 and the byte order
 * of who turned it on (PSCI, initial core configuration).
 */
static int psci_begin(struct vcpu *vcpu, u64 entry, u64 context, bool big_endian)
{
	bool thumb = is_aarch32(vcpu) && (entry & 1);
	int err = arm64_vcpu_init(vcpu, false);

	if (!err && thumb)
		err = set_bit(vcpu, REG_PSTATE, PSTATE_T32);
	if (!err && big_endian)
		err = set_big_endian(vcpu);
	err = err ?: vcpu_set_register(vcpu, REG_PC, thumb ? entry & ~1ULL : entry);
	err = err ?: vcpu_set_register(vcpu, REG_X(0), context);
	return err;
}

/* Nothing else is asked of it: a CPU without memory there takes a fault, which is the guest's business. */
static bool can_begin_at(const struct vcpu *vcpu, u64 entry)
{
	return is_aarch32(vcpu) ? (entry & 3) != 2 : !(entry & 3);
}

/* ---- one CPU's power ---- */

static struct vcpu *psci_find(struct vm *vm, u64 mpidr)
{
	struct vcpu *vcpu;
	unsigned i;

	vcpu_for_each (vcpu, vm, i) {
		if (vcpu->arch.mpidr == mpidr)
			return vcpu;
	}
	return NULL;
}

static s64 cpu_on(struct vcpu *caller, u64 mpidr, u64 entry, u64 context)
{
	struct vcpu *target = psci_find(caller->vm, mpidr);
	s64 result = PSCI_RET_SUCCESS;

	if (!target)
		return PSCI_RET_INVALID_PARAMS;
	if (!can_begin_at(target, entry))
		return PSCI_RET_INVALID_ADDRESS;
	pthread_mutex_lock(&power);
	if (!vcpu_is_off(target))
		result = PSCI_RET_ALREADY_ON;
	else if (psci_begin(target, entry, context, arch_vcpu_big_endian(caller)))
		result = PSCI_RET_INTERNAL_FAILURE;
	else
		vcpu_set_off(target, false);
	pthread_mutex_unlock(&power);
	return result;
}

static enum exit_action cpu_off(struct vcpu *vcpu)
{
	pthread_mutex_lock(&power);
	vcpu_set_off(vcpu, true);
	pthread_mutex_unlock(&power);
	return EXIT_ACTION_STOP;
}

/* How much of an affinity counts at levels 0 to 3: the fields below are left out. */
static s64 affinity_info(struct vm *vm, u64 mpidr, u64 level)
{
	static const u64 masks[] = { 0xff00ffffff, 0xff00ffff00, 0xff00ff0000, 0xff00000000 };
	struct vcpu *vcpu;
	bool found = false;
	unsigned i;

	if (level >= ARRAY_SIZE(masks))
		return PSCI_RET_INVALID_PARAMS;
	vcpu_for_each (vcpu, vm, i) {
		if ((vcpu->arch.mpidr & masks[level]) != (mpidr & masks[level]))
			continue;
		found = true;
		if (!vcpu_is_off(vcpu))
			return PSCI_0_2_AFFINITY_LEVEL_ON;
	}
	return found ? PSCI_0_2_AFFINITY_LEVEL_OFF : PSCI_RET_INVALID_PARAMS;
}

/* PSCI allows standby where a power-down was asked for: the CPU then returns from its call. */
static enum exit_action cpu_suspend(struct vcpu *vcpu)
{
	if (set_mp_state(vcpu, KVM_MP_STATE_SUSPENDED))
		return psci_answer(vcpu, PSCI_RET_INTERNAL_FAILURE);
	return psci_answer(vcpu, PSCI_RET_SUCCESS);
}

/* ---- the guest's power ---- */

static enum exit_action psci_stop(struct vcpu *vcpu, enum vm_request request)
{
	vm_request(vcpu->vm, request);
	return EXIT_ACTION_STOP;
}

static enum exit_action system_reset2(struct vcpu *vcpu, u64 type)
{
	/* What a vendor means by its own kinds of reset nobody knows: any of them is a reset. */
	if ((u32)type != PSCI_1_1_RESET_TYPE_SYSTEM_WARM_RESET &&
	    (u32)type < PSCI_1_1_RESET_TYPE_VENDOR_START)
		return psci_answer(vcpu, PSCI_RET_INVALID_PARAMS);
	return psci_stop(vcpu, VM_REQUEST_REBOOT);
}

/* Hibernation: the guest has saved itself, all that is left is to go. 0 was the first version's word. */
static enum exit_action system_off2(struct vcpu *vcpu, u64 type, u64 cookie)
{
	if (type > PSCI_1_3_OFF_TYPE_HIBERNATE_OFF || cookie)
		return psci_answer(vcpu, PSCI_RET_INVALID_PARAMS);
	return psci_stop(vcpu, VM_REQUEST_POWEROFF);
}

static bool is_running(struct vcpu *other)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_RUNNABLE };

	if (other->vm->config->arch.psci)
		return !vcpu_is_off(other);
	vcpu_hold(other);
	if (ioctl(other->fd, KVM_GET_MP_STATE, &state))
		log_debug("vCPU %u: KVM does not tell if it is on", other->id);
	vcpu_release(other);
	return state.mp_state != KVM_MP_STATE_STOPPED;
}

static bool is_last_one(struct vcpu *vcpu)
{
	struct vcpu *other;
	unsigned i;

	vcpu_for_each (other, vcpu->vm, i) {
		if (other != vcpu && is_running(other))
			return false;
	}
	return true;
}

enum exit_action psci_system_suspend(struct vcpu *vcpu)
{
	bool wide = psci_argument(vcpu, 0, false) & PSCI_0_2_64BIT;
	u64 entry = psci_argument(vcpu, 1, wide);

	if (!is_last_one(vcpu))
		return psci_answer(vcpu, PSCI_RET_DENIED);
	if (!can_begin_at(vcpu, entry))
		return psci_answer(vcpu, PSCI_RET_INVALID_ADDRESS);
	if (set_mp_state(vcpu, KVM_MP_STATE_SUSPENDED))
		return psci_answer(vcpu, PSCI_RET_INTERNAL_FAILURE);
	vcpu->arch.sleep = (struct arm64_sleep){
		.deep = true,
		.entry = entry,
		.context = psci_argument(vcpu, 2, wide),
	};
	return EXIT_ACTION_CONTINUE;
}

/* Not before: what wakes it is a timer of its own, too, and a reset would have cleared that. */
enum exit_action psci_wake_up(struct vcpu *vcpu)
{
	struct arm64_sleep sleep = vcpu->arch.sleep;
	int err = set_mp_state(vcpu, KVM_MP_STATE_RUNNABLE);

	vcpu->arch.sleep = (struct arm64_sleep){ .deep = false };
	if (!err && sleep.deep)
		err = psci_begin(vcpu, sleep.entry, sleep.context, arch_vcpu_big_endian(vcpu));
	if (!err)
		return EXIT_ACTION_CONTINUE;
	vcpu_failed(vcpu, "KVM does not let it go on after a suspension", err);
	return psci_stop(vcpu, VM_REQUEST_INTERNAL_ERROR);
}

/* ---- calls ---- */

static const struct function *find_function(const struct vcpu *vcpu, u32 id)
{
	bool wide = id & PSCI_0_2_64BIT;

	/* SMC64 calls are not for 32-bit callers. */
	if (wide && is_aarch32(vcpu))
		return NULL;
	for (unsigned i = 0; i < ARRAY_SIZE(functions); i++) {
		if (functions[i].id == (id & ~PSCI_0_2_64BIT) && (functions[i].wide || !wide))
			return &functions[i];
	}
	return NULL;
}

static s64 psci_features(const struct vcpu *vcpu, u32 id)
{
	const struct function *function = find_function(vcpu, id);

	/* That this may be asked for is how a guest learns of the calling convention's versions. */
	if (id == SMCCC_VERSION)
		return PSCI_RET_SUCCESS;
	return function ? function->features : PSCI_RET_NOT_SUPPORTED;
}

enum exit_action psci_call(struct vcpu *vcpu)
{
	u32 id = vcpu->run->hypercall.nr;
	const struct function *function = find_function(vcpu, id);
	bool wide = id & PSCI_0_2_64BIT;
	u64 a = psci_argument(vcpu, 1, wide), b = psci_argument(vcpu, 2, wide);

	switch (function ? function->id : 0) {
	case PSCI_0_2_FN_PSCI_VERSION:
		return psci_answer(vcpu, PSCI_VERSION(1, 3));
	case PSCI_0_2_FN_CPU_SUSPEND:
		return cpu_suspend(vcpu);
	case PSCI_0_2_FN_CPU_OFF:
		return cpu_off(vcpu);
	case PSCI_0_2_FN_CPU_ON:
		return psci_answer(vcpu, cpu_on(vcpu, a, b, psci_argument(vcpu, 3, wide)));
	case PSCI_0_2_FN_AFFINITY_INFO:
		return psci_answer(vcpu, affinity_info(vcpu->vm, a, b));
	case PSCI_0_2_FN_MIGRATE_INFO_TYPE:
		return psci_answer(vcpu, PSCI_0_2_TOS_MP);
	case PSCI_0_2_FN_SYSTEM_OFF:
		return psci_stop(vcpu, VM_REQUEST_POWEROFF);
	case PSCI_0_2_FN_SYSTEM_RESET:
		return psci_stop(vcpu, VM_REQUEST_REBOOT);
	case PSCI_1_0_FN_PSCI_FEATURES:
		return psci_answer(vcpu, psci_features(vcpu, a));
	case PSCI_1_0_FN_SYSTEM_SUSPEND:
		return psci_system_suspend(vcpu);
	case PSCI_1_1_FN_SYSTEM_RESET2:
		return system_reset2(vcpu, a);
	case PSCI_1_3_FN_SYSTEM_OFF2:
		return system_off2(vcpu, a, b);
	}
	return psci_answer(vcpu, PSCI_RET_NOT_SUPPORTED);
}

/* ---- set-up ---- */

static int psci_filter(struct vm *vm, u32 base, u32 nr, u8 action)
{
	struct kvm_smccc_filter range = { .base = base, .nr_functions = nr, .action = action };

	return kvm_device_set(vm->fd, KVM_ARM_VM_SMCCC_CTRL, KVM_ARM_VM_SMCCC_FILTER, &range);
}

static int take_calls(struct vm *vm)
{
	int err = psci_filter(vm, KVM_PSCI_FN_BASE, NR_OLD, KVM_SMCCC_FILTER_DENY);

	err = err ?: psci_filter(vm, PSCI_0_2_FN_BASE, NR_FUNCTIONS, KVM_SMCCC_FILTER_FWD_TO_USER);
	err = err
		      ?: psci_filter(vm, PSCI_0_2_FN64_BASE, NR_FUNCTIONS,
				     KVM_SMCCC_FILTER_FWD_TO_USER);
	if (err)
		log_fatal("--psci: this host's KVM does not hand PSCI calls on (%s); Linux 6.4 or "
			  "later does",
			  strerror(-err));
	return err;
}

int psci_setup(struct vm *vm)
{
	struct kvm_enable_cap suspend = { .cap = KVM_CAP_ARM_SYSTEM_SUSPEND };

	if (vm->config->arch.psci)
		return take_calls(vm);
	/* A guest that cannot suspend is told so by KVM. */
	if (ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_ARM_SYSTEM_SUSPEND) > 0 &&
	    ioctl(vm->fd, KVM_ENABLE_CAP, &suspend))
		log_debug("The guest cannot suspend: %s", strerror(errno));
	return 0;
}

void psci_reset(struct vm *vm)
{
	struct vcpu *vcpu;
	unsigned i;

	vcpu_for_each (vcpu, vm, i) {
		vcpu->arch.sleep = (struct arm64_sleep){ .deep = false };
		vcpu_set_off(vcpu, vm->config->arch.psci && i);
	}
}
