/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x86: 32-bit protected mode without paging, entered through PVH. common/guest.h tells what for. */
#ifndef GUEST_ARCH_H
#define GUEST_ARCH_H

_Static_assert(sizeof(u32) == 4 && sizeof(void *) == 4, "guests are 32-bit programs");

#define ACPI_CONTROL (BOARD_PORT_PM + 4)
#define ACPI_RESET   (BOARD_PORT_PM + 12)

#define COM1 0x3f8

#define MMIO_ALIGNED 0

#define RAM	0
#define RAM_END MEMORY_SIZE
#define NO_RAM	BOARD_ECAM, BOARD_LAPIC, BOARD_PCI_MMIO, BOARD_VIRTIO_MMIO

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

static inline addr_t gpa(const volatile void *pointer)
{
	return (addr_t)pointer;
}

static inline u8 read8(addr_t address)
{
	return *(volatile u8 *)address;
}

static inline u16 read16(addr_t address)
{
	return *(volatile u16 *)address;
}

static inline u32 read32(addr_t address)
{
	return *(volatile u32 *)address;
}

static inline void write8(addr_t address, u8 value)
{
	*(volatile u8 *)address = value;
}

static inline void write16(addr_t address, u16 value)
{
	*(volatile u16 *)address = value;
}

static inline void write32(addr_t address, u32 value)
{
	*(volatile u32 *)address = value;
}

static inline u16 uart_port(u32 port)
{
	return port ? 0x2f8 : COM1;
}

static inline u8 uart_read(u32 port, u32 reg)
{
	return inb(uart_port(port) + reg);
}

static inline void uart_write(u32 port, u32 reg, u8 value)
{
	outb(uart_port(port) + reg, value);
}

/* A string instruction: many bytes in one exit. */
static inline void uart_puts(const char *text, u32 count)
{
	__asm__ volatile("cld; rep outsb" : "+S"(text), "+c"(count) : "d"((u16)COM1) : "memory");
}

static inline u8 pvpanic_read(void)
{
	return inb(BOARD_PORT_PVPANIC);
}

static inline void pvpanic_write(u8 value)
{
	outb(BOARD_PORT_PVPANIC, value);
}

/* Stores become visible in their order. */
static inline void memory_barrier(void)
{
	__asm__ volatile("" : : : "memory");
}

static inline void cpu_relax(void)
{
	__asm__ volatile("pause");
}

static inline void stop(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

static inline void power_off(void)
{
	outw(ACPI_CONTROL, 0x2000); /* SLP_EN, S5 */
	stop();
}

static inline void reset(void)
{
	outb(0xcf9, 6);
	stop();
}

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
