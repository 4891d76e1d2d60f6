// SPDX-License-Identifier: GPL-2.0-or-later
/* Interrupt controllers as KVM is asked for them, and the device tree, read back. */
#include "board.h"
#include "dtb.h"
#include "fake_kvm.h"
#include "lkvm/devicetree/ram-board.h"
#include "lkvm/vm/irq.h"
#include "said.h"

static struct vm *vm;

static int make(unsigned cpus, bool has_aia)
{
	vm = fake_guest_create(cpus);
	fake.has_aia = has_aia;
	fake_reg(REG_ISA(ISA_a), 1, true);
	fake_reg(REG_ISA(ISA_ssaia), 1, false);
	fake_reg(REG_ISA(ISA_zicboz), 1, false);
	fake_reg(REG_CONFIG(zicboz_block_size), 64, true);
	fake_reg(REG_CONFIG(satp_mode), 9, true);
	fake_reg(REG_TIMER(frequency), 10000000, true);
	tree.blob = NULL;
	vm->mmio = bus_create();
	assert_non_null(vm->mmio);
	assert_int_equal(guest_memory_add_ram(&vm->memory, BOARD_RAM, MIB(2)), 0);
	assert_int_equal(irqchip_create(vm), 0);
	assert_int_equal(vcpus_create(vm), 0);
	return guest.riscv.irqchip.ops->init(vm);
}

static int with_aia(void **state)
{
	return make(3, true);
}

static int without_aia(void **state)
{
	return make(2, false);
}

static int teardown(void **state)
{
	fdt_free(&tree);
	irq_destroy(vm);
	board_destroy_irqchip(vm);
	bus_destroy(vm->mmio);
	fake_guest_destroy();
	return 0;
}

static void build(void)
{
	static const struct ram_boot boot;

	said_begin();
	assert_int_equal(ram_boot_tree(&boot, vm, &tree, "quiet", 0, 0), 0);
	said_end();
	SAID(NULL);
	assert_int_equal(fdt_check_full(tree.blob, fdt_totalsize(tree.blob)), 0);
}

static void is_text(const char *path, const char *name, const char *text)
{
	const char *got = fdt_getprop(tree.blob, fdt_path_offset(tree.blob, path), name, NULL);

	assert_non_null(got);
	assert_string_equal(got, text);
}

/* The last that was written to it. */
static u64 attr(u32 group, u64 number)
{
	for (unsigned i = fake.nr_attrs; i-- > 0;) {
		if (fake.attrs[i].group == group && fake.attrs[i].attr == number)
			return fake.attrs[i].value;
	}
	fail_msg("attribute %llu of group %u was not set", (unsigned long long)number, group);
	return 0;
}

static void test_aia_set_up(void **state)
{
	const struct fake_attr *last = &fake.attrs[fake.nr_attrs - 1];

	assert_int_equal(attr(KVM_DEV_RISCV_AIA_GRP_CONFIG, KVM_DEV_RISCV_AIA_CONFIG_SRCS),
			 BOARD_NR_GSIS - 1);
	/* Three harts take two bits. */
	assert_int_equal(attr(KVM_DEV_RISCV_AIA_GRP_CONFIG, KVM_DEV_RISCV_AIA_CONFIG_HART_BITS), 2);
	assert_int_equal(attr(KVM_DEV_RISCV_AIA_GRP_ADDR, KVM_DEV_RISCV_AIA_ADDR_APLIC),
			 BOARD_APLIC);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(attr(KVM_DEV_RISCV_AIA_GRP_ADDR, KVM_DEV_RISCV_AIA_ADDR_IMSIC(i)),
				 BOARD_IMSIC + i * 0x1000);
	assert_int_equal(last->group, KVM_DEV_RISCV_AIA_GRP_CTRL);
	assert_int_equal(last->attr, KVM_DEV_RISCV_AIA_CTRL_INIT);
}

static void test_aia_nodes(void **state)
{
	static const char imsics[] = "/soc/interrupt-controller@8000000";
	static const char aplic[] = "/soc/interrupt-controller@b000000";
	u32 harts[6];

	build();
	is_text(imsics, "compatible", "riscv,imsics");
	assert_int_equal(cell(imsics, "riscv,num-ids"), FAKE_IDS);
	assert_int_equal(cell(imsics, "riscv,hart-index-bits"), 2);
	assert_int_equal(cells(imsics, "interrupts-extended", harts, 6), 6);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(harts[2 * i], BOARD_PHANDLE_INTC + i);
		assert_int_equal(harts[2 * i + 1], BOARD_IRQ_S_EXTERNAL);
	}
	is_text(aplic, "compatible", "riscv,aplic");
	assert_int_equal(cell(aplic, "riscv,num-sources"), BOARD_NR_GSIS - 1);
	assert_int_equal(cell(aplic, "msi-parent"), cell(imsics, "phandle"));
	assert_int_equal(cell("/soc", "interrupt-parent"), cell(aplic, "phandle"));
}

static void test_plic_nodes(void **state)
{
	static const char plic[] = "/soc/interrupt-controller@c000000";
	u32 harts[4];

	build();
	is_text(plic, "compatible", "sifive,plic-1.0.0");
	assert_int_equal(cell(plic, "riscv,ndev"), BOARD_NR_GSIS - 1);
	assert_int_equal(cells(plic, "interrupts-extended", harts, 4), 4);
	assert_int_equal(harts[2], BOARD_PHANDLE_INTC + 1);
	assert_int_equal(harts[3], BOARD_IRQ_S_EXTERNAL);
	assert_int_equal(cell("/soc", "interrupt-parent"), cell(plic, "phandle"));
	assert_int_equal(cells("/soc/interrupt-controller@8000000", "reg", NULL, 0), -1);
	assert_int_equal(fake.nr_attrs, 0);
}

static void test_cpus(void **state)
{
	build();
	assert_int_equal(cell("/cpus", "timebase-frequency"), 10000000);
	for (unsigned i = 0; i < 3; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/cpus/cpu@%u", i);
		assert_int_equal(cell(path, "reg"), i);
		is_text(path, "riscv,isa", "rv64ia_zicboz_ssaia");
		is_text(path, "riscv,isa-base", "rv64i");
		is_text(path, "mmu-type", "riscv,sv48");
		assert_int_equal(cell(path, "riscv,cboz-block-size"), 64);
		assert_int_equal(cells(path, "riscv,cbom-block-size", NULL, 0), -1);
		snprintf(path, sizeof(path), "/cpus/cpu@%u/interrupt-controller", i);
		assert_int_equal(cell(path, "phandle"), BOARD_PHANDLE_INTC + i);
	}
	assert_true(fdt_path_offset(tree.blob, "/cpus/cpu@3") < 0);
	is_text("/chosen", "bootargs", "quiet");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_aia_set_up, with_aia, teardown),
		cmocka_unit_test_setup_teardown(test_aia_nodes, with_aia, teardown),
		cmocka_unit_test_setup_teardown(test_plic_nodes, without_aia, teardown),
		cmocka_unit_test_setup_teardown(test_cpus, with_aia, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
