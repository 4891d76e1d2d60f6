// SPDX-License-Identifier: GPL-2.0-or-later
/* How vCPUs are made and begin, told by what KVM is asked for. */
#include <time.h>

#include "board.h"
#include "fake_kvm.h"
#include "lkvm/arch.h"
#include "said.h"
#include "uapi/kvm.h"

static struct vm *vm;

static int setup(void **state)
{
	vm = fake_guest_create(3);
	return 0;
}

static int teardown(void **state)
{
	fake_guest_destroy();
	return 0;
}

static int create_all(void)
{
	int error;

	fake_vcpus_destroy();
	said_begin();
	error = vcpus_create(vm);
	said_end();
	return error;
}

static void one_begins(void **state)
{
	*fake_reg(2, REG_MPIDR_EL1) = 0x81000102;
	assert_int_equal(create_all(), 0);
	SAID(NULL);
	assert_int_equal(vm->vcpus[2]->arch.mpidr, 0x000102);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(fake.cpus[i].inits, 1);
		assert_false(vm->vcpus[i]->off);
		assert_int_equal(fake.cpus[i].mp_state,
				 i ? KVM_MP_STATE_STOPPED : KVM_MP_STATE_RUNNABLE);
		assert_int_equal(fake.cpus[i].sve_finalized, 0);
	}
	assert_int_equal(fake.nr_attrs, 0);
	guest.arm64.boot.entry = 0x80080000;
	guest.arm64.boot.dtb = 0x8fe00000;
	assert_int_equal(arch_reset(vm), 0);
	assert_int_equal(*fake_reg(0, REG_PC), 0x80080000);
	assert_int_equal(*fake_reg(0, REG_X(0)), 0x8fe00000);
	/* As made they are as after a reset; the next life begins with one. */
	assert_int_equal(fake.cpus[0].inits, 1);
}

/* Documentation/arch/arm/booting.rst */
static void one_begins_in_aarch32(void **state)
{
	guest.config.arch.aarch32 = true;
	fake_cap(KVM_CAP_STEAL_TIME, true);
	assert_int_equal(pvtime_lay_out(vm), 0);
	assert_int_equal(vm->memory.nr_regions, 0);
	assert_int_equal(create_all(), 0);
	guest.arm64.boot.entry = 0x80008000;
	guest.arm64.boot.dtb = 0x8fe00000;
	assert_int_equal(arch_reset(vm), 0);
	assert_int_equal(*fake_reg(0, REG_PC), 0x80008000);
	assert_int_equal(*fake_reg(0, REG_X(0)), 0);
	assert_int_equal(*fake_reg(0, REG_X(1)), 0xffffffff);
	assert_int_equal(*fake_reg(0, REG_X(2)), 0x8fe00000);
}

/* A firmware's tables hold no more; a kernel is told what the CPU has. */
static void addresses_of_firmware_have_48_bits(void **state)
{
	static const struct {
		const char *firmware;
		unsigned ipa_bits;
		u64 has, told;
	} cases[] = {
		{ "firmware", 40, 0x2100032310201126, 0x2100032310201125 },
		{ "firmware", 40, 0x1124, 0x1124 },
		{ "firmware", 52, 0x1126, 0x1126 },
		{ NULL, 40, 0x1126, 0x1126 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		guest.config.firmware = cases[i].firmware;
		guest.arm64.ipa_bits = cases[i].ipa_bits;
		for (unsigned cpu = 0; cpu < 3; cpu++)
			*fake_reg(cpu, REG_ID_AA64MMFR0_EL1) = cases[i].has;
		assert_int_equal(create_all(), 0);
		SAID(NULL);
		for (unsigned cpu = 0; cpu < 3; cpu++)
			assert_int_equal(*fake_reg(cpu, REG_ID_AA64MMFR0_EL1), cases[i].told);
	}
}

/* Then KVM keeps none of them off. */
static void one_begins_with_our_psci(void **state)
{
	guest.config.arch.psci = true;
	assert_int_equal(create_all(), 0);
	assert_int_equal(arch_reset(vm), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(fake.cpus[i].mp_state, KVM_MP_STATE_RUNNABLE);
		assert_int_equal(vcpu_is_off(vm->vcpus[i]), i > 0);
	}
}

static void vectors_are_final(void **state)
{
	u64 id = KVM_REG_ARM64_SVE_VLS;

	guest.arm64.init.features[0] |= BIT(KVM_ARM_VCPU_SVE);
	guest.config.arch.sve_max_vl = 256;
	for (unsigned i = 0; i < 3; i++)
		*fake_reg(i, id) = 0xf;
	assert_int_equal(create_all(), 0);
	SAID(NULL);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(*fake_reg(i, id), 0x3);
		assert_int_equal(fake.cpus[i].sve_finalized, 1);
	}
	guest.config.arch.sve_max_vl = 640;
	assert_int_equal(create_all(), -EINVAL);
	SAID("--sve-max-vl 640: this host's CPUs have vectors of 128, 256 bits");
}

