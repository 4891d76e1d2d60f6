// SPDX-License-Identifier: GPL-2.0-or-later
/* What a vCPU is about, told by its registers and by its code, which is found through page tables. */
#include <endian.h>

#include "fake_kvm.h"
#include "lkvm/arch.h"
#include "test.h"
#include "walk.h"

#define RAM	 0x80000000ULL
#define RAM_SIZE MIB(4)
#define CODE	 (RAM + 0x10000)
#define VA	 0xffffffc008210000ULL /* of CODE, for a kernel with addresses of 39 bits */

#define WFE	  0xd503205f
#define WFI	  0xd503207f
#define WFIT_X0	  0xd5031020
#define NOP	  0xd503201f
#define DSB_SY	  0xd5033f9f
#define RET	  0xd65f03c0
#define HVC	  0xd4000002
#define B(words)  (0x14000000 | ((words)&0x3ffffff))
#define LDR_X0_X0 0xf9400000

#define EL0	0x0
#define EL1	0x5
#define EL2	0x9
#define MASKED	0xc0
#define A32_SVC 0xd3

static struct vm *vm;
static u8 *ram;

static int setup(void **state)
{
	vm = fake_guest_create(1);
	ram = calloc(1, RAM_SIZE);
	assert_int_equal(guest_memory_add_buffer(&vm->memory, RAM, ram, RAM_SIZE), 0);
	return vcpus_create(vm);
}

static int teardown(void **state)
{
	fake_guest_destroy();
	free(ram);
	return 0;
}

static void put64(u64 gpa, u64 value)
{
	value = htole64(value);
	memcpy(ram + (gpa - RAM), &value, sizeof(value));
}

static void put_code(const u32 *code, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		u32 raw = htole32(code[i]);

		memcpy(ram + (CODE - RAM) + i * 4, &raw, sizeof(raw));
	}
}

#define CODE_IS(...)                                                                               \
	put_code((const u32[]){ __VA_ARGS__ }, sizeof((const u32[]){ __VA_ARGS__ }) / 4)

/* What the vCPU is about with its program counter at `word` of the code. */
static enum vcpu_activity at(u64 base, int word, u64 pstate)
{
	u64 pc = 1;
	enum vcpu_activity activity;

	*fake_reg(0, REG_PC) = base + word * 4;
	*fake_reg(0, REG_PSTATE) = pstate;
	activity = arch_vcpu_activity(vm->vcpus[0], &pc);
	if (activity == VCPU_IN_KERNEL)
		assert_int_equal(pc, base + word * 4);
	return activity;
}

static void a_closed_loop_is_dead(void **state)
{
	/* machine_halt() */
	CODE_IS(LDR_X0_X0, B(0));
	assert_int_equal(at(CODE, 1, EL1 | MASKED), VCPU_DEAD);
	assert_int_equal(at(CODE, 1, EL1), VCPU_IN_KERNEL);
	assert_int_equal(at(CODE, 1, EL0), VCPU_ACTIVE);
	/* cpu_park_loop() */
	CODE_IS(WFE, WFI, B(-2), LDR_X0_X0);
	for (int word = 0; word < 3; word++)
		assert_int_equal(at(CODE, word, EL1 | MASKED), VCPU_DEAD);
	CODE_IS(DSB_SY, NOP, B(2), RET, WFI, B(-5));
	assert_int_equal(at(CODE, 0, EL1 | MASKED), VCPU_DEAD);
}

static void an_idle_loop_is_not(void **state)
{
	/* Interrupts are masked while it waits; KVM leaves it behind the WFI. */
	CODE_IS(DSB_SY, WFI, RET);
	assert_int_equal(at(CODE, 2, EL1 | MASKED), VCPU_ACTIVE);
	CODE_IS(WFI, LDR_X0_X0, B(-2));
	assert_int_equal(at(CODE, 1, EL1 | MASKED), VCPU_ACTIVE);
	CODE_IS(HVC, RET);
	assert_int_equal(at(CODE, 1, EL1 | MASKED), VCPU_ACTIVE);
}

/* mdelay(), where a kernel that has panicked is */
static void a_delay_loop_is_in_the_kernel(void **state)
{
	CODE_IS(WFIT_X0, LDR_X0_X0, WFE, RET);
	assert_int_equal(at(CODE, 1, EL1), VCPU_IN_KERNEL);
	assert_int_equal(at(CODE, 3, EL1 | MASKED), VCPU_IN_KERNEL);
}

static void what_is_not_understood_is_active(void **state)
{
	CODE_IS(LDR_X0_X0, B(0));
	assert_int_equal(at(CODE, 1, A32_SVC), VCPU_ACTIVE);
	assert_int_equal(at(RAM + RAM_SIZE, 1, EL1 | MASKED), VCPU_ACTIVE);
	fake.cpus[0].mp_state = KVM_MP_STATE_SUSPENDED;
	assert_int_equal(at(CODE, 1, EL1 | MASKED), VCPU_ACTIVE);
	fake.cpus[0].mp_state = KVM_MP_STATE_STOPPED;
	assert_int_equal(at(CODE, 1, EL1), VCPU_DEAD);
	fake.cpus[0].mp_state = KVM_MP_STATE_RUNNABLE;
	vm->private_memory = true;
	assert_int_equal(at(CODE, 1, EL1 | MASKED), VCPU_ACTIVE);
}

