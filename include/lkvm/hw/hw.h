/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices that are not virtio. Each is made by the board's code with its place and its wires, adds
 * itself to vm->devices, and describes itself (device_description). 0 or -errno, said.
 */
#ifndef LKVM_HW_HW_H
#define LKVM_HW_HW_H

#include "lkvm/vm/device.h"
#include "lkvm/vm/irq.h"

struct vm;
struct chardev;

/* Where something of 8-bit registers sits: ports or MMIO. */
struct hw_place {
	enum device_resource_kind kind;
	u64 base;
	unsigned shift; /* log2 of the distance of two registers, bytes */
	int gsi;
};

/* 16550A UART (National Semiconductor PC16550D). chardev stays the caller's. */
int uart_create(struct vm *vm, const struct hw_place *place, struct chardev *chardev,
		unsigned index);

/*
 * The board's serial ports: the first is always there and is the console's unless --tty or --console say
 * otherwise; another only when --tty asks for it.
 */
int serial_ports_create(struct vm *vm, const struct hw_place *places, unsigned nr);
/* The same for up to CONFIG_MAX_TTYS ports in a row: so many bytes apart, each with the next gsi. */
int serial_ports_create_row(struct vm *vm, const struct hw_place *first, u64 distance, unsigned nr);

/*
 * MC146818 RTC and its CMOS: an index and a data register, on PCs at ports 0x70/0x71; memory sizes for those
 * who look there. gsi -1: it never interrupts. `wake` is set along with the interrupt; NULL: no wire.
 */
int rtc_cmos_create(struct vm *vm, const struct hw_place *place, const struct irq_line *wake);

/* PL031 RTC (ARM DDI 0224) in the 4 KiB at `base`; level interrupt. Shows the host's time as UTC. */
int rtc_pl031_create(struct vm *vm, gpa_t base, int gsi);

/* The Goldfish RTC, which riscv64 kernels know, likewise. */
int rtc_goldfish_create(struct vm *vm, gpa_t base, int gsi);

/*
 * NOR flash as in the file (--flash), of the file's size, in the `max` bytes at `base`. What the guest writes
 * is kept in the file; a file that cannot be written is a write-protected flash. The file is locked
 * against other users. Said, with the user's word for it.
 */
int cfi_flash_create(struct vm *vm, const char *path, gpa_t base, u64 max);

/* Just enough of an i8042 at 0x60/0x64 that Linux neither waits nor misses a reset pulse. */
int i8042_create(struct vm *vm);

/* pvpanic (QEMU's specification) at an I/O port, QEMU0001 in ACPI; or at an address, for device trees. */
int pvpanic_port_create(struct vm *vm, u16 port);
int pvpanic_mmio_create(struct vm *vm, gpa_t base);

#endif
