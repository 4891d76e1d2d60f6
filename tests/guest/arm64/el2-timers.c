// SPDX-License-Identifier: GPL-2.0-or-later
// options: --nested
// status: 0
// output: timers ok
// limit: 180
// without: does not give guests EL2
/* --nested: EL2's own two timers and, from EL2, those of EL1, each by its interrupt. */
#include "timer.h"

TIMER(hyp_physical, S3_4_C14_C2_1, S3_4_C14_C2_2, TIMER_HYP_PHYSICAL, 26)
TIMER(hyp_virtual, S3_4_C14_C3_1, S3_4_C14_C3_2, TIMER_HYP_VIRTUAL, 28)
TIMER(physical, S3_5_C14_C2_1, S3_5_C14_C2_2, TIMER_PHYSICAL, 30)
TIMER(virtual, S3_5_C14_C3_1, S3_5_C14_C3_2, TIMER_VIRTUAL, 27)

void guest_main(addr_t boot)
{
	const void *tree = (const void *)boot;

	gic_find(boot);
	gic_begin(0);
	CHECK_EQ("interrupts of the timer node", fdt_need(tree, "/timer", "interrupts").len,
		 5 * 12);
	CHECK_EQ("the secure timer's INTID", gic_intid(tree, "/timer", 0, TIMER_SECURE), 29);
	hyp_physical(tree);
	hyp_virtual(tree);
	physical(tree);
	virtual(tree);
	print("timers ok\n");
	power_off();
}
