// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * 16550A UART, after National Semiconductor's PC16550D data sheet. Sending takes no time, so the
 * transmitter is always empty. The interrupt output is not gated by OUT2: that gate is a part of the PC
 * board, not of this chip, and boards that use the chip elsewhere have none.
 */
#include <errno.h>
#include <linux/serial_reg.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/console/chardev.h"
#include "lkvm/hw/uart.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/irq.h"
#include "lkvm/vm/vm.h"

#define FIFO_SIZE 16
#define REGISTERS 8

/*
 * A guest that has no receive interrupt enabled and looks this often for a byte, without sending any in
 * between, reads by polling. A driver that only prints looks once for each byte it sends.
 */
#define POLLS_OF_A_READER 16

/*
 * A driver's handler reads until nothing is left. If more bytes came all the time it would never return
 * while somebody feeds us as fast as he can. So bytes come in batches, and after each the guest rests: as
 * much time belongs to its other work as it took for the batch and, while it rests, for our other
 * interrupts, such as the echo's. This is no line speed, which would be too fast for a slow host and too
 * slow for a file of some MiB. At most REST_MAX_NS: a guest that was late for other reasons, or prints all
 * the time, gets its input, too.
 */
#define BATCH	    256
#define BATCH_NS    20000000ULL /* no more for this batch: the host is slow */
#define REST_MAX_NS 1000000000ULL

#define LSR_ERRORS (UART_LSR_OE | UART_LSR_PE | UART_LSR_FE | UART_LSR_BI)
#define MSR_LINES  (UART_MSR_DCD | UART_MSR_RI | UART_MSR_DSR | UART_MSR_CTS)
#define FCR_KEPT   (UART_FCR_ENABLE_FIFO | UART_FCR_DMA_SELECT | UART_FCR_TRIGGER_MASK)

struct fifo {
	u8 data[FIFO_SIZE], errors[FIFO_SIZE];
	u32 head, len;
};

/* What a guest sees of it, or will. */
struct uart_state {
	u8 ier, lcr, mcr, msr, scr, fcr, dll, dlm;
	u8 overrun;
	u8 thr_interrupt; /* THR became empty and no interrupt was raised for it */
	u8 unused[2];
	struct fifo rx;
	/*
	 * Bytes from the host that a FIFO reset would have lost. They are received anew once the guest
	 * listens again, as if the host had waited: what comes through a pipe must not depend on when
	 * the guest's driver starts.
	 */
	struct fifo held;
};
_Static_assert(sizeof(struct uart_state) == 12 + 2 * (2 * FIFO_SIZE + 8), "no padding");

struct uart {
	struct device device;
	struct chardev *chardev; /* constant */
	struct irq_line irq;	 /* constant */
	struct loop *loop;	 /* constant: the main loop */
	struct loop_timer rest;	 /* main loop: until more bytes may come, see BATCH */

	pthread_mutex_t lock; /* everything below */
	struct uart_state state;
	bool level;	/* of the interrupt line */
	unsigned polls; /* of LSR, see POLLS_OF_A_READER */
	/* See BATCH; times are clock_now()'s. */
	unsigned taken; /* of the batch */
	u64 batch_at;	/* when its first byte came */
	u64 rest_until; /* rx is empty: another batch begins then, if the line is low */
	u64 rest_limit; /* and then in any case */
	u64 level_at;	/* since when the line's level counts */
	bool emptied;	/* rx is, and the main loop has not been told */
};

static void fifo_put(struct fifo *f, u8 data, u8 errors)
{
	unsigned at = (f->head + f->len++) % FIFO_SIZE;

	f->data[at] = data;
	f->errors[at] = errors;
}

static u8 fifo_get(struct fifo *f)
{
	u8 data = f->data[f->head];

	f->head = (f->head + 1) % FIFO_SIZE;
	f->len--;
	return data;
}

static bool fifo_enabled(const struct uart *u)
{
	return u->state.fcr & UART_FCR_ENABLE_FIFO;
}

static bool loopback(const struct uart *u)
{
	return u->state.mcr & UART_MCR_LOOP;
}

static unsigned rx_size(const struct uart *u)
{
	return fifo_enabled(u) ? FIFO_SIZE : 1;
}

static unsigned rx_trigger(const struct uart *u)
{
	static const u8 levels[] = { 1, 4, 8, 14 };

	return fifo_enabled(u) ? levels[u->state.fcr >> 6] : 1;
}

/* Errors belong to the byte that is to be read next. */
static u8 line_errors(const struct uart *u)
{
	u8 errors = u->state.overrun ? UART_LSR_OE : 0;

	if (u->state.rx.len)
		errors |= u->state.rx.errors[u->state.rx.head];
	return errors;
}

/*
 * What IIR shows, highest priority first. The time-out (four characters long nothing came or was read)
 * is over at once here: bytes below the trigger level never wait.
 */
