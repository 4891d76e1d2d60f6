// SPDX-License-Identifier: GPL-2.0-or-later
/* What a vCPU is about, told by its registers and by its code, which is found through page tables. */
#include <endian.h>

#include "fake_kvm.h"
#include "lkvm/arch.h"
#include "test.h"
#include "walk.h"

#define RAM	 0x80000000ULL
#define RAM_SIZE MIB(1)
#define CODE	 (RAM + 0x10000)
#define VA	 0xffffffff80210000ULL

#define WFI	 0x10500073
#define FENCE	 0x0ff0000f
#define LD_A0_A0 0x00053503
#define RET	 0x00008067
#define J(bytes)                                                                                   \
	(0x6fu | ((bytes) >> 20 & 1u) << 31 | ((bytes) >> 1 & 0x3ffu) << 21 |                      \
	 ((bytes) >> 11 & 1u) << 20 | ((bytes) >> 12 & 0xffu) << 12)

#define SIE 2

static struct vm *vm;
static u8 *ram;

static void put64(u64 gpa, u64 value)
{
	value = htole64(value);
	memcpy(ram + (gpa - RAM), &value, sizeof(value));
}

static void set(u64 id, u64 value)
{
	struct fake_register *found = fake_find(0, id);

	if (found)
		found->value = value;
	else
		fake_reg(id, value, false);
}

static int setup(void **state)
{
	vm = fake_guest_create(1);
	ram = calloc(1, RAM_SIZE);
	assert_int_equal(guest_memory_add_buffer(&vm->memory, RAM, ram, RAM_SIZE), 0);
	set(REG_CORE(mode), 1);
	set(REG_CSR(sstatus), 0);
	set(REG_CSR(satp), 0);
	return vcpus_create(vm);
}

static int teardown(void **state)
{
	fake_guest_destroy();
	free(ram);
	return 0;
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

static enum vcpu_activity at(u64 pc, u64 sstatus)
{
	enum vcpu_activity activity;
	u64 seen = 1;

	set(REG_PC, pc);
	set(REG_CSR(sstatus), sstatus);
	activity = arch_vcpu_activity(vm->vcpus[0], &seen);
	if (activity == VCPU_IN_KERNEL)
		assert_int_equal(seen, pc);
	return activity;
}

static void a_closed_loop_is_dead(void **state)
{
	CODE_IS(WFI, J(-4));
	assert_int_equal(at(CODE, 0), VCPU_DEAD);
	assert_int_equal(at(CODE + 4, 0), VCPU_DEAD);
	/* An interrupt would be taken. */
	assert_int_equal(at(CODE + 4, SIE), VCPU_ACTIVE);
	CODE_IS(FENCE, J(8), RET, WFI, J(-16));
	assert_int_equal(at(CODE + 4, 0), VCPU_DEAD);
	/* c.j .; c.nop, c.j .-2 */
	CODE_IS(LD_A0_A0, 0x0001a001, 0xbffd0001);
	assert_int_equal(at(CODE + 4, 0), VCPU_DEAD);
	assert_int_equal(at(CODE + 6, 0), VCPU_DEAD);
	assert_int_equal(at(CODE + 10, 0), VCPU_DEAD);
}

static void an_idle_loop_is_not(void **state)
{
	CODE_IS(FENCE, WFI, RET);
	assert_int_equal(at(CODE + 8, 0), VCPU_ACTIVE);
	CODE_IS(WFI, LD_A0_A0, J(-8));
	assert_int_equal(at(CODE + 4, 0), VCPU_ACTIVE);
}

static void other_code_is_in_the_kernel(void **state)
{
	CODE_IS(LD_A0_A0, LD_A0_A0, J(-8));
	assert_int_equal(at(CODE + 4, SIE), VCPU_IN_KERNEL);
	assert_int_equal(at(CODE + 4, 0), VCPU_IN_KERNEL);
	set(REG_CORE(mode), 0);
	assert_int_equal(at(CODE + 4, SIE), VCPU_ACTIVE);
	set(REG_CORE(mode), 1);
	assert_int_equal(at(RAM - 64, 0), VCPU_ACTIVE);
	fake.cpus[0].stopped = true;
	assert_int_equal(at(CODE + 4, SIE), VCPU_DEAD);
}

static u64 translate(u64 satp, u64 va)
{
	gpa_t gpa;

	return riscv_translate(&vm->memory, satp, va, &gpa) ? 0 : gpa;
}

/* The code at VA, by `levels` tables one behind the other. */
static u64 make_tables(unsigned levels)
{
	u64 table = RAM + 0x1000;

	for (unsigned level = levels; level--; table += 0x1000)
		put64(table + (VA >> (12 + 9 * level) & 511) * 8,
		      level ? (table + 0x1000) >> 2 | 1 : CODE >> 2 | 0xcb);
	return (u64)(levels + 5) << 60 | (RAM + 0x1000) >> 12;
}

static void code_is_found_through_tables(void **state)
{
	CODE_IS(WFI, J(-4));
	for (unsigned levels = 3; levels <= 5; levels++) {
		memset(ram, 0, CODE - RAM);
		set(REG_CSR(satp), make_tables(levels));
		assert_int_equal(at(VA + 4, 0), VCPU_DEAD);
		assert_int_equal(at(VA + 0x1004, 0), VCPU_ACTIVE);
	}
	/* A page of 2 MiB */
	put64(RAM + 0x5000 + 3 * 8, 0x40000000 >> 2 | 0xcb);
	put64(RAM + 0x4000, (RAM + 0x5000) >> 2 | 1);
	assert_int_equal(translate(8ULL << 60 | (RAM + 0x4000) >> 12, 3 << 21 | 0x12345),
			 0x40012345);
}

static void hostile_tables_end(void **state)
{
	for (unsigned i = 0; i < 512; i++)
		put64(RAM + 0x1000 + i * 8, (RAM + 0x1000) >> 2 | 1);
	for (u64 mode = 1; mode < 16; mode++)
		assert_int_equal(translate(mode << 60 | (RAM + 0x1000) >> 12, VA), 0);
	assert_int_equal(translate(8ULL << 60 | 0xfffffffffff, VA), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_closed_loop_is_dead),	   TEST(an_idle_loop_is_not),
		TEST(other_code_is_in_the_kernel), TEST(code_is_found_through_tables),
		TEST(hostile_tables_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
