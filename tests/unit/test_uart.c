// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <linux/serial_reg.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "test.h"
#include "hw_vm.h"
#include "lkvm/console/chardev.h"
#include "lkvm/hw/uart.h"

#define COM1 0x3f8
#define IRQ  4
#define FIFO 16

/* ---- time: what the guest does takes some; while `ticking` none passes otherwise ---- */

#define ACCESS_NS 2000

static bool ticking;
static u64 ticks, access_ns; /* ns */

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	if (clock != CLOCK_MONOTONIC || !ticking)
		return syscall(SYS_clock_gettime, clock, ts);
	ts->tv_sec = ticks / 1000000000;
	ts->tv_nsec = ticks % 1000000000;
	return 0;
}

/* ---- the host's side: what the UART sends, and a stream that gives bytes while there is room ---- */

static struct chardev_client client;
static char sent[4096];
static unsigned nr_sent, again;
static const u8 *stream;
static size_t stream_len;

void chardev_set_client(struct chardev *chardev, const struct chardev_client *c)
{
	client = *c;
}

void chardev_write(struct chardev *chardev, const u8 *data, size_t len)
{
	assert_true(nr_sent + len < sizeof(sent));
	memcpy(sent + nr_sent, data, len);
	nr_sent += len;
	sent[nr_sent] = 0;
}

void chardev_room_again(struct chardev *chardev)
{
	again++;
}

/* One turn of the main loop: at most `max` bytes of the stream. */
static void pump(size_t max)
{
	size_t n = client.room(client.opaque);

	n = MIN(n, max);
	n = MIN(n, stream_len);
	if (!n)
		return;
	client.receive(client.opaque, stream, n);
	stream += n;
	stream_len -= n;
}

/* As fast as the host can, without end. */
static bool flooded;

static void flood(void)
{
	static const u8 bytes[64];
	size_t n = client.room(client.opaque);

	if (n)
		client.receive(client.opaque, bytes, n);
}

static void set_stream(const char *text)
{
	stream = (const u8 *)text;
	stream_len = strlen(text);
}

static void spend(void)
{
	ticks += access_ns;
	if (flooded)
		flood();
}

static u8 get(unsigned reg)
{
	spend();
	return in8(COM1 + reg);
}

static void set(unsigned reg, u8 value)
{
	spend();
	out8(COM1 + reg, value);
}

static bool irq(void)
{
	return test_vm.level[IRQ];
}

static int setup(void **state)
{
	struct vm *vm = test_vm_init();

	nr_sent = again = 0;
	ticking = true;
	ticks = 1;
	access_ns = ACCESS_NS;
	flooded = false;
	set_stream("");
	assert_int_equal(uart_create(vm, RESOURCE_PORT, COM1, IRQ, NULL, 0), 0);
	devices_reset(&vm->devices);
	return devices_start(&vm->devices);
}

static int teardown(void **state)
{
	ticking = false;
	test_vm_exit();
	return 0;
}

/* What a driver does before it uses the port. */
static void open_port(void)
{
	set(UART_FCR, UART_FCR_ENABLE_FIFO);
	set(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR | UART_FCR_CLEAR_XMIT);
	set(UART_FCR, 0);
	get(UART_LSR);
	get(UART_RX);
	get(UART_IIR);
	get(UART_MSR);
	set(UART_LCR, UART_LCR_WLEN8);
	set(UART_MCR, UART_MCR_OUT2 | UART_MCR_RTS | UART_MCR_DTR);
	set(UART_IER, UART_IER_RLSI | UART_IER_RDI);
	set(UART_FCR, UART_FCR_ENABLE_FIFO);
	set(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_8);
}

/* ---- identification, as Linux's 8250 driver goes about it ---- */

static void is_there(void **state)
{
	set(UART_IER, 0);
	assert_int_equal(get(UART_IER) & 0x0f, 0);
	set(UART_IER, 0x0f);
	assert_int_equal(get(UART_IER), 0x0f);
	set(UART_IER, 0xff);
	assert_int_equal(get(UART_IER), 0x0f); /* no sleep mode, no XScale */
	set(UART_SCR, 0xa5);
	assert_int_equal(get(UART_SCR), 0xa5);
	set(UART_SCR, 0x5a);
	assert_int_equal(get(UART_SCR), 0x5a);
	set(UART_MCR, 0xff);
	assert_int_equal(get(UART_MCR), 0x1f);
}

