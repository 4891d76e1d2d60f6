// SPDX-License-Identifier: GPL-2.0-or-later
/* PSCI as lkvm serves it: what guests may ask, above all what they may ask wrongly, and vCPUs' power. */
#include <pthread.h>
#include <time.h>

#include "fake_kvm.h"
#include "lkvm/arch.h"
#include "psci.h"
#include "said.h"

#define VERSION		 0x84000000
#define CPU_SUSPEND	 0xc4000001
#define CPU_OFF		 0x84000002
#define CPU_ON		 0xc4000003
#define CPU_ON_32	 0x84000003
#define AFFINITY_INFO	 0xc4000004
#define AFFINITY_INFO_32 0x84000004
#define FEATURES	 0x8400000a
#define SYSTEM_OFF	 0x84000008
#define SYSTEM_RESET	 0x84000009
#define SYSTEM_SUSPEND	 0xc400000e
#define SYSTEM_RESET2	 0xc4000012
#define SYSTEM_OFF2	 0xc4000015

#define SCTLR_EE 0x02000000
#define EL1H	 0x3c5

static struct vm *vm;

static void make(unsigned cpus, bool psci)
{
	vm = fake_guest_create(cpus);
	guest.config.arch.psci = psci;
	assert_int_equal(vcpus_create(vm), 0);
	assert_int_equal(arch_reset(vm), 0);
}

static int setup(void **state)
{
	make(3, true);
	return 0;
}

static int setup_aarch32(void **state)
{
	vm = fake_guest_create(2);
	guest.config.arch.psci = true;
	guest.arm64.init.features[0] |= BIT(KVM_ARM_VCPU_EL1_32BIT);
	assert_int_equal(vcpus_create(vm), 0);
	assert_int_equal(arch_reset(vm), 0);
	return 0;
}

static int setup_in_kvm(void **state)
{
	make(2, false);
	return 0;
}

static int teardown(void **state)
{
	fake_guest_destroy();
	return 0;
}

static enum exit_action last_action;

static u64 call_at(unsigned cpu, u64 id, u64 a, u64 b, u64 c)
{
	struct vcpu *vcpu = vm->vcpus[cpu];

	*fake_reg(cpu, REG_X(0)) = id;
	*fake_reg(cpu, REG_X(1)) = a;
	*fake_reg(cpu, REG_X(2)) = b;
	*fake_reg(cpu, REG_X(3)) = c;
	vcpu->run->exit_reason = KVM_EXIT_HYPERCALL;
	vcpu->run->hypercall.nr = (u32)id;
	last_action = arch_vcpu_exit(vcpu);
	return *fake_reg(cpu, REG_X(0));
}

#define CALL(id, ...) call_args(id, (const u64[4]){ __VA_ARGS__ })

static s64 call_args(u64 id, const u64 args[4])
{
	return call_at(0, id, args[0], args[1], args[2]);
}

static void questions(void **state)
{
	assert_int_equal(CALL(VERSION, 7, 7, 7), 0x10003);
	assert_int_equal(last_action, EXIT_ACTION_CONTINUE);
	assert_int_equal(*fake_reg(0, REG_X(1)), 0);
	assert_int_equal(*fake_reg(0, REG_X(3)), 0);
	assert_int_equal(CALL(0x84000006, 0), 2); /* no trusted OS */
	assert_int_equal(CALL(FEATURES, 0x80000000), 0);
	assert_int_equal(CALL(FEATURES, CPU_ON), 0);
	assert_int_equal(CALL(FEATURES, CPU_SUSPEND), 0);
	assert_int_equal(CALL(FEATURES, SYSTEM_SUSPEND), 0);
	assert_int_equal(CALL(FEATURES, SYSTEM_RESET2), 0);
	assert_int_equal(CALL(FEATURES, SYSTEM_OFF2), 1);
	/* Only the lower half of the argument is one. */
	assert_int_equal(CALL(FEATURES, 0xffffffff00000000 | CPU_OFF), 0);
}

