/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The board: where everything of a riscv64 guest lies. Test programs and scripts rely on these addresses;
 * they and interrupt numbers are written nowhere else.
 *
 *	0x0000_0000  PCI I/O window: port n is at address n; ports from 0x1000 on are used
 *	0x0800_0000  AIA: an IMSIC of 4 KiB for each hart
 *	0x0b00_0000  AIA: APLIC
 *	0x0c00_0000  PLIC, 64 MiB
 *	0x1000_0000  serial ports, 4 KiB each
 *	0x1001_0000  RTC (goldfish)
 *	0x1002_0000  virtio-mmio, 512 bytes each
 *	0x1003_0000  pvpanic
 *	0x3000_0000  PCI configuration space (ECAM)
 *	0x4000_0000  PCI memory window, 1 GiB
 *	0x8000_0000  guest RAM; -m SIZE@ADDRESS moves it
 *	behind RAM   the 64-bit PCI memory window
 *
 *	gsi n is source n of the APLIC or the PLIC. There is no source 0. MSIs begin behind them.
 */
#ifndef RISCV_BOARD_H
#define RISCV_BOARD_H

#define BOARD_PCI_IO_MMIO      0x00000000ULL
#define BOARD_PCI_IO	       0x1000 /* what lies below Linux leaves alone */
#define BOARD_PCI_IO_SIZE      0xf000
#define BOARD_IMSIC	       0x08000000ULL
#define BOARD_APLIC	       0x0b000000ULL
#define BOARD_PLIC	       0x0c000000ULL
#define BOARD_PLIC_SIZE	       0x04000000ULL
#define BOARD_SERIAL	       0x10000000ULL
#define BOARD_SERIAL_DISTANCE  0x1000ULL
#define BOARD_RTC	       0x10010000ULL
#define BOARD_VIRTIO_MMIO      0x10020000ULL
#define BOARD_VIRTIO_MMIO_SIZE 0x200ULL
#define BOARD_PVPANIC	       0x10030000ULL
#define BOARD_ECAM	       0x30000000ULL
#define BOARD_ECAM_SIZE	       0x10000000ULL
#define BOARD_PCI_MMIO	       0x40000000ULL
#define BOARD_PCI_MMIO_SIZE    0x40000000ULL
#define BOARD_RAM	       0x80000000ULL

#define BOARD_CMDLINE_MAX 1024	 /* COMMAND_LINE_SIZE of kernels, bytes */
#define BOARD_BUS	  "/soc" /* the tree's node that devices are in, its path */

/* Interrupt sources */
#define BOARD_NR_GSIS	      64 /* with source 0, which does not exist */
#define BOARD_GSI_SERIAL      1
#define BOARD_NR_SERIAL	      4
#define BOARD_GSI_RTC	      5
#define BOARD_GSI_PCI_INTA    8
#define BOARD_GSI_VIRTIO_MMIO 16
#define BOARD_NR_VIRTIO_MMIO  32

/* A hart's own interrupts (privileged architecture, 12.1.3) */
#define BOARD_IRQ_S_EXTERNAL 9

/* The device tree's names. */
#define BOARD_PHANDLE_IRQCHIP 1	     /* APLIC or PLIC */
#define BOARD_PHANDLE_MSI     2	     /* IMSICs */
#define BOARD_PHANDLE_CPU     0x100  /* + vCPU */
#define BOARD_PHANDLE_INTC    0x1000 /* + vCPU: its own interrupt controller */

#endif
