// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What kvm-unit-tests' programs rely on, for kut.sh to compare: the command line's parameters and nothing
 * else, and an initrd that is any file, shown as it is.
 */
#include "kut.h"

void guest_main(addr_t boot)
{
	CHECK_EQ("the program's place", start_state.pc, RAM + 0x80000);
	CHECK_EQ("the first serial port's place", BOARD_SERIAL, 0x1000000);
	print("el: ");
	put('0' + current_el());
	print("\n");
	kut_report((const void *)boot);
	power_off();
}
