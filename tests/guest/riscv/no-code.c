// SPDX-License-Identifier: GPL-2.0-or-later
// status: 244
// output: jumping
// errors: KVM_RUN,pc ,code at
/* A jump to where no memory is: KVM has no answer to it. */
#include "guest.h"

void guest_main(addr_t boot)
{
	print("jumping\n");
	((void (*)(void))RAM_END)();
	print("FAIL: still here\n");
	stop();
}
