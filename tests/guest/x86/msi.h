/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A message-signalled interrupt, looked for in the local APIC's request register: interrupts stay off, so
 * no handler is needed.
 */
#ifndef GUEST_MSI_H
#define GUEST_MSI_H

#include "guest.h"

#define MSI_VECTOR 0x61

/* Whether one has come, now or earlier. */
static inline u32 msi_arrived(void)
{
	return read32(BOARD_LAPIC + 0x200 + MSI_VECTOR / 32 * 0x10) >> MSI_VECTOR % 32 & 1;
}

/* The message that the function with this bus, slot and function number is to send. */
static inline void msi_setup(u32 requester, u64 *address, u32 *data)
{
	write32(BOARD_LAPIC + 0xf0, 0x1ff);
	*address = BOARD_LAPIC;
	*data = MSI_VECTOR;
}

#endif