static void not_supported(void **state)
{
	static const u32
		ids
			[] = {
				0x84000005, 0xc4000005, /* MIGRATE */
				0x84000007, 0x8400000b, 0x8400000c, 0x8400000d,
				0x8400000f, 0x84000010, 0x84000013, 0x84000014,
				0x84000016, 0x8400001f, 0xc4000000, /* VERSION, CPU_OFF, SYSTEM_OFF have no form of 64 bits */
				0xc4000002, 0xc4000008, 0xc400000a, 0x95c1ba5e,
				0,	    0xffffffff,
			};

	for (unsigned i = 0; i < ARRAY_SIZE(ids); i++) {
		assert_int_equal(CALL(ids[i], 0, 0, 0), (u64)-1);
		assert_int_equal(last_action, EXIT_ACTION_CONTINUE);
		assert_int_equal(CALL(FEATURES, ids[i]), (u64)-1);
	}
	assert_int_equal(vm->end, VM_REQUEST_NONE);
}

static void cpu_on(void **state)
{
	*fake_reg(2, REG_PC) = 0x99;
	assert_int_equal(CALL(CPU_ON, 2, 0x80001000, 0x1122334455667788), 0);
	assert_false(vcpu_is_off(vm->vcpus[2]));
	assert_true(vcpu_is_off(vm->vcpus[1]));
	assert_int_equal(*fake_reg(2, REG_PC), 0x80001000);
	assert_int_equal(*fake_reg(2, REG_X(0)), 0x1122334455667788);
	assert_int_equal(*fake_reg(2, REG_SCTLR_EL1), 0);
	assert_int_equal(fake.cpus[2].inits, 2);
	assert_int_equal(fake.cpus[2].mp_state, KVM_MP_STATE_RUNNABLE);
	assert_int_equal(CALL(CPU_ON, 2, 0x80001000, 0), (u64)-4);
	assert_int_equal(CALL(CPU_ON, 0, 0x80001000, 0), (u64)-4);
	assert_int_equal(fake.cpus[2].inits, 2);
	assert_int_equal(fake.cpus[0].inits, 1);
	/* 32 bits: what is above them is not the caller's. */
	assert_int_equal(CALL(CPU_ON_32, 0xaa00000001, 0xbb80002000, 0xcc00000003), 0);
	assert_int_equal(*fake_reg(1, REG_PC), 0x80002000);
	assert_int_equal(*fake_reg(1, REG_X(0)), 3);
}

static void cpu_on_of_nobody(void **state)
{
	static const u64 affinities[] = { 3,	 0x100,	     0x80000001, 0x100000001,
					  ~0ULL, 1ULL << 63, 0xff000000, 0x10001 };

	for (unsigned i = 0; i < ARRAY_SIZE(affinities); i++)
		assert_int_equal(CALL(CPU_ON, affinities[i], 0x80000000, 0), (u64)-2);
	assert_int_equal(CALL(CPU_ON, 1, 0x80000002, 0), (u64)-9);
	assert_int_equal(CALL(CPU_ON, 1, 0x80000001, 0), (u64)-9);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(fake.cpus[i].inits, 1);
	/* An address without memory is the guest's own business. */
	assert_int_equal(CALL(CPU_ON, 1, 0xfffffffffffffffc, 0), 0);
}

static void byte_order_is_inherited(void **state)
{
	*fake_reg(0, REG_PSTATE) = EL1H;
	*fake_reg(0, REG_SCTLR_EL1) = SCTLR_EE;
	assert_int_equal(CALL(CPU_ON, 1, 0x80000000, 0), 0);
	assert_int_equal(*fake_reg(1, REG_SCTLR_EL1), SCTLR_EE);
	*fake_reg(0, REG_SCTLR_EL1) = 0;
	/* EL2's counts only for a caller there. */
	guest.config.arch.nested = true;
	guest.arm64.init.features[0] |= BIT(KVM_ARM_VCPU_HAS_EL2);
	*fake_reg(0, REG_SCTLR_EL2) = SCTLR_EE;
	assert_int_equal(CALL(CPU_ON, 2, 0x80000000, 0), 0);
	assert_int_equal(*fake_reg(2, REG_SCTLR_EL2), 0);
	call_at(2, CPU_OFF, 0, 0, 0);
	*fake_reg(0, REG_PSTATE) = 0x3c9;
	assert_int_equal(CALL(CPU_ON, 2, 0x80000000, 0), 0);
	assert_int_equal(*fake_reg(2, REG_SCTLR_EL2), SCTLR_EE);
}