static void loops_modem_lines(void **state)
{
	set(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS);
	assert_int_equal(get(UART_MSR) & 0xf0, UART_MSR_DCD | UART_MSR_CTS);
	set(UART_MCR, UART_MCR_LOOP | UART_MCR_DTR | UART_MCR_OUT1);
	assert_int_equal(get(UART_MSR) & 0xf0, UART_MSR_DSR | UART_MSR_RI);
	set(UART_MCR, UART_MCR_LOOP);
	assert_int_equal(get(UART_MSR) & 0xf0, 0);
	set(UART_MCR, 0);
	assert_int_equal(get(UART_MSR) & 0xf0, UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS);
}

static void is_a_16550a_and_nothing_more(void **state)
{
	u8 with, without;

	set(UART_LCR, 0);
	assert_int_equal(get(UART_IIR) >> 6, 0);
	set(UART_FCR, UART_FCR_ENABLE_FIFO);
	assert_int_equal(get(UART_IIR) >> 6, 3);

	/* Enhanced UARTs show their feature register as 0 here. */
	set(UART_LCR, UART_LCR_DLAB);
	assert_int_not_equal(get(UART_EFR), 0);
	set(UART_LCR, UART_LCR_CONF_MODE_B);
	assert_int_not_equal(get(UART_EFR), 0);

	/* A 16750 shows its 64-byte FIFO only when it was enabled with DLAB set. */
	set(UART_LCR, 0);
	set(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR7_64BYTE);
	without = get(UART_IIR) >> 5;
	set(UART_FCR, UART_FCR_ENABLE_FIFO);
	set(UART_LCR, UART_LCR_DLAB);
	set(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR7_64BYTE);
	with = get(UART_IIR) >> 5;
	set(UART_LCR, 0);
	assert_int_equal(without, 6);
	assert_int_equal(with, 6);
	/* Without the enable bit nothing else is programmed, and the FIFO goes off. */
	set(UART_FCR, UART_FCR_TRIGGER_14);
	assert_int_equal(get(UART_IIR), UART_IIR_NO_INT);
}

static void keeps_the_divisor_apart(void **state)
{
	set(UART_IER, UART_IER_RDI);
	set(UART_LCR, UART_LCR_DLAB | UART_LCR_WLEN8);
	set(UART_DLL, 0x34);
	set(UART_DLM, 0x12);
	assert_int_equal(get(UART_DLL), 0x34);
	assert_int_equal(get(UART_DLM), 0x12);
	set(UART_LCR, UART_LCR_WLEN8);
	assert_int_equal(get(UART_IER), UART_IER_RDI);
	assert_int_equal(nr_sent, 0);
	assert_int_equal(get(UART_LCR), UART_LCR_WLEN8);
}

/* Linux measures FIFOs so: 256 bytes in loop-back, then counts what comes out. */
static void measures_sixteen(void **state)
{
	unsigned count = 0;

	set(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR | UART_FCR_CLEAR_XMIT);
	set(UART_MCR, UART_MCR_LOOP);
	for (unsigned i = 0; i < 256; i++)
		set(UART_TX, i);
	assert_true(get(UART_LSR) & UART_LSR_OE);
	assert_false(get(UART_LSR) & UART_LSR_OE);
	while (get(UART_LSR) & UART_LSR_DR) {
		assert_int_equal(get(UART_RX), count);
		count++;
	}
	assert_int_equal(count, 16);
	assert_int_equal(nr_sent, 0);
}

static void overruns_without_a_fifo(void **state)
{
	set(UART_MCR, UART_MCR_LOOP);
	set(UART_IER, UART_IER_RLSI);
	set(UART_TX, 'a');
	assert_false(irq());
	set(UART_TX, 'b');
	assert_true(irq());
	assert_int_equal(get(UART_IIR), UART_IIR_RLSI);
	assert_int_equal(get(UART_LSR), UART_LSR_OE | UART_LSR_DR | UART_LSR_THRE | UART_LSR_TEMT);
	assert_false(irq());
	assert_int_equal(get(UART_RX), 'b');
	assert_false(get(UART_LSR) & UART_LSR_DR);
}

