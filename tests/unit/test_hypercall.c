// SPDX-License-Identifier: GPL-2.0-or-later
/* KVM_HC_MAP_GPA_RANGE as the guest sees it, and which types of machine there are. */
#include <asm/kvm_para.h>
#include <linux/kvm_para.h>

#include "fake_private_kvm.h"
#include "lkvm/arch.h"
#include "said.h"
#include "confidential/vm-type.h"
#include "x86-vm.h"

static struct arch_vm x86;

static void choose(enum x86_vm_type type)
{
	config.arch.vm_type = type;
	x86.confidential = x86_confidential(&config);
	vm.arch = &x86;
}

static int setup(void **state)
{
	fake_begin();
	choose(VM_TYPE_SW_PROTECTED);
	assert_int_equal(x86.confidential->vm_created(&vm), 0);
	return 0;
}

static int teardown(void **state)
{
	fake_end();
	return 0;
}

static long long call(u64 nr, u64 gpa, u64 pages, u64 attributes)
{
	struct kvm_run *run = vcpu.run;

	run->exit_reason = KVM_EXIT_HYPERCALL;
	run->hypercall.nr = nr;
	run->hypercall.args[0] = gpa;
	run->hypercall.args[1] = pages;
	run->hypercall.args[2] = attributes;
	run->hypercall.ret = 0x5555;
	assert_int_equal(arch_vcpu_exit(&vcpu), EXIT_ACTION_CONTINUE);
	return run->hypercall.ret;
}

static long long map(u64 gpa, u64 pages, u64 attributes)
{
	return call(KVM_HC_MAP_GPA_RANGE, gpa, pages, attributes);
}

static void kvm_is_told_to_leave(void **state)
{
	assert_int_equal(fake.enabled.cap, KVM_CAP_EXIT_HYPERCALL);
	assert_int_equal(fake.enabled.args[0], BIT(KVM_HC_MAP_GPA_RANGE));
	assert_non_null(vm.conversions);
}

static void pages_are_mapped(void **state)
{
	assert_int_equal(map(FAKE_LOW, 3, KVM_MAP_GPA_RANGE_ENCRYPTED), 0);
	assert_int_equal(fake.last.address, FAKE_LOW);
	assert_int_equal(fake.last.size, 3 * FAKE_PAGE);
	assert_int_equal(fake.last.attributes, KVM_MEMORY_ATTRIBUTE_PRIVATE);
	assert_int_equal(map(FAKE_LOW + FAKE_PAGE, 1, KVM_MAP_GPA_RANGE_DECRYPTED), 0);
	assert_int_equal(fake.last.attributes, 0);
	/* What size the guest would like is no more than that. */
	assert_int_equal(
		map(FAKE_LOW, 1, KVM_MAP_GPA_RANGE_ENCRYPTED | KVM_MAP_GPA_RANGE_PAGE_SZ_2M), 0);
	assert_int_equal(map(FAKE_LOW, 1, KVM_MAP_GPA_RANGE_PAGE_SZ_1G), 0);
	assert_int_equal(counted(COUNTER_HYPERCALLS), 4);
	assert_int_equal(counted(COUNTER_PREFAULTED_PAGES), 6);
}

static void nonsense_is_einval(void **state)
{
	static const struct {
		u64 gpa, pages, attributes;
	} calls[] = {
		{ FAKE_LOW, 0, 0 },
		{ FAKE_LOW + 8, 1, 0 },
		{ FAKE_LOW, 257, 0 },
		{ FAKE_LOW, 1, 3 },
		{ FAKE_LOW, 1, 15 | KVM_MAP_GPA_RANGE_ENCRYPTED },
		{ FAKE_LOW, 1, BIT(5) },
		{ FAKE_LOW, 1, BIT(63) | KVM_MAP_GPA_RANGE_ENCRYPTED },
		/* Times the page size that is one page, or none. */
		{ FAKE_LOW, BIT(52) + 1, 0 },
		{ FAKE_LOW, BIT(52), 0 },
		{ FAKE_LOW, UINT64_MAX, 0 },
		{ UINT64_MAX - 4095, 1, 0 },
		{ UINT64_MAX - 4095, 2, 0 },
		{ 0xfee00000, 1, KVM_MAP_GPA_RANGE_ENCRYPTED },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(calls); i++)
		assert_int_equal(map(calls[i].gpa, calls[i].pages, calls[i].attributes),
				 -KVM_EINVAL);
	assert_int_equal(fake.sets, 0);
}

static void others_are_none(void **state)
{
	assert_int_equal(call(99, FAKE_LOW, 1, 0), -KVM_ENOSYS);
	assert_int_equal(fake.sets, 0);
}

static void what_kvm_refuses_is_told(void **state)
{
	fake.set_error = ENOMEM;
	assert_int_equal(map(FAKE_LOW, 1, KVM_MAP_GPA_RANGE_ENCRYPTED), -KVM_EFAULT);
}

/* KVM leaves the reason for it where the answer to the hypercall is going to be. */
static void failed_prefault_is_no_answer(void **state)
{
	static const struct fake_answer answers[] = { { 1, 0 }, { 0, EFAULT } };

	fake_script(answers, ARRAY_SIZE(answers));
	assert_int_equal(map(FAKE_LOW, 4, KVM_MAP_GPA_RANGE_ENCRYPTED), 0);
	assert_int_equal(counted(COUNTER_PREFAULT_FAILURES), 1);
	assert_int_equal(counted(COUNTER_CONVERSIONS_PRIVATE), 1);
}

