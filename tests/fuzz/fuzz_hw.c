// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * UART, both RTCs, i8042 and pvpanic under any sequence of accesses, host input, pauses and reboots.
 * Half of the inputs leave the UART's loop-back alone: then every byte of the host must come out of it
 * once and in order, whatever else the guest did.
 */
#include <stdlib.h>
#include "hw_vm.h"
#include "fuzz.h"
#include "lkvm/console/chardev.h"
#include "lkvm/hw/i8042.h"
#include "lkvm/hw/pvpanic.h"
#include "lkvm/hw/rtc-cmos.h"
#include "lkvm/hw/rtc-pl031.h"
#include "lkvm/hw/uart.h"

#define PL031	 0x1010000
#define COM1	 0x3f8
#define RBR	 (COM1 + 0)
#define IER	 (COM1 + 1)
#define LCR	 (COM1 + 3)
#define MCR	 (COM1 + 4)
#define LSR	 (COM1 + 5)
#define LCR_DLAB 0x80
#define LSR_DR	 0x01
#define MCR_LOOP 0x10

/* Every input begins anew. */
static bool ordered;
static u8 nr_fed, nr_got;
static struct chardev_client client;

void chardev_set_client(struct chardev *chardev, const struct chardev_client *c)
{
	client = *c;
}

void chardev_write(struct chardev *chardev, const u8 *data, size_t len)
{
	if (len > 8)
		abort();
}

void chardev_room_again(struct chardev *chardev)
{
}

/* As much as there is room for, or less. */
static void feed(struct fuzz *f)
{
	size_t room = client.room(client.opaque), n = fuzz8(f) % 17;
	u8 data[16];

	if (room > 16)
		abort();
	n = MIN(room, n);
	for (size_t i = 0; i < n; i++)
		data[i] = nr_fed++;
	if (n)
		client.receive(client.opaque, data, n);
}

/* Reads RBR as a guest that looks at LSR first. False: nothing was there. */
static bool get_byte(void)
{
	if ((in8(LCR) & LCR_DLAB) || !(in8(LSR) & LSR_DR))
		return false;
	if (in8(RBR) != nr_got++)
		abort();
	return true;
}

static void access_pl031(struct fuzz *f, bool write)
{
	u64 address = PL031 + (fuzz16(f) & 0xfff);
	unsigned len = 1 + fuzz8(f) % 8;
	u8 data[8];

	fuzz_bytes(f, data, len);
	if (write)
		bus_write(test_vm.vm.mmio, address, data, len);
	else
		bus_read(test_vm.vm.mmio, address, data, len);
}

static void access_register(struct fuzz *f, bool write)
{
	static const u16 bases[] = { COM1, 0x70, 0x60, 0x64, 0x505 };
	u16 port = bases[fuzz8(f) % ARRAY_SIZE(bases)] + fuzz8(f) % 8;
	unsigned len = 1 << fuzz8(f) % 3;
	u8 data[4] = { 0 };

	if (ordered)
		len = 1;
	if (ordered && !write && port == RBR) {
		get_byte();
	} else if (write) {
		fuzz_bytes(f, data, len);
		if (ordered && port == MCR)
			data[0] &= ~MCR_LOOP;
		bus_write(test_vm.vm.ports, port, data, len);
	} else {
		bus_read(test_vm.vm.ports, port, data, len);
	}
}

static void get_rest(struct vm *vm)
{
	devices_quiesce(&vm->devices);
	devices_resume(&vm->devices);
	out8(LCR, 0);
	out8(IER, 1);
	while (get_byte())
		;
	if (nr_got != nr_fed)
		abort();
}

static void stop_loop(void *arg)
{
	loop_stop(arg);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz f = { data, size };
	struct vm *vm = test_vm_init();
	bool paused = false;

	log_set_level(LOG_LEVEL_ERROR);
	ordered = fuzz8(&f) & 1;
	nr_fed = nr_got = 0;
	if (uart_create(vm, RESOURCE_PORT, COM1, 4, NULL, 0) ||
	    rtc_cmos_create(vm, RESOURCE_PORT, 0x70, 8, NULL) || i8042_create(vm) ||
	    pvpanic_create(vm, RESOURCE_PORT, 0x505) || rtc_pl031_create(vm, PL031, 7))
		abort();
	devices_reset(&vm->devices);
	if (devices_start(&vm->devices))
		abort();
	while (f.left) {
		u8 op = fuzz8(&f);

		switch (op % 8) {
		case 0 ... 2:
			access_register(&f, false);
			break;
		case 3 ... 4:
			access_register(&f, true);
			break;
		case 5:
			access_pl031(&f, op & 0x80);
			break;
		case 6:
			feed(&f);
			break;
		case 7:
			if (op & 0x80) {
				loop_post(vm->loop, stop_loop, vm->loop);
				loop_run(vm->loop);
				break;
			}
			if (!paused)
				devices_quiesce(&vm->devices);
			else if (op & 0x40)
				devices_reset(&vm->devices);
			if (paused)
				devices_resume(&vm->devices);
			paused = !paused;
			break;
		}
	}
	if (ordered)
		get_rest(vm);
	test_vm_exit();
	return 0;
}
