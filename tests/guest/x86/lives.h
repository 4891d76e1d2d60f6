/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of the machine's lives this is, 1 the first: counted in the CMOS, which a reset leaves alone. */
#ifndef GUEST_LIVES_H
#define GUEST_LIVES_H

#include "guest.h"

#define LIVES_CMOS 0x60

/* Once in a life, before devices are touched. */
static inline u32 life_begin(void)
{
	u8 life = cmos_read(LIVES_CMOS) + 1;

	cmos_write(LIVES_CMOS, life);
	return life;
}

#endif
