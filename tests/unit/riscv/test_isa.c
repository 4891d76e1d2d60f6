// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of ISA extensions: its order, what options take away, what the guest is told. */
#include <libfdt.h>

#include "fake_kvm.h"
#include "isa.h"
#include "lkvm/builtin.h"
#include "lkvm/config/options.h"
#include "said.h"

static struct vm *vm;

static int setup(void **state)
{
	vm = fake_guest_create(1);
	return 0;
}

static int teardown(void **state)
{
	fake_guest_destroy();
	return 0;
}

/* The host has these too. */
static void host_has(enum riscv_isa_id id, bool fixed)
{
	fake_reg(REG_ISA(id), 1, fixed);
}

static void host_has_base(void)
{
	static const enum riscv_isa_id base[] = { ISA_m, ISA_a, ISA_f, ISA_d, ISA_c };

	for (unsigned i = 0; i < ARRAY_SIZE(base); i++)
		host_has(base[i], base[i] != ISA_f && base[i] != ISA_d);
}

static const char *told(void)
{
	static char text[RISCV_ISA_STRING_MAX];

	isa_string(&vm->vcpus[0]->arch.isa, text);
	return text;
}

static void make_vcpus(void)
{
	said_begin();
	assert_int_equal(vcpus_create(vm), 0);
	said_end();
}

static void parse(const char *option)
{
	char *argv[] = { "run", (char *)option };

	assert_int_equal(options_parse(&builtin_run.set, 2, argv, &guest.config), 0);
	guest.config.cpus = 1;
}

#define NAME(number, name, min, needs)	 #name,
#define NUMBER(number, name, min, needs) number,
static const char *const names[] = { RISCV_ISA_TABLE(NAME) };
static const unsigned numbers[] = { RISCV_ISA_TABLE(NUMBER) };

static void test_every_number_once(void **state)
{
	bool seen[RISCV_ISA_MAX] = { false };

	assert_int_equal(ARRAY_SIZE(numbers), RISCV_ISA_MAX);
	for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
		assert_true(numbers[i] < RISCV_ISA_MAX);
		assert_false(seen[numbers[i]]);
		seen[numbers[i]] = true;
	}
}

/* What a name is sorted by: its group, then within it. */
static unsigned rank(const char *name)
{
	static const char letters[] = "iemafdqlcbkjtpvnh";

	if (!name[1])
		return strchr(letters, *name) - letters;
	if (*name == 'z')
		return 100 + (strchr(letters, name[1]) - letters);
	return name[1] == 'm' ? 300 : 200;
}

static void test_order(void **state)
{
	for (unsigned i = 1; i < ARRAY_SIZE(names); i++) {
		const char *before = names[i - 1], *name = names[i];

		assert_true(rank(before) <= rank(name));
		if (rank(before) == rank(name))
			assert_true(strcmp(before, name) < 0);
	}
}

static void test_all_of_the_host(void **state)
{
	host_has_base();
	host_has(ISA_sstc, true);
	host_has(ISA_zicbom, false);
	host_has(ISA_zba, true);
	fake_reg(REG_ISA(ISA_v), 0, false);
	fake_reg(REG_CONFIG(zicbom_block_size), 64, true);
	make_vcpus();
	SAID(NULL);
	assert_string_equal(told(), "rv64imafdc_zicbom_zba_sstc");
	assert_int_equal(vm->vcpus[0]->arch.isa.cbom_size, 64);
	assert_int_equal(vm->vcpus[0]->arch.isa.cboz_size, 0);
}

static void test_min(void **state)
{
	host_has_base();
	host_has(ISA_zba, true);
	host_has(ISA_zicbom, false);
	host_has(ISA_zicsr, true);
	host_has(ISA_sstc, true);
	parse("--cpu-type=min");
	make_vcpus();
	SAID(NULL);
	assert_string_equal(told(), "rv64imafdc_zicsr_sstc");
	assert_int_equal(fake_find(0, REG_ISA(ISA_zicbom))->value, 0);
}

