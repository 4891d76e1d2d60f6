// SPDX-License-Identifier: GPL-2.0-or-later
/* Listens to its power button after it was asked to by a byte; pressed, it ends itself. power-button.sh presses. */
#include "guest.h"

#define PM1_STATUS (BOARD_PORT_PM + 0)
#define PM1_ENABLE (BOARD_PORT_PM + 2)
#define BUTTON	   0x100

void guest_main(addr_t boot)
{
	print("deaf\n");
	while (!(uart_read(0, 5) & 1))
		cpu_relax();
	outw(PM1_ENABLE, BUTTON);
	print("listening\n");
	while (!(inw(PM1_STATUS) & BUTTON))
		cpu_relax();
	outw(PM1_STATUS, BUTTON);
	print(inw(PM1_STATUS) & BUTTON ? "FAIL: stuck\n" : "pressed\n");
	power_off();
}
