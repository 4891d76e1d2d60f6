/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A message-signalled interrupt, as the library counts them. */
#ifndef GUEST_MSI_H
#define GUEST_MSI_H

#include "guest.h"

#define MSI_VECTOR 0x61

/* How many have come. */
static inline u32 msi_arrived(void)
{
	return scripted_msis(MSI_VECTOR);
}

/* The message that the function with this bus, slot and function number is to send. */
static inline void msi_setup(u32 requester, u64 *address, u32 *data)
{
	*address = BOARD_LAPIC;
	*data = MSI_VECTOR;
}

#endif