static void test_disable(void **state)
{
	host_has_base();
	host_has(ISA_zicbom, false);
	host_has(ISA_zicboz, false);
	parse("--disable-zicbom");
	make_vcpus();
	SAID(NULL);
	assert_string_equal(told(), "rv64imafdc_zicboz");
	assert_int_equal(fake_find(0, REG_ISA(ISA_zicbom))->value, 0);
	assert_int_equal(fake_find(0, REG_ISA(ISA_zicboz))->value, 1);
}

static void test_disable_in_vain(void **state)
{
	host_has_base();
	host_has(ISA_zbb, true);
	parse("--disable-zbb");
	make_vcpus();
	SAID("--disable-zbb");
	assert_string_equal(told(), "rv64imafdc");
}

static void test_disable_takes_more(void **state)
{
	host_has_base();
	host_has(ISA_v, false);
	host_has(ISA_zvbb, true);
	parse("--disable-f");
	make_vcpus();
	SAID(NULL);
	assert_string_equal(told(), "rv64imac");
	assert_int_equal(fake_find(0, REG_ISA(ISA_d))->value, 0);
	assert_int_equal(fake_find(0, REG_ISA(ISA_v))->value, 0);
}

static void test_base_stays(void **state)
{
	host_has_base();
	parse("--disable-i");
	make_vcpus();
	SAID("--disable-i");
	assert_string_equal(told(), "rv64imafdc");
}

static void test_ssaia(void **state)
{
	assert_true(isa_wanted(&guest.config.arch.isa, ISA_ssaia));
	guest.config.arch.isa.cpu_type = RISCV_CPU_MIN;
	assert_false(isa_wanted(&guest.config.arch.isa, ISA_ssaia));
	guest.config.arch.isa.cpu_type = RISCV_CPU_MAX;
	guest.config.arch.isa.disabled[ISA_ssaia] = true;
	assert_false(isa_wanted(&guest.config.arch.isa, ISA_ssaia));
}

static bool is_option(const char *name)
{
	struct option_walk walk = { .set = &builtin_run.set };
	const struct option_row *row;

	do
		row = options_next(&walk);
	while (row && (!row->name || strcmp(row->name, name)));
	return row;
}

static void test_options(void **state)
{
	char name[40];

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(name, sizeof(name), "disable-%s", names[i]);
		assert_true(is_option(name));
	}
}

static void test_tree(void **state)
{
	struct riscv_isa isa = { .cboz_size = 128 };
	struct fdt_tree tree;
	const char *list;
	int len, root = 0;

	isa.has[ISA_i] = isa.has[ISA_zicsr] = isa.has[ISA_zicboz] = true;
	assert_int_equal(fdt_begin(&tree), 0);
	isa_fdt(&tree, &isa);
	assert_int_equal(fdt_end(&tree), 0);
	assert_string_equal(fdt_getprop(tree.blob, root, "riscv,isa", NULL), "rv64i_zicboz_zicsr");
	assert_string_equal(fdt_getprop(tree.blob, root, "riscv,isa-base", NULL), "rv64i");
	list = fdt_getprop(tree.blob, root, "riscv,isa-extensions", &len);
	assert_int_equal(len, sizeof("i\0zicboz\0zicsr"));
	assert_memory_equal(list, "i\0zicboz\0zicsr", len);
	assert_int_equal(fdt32_ld(fdt_getprop(tree.blob, root, "riscv,cboz-block-size", NULL)),
			 128);
	assert_null(fdt_getprop(tree.blob, root, "riscv,cbom-block-size", NULL));
	fdt_free(&tree);
}

/* All names with what is between them must fit. */
static void test_longest(void **state)
{
	char text[RISCV_ISA_STRING_MAX];
	struct riscv_isa isa;

	memset(&isa, 1, sizeof(isa));
	isa_string(&isa, text);
	assert_true(strlen(text) < sizeof(text) - 1);
	assert_non_null(strstr(text, "_smstateen"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_number_once),
		cmocka_unit_test(test_order),
		cmocka_unit_test_setup_teardown(test_all_of_the_host, setup, teardown),
		cmocka_unit_test_setup_teardown(test_min, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disable_in_vain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disable_takes_more, setup, teardown),
		cmocka_unit_test_setup_teardown(test_base_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ssaia, setup, teardown),
		cmocka_unit_test_setup_teardown(test_options, setup, teardown),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
