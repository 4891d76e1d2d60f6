/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A message-signalled interrupt, which arrives as an LPI through the ITS or as an SPI through GICv2m's frame. */
#ifndef GUEST_MSI_H
#define GUEST_MSI_H

#include "its.h"

#define MSI_EVENT 5

#define V2M_TYPER  0x008
#define V2M_SETSPI 0x040

static u32 msi_intid;

/* Whether one has come. */
static inline u32 msi_arrived(void)
{
	u32 intid = gic_ack();

	if (intid != GIC_NONE && intid != msi_intid)
		fail("another interrupt", intid);
	return intid == msi_intid;
}

/* The message that the function with this bus, slot and function number is to send. */
static inline void msi_setup(u32 requester, u64 *address, u32 *data)
{
	gic_find(start_state.x[0]);
	gic_begin(0);
	if (gic.its) {
		its_begin();
		its_map(requester, MSI_EVENT, 3);
		msi_intid = ITS_LPI + 3;
		*address = gic.its + GITS_TRANSLATER;
		*data = MSI_EVENT;
	} else if (gic.v2m) {
		msi_intid = read32(gic.v2m + V2M_TYPER) >> 16 & 1023;
		gic_make_edge(0, msi_intid);
		gic_enable(0, msi_intid);
		*address = gic.v2m + V2M_SETSPI;
		*data = msi_intid;
	} else {
		fail("no way for messages in the device tree", 0);
	}
}

#endif
