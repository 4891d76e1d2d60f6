/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A message-signalled interrupt, which is a write to this hart's IMSIC. Its registers go by number: older
 * assemblers do not know their names ("The RISC-V Advanced Interrupt Architecture", 2.1 and 3.8).
 */
#ifndef GUEST_MSI_H
#define GUEST_MSI_H

#include "guest.h"

#define SISELECT 0x150
#define SIREG	 0x151
#define STOPEI	 0x15c

#define IMSIC_EIDELIVERY  0x70
#define IMSIC_EITHRESHOLD 0x72
#define IMSIC_EIE0	  0xc0

#define MSI_IDENTITY 7

static inline void imsic_write(u64 select, u64 value)
{
	__asm__ volatile("csrw %0, %1" : : "i"(SISELECT), "r"(select) : "memory");
	__asm__ volatile("csrw %0, %1" : : "i"(SIREG), "r"(value) : "memory");
}

/* Whether one has come. */
static inline u32 msi_arrived(void)
{
	u64 top;

	__asm__ volatile("csrrw %0, %1, zero" : "=r"(top) : "i"(STOPEI) : "memory");
	if (top && top >> 16 != MSI_IDENTITY)
		fail("another interrupt", top);
	return !!top;
}

/* The message that the function with this bus, slot and function number is to send. */
static inline void msi_setup(u32 requester, u64 *address, u32 *data)
{
	imsic_write(IMSIC_EIDELIVERY, 1);
	imsic_write(IMSIC_EITHRESHOLD, 0);
	imsic_write(IMSIC_EIE0, 1 << MSI_IDENTITY);
	*address = BOARD_IMSIC;
	*data = MSI_IDENTITY;
}

#endif
