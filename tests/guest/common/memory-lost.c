// SPDX-License-Identifier: GPL-2.0-or-later
/* Touches all of its memory again and again, for a host that takes it away: see memory-lost.sh. */
#include "guest.h"

#define PAGE 4096
#define FROM (RAM + 0x1000000UL) /* behind this program, wherever it is */

void guest_main(addr_t boot)
{
	volatile u32 *word;
	u32 turn = 0;

	for (;;) {
		for (addr_t at = FROM; at < RAM_END; at += PAGE) {
			word = (volatile u32 *)at;
			/* A device tree may lie in it at first. */
			if (turn)
				CHECK_EQ("what the turn before left", *word, turn);
			*word = turn + 1;
		}
		if (!turn++)
			print("all touched\n");
	}
}