static void cpu_off(void **state)
{
	assert_int_equal(CALL(AFFINITY_INFO, 1, 0), 1);
	assert_int_equal(CALL(CPU_ON, 1, 0x80000000, 0), 0);
	assert_int_equal(CALL(AFFINITY_INFO, 1, 0), 0);
	call_at(1, CPU_OFF, 0, 0, 0);
	assert_int_equal(last_action, EXIT_ACTION_STOP);
	assert_int_equal(CALL(AFFINITY_INFO, 1, 0), 1);
	assert_int_equal(CALL(CPU_ON, 1, 0x80000000, 0), 0);
	assert_int_equal(vm->end, VM_REQUEST_NONE);
}

static void affinities(void **state)
{
	vm->vcpus[1]->arch.mpidr = 0x100;
	vm->vcpus[2]->arch.mpidr = 0x101;
	assert_int_equal(CALL(AFFINITY_INFO, 0, 0), 0);
	assert_int_equal(CALL(AFFINITY_INFO, 0x100, 0), 1);
	assert_int_equal(CALL(AFFINITY_INFO, 0x102, 0), (u64)-2);
	assert_int_equal(CALL(AFFINITY_INFO, 0x102, 1), 1);
	assert_int_equal(CALL(AFFINITY_INFO, 0x200, 1), (u64)-2);
	assert_int_equal(CALL(AFFINITY_INFO, 0x200, 2), 0);
	assert_int_equal(CALL(AFFINITY_INFO, 0x10000, 2), (u64)-2);
	assert_int_equal(CALL(AFFINITY_INFO, 0x10000, 3), 0);
	assert_int_equal(CALL(AFFINITY_INFO, 0, 4), (u64)-2);
	assert_int_equal(CALL(AFFINITY_INFO, 0, ~0ULL), (u64)-2);
	assert_int_equal(CALL(AFFINITY_INFO_32, 0x100, 0xffffffff00000000), 1);
	assert_int_equal(CALL(CPU_ON, 0x101, 0x80000000, 0), 0);
	assert_int_equal(CALL(AFFINITY_INFO, 0x100, 1), 0);
}

static void request(u64 id, u64 a, u64 b, enum vm_request wanted)
{
	vm->end = VM_REQUEST_NONE;
	call_at(0, id, a, b, 0);
	assert_int_equal(last_action, wanted ? EXIT_ACTION_STOP : EXIT_ACTION_CONTINUE);
	assert_int_equal(vm->end, wanted);
	if (!wanted)
		assert_int_equal(*fake_reg(0, REG_X(0)), (u64)-2);
}

static void the_end(void **state)
{
	request(SYSTEM_OFF, 0, 0, VM_REQUEST_POWEROFF);
	request(SYSTEM_RESET, 0, 0, VM_REQUEST_REBOOT);
	request(SYSTEM_RESET2, 0, 0, VM_REQUEST_REBOOT);
	request(SYSTEM_RESET2, 0x80000000, 5, VM_REQUEST_REBOOT);
	request(SYSTEM_RESET2, 1, 0, VM_REQUEST_NONE);
	request(SYSTEM_RESET2, 0x7fffffff, 0, VM_REQUEST_NONE);
	request(SYSTEM_OFF2, 0, 0, VM_REQUEST_POWEROFF);
	request(SYSTEM_OFF2, 1, 0, VM_REQUEST_POWEROFF);
	request(SYSTEM_OFF2, 2, 0, VM_REQUEST_NONE);
	request(SYSTEM_OFF2, 1, 1, VM_REQUEST_NONE);
}