static u8 interrupt_id(const struct uart *u)
{
	if ((u->state.ier & UART_IER_RLSI) && line_errors(u))
		return UART_IIR_RLSI;
	if ((u->state.ier & UART_IER_RDI) && u->state.rx.len)
		return u->state.rx.len >= rx_trigger(u) ? UART_IIR_RDI : UART_IIR_RX_TIMEOUT;
	if ((u->state.ier & UART_IER_THRI) && u->state.thr_interrupt)
		return UART_IIR_THRI;
	if ((u->state.ier & UART_IER_MSI) && (u->state.msr & UART_MSR_ANY_DELTA))
		return UART_IIR_MSI;
	return UART_IIR_NO_INT;
}

/* What is left of a rest. While the line is high it grows as fast as it shrinks while the line is low. */
static u64 rest_left(const struct uart *u, u64 now)
{
	u64 from = u->level ? u->level_at : now;

	if (now >= u->rest_limit || from >= u->rest_until)
		return 0;
	return MIN(u->rest_until - from + now - from, u->rest_limit - now);
}

static void update_line(struct uart *u)
{
	bool level = !u->device.quiesced && interrupt_id(u) != UART_IIR_NO_INT;
	u64 now;

	if (level == u->level)
		return;
	now = clock_now();
	u->rest_until = now + rest_left(u, now);
	u->level_at = now;
	u->level = level;
	irq_line_set(&u->irq, level);
}

/* Does the guest take bytes, by interrupt or by polling? */
static bool uart_listens(const struct uart *u)
{
	return !u->device.quiesced && !loopback(u) &&
	       ((u->state.ier & UART_IER_RDI) || u->polls >= POLLS_OF_A_READER);
}

static void receive_from_host(struct uart *u, u8 data)
{
	if (!u->state.rx.len && !u->taken)
		u->batch_at = clock_now();
	fifo_put(&u->state.rx, data, 0);
}

static void receive_held(struct uart *u)
{
	while (u->state.held.len && uart_listens(u) && u->state.rx.len < rx_size(u))
		receive_from_host(u, fifo_get(&u->state.held));
}

/* After each byte that the guest took. */
static void note_taken(struct uart *u)
{
	u64 now;

	u->taken++;
	if (u->state.rx.len)
		return;
	now = clock_now();
	u->rest_until = now + (now - u->batch_at);
	u->rest_limit = now + REST_MAX_NS;
	u->level_at = now;
	u->emptied = true;
}

/* How many bytes more may come before a rest. */
static unsigned batch_left(struct uart *u)
{
	u64 now;
	unsigned nr;

	if (!u->taken)
		return BATCH - u->state.rx.len;
	now = clock_now();
	if (!u->state.rx.len && !rest_left(u, now)) {
		u->taken = 0;
		return BATCH;
	}
	nr = u->taken + u->state.rx.len;
	return nr < BATCH && now - u->batch_at < BATCH_NS ? BATCH - nr : 0;
}

static unsigned uart_room_locked(struct uart *u)
{
	if (!uart_listens(u) || u->state.held.len || u->state.rx.len >= rx_size(u))
		return 0;
	return MIN(rx_size(u) - u->state.rx.len, batch_left(u));
}

/* What arrives without asking for room: only the guest's own, in loop-back mode. */
static void uart_take_byte(struct uart *u, u8 data, u8 errors)
{
	if (u->state.rx.len >= rx_size(u)) {
		u->state.overrun = true;
		/* Without a FIFO the newer byte replaces the older, with it the newer is lost. */
		if (fifo_enabled(u))
			return;
		fifo_get(&u->state.rx);
	}
	fifo_put(&u->state.rx, data, errors);
}

static void clear_rx(struct uart *u)
{
	struct fifo held = { 0 };

	if (!loopback(u)) {
		/* What was received is older than what is still held; both together fit: see room. */
		while (u->state.rx.len)
			fifo_put(&held, fifo_get(&u->state.rx), 0);
		while (u->state.held.len && held.len < FIFO_SIZE)
			fifo_put(&held, fifo_get(&u->state.held), 0);
		u->state.held = held;
	}
	memset(&u->state.rx, 0, sizeof(u->state.rx));
}

static u8 read_rbr(struct uart *u)
{
	u8 data;

	if (!u->state.rx.len)
		return 0;
	data = fifo_get(&u->state.rx);
	receive_held(u);
	if (!loopback(u))
		note_taken(u);
	return data;
}

static u8 read_iir(struct uart *u)
{
	u8 id = interrupt_id(u);

	/* Only the reading that reports it clears it. */
	if (id == UART_IIR_THRI)
		u->state.thr_interrupt = false;
	return id | (fifo_enabled(u) ? 0xc0 : 0);
}

