// SPDX-License-Identifier: GPL-2.0-or-later
// status: 0
// output: timers ok
/* The physical and the virtual timer, each by its interrupt; the counters run. */
#include "timer.h"

TIMER(physical, S3_3_C14_C2_1, S3_3_C14_C2_2, TIMER_PHYSICAL, 30)
TIMER(virtual, S3_3_C14_C3_1, S3_3_C14_C3_2, TIMER_VIRTUAL, 27)

void guest_main(addr_t boot)
{
	const void *tree = (const void *)boot;
	u64 begin = read_sysreg(cntvct_el0);

	gic_find(boot);
	gic_begin(0);
	if (!read_sysreg(cntfrq_el0))
		fail("the counter's frequency", 0);
	CHECK_EQ("interrupts of the timer node", fdt_need(tree, "/timer", "interrupts").len,
		 4 * 12);
	physical(tree);
	virtual(tree);
	if (read_sysreg(cntvct_el0) <= begin)
		fail("the counter stands", begin);
	print("timers ok\n");
	power_off();
}
