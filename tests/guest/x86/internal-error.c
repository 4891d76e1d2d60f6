// SPDX-License-Identifier: GPL-2.0-or-later
// status: 244
// output: jumping
// errors: internal error,it cannot emulate the instruction,rip,code at
/* Code where no memory is: KVM cannot emulate that, and says so. */
#include "guest.h"

void guest_main(addr_t boot)
{
	print("jumping\n");
	((void (*)(void))0xd8000000)();
	print("FAIL: still here\n");
	stop();
}
