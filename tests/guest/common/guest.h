/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the bare-metal test guests share: printing to the first serial port, complaining, ways to end. Each
 * guest is one .c file whose first comment tells the runner what to expect (see tests/guest/run).
 *
 * An architecture's arch.h gives what no C can say:
 *
 *	read8 ... write32	a device's registers, at an address
 *	gpa			where a device finds a variable (not a constant, nor one on the stack)
 *	MMIO_ALIGNED		1: they can be accessed only at multiples of the width
 *	uart_read, uart_write	a register of the nth serial port (ns16550a)
 *	uart_puts		many bytes to the first serial port, in as few exits as there can be
 *	pvpanic_read, _write	pvpanic's register
 *	memory_barrier		what was written before it is seen before what is written after it
 *	cpu_relax, stop		waiting for others; for ever
 *	power_off, reset	as an operating system does them; neither returns
 *	RAM, RAM_END		where a guest with -m 64 has memory
 *	NO_RAM			a list of addresses, with commas, where things other than memory are
 */
#ifndef GUEST_H
#define GUEST_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned long addr_t; /* of memory and of devices: the MMU changes none */

#define MEMORY_SIZE   (64U << 20)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* `boot` is what the boot protocol hands on: hvm_start_info, the device tree. */
void guest_main(addr_t boot);

/* Says FAIL and ends: the runner sees both. */
static inline void fail(const char *what, u64 got);

#include "board.h" /* where lkvm's board has its things */
#include "arch.h"

/* The compiler calls these for what it does not do in line. */
void *memset(void *to, int value, __SIZE_TYPE__ size);
void *memcpy(void *to, const void *from, __SIZE_TYPE__ size);

__attribute__((weak)) void *memset(void *to, int value, __SIZE_TYPE__ size)
{
	for (volatile u8 *byte = to; size--; byte++)
		*byte = value;
	return to;
}

__attribute__((weak)) void *memcpy(void *to, const void *from, __SIZE_TYPE__ size)
{
	const u8 *source = from;

	for (volatile u8 *byte = to; size--; byte++)
		*byte = *source++;
	return to;
}

#define UART_DATA    0
#define UART_IER     1
#define UART_FCR     2
#define UART_LSR     5
#define UART_SCRATCH 7

#define UART_LSR_READY 1

static inline void put(char c)
{
	uart_write(0, UART_DATA, c);
}

static inline void print(const char *text)
{
	while (*text)
		put(*text++);
}

static inline void print_hex(u32 value)
{
	for (int shift = 28; shift >= 0; shift -= 4)
		put("0123456789abcdef"[(value >> shift) & 15]);
}

static inline void fail(const char *what, u64 got)
{
	print("FAIL ");
	print(what);
	print(": ");
	if (got >> 32)
		print_hex(got >> 32);
	print_hex(got);
	print("\n");
	/* Not power_off(): the serial port may lead nowhere, and then only the status tells. */
	pvpanic_write(1);
	stop();
}

#define CHECK_EQ(what, got, want)                                                                  \
	do {                                                                                       \
		addr_t got_ = (got);                                                               \
		if (got_ != (addr_t)(want))                                                        \
			fail(what, got_);                                                          \
	} while (0)

#endif