static u8 read_lsr(struct uart *u)
{
	u8 lsr = UART_LSR_THRE | UART_LSR_TEMT | line_errors(u);

	if (fifo_enabled(u))
		for (unsigned i = 0; i < u->state.rx.len; i++)
			if (u->state.rx.errors[(u->state.rx.head + i) % FIFO_SIZE])
				lsr |= UART_LSR_FIFOE;
	u->state.overrun = false;
	if (u->state.rx.len) {
		u->state.rx.errors[u->state.rx.head] = 0;
		return lsr | UART_LSR_DR;
	}
	if (u->polls < POLLS_OF_A_READER)
		u->polls++;
	receive_held(u);
	return lsr;
}

static u8 read_msr(struct uart *u)
{
	u8 msr = u->state.msr;

	u->state.msr &= ~UART_MSR_ANY_DELTA;
	return msr;
}

static u8 read_register(struct uart *u, unsigned reg)
{
	bool dlab = u->state.lcr & UART_LCR_DLAB;

	switch (reg) {
	case UART_RX:
		return dlab ? u->state.dll : read_rbr(u);
	case UART_IER:
		return dlab ? u->state.dlm : u->state.ier;
	case UART_IIR:
		return read_iir(u);
	case UART_LCR:
		return u->state.lcr;
	case UART_MCR:
		return u->state.mcr;
	case UART_LSR:
		return read_lsr(u);
	case UART_MSR:
		return read_msr(u);
	default:
		return u->state.scr;
	}
}

/* Outside loop-back there is always somebody at the other end, and the line never rings. */
static u8 modem_lines(const struct uart *u)
{
	u8 lines = 0;

	if (!loopback(u))
		return UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS;
	if (u->state.mcr & UART_MCR_RTS)
		lines |= UART_MSR_CTS;
	if (u->state.mcr & UART_MCR_DTR)
		lines |= UART_MSR_DSR;
	if (u->state.mcr & UART_MCR_OUT1)
		lines |= UART_MSR_RI;
	if (u->state.mcr & UART_MCR_OUT2)
		lines |= UART_MSR_DCD;
	return lines;
}

static void update_modem(struct uart *u)
{
	/* The bit that tells of a line's change lies four below the line's. */
	u8 lines = modem_lines(u), changed = ((u->state.msr ^ lines) & MSR_LINES) >> 4;

	if (lines & UART_MSR_RI)
		changed &= ~UART_MSR_TERI; /* only the trailing edge */
	u->state.msr = (u->state.msr & ~MSR_LINES) | lines | changed;
}

static void write_ier(struct uart *u, u8 value)
{
	u8 old = u->state.ier;

	u->state.ier = value & 0x0f;
	/* Enabling it while the transmitter is empty asks for the interrupt anew. */
	if ((u->state.ier & ~old) & UART_IER_THRI)
		u->state.thr_interrupt = true;
	if ((u->state.ier ^ old) & UART_IER_RDI)
		u->polls = 0;
}

static void write_fcr(struct uart *u, u8 value)
{
	bool toggled = (u->state.fcr ^ value) & UART_FCR_ENABLE_FIFO;

	if (toggled || (value & UART_FCR_CLEAR_RCVR))
		clear_rx(u);
	if (toggled)
		u->state.overrun = false;
	/* The other bits can only be programmed together with the enable bit. */
	u->state.fcr = value & UART_FCR_ENABLE_FIFO ? value & FCR_KEPT : 0;
}

static void write_lcr(struct uart *u, u8 value)
{
	u8 raised = value & ~u->state.lcr;

	u->state.lcr = value;
	if ((raised & UART_LCR_SBC) && loopback(u))
		uart_take_byte(u, 0, UART_LSR_BI);
}

/* True: the byte is for the host. */
static bool write_thr(struct uart *u, u8 value)
{
	u->state.thr_interrupt = true;
	u->polls = 0;
	if (!loopback(u))
		return true;
	uart_take_byte(u, value, 0);
	return false;
}

static bool write_register(struct uart *u, unsigned reg, u8 value)
{
	bool dlab = u->state.lcr & UART_LCR_DLAB;

	switch (reg) {
	case UART_TX:
		if (!dlab)
			return write_thr(u, value);
		u->state.dll = value;
		break;
	case UART_IER:
		if (dlab)
			u->state.dlm = value;
		else
			write_ier(u, value);
		break;
	case UART_FCR:
		write_fcr(u, value);
		break;
	case UART_LCR:
		write_lcr(u, value);
		break;
	case UART_MCR:
		u->state.mcr = value & 0x1f;
		update_modem(u);
		break;
	case UART_SCR:
		u->state.scr = value;
		break;
	}
	return false;
}

