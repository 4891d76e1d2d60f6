// SPDX-License-Identifier: GPL-2.0-or-later
/* Control and status registers that KVM leaves to us: the seed, and those that there are not. */
#include "csr.h"
#include "fake_kvm.h"
#include "lkvm/arch.h"
#include "said.h"

#define SEED   0x015
#define STOPEI 0x15c
#define RD     10 /* where the instruction wants it */

#define PC    0x80201234ULL
#define STVEC 0x80300001ULL /* vectored, which exceptions are not */

#define SIE  (1ULL << 1)
#define SPIE (1ULL << 5)
#define SPP  (1ULL << 8)
#define SUM  (1ULL << 18)

static struct vm *vm;

static int setup(void **state)
{
	vm = fake_guest_create(1);
	for (unsigned i = 0; i < 32; i++)
		fake_reg(REG_X(i), 0x1000 + i, false);
	fake_reg(REG_CORE(mode), KVM_RISCV_MODE_S, false);
	fake_reg(REG_CSR(sstatus), SUM | SIE, false);
	fake_reg(REG_CSR(stvec), STVEC, false);
	fake_reg(REG_CSR(sepc), 1, false);
	fake_reg(REG_CSR(scause), 1, false);
	fake_reg(REG_CSR(stval), 1, false);
	return vcpus_create(vm);
}

static int teardown(void **state)
{
	fake_guest_destroy();
	return 0;
}

static u64 reg(u64 id)
{
	return fake_find(0, id)->value;
}

/* An access as KVM reports it, and the next entry. */
static void access_csr(unsigned number)
{
	struct vcpu *vcpu = vm->vcpus[0];

	fake_find(0, REG_PC)->value = PC;
	fake.cpus[0].csr_rd = RD;
	vcpu->run->exit_reason = KVM_EXIT_RISCV_CSR;
	vcpu->run->riscv_csr.csr_num = number;
	vcpu->run->riscv_csr.ret_value = 0x5555;
	assert_int_equal(arch_vcpu_exit(vcpu), EXIT_ACTION_CONTINUE);
	/* The thread may go on: nothing keeps it out of the guest. */
	assert_int_equal(vcpu->run->immediate_exit, 0);
	assert_int_equal(vcpu->holds, 0);
	fake_finish_csr(0, vcpu->run);
}

static void test_seed(void **state)
{
	access_csr(SEED);
	assert_int_equal(reg(REG_PC), PC + 4);
	/* Bits 30 and 31: ES16, or WAIT while the host has none. */
	if (reg(REG_X(RD)) >> 30 == 2)
		assert_int_equal(reg(REG_X(RD)) & 0x3fff0000, 0);
	else
		assert_int_equal(reg(REG_X(RD)), 1U << 30);
}

static void expect_trap(u64 sstatus)
{
	assert_int_equal(reg(REG_PC), STVEC & ~3ULL);
	assert_int_equal(reg(REG_CSR(sepc)), PC);
	assert_int_equal(reg(REG_CSR(scause)), 2);
	assert_int_equal(reg(REG_CSR(stval)), 0);
	assert_int_equal(reg(REG_CSR(sstatus)), sstatus);
	assert_int_equal(reg(REG_CORE(mode)), KVM_RISCV_MODE_S);
	for (unsigned i = 1; i < 32; i++)
		assert_int_equal(reg(REG_X(i)), 0x1000 + i);
}

static void test_unknown(void **state)
{
	access_csr(STOPEI);
	expect_trap(SUM | SPIE | SPP);
	/* Interrupts are off now, as a second one finds. */
	access_csr(STOPEI);
	expect_trap(SUM | SPP);
}

static void test_unknown_from_user_mode(void **state)
{
	fake_find(0, REG_CORE(mode))->value = KVM_RISCV_MODE_U;
	fake_find(0, REG_CSR(sstatus))->value = SUM | SPIE | SPP;
	access_csr(STOPEI);
	expect_trap(SUM);
}

/* A kick that comes meanwhile is not forgotten. */
static void test_unknown_while_parking(void **state)
{
	struct vcpu *vcpu = vm->vcpus[0];

	vcpus_park(vm);
	fake_find(0, REG_PC)->value = PC;
	fake.cpus[0].csr_rd = RD;
	vcpu->run->exit_reason = KVM_EXIT_RISCV_CSR;
	vcpu->run->riscv_csr.csr_num = STOPEI;
	assert_int_equal(arch_vcpu_exit(vcpu), EXIT_ACTION_CONTINUE);
	assert_int_equal(vcpu->run->immediate_exit, 1);
	expect_trap(SUM | SPIE | SPP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_seed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unknown_from_user_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unknown_while_parking, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
