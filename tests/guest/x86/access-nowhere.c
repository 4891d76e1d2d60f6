// SPDX-License-Identifier: GPL-2.0-or-later
/* A private access to what is no memory at all: it leads nowhere, and the guest ends. */
// options: --vm-type sw-protected
// status: 244
// output: accesses
// errors: private memory at 0xd0000000 cannot be had
// without: not offered by this host's KVM
#include "access.h"

void guest_main(addr_t boot)
{
	print("accesses\n");
	read_as(AS_PRIVATE, 0xd0000000);
	print("FAIL: it was answered\n");
	power_off();
}