/* After each access, which may have made space for bytes of the host's, or changed the interrupt. Unlocks. */
static void finish_access(struct uart *u)
{
	bool again;

	receive_held(u);
	update_line(u);
	/* The main loop alone can set the timer of a rest. */
	again = u->emptied || uart_room_locked(u) > 0;
	u->emptied = false;
	pthread_mutex_unlock(&u->lock);
	if (again)
		chardev_room_again(u->chardev);
}

static void uart_read(void *opaque, u64 offset, u8 *data, unsigned len)
{
	struct uart *u = opaque;

	pthread_mutex_lock(&u->lock);
	for (unsigned i = 0; i < len; i++)
		data[i] = read_register(u, offset + i);
	finish_access(u);
}

static void uart_write(void *opaque, u64 offset, const u8 *data, unsigned len)
{
	struct uart *u = opaque;
	u8 sent[8];
	unsigned nr_sent = 0;

	pthread_mutex_lock(&u->lock);
	for (unsigned i = 0; i < len; i++)
		if (write_register(u, offset + i, data[i]))
			sent[nr_sent++] = data[i];
	finish_access(u);
	/* Without the lock: it may wait for a slow reader, and the main loop must still get in here. */
	if (nr_sent)
		chardev_write(u->chardev, sent, nr_sent);
}

static const struct bus_ops uart_bus_ops = { .read = uart_read, .write = uart_write };

static size_t uart_room(void *opaque)
{
	struct uart *u = opaque;
	u64 now, rest = 0;
	size_t room;

	pthread_mutex_lock(&u->lock);
	/* Before the question for room: a rest that is over in between must not be taken for none. */
	now = clock_now();
	room = uart_room_locked(u);
	if (!room && u->taken && !u->state.rx.len)
		rest = rest_left(u, now);
	pthread_mutex_unlock(&u->lock);
	if (rest)
		loop_timer_set(u->loop, &u->rest, rest);
	return room;
}

static void on_rested(struct loop_timer *timer)
{
	chardev_room_again(CONTAINER_OF(timer, struct uart, rest)->chardev);
}

static void uart_receive(void *opaque, const u8 *data, size_t len)
{
	struct uart *u = opaque;

	pthread_mutex_lock(&u->lock);
	for (size_t i = 0; i < len; i++) {
		/* The guest may have stopped listening since room() was asked. */
		if (uart_listens(u) && !u->state.held.len && u->state.rx.len < rx_size(u))
			receive_from_host(u, data[i]);
		else if (u->state.held.len < FIFO_SIZE)
			fifo_put(&u->state.held, data[i], 0);
	}
	update_line(u);
	pthread_mutex_unlock(&u->lock);
}

static struct uart *to_uart(struct device *device)
{
	return CONTAINER_OF(device, struct uart, device);
}

static void uart_reset(struct device *device)
{
	struct uart *u = to_uart(device);

	pthread_mutex_lock(&u->lock);
	clear_rx(u);
	/* 9600 baud; the chip leaves the latch undefined, and some guests print without setting it. */
	u->state = (struct uart_state){ .dll = 12, .held = u->state.held };
	u->emptied = false;
	u->taken = u->polls = 0;
	u->state.msr = modem_lines(u);
	update_line(u);
	pthread_mutex_unlock(&u->lock);
}

static void uart_resume(struct device *device)
{
	struct uart *u = to_uart(device);

	pthread_mutex_lock(&u->lock);
	update_line(u);
	pthread_mutex_unlock(&u->lock);
	chardev_room_again(u->chardev);
}

static void uart_destroy(struct device *device)
{
	struct uart *u = to_uart(device);

	loop_timer_cancel(&u->rest);
	pthread_mutex_destroy(&u->lock);
	free(u);
}

/* Pausing changes nothing: a line that was high stays high in the interrupt controller. */
static const struct device_ops uart_ops = {
	.reset = uart_reset,
	.resume = uart_resume,
	.destroy = uart_destroy,
};

int uart_create(struct vm *vm, enum device_resource_kind kind, u64 base, int gsi,
		struct chardev *chardev, unsigned index)
{
	struct chardev_client client = { .room = uart_room, .receive = uart_receive };
	struct uart *u = calloc(1, sizeof(*u));

	if (!u)
		return -ENOMEM;
	device_init(&u->device, &uart_ops, "uart%u", index);
	u->device.description = (struct device_description){
		.compatible = "ns16550a",
		.acpi_hid = "PNP0501",
		.node_name = "serial",
		.clock_frequency = 1843200,
		.where = { kind, base, REGISTERS },
		.gsi = gsi,
		.irq_edge = kind == RESOURCE_PORT,
	};
	pthread_mutex_init(&u->lock, NULL);
	u->chardev = chardev;
	u->loop = vm->loop;
	u->rest.expired = on_rested;
	u->irq = irq_line(vm, gsi);
	client.opaque = u;
	chardev_set_client(chardev, &client);
	return device_attach(&u->device, vm, &uart_bus_ops, u);
}
