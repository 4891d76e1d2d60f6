/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the bare-metal test guests share: port and memory access, printing to COM1, ways to end. Each
 * guest is one .c file whose first comment tells the runner what to expect (see tests/guest/run).
 */
#ifndef GUEST_H
#define GUEST_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
_Static_assert(sizeof(u32) == 4 && sizeof(void *) == 4, "guests are 32-bit programs");

#include "board.h" /* where lkvm's x86 board has its things */

#define ACPI_SLEEP (BOARD_PORT_PM + 0)
#define ACPI_RESET (BOARD_PORT_PM + 2)

#define COM1 0x3f8

void guest_main(u32 start_info);

static inline void outb(u16 port, u8 value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void outw(u16 port, u16 value)
{
	__asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void outl(u16 port, u32 value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline u8 inb(u16 port)
{
	u8 value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline u16 inw(u16 port)
{
	u16 value;

	__asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline u32 inl(u16 port)
{
	u32 value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline u32 read32(u32 address)
{
	return *(volatile u32 *)address;
}

static inline void write32(u32 address, u32 value)
{
	*(volatile u32 *)address = value;
}

static inline void print(const char *text)
{
	while (*text)
		outb(COM1, *text++);
}

static inline void print_hex(u32 value)
{
	for (int shift = 28; shift >= 0; shift -= 4)
		outb(COM1, "0123456789abcdef"[(value >> shift) & 15]);
}

static inline void stop(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

static inline void power_off(void)
{
	outb(ACPI_SLEEP, 0x20 | 5 << 2); /* SLP_EN, S5 */
	stop();
}

static inline void fail(const char *what, u32 got)
{
	print("FAIL ");
	print(what);
	print(": ");
	print_hex(got);
	print("\n");
	/* Not power_off(): the serial port may lead nowhere, and then only the status tells. */
	outb(BOARD_PORT_PVPANIC, 1);
	stop();
}

#define CHECK_EQ(what, got, want)                                                                  \
	do {                                                                                       \
		u32 got_ = (got);                                                                  \
		if (got_ != (u32)(want))                                                           \
			fail(what, got_);                                                          \
	} while (0)

static inline u8 cmos_read(u8 index)
{
	outb(0x70, index);
	return inb(0x71);
}

static inline void cmos_write(u8 index, u8 value)
{
	outb(0x70, index);
	outb(0x71, value);
}

#endif