static void wake(unsigned cpu)
{
	struct vcpu *vcpu = vm->vcpus[cpu];

	vcpu->run->exit_reason = KVM_EXIT_SYSTEM_EVENT;
	vcpu->run->system_event.type = KVM_SYSTEM_EVENT_WAKEUP;
	assert_int_equal(arch_vcpu_exit(vcpu), EXIT_ACTION_CONTINUE);
	assert_int_equal(fake.cpus[cpu].mp_state, KVM_MP_STATE_RUNNABLE);
}

static void stand_by(void **state)
{
	*fake_reg(0, REG_PC) = 0x4000;
	assert_int_equal(CALL(CPU_SUSPEND, 0x10000, 0x5000, 0), 0);
	assert_int_equal(last_action, EXIT_ACTION_CONTINUE);
	assert_int_equal(fake.cpus[0].mp_state, KVM_MP_STATE_SUSPENDED);
	wake(0);
	assert_int_equal(*fake_reg(0, REG_PC), 0x4000);
	assert_int_equal(fake.cpus[0].inits, 1);
}

static void suspend(void **state)
{
	assert_int_equal(CALL(CPU_ON, 1, 0x80000000, 0), 0);
	assert_int_equal(CALL(SYSTEM_SUSPEND, 0x5000, 0x77), (u64)-3);
	assert_int_equal(fake.cpus[0].mp_state, KVM_MP_STATE_RUNNABLE);
	call_at(1, CPU_OFF, 0, 0, 0);
	assert_int_equal(CALL(SYSTEM_SUSPEND, 0x5002, 0x77), (u64)-9);
	assert_int_equal(fake.cpus[0].mp_state, KVM_MP_STATE_RUNNABLE);
	*fake_reg(0, REG_SCTLR_EL1) = SCTLR_EE | 1;
	*fake_reg(0, REG_PSTATE) = EL1H;
	call_at(0, SYSTEM_SUSPEND, 0x5000, 0x77, 0);
	assert_int_equal(last_action, EXIT_ACTION_CONTINUE);
	assert_int_equal(fake.cpus[0].mp_state, KVM_MP_STATE_SUSPENDED);
	/* Timers of its own must be able to wake it, so nothing is reset before. */
	assert_int_equal(fake.cpus[0].inits, 1);
	wake(0);
	assert_int_equal(fake.cpus[0].inits, 2);
	assert_int_equal(*fake_reg(0, REG_PC), 0x5000);
	assert_int_equal(*fake_reg(0, REG_X(0)), 0x77);
	assert_int_equal(*fake_reg(0, REG_SCTLR_EL1), SCTLR_EE);
	/* Once only: the next interrupt that ends a wait is no such thing. */
	call_at(0, CPU_SUSPEND, 0, 0, 0);
	wake(0);
	assert_int_equal(fake.cpus[0].inits, 2);
}

/* KVM serves the calls, but leaves the suspension to us; who is off is KVM's to know. */
static void suspend_in_kvm(void **state)
{
	struct vcpu *vcpu = vm->vcpus[0];

	vcpu->run->exit_reason = KVM_EXIT_SYSTEM_EVENT;
	vcpu->run->system_event.type = KVM_SYSTEM_EVENT_SUSPEND;
	*fake_reg(0, REG_X(0)) = SYSTEM_SUSPEND;
	*fake_reg(0, REG_X(1)) = 0x123456789000;
	*fake_reg(0, REG_X(2)) = 0x88;
	fake.cpus[1].mp_state = KVM_MP_STATE_RUNNABLE;
	assert_int_equal(arch_vcpu_exit(vcpu), EXIT_ACTION_CONTINUE);
	assert_int_equal(*fake_reg(0, REG_X(0)), (u64)-3);
	*fake_reg(0, REG_X(0)) = SYSTEM_SUSPEND;
	*fake_reg(0, REG_X(1)) = 0x123456789000;
	*fake_reg(0, REG_X(2)) = 0x88;
	fake.cpus[1].mp_state = KVM_MP_STATE_STOPPED;
	assert_int_equal(arch_vcpu_exit(vcpu), EXIT_ACTION_CONTINUE);
	assert_int_equal(fake.cpus[0].mp_state, KVM_MP_STATE_SUSPENDED);
	assert_int_equal(vm->vcpus[1]->run->immediate_exit, 0);
	wake(0);
	assert_int_equal(*fake_reg(0, REG_PC), 0x123456789000);
	assert_int_equal(*fake_reg(0, REG_X(0)), 0x88);
	/* A reboot in the middle of it leaves nothing behind. */
	*fake_reg(0, REG_X(0)) = SYSTEM_SUSPEND;
	vcpu->run->system_event.type = KVM_SYSTEM_EVENT_SUSPEND;
	assert_int_equal(arch_vcpu_exit(vcpu), EXIT_ACTION_CONTINUE);
	assert_true(vcpu->arch.sleep.deep);
	psci_reset(vm);
	assert_false(vcpu->arch.sleep.deep);
}

