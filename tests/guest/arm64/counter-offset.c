// SPDX-License-Identifier: GPL-2.0-or-later
/* Shows both counters, for counter-offset.sh to compare. */
#include "guest.h"

static void show(const char *name, u64 value)
{
	print(name);
	print_hex(value >> 32);
	print_hex(value);
	print("\n");
}

void guest_main(addr_t boot)
{
	show("virtual ", read_sysreg(cntvct_el0));
	show("physical ", read_sysreg(cntpct_el0));
	power_off();
}