/* ---- page tables ---- */

/* Pages of 4 KiB, 39 bits: three levels, and a table for the code at VA. */
static u64 make_tables(void)
{
	u64 top = RAM + 0x1000, middle = RAM + 0x2000, bottom = RAM + 0x3000;

	put64(top + (VA >> 30 & 511) * 8, middle | 3);
	put64(middle + (VA >> 21 & 511) * 8, bottom | 3);
	put64(bottom + (VA >> 12 & 511) * 8, CODE | 0x0040000000000703);
	return top;
}

static void code_is_found_through_tables(void **state)
{
	u64 top = make_tables();

	*fake_reg(0, REG_SCTLR_EL1) = 1;
	*fake_reg(0, REG_TCR_EL1) = 25 << 16 | 2ULL << 30 | 25;
	*fake_reg(0, REG_TTBR1_EL1) = top | 1;
	CODE_IS(NOP, B(0));
	assert_int_equal(at(VA, 1, EL1 | MASKED), VCPU_DEAD);
	/* What is not mapped is not known, also in the other half. */
	assert_int_equal(at(VA + 0x10000, 1, EL1 | MASKED), VCPU_ACTIVE);
	assert_int_equal(at(CODE, 1, EL1 | MASKED), VCPU_ACTIVE);
	/* A hypervisor has its own. */
	assert_int_equal(at(VA, 1, EL2 | MASKED), VCPU_ACTIVE);
	*fake_reg(0, REG_SCTLR_EL2) = 1;
	*fake_reg(0, REG_TCR_EL2) = 25 << 16 | 2ULL << 30 | 25;
	*fake_reg(0, REG_TTBR1_EL2) = top;
	assert_int_equal(at(VA, 1, EL2 | MASKED), VCPU_DEAD);
}

static u64 translate(u64 tcr, u64 ttbr, u64 va)
{
	const struct arm64_mmu mmu = { .on = true, .tcr = tcr, .ttbr0 = ttbr, .ttbr1 = ttbr };
	gpa_t gpa;

	return arm64_translate(&vm->memory, &mmu, va, &gpa) ? 0 : gpa;
}

static void all_page_sizes(void **state)
{
	u64 t = RAM + 0x20000;

	/* 4 KiB and 48 bits: a block of 2 MiB at the third of four levels, then one of 1 GiB */
	put64(t + 511 * 8, (t + 0x1000) | 3);
	put64(t + 0x1000 + 510 * 8, (t + 0x2000) | 3);
	put64(t + 0x2000 + 3 * 8, 0x40000000 | 1);
	assert_int_equal(translate(16 << 16 | 2ULL << 30, t, 0xffffffff80612345), 0x40012345);
	put64(t + 0x1000 + 510 * 8, 0x80000000 | 1);
	assert_int_equal(translate(16 << 16 | 2ULL << 30, t, 0xffffffff80612345), 0x80612345);
	/* 64 KiB and 42 bits: two levels */
	put64(t + 8191 * 8, (RAM + 0x100000) | 3);
	put64(RAM + 0x100000 + 5 * 8, 0x12340000 | 3);
	assert_int_equal(translate(22 << 16 | 3ULL << 30, t, 0xffffffffe0054321), 0x12344321);
	/* 16 KiB and 47 bits in the lower half: three levels */
	put64(RAM + 0x200000 + 1 * 8, (RAM + 0x204000) | 3);
	put64(RAM + 0x204000 + 2 * 8, (RAM + 0x208000) | 3);
	put64(RAM + 0x208000 + 3 * 8, 0x55554000 | 3);
	assert_int_equal(translate(17 | 2 << 14, RAM + 0x200000,
				   1ULL << 36 | 2ULL << 25 | 3 << 14 | 0x123),
			 0x55554123);
}

static void hostile_tables_end(void **state)
{
	u64 t = RAM + 0x20000;

	/* A table that is its own next one at every level */
	for (unsigned i = 0; i < 512; i++)
		put64(t + i * 8, t | 3);
	assert_int_equal(translate(16 << 16 | 2ULL << 30, t, VA + 0x123), t + 0x123);
	assert_int_equal(translate(16 << 16 | 2ULL << 30, 0xfffffffff000, VA), 0);
	for (u64 tcr = 0; tcr < 64; tcr++) {
		translate(tcr << 16 | 2ULL << 30, t, VA);
		translate(tcr << 16 | 1ULL << 30, t, VA);
		translate(tcr << 16 | 3ULL << 30, t, VA);
		/* A size of pages that there is not */
		assert_int_equal(translate(tcr << 16, t, VA), 0);
	}
	assert_int_equal(translate(63 << 16 | 2ULL << 30, t, VA), 0);
	assert_int_equal(translate(2ULL << 30, t, VA), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_closed_loop_is_dead),
		TEST(an_idle_loop_is_not),
		TEST(a_delay_loop_is_in_the_kernel),
		TEST(what_is_not_understood_is_active),
		TEST(code_is_found_through_tables),
		TEST(all_page_sizes),
		TEST(hostile_tables_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
