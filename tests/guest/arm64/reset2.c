// SPDX-License-Identifier: GPL-2.0-or-later
// status: 0
// output: resetting
/* And so does SYSTEM_RESET2, a warm reset, where KVM has it (PSCI 1.1). */
#include "guest.h"

void guest_main(addr_t boot)
{
	print("resetting\n");
	if (psci(PSCI_FEATURES, PSCI_SYSTEM_RESET2, 0, 0) == PSCI_NOT_SUPPORTED)
		reset();
	psci(PSCI_SYSTEM_RESET2, 0, 0, 0);
	print("FAIL: still here\n");
	stop();
}
