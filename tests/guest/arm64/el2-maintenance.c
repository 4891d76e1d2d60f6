// SPDX-License-Identifier: GPL-2.0-or-later
// options: --nested
// status: 0
// output: maintenance ok
// limit: 180
// without: does not give guests EL2
/*
 * --nested: the guest's own hypervisor gets the maintenance interrupt that the device tree announces, by an
 * exception: asked for list registers that are empty, then for none that is pending.
 */
#include "el2.h"
#include "gic.h"

#define HCR_EN	 1
#define HCR_UIE	 (1 << 1) /* fewer than two list registers are in use */
#define HCR_NPIE (1 << 3) /* none is pending */

static volatile u32 taken, misr;

static void interrupt(void)
{
	u32 intid = gic_take();

	if (intid == GIC_NONE)
		return;
	CHECK_EQ("the interrupt", intid, 25);
	misr = read_sysreg(S3_4_C12_C11_2);
	write_sysreg(S3_4_C12_C11_0, 0);
	gic_done(intid);
	taken++;
}

static void expect(const char *what, u32 enable)
{
	u32 before = taken;

	write_sysreg(S3_4_C12_C11_0, HCR_EN | enable);
	for (u32 i = 0; taken == before; i++) {
		cpu_relax();
		/* Not every KVM looks without an exit. */
		if (i % 1024 == 1023)
			(void)uart_read(0, UART_LSR);
		if (i == 100000)
			fail(what, read_sysreg(S3_4_C12_C11_2));
	}
	CHECK_EQ("ICH_MISR_EL2", misr, enable);
}

void guest_main(addr_t boot)
{
	const void *tree = (const void *)boot;

	CHECK_EQ("INTID in the device tree", gic_intid(tree, "/interrupt-controller", 0, 0), 25);
	gic_find(boot);
	gic_begin(0);
	gic_enable(0, 25);
	write_sysreg(hcr_el2, read_sysreg(hcr_el2) | HCR_IMO);
	interrupt_expected = interrupt;
	irq_enable();
	expect("no interrupt for an underflow", HCR_UIE);
	expect("no interrupt for none pending", HCR_NPIE);
	irq_disable();
	CHECK_EQ("one more interrupt", gic_ack(), GIC_NONE);
	print("maintenance ok\n");
	power_off();
}