/* Two CPUs that want to suspend the guest look at the same third one: it is held until both have seen it. */
static void looked_at_by_two(void **state)
{
	struct vcpu *other = vm->vcpus[1];

	vcpu_hold(other);
	vcpu_hold(other);
	vcpu_release(other);
	assert_int_equal(other->run->immediate_exit, 1);
	vcpu_release(other);
	assert_int_equal(other->run->immediate_exit, 0);
}

/* Who asked for the guest's end finishes its last exit: who looks if it is on must not send it back. */
static void looked_at_while_it_ends(void **state)
{
	struct vcpu *other = vm->vcpus[1];

	vcpu_hold(other);
	assert_int_equal(other->run->immediate_exit, 1);
	vcpu_release(other);
	assert_int_equal(other->run->immediate_exit, 0);
	vm->end = VM_REQUEST_REBOOT;
	vcpu_hold(other);
	vcpu_release(other);
	assert_int_equal(other->run->immediate_exit, 1);
}

static void aarch32(void **state)
{
	assert_int_equal(CALL(CPU_ON, 1, 0x80000000, 0), (u64)-1);
	assert_int_equal(CALL(FEATURES, CPU_ON), (u64)-1);
	assert_int_equal(CALL(FEATURES, CPU_ON_32), 0);
	assert_int_equal(CALL(CPU_ON_32, 1, 0x80000002, 0), (u64)-9);
	*fake_reg(0, REG_PSTATE) = 0x1d3;
	assert_int_equal(CALL(CPU_ON_32, 1, 0x80000001, 9), 0);
	assert_int_equal(*fake_reg(1, REG_PC), 0x80000000);
	assert_int_equal(*fake_reg(1, REG_PSTATE), 0x20); /* Thumb */
	call_at(1, CPU_OFF, 0, 0, 0);
	*fake_reg(0, REG_PSTATE) = 0x3d3;
	assert_int_equal(CALL(CPU_ON_32, 1, 0x80000000, 9), 0);
	assert_int_equal(*fake_reg(1, REG_PSTATE), 0x200); /* big-endian */
}

static void calls_are_asked_for(void **state)
{
	fake.nr_filters = 0;
	assert_int_equal(psci_setup(vm), 0);
	assert_int_equal(fake.nr_filters, 3);
	assert_int_equal(fake.filters[0].base, 0x95c1ba5e);
	assert_int_equal(fake.filters[0].action, KVM_SMCCC_FILTER_DENY);
	for (unsigned i = 1; i < 3; i++) {
		assert_int_equal(fake.filters[i].base, i == 1 ? 0x84000000 : 0xc4000000);
		assert_int_equal(fake.filters[i].nr_functions, 0x20);
		assert_int_equal(fake.filters[i].action, KVM_SMCCC_FILTER_FWD_TO_USER);
	}
	assert_int_equal(fake.nr_enabled, 0);
	fake.fail = ENXIO;
	said_begin();
	assert_int_equal(psci_setup(vm), -ENXIO);
	said_end();
	SAID("--psci: this host's KVM does not hand PSCI calls on");
}

