// SPDX-License-Identifier: GPL-2.0-or-later
/* A prompt, and an echo of what is typed; terminal.sh types. */
#include "guest.h"

void guest_main(addr_t boot)
{
	print("login: ");
	for (;;) {
		if (uart_read(0, UART_LSR) & UART_LSR_READY)
			uart_write(0, UART_DATA, uart_read(0, UART_DATA));
		else
			cpu_relax();
	}
}
