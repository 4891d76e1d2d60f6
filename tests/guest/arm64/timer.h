/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The architected timers: each must raise the interrupt that the device tree gives for it. */
#ifndef GUEST_TIMER_H
#define GUEST_TIMER_H

#include "gic.h"

/* The order of the timer node's interrupts. */
enum { TIMER_SECURE, TIMER_PHYSICAL, TIMER_VIRTUAL, TIMER_HYP_PHYSICAL, TIMER_HYP_VIRTUAL };

/* A timer by its control and compare registers' names; the interrupt as the architecture recommends it. */
#define TIMER(name, ctl, cval, nth, intid)                                                         \
	static void name##_quiet(void)                                                             \
	{                                                                                          \
		write_sysreg(ctl, 0);                                                              \
	}                                                                                          \
                                                                                                   \
	static void name(const void *tree)                                                         \
	{                                                                                          \
		CHECK_EQ(#name ": INTID in the device tree", gic_intid(tree, "/timer", 0, nth),    \
			 intid);                                                                   \
		gic_enable(0, intid);                                                              \
		CHECK_EQ(#name ": too early", gic_ack(), GIC_NONE);                                \
		write_sysreg(cval, 0);                                                             \
		write_sysreg(ctl, 1);                                                              \
		gic_expect(#name, intid, name##_quiet);                                            \
	}

#endif