static void ordinary_guest_has_none(void **state)
{
	fake_begin();
	choose(VM_TYPE_DEFAULT);
	assert_null(x86.confidential->vm_created);
	vcpu.run->exit_reason = KVM_EXIT_HYPERCALL;
	assert_int_equal(arch_vcpu_exit(&vcpu), EXIT_ACTION_UNKNOWN);
	fake_end();
}

static void hypercalls_that_kvm_keeps(void **state)
{
	fake_begin();
	choose(VM_TYPE_SW_PROTECTED);
	fake.enable_error = EINVAL;
	said_begin();
	assert_int_equal(x86.confidential->vm_created(&vm), -EINVAL);
	said_end();
	SAID("KVM does not hand on the guest's page-state changes: Invalid argument");
	fake_end();
}

static int type_of(enum x86_vm_type wanted, unsigned long *type)
{
	int error;

	config.arch.vm_type = wanted;
	said_begin();
	error = arch_vm_type(&config, 3, type);
	said_end();
	return error;
}

static void types_are_asked_for(void **state)
{
	unsigned long type = 99;

	fake_begin();
	assert_int_equal(type_of(VM_TYPE_SW_PROTECTED, &type), 0);
	assert_int_equal(type, 1);
	assert_int_equal(type_of(VM_TYPE_SNP, &type), -EOPNOTSUPP);
	SAID("--vm-type snp: not offered by this host's KVM, which has default, sw-protected; it "
	     "takes "
	     "an AMD processor");
	fake.types = BIT(0) | BIT(4);
	assert_int_equal(type_of(VM_TYPE_SNP, &type), 0);
	assert_int_equal(type, 4);
	assert_int_equal(type_of(VM_TYPE_SW_PROTECTED, &type), -EOPNOTSUPP);
	SAID("which has default, snp; it takes Linux 6.8 or later with CONFIG_KVM_SW_PROTECTED_VM");
	/* Before there were types: no capability, and yet there is the usual one. */
	fake.types = 0;
	assert_int_equal(type_of(VM_TYPE_DEFAULT, &type), 0);
	assert_int_equal(type, 0);
	assert_int_equal(type_of(VM_TYPE_SW_PROTECTED, &type), -EOPNOTSUPP);
	SAID("which has default;");
	fake_end();
}

static int check_config(void)
{
	return x86_confidential(&config)->check_config(&config);
}

static void what_does_not_go_together(void **state)
{
	static const enum virtio_transport_kind kinds[] = { TRANSPORT_PCI_LEGACY,
							    TRANSPORT_MMIO_LEGACY };

	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		config.transport = kinds[i];
		config.arch.vm_type = VM_TYPE_DEFAULT;
		assert_int_equal(check_config(), 0);
		config.arch.vm_type = VM_TYPE_SW_PROTECTED;
		said_begin();
		assert_int_equal(check_config(), -EINVAL);
		said_end();
		SAID("do not go together with --vm-type sw-protected");
	}
	config.transport = TRANSPORT_MMIO;
	assert_int_equal(check_config(), 0);
	config.memory_backend.kind = MEMORY_GUEST_MEMFD;
	said_begin();
	assert_int_equal(check_config(), -EINVAL);
	said_end();
	SAID("--mem-backend guest-memfd does not go together with --vm-type sw-protected");
	config.memory_backend.kind = MEMORY_HUGETLB;
	assert_int_equal(check_config(), 0);
}

/* What a SEV-SNP guest says when it cannot go on; other events stay unknown. */
static void a_guest_that_gives_up(void **state)
{
	struct kvm_run *run = vcpu.run;

	vm.request_fd.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	run->exit_reason = KVM_EXIT_SYSTEM_EVENT;
	run->system_event.type = KVM_SYSTEM_EVENT_WAKEUP;
	assert_int_equal(arch_vcpu_exit(&vcpu), EXIT_ACTION_UNKNOWN);
	run->system_event.type = KVM_SYSTEM_EVENT_SEV_TERM;
	assert_int_equal(arch_vcpu_exit(&vcpu), EXIT_ACTION_UNKNOWN);
	choose(VM_TYPE_SNP);
	run->system_event.ndata = 1;
	run->system_event.data[0] = 0x21100; /* GHCB_MSR_TERM_REQ, set 1, code 2 */
	said_begin();
	assert_int_equal(arch_vcpu_exit(&vcpu), EXIT_ACTION_STOP);
	/* Once is enough, of however many vCPUs. */
	assert_int_equal(arch_vcpu_exit(&vcpu), EXIT_ACTION_STOP);
	said_end();
	SAID("the guest gave up: GHCB termination, reason set 1, code 2");
	assert_int_equal(vm.end, VM_REQUEST_INTERNAL_ERROR);
	close(vm.request_fd.fd);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	static const struct CMUnitTest tests[] = {
		T(kvm_is_told_to_leave),
		T(pages_are_mapped),
		T(nonsense_is_einval),
		T(others_are_none),
		T(what_kvm_refuses_is_told),
		T(failed_prefault_is_no_answer),
		T(a_guest_that_gives_up),
		cmocka_unit_test(ordinary_guest_has_none),
		cmocka_unit_test(hypercalls_that_kvm_keeps),
		cmocka_unit_test(types_are_asked_for),
		cmocka_unit_test(what_does_not_go_together),
	};
#undef T

	return cmocka_run_group_tests_name("hypercall", tests, NULL, NULL);
}