static void steal_time(void **state)
{
	u64 page = sysconf(_SC_PAGESIZE), value = 1;

	assert_int_equal(pvtime_lay_out(vm), 0);
	assert_int_equal(vm->memory.nr_regions, 0);
	fake_cap(KVM_CAP_STEAL_TIME, true);
	guest.config.arch.no_pvtime = true;
	assert_int_equal(pvtime_lay_out(vm), 0);
	assert_int_equal(vm->memory.nr_regions, 0);
	guest.config.arch.no_pvtime = false;
	assert_int_equal(pvtime_lay_out(vm), 0);
	assert_int_equal(vm->memory.nr_regions, 1);
	assert_int_equal(vm->memory.regions[0].gpa, BOARD_PVTIME);
	assert_int_equal(vm->memory.regions[0].size, page);
	assert_true(vm->memory.regions[0].unlisted);
	assert_int_equal(guest_write(&vm->memory, BOARD_PVTIME, &value, sizeof(value)), 0);
	assert_int_equal(create_all(), 0);
	assert_int_equal(fake.nr_attrs, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(fake.attrs[i].fd, fake.cpus[i].fd);
		assert_int_equal(fake.attrs[i].group, KVM_ARM_VCPU_PVTIME_CTRL);
		assert_int_equal(fake.attrs[i].value, BOARD_PVTIME + 64 * i);
	}
	fake.fail = EEXIST;
	assert_int_equal(create_all(), -EEXIST);
	SAID("vCPU 0: KVM does not take the place of its steal time");
}

static int cannot_emulate(unsigned cpu, struct kvm_run *run)
{
	errno = ENOSYS;
	return -1;
}

/* One vCPU, whose KVM_RUN does that; `said` has what was said until it ended the guest. */
static void run_to_the_end(int (*run)(unsigned cpu, struct kvm_run *run))
{
	struct timespec moment = { .tv_nsec = 1000000 };

	fake_vcpus_destroy();
	vm = fake_guest_create(1);
	vm->loop = loop_create("test");
	assert_int_equal(vcpus_create(vm), 0);
	fake.run = run;
	said_begin();
	assert_int_equal(vcpus_run(vm), 0);
	for (unsigned i = 0; !vm_ending(vm) && i < 60000; i++)
		nanosleep(&moment, NULL);
	vcpus_park(vm);
	said_end();
	assert_int_equal(vm->end, VM_REQUEST_INTERNAL_ERROR);
	loop_destroy(vm->loop);
	vm->loop = NULL;
}

/* "Function not implemented" alone says nothing to whoever wrote the guest. */
static void what_kvm_cannot_emulate(void **state)
{
	run_to_the_end(cannot_emulate);
	assert_non_null(strstr(said,
			       "Fatal: vCPU 0: KVM_RUN: Function not implemented: KVM cannot "
			       "emulate the instruction by which the guest accessed a device"));
	assert_non_null(strstr(said, "\npc "));
}

static int private_memory_is_missing(unsigned cpu, struct kvm_run *run)
{
	struct kvm_exit_memory_fault fault = {
		.flags = KVM_MEMORY_EXIT_FLAG_PRIVATE,
		.gpa = 0x82345000,
		.size = 4096,
	};

	run->exit_reason = KVM_EXIT_MEMORY_FAULT;
	memcpy(run->padding, &fault, sizeof(fault));
	errno = EFAULT;
	return -1;
}

static int host_memory_is_broken(unsigned cpu, struct kvm_run *run)
{
	private_memory_is_missing(cpu, run);
	memset(run->padding, 0, sizeof(u64));
	errno = EHWPOISON;
	return -1;
}

/* What stands there is an earlier exit's. */
static int bad_address_and_no_more(unsigned cpu, struct kvm_run *run)
{
	private_memory_is_missing(cpu, run);
	run->exit_reason = KVM_EXIT_MMIO;
	return -1;
}

static void memory_that_cannot_be_had(void **state)
{
	run_to_the_end(private_memory_is_missing);
	assert_non_null(strstr(said,
			       "Fatal: vCPU 0: KVM_RUN: Bad address: the guest's private memory "
			       "at 0x82345000 cannot be had"));
	fake_guest_destroy();
	run_to_the_end(host_memory_is_broken);
	assert_non_null(strstr(said, ": the guest's memory at 0x82345000 cannot be had"));
	fake_guest_destroy();
	run_to_the_end(bad_address_and_no_more);
	assert_non_null(strstr(said, "Fatal: vCPU 0: KVM_RUN: Bad address\n"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_begins),
		TEST(one_begins_in_aarch32),
		TEST(addresses_of_firmware_have_48_bits),
		TEST(one_begins_with_our_psci),
		TEST(vectors_are_final),
		TEST(steal_time),
		TEST(what_kvm_cannot_emulate),
		TEST(memory_that_cannot_be_had),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
