// SPDX-License-Identifier: GPL-2.0-or-later
/* A guest of a host that gives lkvm little: scarce.sh. */
#include "guest.h"

void guest_main(addr_t boot)
{
	print("up\n");
	power_off();
}
