// SPDX-License-Identifier: GPL-2.0-or-later
/* What a guest's CPUs are made of, by options and by what the host has. */
#include "fake_kvm.h"
#include "lkvm/arch.h"
#include "said.h"

static struct vm *vm;

static int setup(void **state)
{
	vm = fake_guest_create(2);
	return 0;
}

static int choose(void)
{
	int error;

	memset(&guest.arm64.init, 0, sizeof(guest.arm64.init));
	said_begin();
	error = arm64_choose_features(vm);
	said_end();
	return error;
}

static void give(unsigned feature, unsigned cap)
{
	assert_int_equal(choose(), 0);
	SAID(NULL);
	assert_false(arm64_wants(vm, feature));
	fake_cap(cap, true);
	assert_int_equal(choose(), 0);
	SAID(NULL);
}

static void what_every_guest_gets(void **state)
{
	assert_int_equal(choose(), 0);
	SAID(NULL);
	assert_true(arm64_wants(vm, KVM_ARM_VCPU_PSCI_0_2));
	assert_int_equal(guest.arm64.init.features[0], BIT(KVM_ARM_VCPU_PSCI_0_2));
	assert_int_equal(guest.arm64.init.target, 5);
}

/* KVM refuses the one without the other. */
static void pointer_authentication(void **state)
{
	give(KVM_ARM_VCPU_PTRAUTH_ADDRESS, KVM_CAP_ARM_PTRAUTH_ADDRESS);
	assert_false(arm64_wants(vm, KVM_ARM_VCPU_PTRAUTH_ADDRESS));
	fake_cap(KVM_CAP_ARM_PTRAUTH_GENERIC, true);
	assert_int_equal(choose(), 0);
	assert_true(arm64_wants(vm, KVM_ARM_VCPU_PTRAUTH_ADDRESS));
	assert_true(arm64_wants(vm, KVM_ARM_VCPU_PTRAUTH_GENERIC));
}

static void vectors(void **state)
{
	guest.config.arch.sve_max_vl = 256;
	assert_int_equal(choose(), -ENOTSUP);
	SAID("--sve-max-vl: this host's KVM gives guests no scalable vectors");
	guest.config.arch.sve_max_vl = 0;
	give(KVM_ARM_VCPU_SVE, KVM_CAP_ARM_SVE);
	assert_true(arm64_wants(vm, KVM_ARM_VCPU_SVE));
	guest.config.arch.disable_sve = true;
	assert_int_equal(choose(), 0);
	assert_false(arm64_wants(vm, KVM_ARM_VCPU_SVE));
}

static void performance_monitors(void **state)
{
	give(KVM_ARM_VCPU_PMU_V3, KVM_CAP_ARM_PMU_V3);
	assert_false(arm64_wants(vm, KVM_ARM_VCPU_PMU_V3));
	guest.config.arch.pmu = true;
	assert_int_equal(choose(), 0);
	assert_true(arm64_wants(vm, KVM_ARM_VCPU_PMU_V3));
	fake_cap(KVM_CAP_ARM_PMU_V3, false);
	assert_int_equal(choose(), -ENOTSUP);
	SAID("--pmu: ");
}

static void memory_tags(void **state)
{
	assert_int_equal(choose(), 0);
	assert_int_equal(fake.nr_enabled, 0);
	fake_cap(KVM_CAP_ARM_MTE, true);
	guest.config.arch.disable_mte = true;
	assert_int_equal(choose(), 0);
	assert_int_equal(fake.nr_enabled, 0);
	guest.config.arch.disable_mte = false;
	assert_int_equal(choose(), 0);
	assert_int_equal(fake.nr_enabled, 1);
	assert_int_equal(fake.enabled[0], KVM_CAP_ARM_MTE);
	/* Nobody asked for them, so nobody misses them. */
	fake.fail = EINVAL;
	assert_int_equal(choose(), 0);
	SAID(NULL);
}

static void aarch32(void **state)
{
	guest.config.arch.aarch32 = true;
	assert_int_equal(choose(), -ENOTSUP);
	SAID("--aarch32: this host's CPUs have no 32-bit EL1");
	fake_cap(KVM_CAP_ARM_EL1_32BIT, true);
	/* All this is of 64-bit CPUs only. */
	fake_cap(KVM_CAP_ARM_SVE, true);
	fake_cap(KVM_CAP_ARM_MTE, true);
	fake_cap(KVM_CAP_ARM_PTRAUTH_ADDRESS, true);
	fake_cap(KVM_CAP_ARM_PTRAUTH_GENERIC, true);
	assert_int_equal(choose(), 0);
	SAID(NULL);
	assert_int_equal(guest.arm64.init.features[0],
			 BIT(KVM_ARM_VCPU_PSCI_0_2) | BIT(KVM_ARM_VCPU_EL1_32BIT));
	assert_int_equal(fake.nr_enabled, 0);
}

static int ask_type(unsigned long *type)
{
	int error;

	said_begin();
	error = arch_vm_type(vm->config, vm->kvm_fd, type);
	said_end();
	return error;
}

static void protected(void **state)
{
	unsigned long plain, type;

	assert_int_equal(ask_type(&plain), 0);
	guest.config.arch.protected = true;
	assert_int_equal(ask_type(&type), -EINVAL);
	SAID("--protected: this host's KVM cannot protect guests");
	fake.protected = true;
	assert_int_equal(ask_type(&type), 0);
	SAID(NULL);
	assert_int_equal(type, plain | 1UL << 31);
}

/* The VM's capabilities are fewer than the host's: the host is not to blame. */
static void what_protected_guests_lack(void **state)
{
	guest.config.arch.protected = true;
	guest.config.arch.pmu = true;
	assert_int_equal(choose(), -ENOTSUP);
	SAID("--pmu and --protected do not go together");
	guest.config.arch.pmu = false;
	guest.config.arch.sve_max_vl = 128;
	assert_int_equal(choose(), -ENOTSUP);
	SAID("--sve-max-vl and --protected do not go together");
	guest.config.arch.sve_max_vl = 0;
	assert_int_equal(choose(), 0);
	SAID(NULL);
}

static void nested(void **state)
{
	guest.config.arch.nested = true;
	assert_int_equal(choose(), -ENOTSUP);
	SAID("--nested: this host's KVM does not give guests EL2");
	fake_cap(KVM_CAP_ARM_EL2, true);
	assert_int_equal(choose(), 0);
	assert_true(arm64_wants(vm, KVM_ARM_VCPU_HAS_EL2));
	guest.config.arch.e2h0 = true;
	assert_int_equal(choose(), -ENOTSUP);
	SAID("--e2h0: ");
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_every_guest_gets),
		TEST(pointer_authentication),
		TEST(vectors),
		TEST(performance_monitors),
		TEST(memory_tags),
		TEST(aarch32),
		TEST(protected),
		TEST(what_protected_guests_lack),
		TEST(nested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
