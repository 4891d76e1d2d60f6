// SPDX-License-Identifier: GPL-2.0-or-later
/* The interrupt controller: in which order KVM is told, and with which it does not go. */
#include "board.h"
#include "fake_kvm.h"
#include "lkvm/vm/irq.h"
#include "said.h"

static struct vm *vm;
static struct gic *gic;

static int setup(void **state)
{
	vm = fake_guest_create(1);
	gic = &guest.arm64.gic;
	return 0;
}

static int teardown(void **state)
{
	irq_destroy(vm);
	fake_guest_destroy();
	return 0;
}

static int init(void)
{
	int error;

	irq_destroy(vm);
	fake.nr_attrs = 0;
	said_begin();
	error = gic_init(vm, gic);
	said_end();
	return error;
}

static void expect_attr(unsigned nth, u32 group, u64 attr, u32 value)
{
	assert_true(nth < fake.nr_attrs);
	assert_int_equal(fake.attrs[nth].fd, FAKE_GIC_FD);
	assert_int_equal(fake.attrs[nth].group, group);
	assert_int_equal(fake.attrs[nth].attr, attr);
	assert_int_equal(fake.attrs[nth].value, value);
}

static void sizes_come_before_the_start(void **state)
{
	assert_int_equal(init(), 0);
	SAID(NULL);
	assert_int_equal(fake.nr_attrs, 2);
	expect_attr(0, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, BOARD_SPI_BASE + BOARD_NR_GSIS);
	expect_attr(1, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, 0);
}

/* KVM takes the number by its address, and none once it has started. */
static void maintenance_interrupt_comes_before_the_start(void **state)
{
	guest.config.arch.nested = true;
	assert_int_equal(init(), 0);
	SAID(NULL);
	assert_int_equal(fake.nr_attrs, 3);
	expect_attr(0, KVM_DEV_ARM_VGIC_GRP_MAINT_IRQ, 0, BOARD_PPI_MAINTENANCE);
	expect_attr(2, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, 0);
	fake.fail = EBUSY;
	assert_int_equal(init(), -EBUSY);
	SAID("--nested: KVM does not take the maintenance interrupt");
}

static int check_nested(void)
{
	int error;

	said_begin();
	error = gic_check_nested(vm, gic);
	said_end();
	return error;
}

static void what_nesting_takes(void **state)
{
	assert_int_equal(check_nested(), 0);
	SAID(NULL);
	fake.no_attrs = true;
	assert_int_equal(check_nested(), -ENOTSUP);
	SAID("no maintenance interrupt); Linux 6.16 or later has");
	fake.no_attrs = false;
	gic->kind = IRQCHIP_GICV2M;
	assert_int_equal(check_nested(), -ENODEV);
	SAID("a guest at EL2 needs a GICv3, this host's KVM makes only gicv2m");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sizes_come_before_the_start),
		TEST(maintenance_interrupt_comes_before_the_start),
		TEST(what_nesting_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
