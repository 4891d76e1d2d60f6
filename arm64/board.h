/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The board: where everything of an arm64 guest lies. Firmware for this kind of guest and scripts rely on
 * these addresses; they and interrupt numbers are written nowhere else.
 *
 *	0x0000_0000  PCI I/O window: port n is at address n; ports from 0x1000 on are used
 *	0x0100_0000  serial ports, 4 KiB each
 *	0x0101_0000  RTC (PL031)
 *	0x0102_0000  RTC (MC146818), for firmware
 *	0x0103_0000  pvpanic
 *	0x0200_0000  NOR flash, 16 MiB
 *	0x0300_0000  virtio-mmio, 512 bytes each
 *	0x0400_0000  steal time, 64 bytes for each vCPU: RAM that is no part of the guest's memory
 *	0x3f.._....  interrupt controller: right below 1 GiB the distributor, below it the
 *		     redistributors or the CPU interface, below those the ITS or the MSI frame
 *	0x4000_0000  PCI configuration space (ECAM)
 *	0x5000_0000  PCI memory window, 768 MiB
 *	0x8000_0000  guest RAM; -m SIZE@ADDRESS moves it
 *	behind RAM   the 64-bit PCI memory window
 *
 *	gsis are SPIs: gsi n is INTID 32 + n. MSIs through the ITS begin behind them.
 */
#ifndef ARM64_BOARD_H
#define ARM64_BOARD_H

#define BOARD_PCI_IO_MMIO      0x00000000ULL
#define BOARD_PCI_IO	       0x1000 /* what lies below Linux leaves alone */
#define BOARD_PCI_IO_SIZE      0xf000
#define BOARD_SERIAL	       0x01000000ULL
#define BOARD_SERIAL_DISTANCE  0x1000ULL
#define BOARD_RTC	       0x01010000ULL
#define BOARD_RTC_CMOS	       0x01020000ULL
#define BOARD_PVPANIC	       0x01030000ULL
#define BOARD_FLASH	       0x02000000ULL
#define BOARD_FLASH_SIZE       0x01000000ULL
#define BOARD_VIRTIO_MMIO      0x03000000ULL
#define BOARD_VIRTIO_MMIO_SIZE 0x200ULL
#define BOARD_PVTIME	       0x04000000ULL
#define BOARD_PVTIME_SIZE      64 /* each vCPU */
#define BOARD_GIC_DIST	       0x3fff0000ULL
#define BOARD_ECAM	       0x40000000ULL
#define BOARD_ECAM_SIZE	       0x10000000ULL
#define BOARD_PCI_MMIO	       0x50000000ULL
#define BOARD_PCI_MMIO_SIZE    0x30000000ULL
#define BOARD_RAM	       0x80000000ULL

#define BOARD_CMDLINE_MAX 2048 /* COMMAND_LINE_SIZE of kernels, bytes */
#define BOARD_BUS	  ""   /* the tree's node that devices are in, its path: the root */

/* Interrupts: SPIs */
#define BOARD_SPI_BASE	      32 /* INTID of gsi 0 */
#define BOARD_NR_GSIS	      128
#define BOARD_GSI_SERIAL      0
#define BOARD_NR_SERIAL	      4
#define BOARD_GSI_RTC	      4
#define BOARD_GSI_PCI_INTA    8
#define BOARD_GSI_VIRTIO_MMIO 16
#define BOARD_NR_VIRTIO_MMIO  32
#define BOARD_GSI_V2M	      64 /* the MSI frame's */
#define BOARD_NR_V2M	      64

/* PPIs, as INTIDs: the Server Base System Architecture's, which are also KVM's defaults */
#define BOARD_PPI_PMU	      23
#define BOARD_PPI_MAINTENANCE 25
#define BOARD_PPI_HYP_TIMER   26
#define BOARD_PPI_VTIMER      27
#define BOARD_PPI_HYP_VTIMER  28
#define BOARD_PPI_SEC_TIMER   29
#define BOARD_PPI_PTIMER      30

/* The device tree's names for the two interrupt controllers. */
#define BOARD_PHANDLE_IRQCHIP 1
#define BOARD_PHANDLE_MSI     2
#define BOARD_PHANDLE_CLOCK   3
#define BOARD_PHANDLE_POOL    4
#define BOARD_PHANDLE_CPU     0x100   /* + vCPU */
#define BOARD_PHANDLE_CACHE   0x10000 /* + up to seven for each vCPU */

#endif
