// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What it sends is not read any more: net-hung.sh stops the helper. Pauses and the next life come all the
 * same, and in that the network.
 */
#include "lives.h"
#include "net.h"

/*
 * Until the queue has been full for a while, with long frames, so that this is soon. The helper is only waited for some
 * seconds: where other work takes the CPUs it may be given up, and the link go down, before.
 */
static void send_until_stuck(void)
{
	static u8 frame[1514];

	put_ethernet(frame, 0x0806); /* and asks for nothing */
	for (u32 waited = 0; waited < 20 && net_is_up(); waited++) {
		if (net_unsent() < VIO_SIZE) {
			net_send(frame, sizeof(frame));
			waited = 0;
		} else {
			sleep_ms(5);
		}
	}
}

void guest_main(addr_t boot)
{
	u32 life = life_begin();

	net_begin();
	net_wait_alive();
	print("the network is there in life ");
	put('0' + life);
	print("\n");
	if (life == 1) {
		send_until_stuck();
		print("stuck\n");
		while (!(uart_read(0, UART_LSR) & UART_LSR_READY))
			sleep_ms(5);
		reset();
	}
	for (;;)
		wait_interrupt();
}