static void loops_a_break(void **state)
{
	set(UART_FCR, UART_FCR_ENABLE_FIFO);
	set(UART_MCR, UART_MCR_LOOP);
	set(UART_IER, UART_IER_RLSI);
	set(UART_TX, 'a');
	set(UART_LCR, UART_LCR_WLEN8 | UART_LCR_SBC);
	/* It is behind 'a': the FIFO holds an error, the byte at its top has none. */
	assert_int_equal(get(UART_LSR) & (UART_LSR_FIFOE | UART_LSR_BI), UART_LSR_FIFOE);
	assert_false(irq());
	assert_int_equal(get(UART_RX), 'a');
	assert_true(irq());
	assert_int_equal(get(UART_LSR) & (UART_LSR_FIFOE | UART_LSR_BI),
			 UART_LSR_FIFOE | UART_LSR_BI);
	assert_int_equal(get(UART_LSR) & (UART_LSR_FIFOE | UART_LSR_BI), 0);
	assert_int_equal(get(UART_RX), 0);
}

/* ---- interrupts ---- */

static void thre_interrupt(void **state)
{
	assert_int_equal(get(UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
	set(UART_IER, UART_IER_THRI);
	assert_true(irq());
	assert_int_equal(get(UART_IIR), UART_IIR_THRI);
	/* Read: cleared. */
	assert_int_equal(get(UART_IIR), UART_IIR_NO_INT);
	assert_false(irq());
	/* Enabling what is enabled says nothing; off and on again does. */
	set(UART_IER, UART_IER_THRI);
	assert_false(irq());
	set(UART_IER, 0);
	set(UART_IER, UART_IER_THRI);
	assert_true(irq());
	assert_int_equal(get(UART_IIR), UART_IIR_THRI);
	set(UART_TX, 'x');
	assert_true(irq());
	set(UART_IER, 0);
	assert_false(irq());
	assert_string_equal(sent, "x");
}

static void iir_clears_only_what_it_reports(void **state)
{
	open_port();
	set_stream("a");
	set(UART_IER, UART_IER_RDI | UART_IER_THRI);
	pump(1);
	assert_int_equal(get(UART_IIR), 0xc0 | UART_IIR_RX_TIMEOUT);
	assert_int_equal(get(UART_IIR), 0xc0 | UART_IIR_RX_TIMEOUT);
	assert_int_equal(get(UART_RX), 'a');
	assert_int_equal(get(UART_IIR), 0xc0 | UART_IIR_THRI);
	assert_int_equal(get(UART_IIR), 0xc0 | UART_IIR_NO_INT);
}

static void trigger_level_and_timeout(void **state)
{
	open_port();
	set_stream("0123456789");
	assert_false(irq());
	pump(7);
	assert_true(irq());
	assert_int_equal(get(UART_IIR), 0xc0 | UART_IIR_RX_TIMEOUT);
	pump(1);
	assert_int_equal(get(UART_IIR), 0xc0 | UART_IIR_RDI);
	assert_int_equal(get(UART_RX), '0');
	assert_int_equal(get(UART_IIR), 0xc0 | UART_IIR_RX_TIMEOUT);
	for (char c = '1'; c <= '7'; c++) {
		assert_true(irq());
		assert_int_equal(get(UART_RX), c);
	}
	assert_false(irq());
	assert_int_equal(get(UART_IIR), 0xc0 | UART_IIR_NO_INT);
}

static void modem_status_interrupt(void **state)
{
	get(UART_MSR);
	set(UART_IER, UART_IER_MSI);
	assert_false(irq());
	/* The far end's lines fall when the chip listens to itself. */
	set(UART_MCR, UART_MCR_LOOP);
	assert_true(irq());
	assert_int_equal(get(UART_IIR), UART_IIR_MSI);
	assert_int_equal(get(UART_MSR), UART_MSR_DCTS | UART_MSR_DDSR | UART_MSR_DDCD);
	assert_false(irq());
	/* RI: only its end counts. */
	set(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT1);
	assert_int_equal(get(UART_MSR), UART_MSR_RI);
	set(UART_MCR, UART_MCR_LOOP);
	assert_true(irq());
	assert_int_equal(get(UART_MSR), UART_MSR_TERI);
	assert_int_equal(get(UART_MSR), 0);
}

static void priorities(void **state)
{
	set(UART_MCR, UART_MCR_LOOP);
	set(UART_IER, 0x0f);
	set(UART_TX, 'a');
	set(UART_TX, 'b');
	assert_int_equal(get(UART_IIR), UART_IIR_RLSI);
	get(UART_LSR);
	assert_int_equal(get(UART_IIR), UART_IIR_RDI);
	get(UART_RX);
	assert_int_equal(get(UART_IIR), UART_IIR_THRI);
	assert_int_equal(get(UART_IIR), UART_IIR_MSI);
	get(UART_MSR);
	assert_int_equal(get(UART_IIR), UART_IIR_NO_INT);
	assert_false(irq());
}

/* ---- bytes ---- */

static void sends_in_order(void **state)
{
	static const u8 word[4] = { 'x', UART_IER_RDI, UART_FCR_ENABLE_FIFO, UART_LCR_WLEN8 };

	for (const char *p = "hello"; *p; p++)
		set(UART_TX, *p);
	assert_string_equal(sent, "hello");
	/* A wide access is one to each register it covers. */
	bus_write(test_vm.vm.ports, COM1, word, 4);
	assert_string_equal(sent, "hellox");
	assert_int_equal(get(UART_IER), UART_IER_RDI);
	assert_int_equal(get(UART_LCR), UART_LCR_WLEN8);
}

static void takes_no_more_than_fits(void **state)
{
	open_port();
	set_stream("0123456789abcdefghij");
	assert_int_equal(client.room(client.opaque), 16);
	pump(100);
	assert_int_equal(stream_len, 4);
	assert_int_equal(client.room(client.opaque), 0);
	assert_false(get(UART_LSR) & UART_LSR_OE);
	again = 0;
	get(UART_RX);
	assert_int_equal(again, 1);
	assert_int_equal(client.room(client.opaque), 1);
}

/* What the guest has still to send, by interrupts. */
static unsigned to_send;

static void send_some(void)
{
	for (unsigned n = 0; n < FIFO && to_send; n++, to_send--)
		set(UART_TX, 'x');
	if (!to_send)
		set(UART_IER, UART_IER_RLSI | UART_IER_RDI);
}

/* What Linux's handler does: until nothing is pending, and up to 256 bytes in between. */
static unsigned handle_interrupt(void)
{
	unsigned n = 0, accesses = 0;

	while (!(get(UART_IIR) & UART_IIR_NO_INT)) {
		u8 lsr = get(UART_LSR);

		for (int max = 256; (lsr & UART_LSR_DR) && max; max--) {
			get(UART_RX);
			n++;
			lsr = get(UART_LSR);
			assert_true(accesses++ < 2000);
		}
		get(UART_MSR);
		if (to_send)
			send_some();
		assert_true(accesses++ < 2000);
	}
	return n;
}

/*
 * A guest under a flood that echoes each byte with so many. Its percentage of time in the handler: it must
 * get to something else, and must not stop listening either.
 */
static unsigned busy_percent(unsigned echoes, unsigned batch_max)
{
	u64 busy = 0, began = ticks;

	open_port();
	flooded = true;
	to_send = 0;
	for (unsigned i = 0; i < 200; i++) {
		u64 before;
		unsigned came;

		while (!irq())
			spend();
		before = ticks;
		came = handle_interrupt();
		assert_true(came <= batch_max);
		busy += ticks - before;
		nr_sent = 0;
		to_send += echoes * came;
		if (to_send)
			set(UART_IER, UART_IER_RLSI | UART_IER_RDI | UART_IER_THRI);
	}
	return busy * 100 / (ticks - began);
}

static void handler_returns_from_a_flood(void **state)
{
	assert_in_range(busy_percent(0, 256), 40, 70);
}

/* Its interrupts keep the guest from its other work as well. */
static void echo_is_no_rest(void **state)
{
	assert_in_range(busy_percent(2, 256), 40, 70);
}

/* An emulated host: each access takes as long as a thousand elsewhere. */
static void slow_host_rests_too(void **state)
{
	access_ns = 1000 * ACCESS_NS;
	assert_in_range(busy_percent(2, 2 * FIFO), 40, 70);
}

/* Takes the rest of a batch. */
static void take(unsigned nr)
{
	while (nr--) {
		if (!flooded)
			pump(1);
		assert_true(get(UART_LSR) & UART_LSR_DR);
		get(UART_RX);
	}
}

/* A guest that was late for other reasons does not wait for as long again. */
static void rest_is_short(void **state)
{
	open_port();
	set_stream("0123456789");
	take(1);
	pump(1);
	ticks += 3600 * 1000000000ULL;
	take(1);
	assert_int_equal(client.room(client.opaque), 0);
	ticks += 1000000000;
	assert_int_equal(client.room(client.opaque), 16);
}

/* Its interrupt is always pending. */
static void printing_guest_gets_input(void **state)
{
	open_port();
	flooded = true;
	take(256);
	flooded = false;
	set(UART_IER, UART_IER_RDI | UART_IER_THRI);
	ticks += 900000000;
	assert_true(irq());
	assert_int_equal(client.room(client.opaque), 0);
	ticks += 100000000;
	assert_int_equal(client.room(client.opaque), 16);
}

/* Who types, or sends a little now and then, never waits. */
static void pauses_are_rests(void **state)
{
	open_port();
	for (unsigned i = 0; i < 1000; i++) {
		set_stream("0123456789");
		take(10);
		ticks += 40 * ACCESS_NS;
		assert_int_equal(client.room(client.opaque), 16);
	}
}

static void stop_loop(struct loop_timer *timer)
{
	loop_stop(test_vm.vm.loop);
}

/* Nothing but the end of a rest asks for the next bytes of an idle guest. */
static void rest_ends_by_itself(void **state)
{
	struct loop_timer limit = { .expired = stop_loop };

	open_port();
	flooded = true;
	take(256);
	flooded = false;
	assert_int_equal(client.room(client.opaque), 0);
	again = 0;
	loop_timer_set(test_vm.vm.loop, &limit, 2000 * ACCESS_NS);
	ticks += 2000 * ACCESS_NS;
	loop_run(test_vm.vm.loop);
	assert_int_equal(again, 1);
	assert_int_equal(client.room(client.opaque), 16);
}

static void without_a_fifo_one_at_a_time(void **state)
{
	char got[8] = "";

	set(UART_IER, UART_IER_RDI);
	set_stream("abc");
	for (unsigned i = 0; i < 3; i++) {
		pump(100);
		assert_int_equal(client.room(client.opaque), 0);
		assert_int_equal(get(UART_IIR), UART_IIR_RDI);
		got[i] = get(UART_RX);
	}
	assert_string_equal(got, "abc");
}

/* The driver opens, closes and opens the port in the middle of a stream: no byte may get lost. */
static void loses_nothing_when_reset(void **state)
{
	char text[256], got[256];
	unsigned n = 0;

	for (unsigned i = 0; i < sizeof(text) - 1; i++)
		text[i] = 'a' + i % 26;
	text[sizeof(text) - 1] = 0;
	set_stream(text);

	/* Not open: the host waits. */
	assert_int_equal(client.room(client.opaque), 0);
	for (unsigned round = 0; n < sizeof(text) - 1; round++) {
		open_port();
		pump(round % 16 + 1);
		for (unsigned i = 0; i < round % 5 && (get(UART_LSR) & UART_LSR_DR); i++)
			got[n++] = get(UART_RX);
		pump(round % 3);
		/* Closed: interrupts off, FIFOs cleared, a last read of everything. */
		set(UART_IER, 0);
		set(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
		assert_false(get(UART_LSR) & UART_LSR_DR);
		set(UART_FCR, 0);
		assert_int_equal(get(UART_RX), 0);
		if (round % 7 == 0)
			devices_reset(&test_vm.vm.devices);
		assert_true(round < 1000);
	}
	got[n] = 0;
	assert_string_equal(got, text);
}

/* The guest may turn away between the question for room and the answer. */
static void loses_nothing_in_a_race(void **state)
{
	open_port();
	assert_int_equal(client.room(client.opaque), 16);
	set(UART_IER, 0);
	client.receive(client.opaque, (const u8 *)"0123456789abcdef", 16);
	assert_false(get(UART_LSR) & UART_LSR_DR);
	assert_int_equal(get(UART_RX), 0);
	set(UART_IER, UART_IER_RDI);
	for (const char *p = "0123456789abcdef"; *p; p++)
		assert_int_equal(get(UART_RX), *p);
	assert_false(irq());
}

static void serves_a_polling_reader(void **state)
{
	char got[8] = "";

	set_stream("abc");
	for (unsigned n = 0; n < 3; n++) {
		for (unsigned polls = 0; !(get(UART_LSR) & UART_LSR_DR); polls++) {
			assert_true(polls < 100);
			pump(1);
		}
		got[n] = get(UART_RX);
		set(UART_TX, got[n]); /* and echoes */
	}
	assert_string_equal(got, "abc");
	assert_string_equal(sent, "abc");
}

/* A kernel that prints polls too, but must not be taken for a reader: its next step is to clear. */
static void is_not_fooled_by_a_printing_kernel(void **state)
{
	set_stream("abc");
	for (unsigned i = 0; i < 1000; i++) {
		get(UART_LSR);
		pump(1);
		set(UART_TX, '.');
		get(UART_LSR);
		pump(1);
	}
	assert_int_equal(stream_len, 3);
}

static void keeps_bytes_over_a_pause(void **state)
{
	open_port();
	set_stream("0123456789");
	pump(4);
	devices_quiesce(&test_vm.vm.devices);
	assert_int_equal(client.room(client.opaque), 0);
	again = 0;
	devices_resume(&test_vm.vm.devices);
	assert_int_equal(again, 1);
	assert_true(irq());
	pump(100);
	for (char c = '0'; c <= '9'; c++)
		assert_int_equal(get(UART_RX), c);
}

static void reset_is_power_on(void **state)
{
	open_port();
	set(UART_SCR, 0x77);
	set(UART_IER, 0x0f);
	assert_true(irq());
	devices_reset(&test_vm.vm.devices);
	assert_false(irq());
	assert_int_equal(get(UART_IER), 0);
	assert_int_equal(get(UART_IIR), UART_IIR_NO_INT);
	assert_int_equal(get(UART_LCR), 0);
	assert_int_equal(get(UART_MCR), 0);
	assert_int_equal(get(UART_SCR), 0);
	assert_int_equal(get(UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
	assert_int_equal(get(UART_MSR) & 0x0f, 0);
}

static void mmio(void **state)
{
	const u64 base = 0x1000000;
	struct bus *mmio = test_vm.vm.mmio;
	u8 bytes[2] = { 0x5a, 0 };

	assert_int_equal(uart_create(&test_vm.vm, RESOURCE_MMIO, base, 5, NULL, 1), 0);
	devices_reset(&test_vm.vm.devices);
	assert_true(bus_write(mmio, base + UART_SCR, bytes, 1));
	/* A wide access is one of each register. */
	assert_true(bus_read(mmio, base + UART_MSR, bytes, 2));
	assert_memory_equal(bytes, "\xb0\x5a", 2);
	assert_false(bus_read(mmio, base + 8, bytes, 1));
	assert_int_equal(uart_create(&test_vm.vm, RESOURCE_MMIO, base, 5, NULL, 2), -EEXIST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(is_there),
		T(loops_modem_lines),
		T(is_a_16550a_and_nothing_more),
		T(keeps_the_divisor_apart),
		T(measures_sixteen),
		T(overruns_without_a_fifo),
		T(loops_a_break),
		T(thre_interrupt),
		T(iir_clears_only_what_it_reports),
		T(trigger_level_and_timeout),
		T(modem_status_interrupt),
		T(priorities),
		T(sends_in_order),
		T(takes_no_more_than_fits),
		T(handler_returns_from_a_flood),
		T(echo_is_no_rest),
		T(slow_host_rests_too),
		T(rest_is_short),
		T(printing_guest_gets_input),
		T(pauses_are_rests),
		T(rest_ends_by_itself),
		T(without_a_fifo_one_at_a_time),
		T(loses_nothing_when_reset),
		T(loses_nothing_in_a_race),
		T(serves_a_polling_reader),
		T(is_not_fooled_by_a_printing_kernel),
		T(keeps_bytes_over_a_pause),
		T(reset_is_power_on),
		T(mmio),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