static void suspension_is_asked_for(void **state)
{
	assert_int_equal(psci_setup(vm), 0);
	assert_int_equal(fake.nr_enabled, 0);
	fake_cap(KVM_CAP_ARM_SYSTEM_SUSPEND, true);
	assert_int_equal(psci_setup(vm), 0);
	assert_int_equal(fake.nr_enabled, 1);
	assert_int_equal(fake.enabled[0], KVM_CAP_ARM_SYSTEM_SUSPEND);
	assert_int_equal(fake.nr_filters, 0);
}

/* ---- with threads: a guest whose CPUs turn each other on and off while it is paused and resumed ---- */

static _Atomic unsigned turns[FAKE_MAX_CPUS];

static int hypercall(unsigned cpu, struct kvm_run *run, u64 id, u64 a, u64 b)
{
	*fake_reg(cpu, REG_X(1)) = a;
	*fake_reg(cpu, REG_X(2)) = b;
	*fake_reg(cpu, REG_X(3)) = 0;
	run->exit_reason = KVM_EXIT_HYPERCALL;
	run->hypercall.nr = id;
	return 0;
}

/* CPU 0 turns on CPU 1 and CPU 2 in turn, for ever; they turn themselves off at once. */
static int power_games(unsigned cpu, struct kvm_run *run)
{
	unsigned turn = turns[cpu]++;

	if (cpu)
		return hypercall(cpu, run, CPU_OFF, 0, 0);
	return hypercall(cpu, run, CPU_ON, 1 + turn % 2, 0x80000000);
}

static void wait_for(unsigned cpu, unsigned turn)
{
	struct timespec moment = { .tv_nsec = 100000 };

	for (unsigned i = 0; turns[cpu] < turn; i++) {
		assert_true(i < 100000);
		nanosleep(&moment, NULL);
	}
}

static void power_and_pauses(void **state)
{
	unsigned before[3];

	/* So that no vCPU's registers are ever new to the fake while threads look there. */
	for (unsigned cpu = 0; cpu < 3; cpu++)
		call_at(cpu, VERSION, 0, 0, 0);
	*fake_reg(0, REG_PSTATE) = EL1H;
	for (unsigned cpu = 0; cpu < 3; cpu++) {
		fake_reg(cpu, REG_SCTLR_EL1);
		fake_reg(cpu, REG_PC);
	}
	fake.run = power_games;
	vm->loop = loop_create("test");
	assert_int_equal(vcpus_run(vm), 0);
	for (unsigned round = 1; round <= 20; round++) {
		wait_for(1, 3 * round);
		wait_for(2, 3 * round);
		vcpus_park(vm);
		for (unsigned cpu = 0; cpu < 3; cpu++)
			before[cpu] = turns[cpu];
		usleep(2000);
		for (unsigned cpu = 0; cpu < 3; cpu++)
			assert_int_equal(turns[cpu], before[cpu]);
		assert_int_equal(vcpus_run(vm), 0);
	}
	vm->end = VM_REQUEST_POWEROFF;
	vcpus_park(vm);
	loop_destroy(vm->loop);
	vm->loop = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(questions),
		TEST(not_supported),
		TEST(cpu_on),
		TEST(cpu_on_of_nobody),
		TEST(byte_order_is_inherited),
		TEST(cpu_off),
		TEST(affinities),
		TEST(the_end),
		TEST(stand_by),
		TEST(suspend),
		cmocka_unit_test_setup_teardown(suspend_in_kvm, setup_in_kvm, teardown),
		cmocka_unit_test_setup_teardown(looked_at_by_two, setup_in_kvm, teardown),
		cmocka_unit_test_setup_teardown(looked_at_while_it_ends, setup_in_kvm, teardown),
		cmocka_unit_test_setup_teardown(aarch32, setup_aarch32, teardown),
		TEST(calls_are_asked_for),
		cmocka_unit_test_setup_teardown(suspension_is_asked_for, setup_in_kvm, teardown),
		TEST(power_and_pauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
