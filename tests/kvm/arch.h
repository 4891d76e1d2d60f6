/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A scripted guest: a bare-metal guest's C (common/guest.h tells what for), compiled for the machine that lkvm runs
 * on and run by the KVM of tests/kvm/lib, which needs no /dev/kvm. A case is tests/kvm/NAME.c:
 *
 *	// SPDX-License-Identifier: GPL-2.0-or-later
 *	// options: --disk disk
 *	// status: 0
 *	// output: Hello
 *	#include "guest.h"
 *
 *	void guest_main(addr_t boot)
 *	{
 *		print("Hello\n");
 *		power_off();
 *	}
 *
 * Its first comments are tests/guest/run's, and so is NAME.sh beside it for what takes more than one `lkvm run`:
 * that gets $LKVM and $GUEST, and lib/case.sh has words for it. `make check-kvm KVM=NAME` runs it; by hand it is `B/kvm/lkvm run -k B/kvm/NAME.elf`.
 * virtio.h, msi.h and smp.h work as they do in bare-metal guests. What they must not do here: access memory at a
 * number (memory(address, len) finds it), give a device what is on the stack, or spin without cpu_relax().
 */
#ifndef GUEST_ARCH_H
#define GUEST_ARCH_H

#include "lib/scripted.h"

#define ACPI_CONTROL (BOARD_PORT_PM + 4)
#define ACPI_RESET   (BOARD_PORT_PM + 12)

#define COM1 0x3f8

#define MMIO_ALIGNED 0

#define RAM	0
#define RAM_END MEMORY_SIZE
#define NO_RAM	BOARD_ECAM, BOARD_LAPIC, BOARD_PCI_MMIO, BOARD_VIRTIO_MMIO

#define outb(port, value) scripted_out(port, (u8)(value), 1)
#define outw(port, value) scripted_out(port, (u16)(value), 2)
#define outl(port, value) scripted_out(port, value, 4)
#define inb(port)	  ((u8)scripted_in(port, 1))
#define inw(port)	  ((u16)scripted_in(port, 2))
#define inl(port)	  ((u32)scripted_in(port, 4))

#define read8(address)		scripted_read(address, 1)
#define read16(address)		scripted_read(address, 2)
#define read32(address)		scripted_read(address, 4)
#define write8(address, value)	scripted_write(address, (u8)(value), 1)
#define write16(address, value) scripted_write(address, (u16)(value), 2)
#define write32(address, value) scripted_write(address, (u32)(value), 4)

#define gpa	  scripted_gpa
#define memory	  scripted_memory
#define cpu_relax scripted_relax

/* Until the next interrupt; some milliseconds. */
#define wait_interrupt() scripted_halt(1)
#define sleep_ms	 scripted_sleep

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

static inline void uart_puts(const char *text, u32 count)
{
	scripted_outs(COM1, text, count);
}

static inline u8 pvpanic_read(void)
{
	return inb(BOARD_PORT_PVPANIC);
}

static inline void pvpanic_write(u8 value)
{
	outb(BOARD_PORT_PVPANIC, value);
}

/* The device's threads are other CPUs' indeed. */
static inline void memory_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void stop(void)
{
	for (;;)
		scripted_halt(0);
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

/* What x86's triple.h has otherwise. */
#define GUEST_TRIPLE_H
static inline void triple_fault(void)
{
	scripted_exit(8); /* KVM_EXIT_SHUTDOWN */
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
