// SPDX-License-Identifier: GPL-2.0-or-later
/* The device tree, read back: what of it depends on options and on the host. */
#include "board.h"
#include "dtb.h"
#include "fake_kvm.h"
#include "said.h"

static struct vm *vm;
static struct ram_boot boot;

static int setup(void **state)
{
	vm = fake_guest_create(2);
	assert_int_equal(vcpus_create(vm), 0);
	assert_int_equal(guest_memory_add_ram(&vm->memory, 0x80000000, MIB(2)), 0);
	tree.blob = NULL;
	return 0;
}

static int teardown(void **state)
{
	fdt_free(&tree);
	fake_guest_destroy();
	return 0;
}

static void build(void)
{
	fdt_free(&tree);
	said_begin();
	assert_int_equal(ram_boot_tree(&boot, vm, &tree, "quiet", 0, 0), 0);
	said_end();
	SAID(NULL);
	assert_int_equal(fdt_check_full(tree.blob, fdt_totalsize(tree.blob)), 0);
}

static void seeds(void **state)
{
	u32 seed[2] = {}, again[2] = {};

	build();
	assert_int_equal(cells("/chosen", "kaslr-seed", seed, 2), 2);
	build();
	assert_int_equal(cells("/chosen", "kaslr-seed", again, 2), 2);
	assert_true(seed[0] != again[0] || seed[1] != again[1]);
	boot.kaslr_seed = &(const u64){ 0x1122334455667788 };
	build();
	boot.kaslr_seed = NULL;
	assert_int_equal(cells("/chosen", "kaslr-seed", seed, 2), 2);
	assert_int_equal(seed[0], 0x11223344);
	assert_int_equal(seed[1], 0x55667788);
	assert_int_equal(cells("/chosen", "rng-seed", NULL, 0), 8);
}

static void timer(void **state)
{
	build();
	assert_false(has("/timer", "clock-frequency"));
	assert_int_equal(cells("/timer", "interrupts", NULL, 0), 12);
	guest.config.arch.cntfrq = 24000000;
	guest.config.arch.nested = true;
	build();
	assert_int_equal(cell("/timer", "clock-frequency"), 24000000);
	assert_int_equal(cells("/timer", "interrupts", NULL, 0), 15);
	assert_string_equal(fdt_getprop(tree.blob, node("/psci"), "method", NULL), "smc");
}

static void performance_monitors(void **state)
{
	u32 irq[3];

	build();
	assert_true(node("/pmu") < 0);
	guest.config.arch.pmu = true;
	build();
	assert_int_equal(cells("/pmu", "interrupts", irq, 3), 3);
	assert_int_equal(irq[0], 1); /* PPI 7, level high */
	assert_int_equal(irq[1], 7);
	assert_int_equal(irq[2], 4);
	guest.arm64.gic.kind = IRQCHIP_GICV2;
	build();
	assert_int_equal(cells("/pmu", "interrupts", irq, 3), 3);
	assert_int_equal(irq[2], 0x304); /* and a mask of both CPUs */
}

static void unlisted_memory(void **state)
{
	assert_int_equal(guest_memory_add_unlisted(&vm->memory, BOARD_PVTIME, 4096), 0);
	build();
	assert_true(node("/memory@80000000") > 0);
	assert_true(node("/memory@4000000") < 0);
}

static void topology(void **state)
{
	vm->vcpus[1]->arch.mpidr = 0x100000100;
	build();
	assert_int_equal(cell("/cpus/cpu-map/socket0/cluster0/core0", "cpu"),
			 cell("/cpus/cpu@0", "phandle"));
	assert_int_equal(cell("/cpus/cpu-map/socket0/cluster0/core1", "cpu"),
			 cell("/cpus/cpu@100000100", "phandle"));
	assert_true(node("/cpus/cpu-map/socket0/cluster0/core2") < 0);
	/* CLIDR_EL1 is 0. */
	assert_false(has("/cpus/cpu@0", "cache-unified") || has("/cpus/cpu@0", "d-cache-size"));
}

/* The names by which EDK2 knows a CPU it describes are not among those of Linux's bindings. */
static void cpu_names(void **state)
{
	build();
	assert_true(fdt_stringlist_count(tree.blob, node("/cpus/cpu@1"), "compatible") == 1);
	guest.config.firmware = "firmware";
	build();
	assert_int_equal(fdt_stringlist_search(tree.blob, node("/cpus/cpu@1"), "compatible",
					       "arm,armv8"),
			 0);
	assert_int_equal(fdt_stringlist_search(tree.blob, node("/cpus/cpu@1"), "compatible",
					       "arm,arm-v8"),
			 1);
}

static void aarch32(void **state)
{
	u32 reg[2];

	build();
	assert_int_equal(cells("/cpus/cpu@1", "reg", reg, 2), 2);
	guest.config.arch.aarch32 = true;
	build();
	assert_int_equal(cell("/cpus", "#address-cells"), 1);
	assert_int_equal(cell("/cpus/cpu@1", "reg"), 1);
}

static void protected(void **state)
{
	u32 size[2];

	build();
	assert_true(node("/reserved-memory") < 0);
	vm->private_memory = true;
	build();
	assert_string_equal(fdt_getprop(tree.blob, node("/reserved-memory/dma-pool"), "compatible",
					NULL),
			    "restricted-dma-pool");
	assert_int_equal(cells("/reserved-memory/dma-pool", "size", size, 2), 2);
	assert_int_equal(size[1], MIB(32)); /* of 256 */
	assert_int_equal(fdt_node_offset_by_phandle(tree.blob, BOARD_PHANDLE_POOL),
			 node("/reserved-memory/dma-pool"));
	guest.config.memory = MIB(20);
	build();
	cells("/reserved-memory/dma-pool", "size", size, 2);
	assert_int_equal(size[1], MIB(8));
	guest.config.memory = GIB(5);
	build();
	cells("/reserved-memory/dma-pool", "size", size, 2);
	assert_int_equal(size[1], MIB(64));
}

/* The host's own sizes are whatever this machine has; that the chain holds together is the same anywhere. */
static void caches(void **state)
{
	*fake_reg(0, REG_CLIDR_EL1) = 4 | 4 << 3 | 4 << 6;
	build();
	for (unsigned cpu = 0; cpu < 2; cpu++) {
		const char *at = cpu ? "/cpus/cpu@1" : "/cpus/cpu@0";
		int next = node(at);

		assert_true(has(at, "cache-unified"));
		for (unsigned level = 2; level <= 3; level++) {
			const fdt32_t *phandle =
				fdt_getprop(tree.blob, next, "next-level-cache", NULL);

			assert_non_null(phandle);
			next = fdt_node_offset_by_phandle(tree.blob, fdt32_to_cpu(*phandle));
			assert_true(next > 0);
			assert_string_equal(fdt_getprop(tree.blob, next, "compatible", NULL),
					    "cache");
			phandle = fdt_getprop(tree.blob, next, "cache-level", NULL);
			assert_int_equal(fdt32_to_cpu(*phandle), level);
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(seeds),	       TEST(timer),	TEST(performance_monitors),
		TEST(unlisted_memory), TEST(topology),	TEST(cpu_names),
		TEST(aarch32),	       TEST(protected), TEST(caches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
