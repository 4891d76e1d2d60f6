/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The board: where everything of an x86 guest lies. Addresses and interrupt numbers are written
 * nowhere else.
 *
 *	0x0000_0000  guest RAM, with the areas of BOOT_* below in its first 640 KiB
 *	0x0009_fc00  reserved up to 1 MiB: SMBIOS table from 0xc0000, ACPI tables from 0xe0000, MP table
 *		     at 0xf0000, SMBIOS anchor at 0xf8000, and at 0xffff0 all there is of a BIOS: it resets
 *	0x0010_0000  guest RAM up to 3 GiB
 *	0xc000_0000  PCI memory window, 512 MiB
 *	0xe000_0000  PCI configuration space (ECAM), 1 MiB: one bus
 *	0xe100_0000  virtio-mmio, 4 KiB each
 *	0xfec0_0000  I/O APIC
 *	0xfee0_0000  local APICs, MSIs
 *	0xfffb_c000  KVM's own: identity map page, then three pages of task state segment
 *	0x1_0000_0000  guest RAM beyond 3 GiB, then the 64-bit PCI memory window
 *
 *	ports: 0x60/0x64 i8042, 0x70/0x71 CMOS, serial ports, 0x505 pvpanic, 0x600 power
 *	management, 0xcf8/0xcfc PCI, 0x1000 and up: PCI I/O window
 *
 *	With a firmware it is RAM up to 2 GiB, PCI memory from there to 0xdfff_ffff, KVM's pages at
 *	0xfeff_c000, the firmware's image at the hole's end, and ports 0x402 debug output, 0x510 fw_cfg.
 *
 *	gsis: 0 to 15 are the ISA interrupts, on the PICs and the I/O APIC's pins of the same number: 9 is the
 *	SCI, 10 PCI's INTA# and INTC# before the swizzle, 11 INTB# and INTD#; 16 to 23 are the I/O APIC's
 *	alone; MSIs begin at 24.
 */
#ifndef X86_BOARD_H
#define X86_BOARD_H

/* Below 1 MiB */
#define BOARD_BOOT_GDT		0x00000500
#define BOARD_SNP_SECRETS	0x00003000 /* SEV-SNP: filled by the security processor */
#define BOARD_SNP_CPUID		0x00004000 /* and this checked by it */
#define BOARD_BOOT_PVH		0x00006000 /* hvm_start_info and its lists */
#define BOARD_BOOT_PARAMS	0x00007000 /* the "zero page" */
#define BOARD_BOOT_SETUP_DATA	0x00008000
#define BOARD_BOOT_PAGE_TABLES	0x00009000 /* six pages: 4 GiB of 2 MiB pages */
#define BOARD_BOOT_CMDLINE	0x00020000
#define BOARD_BOOT_CMDLINE_MAX	0x00010000
#define BOARD_LOW_RAM_END	0x0009fc00 /* above it is what a BIOS keeps for itself */
#define BOARD_ACPI		0x000e0000
#define BOARD_ACPI_SIZE		0x00010000
#define BOARD_MPTABLE		0x000f0000
#define BOARD_MPTABLE_SIZE	0x00008000
#define BOARD_SMBIOS		0x000f8000 /* where its table is; that is among a BIOS's ROMs */
#define BOARD_SMBIOS_TABLE	0x000c0000
#define BOARD_SMBIOS_TABLE_SIZE 0x00020000
#define BOARD_RESET_VECTOR	0x000ffff0 /* where a BIOS begins */
#define BOARD_HIGH_RAM		0x00100000 /* RAM goes on here */

/* The 32-bit hole */
#define BOARD_HOLE		    0xc0000000ULL
#define BOARD_HOLE_END		    0x100000000ULL
#define BOARD_PCI_MMIO		    0xc0000000ULL
#define BOARD_PCI_MMIO_SIZE	    0x20000000ULL
#define BOARD_ECAM		    0xe0000000ULL
#define BOARD_ECAM_SIZE		    0x00100000ULL
#define BOARD_VIRTIO_MMIO	    0xe1000000ULL
#define BOARD_VIRTIO_MMIO_SIZE	    0x1000ULL
#define BOARD_IOAPIC		    0xfec00000U
#define BOARD_LAPIC		    0xfee00000U
#define BOARD_IDENTITY_MAP	    0xfffbc000ULL
#define BOARD_TSS		    0xfffbd000ULL /* three pages */
#define BOARD_KVM_PAGES_SIZE	    0x4000
/* A firmware wants more room for PCI: there is less RAM below 4 GiB, and the window begins where it ends. */
#define BOARD_FIRMWARE_HOLE	    0x80000000ULL
/* The same pages where a firmware of up to 16 MiB is at the hole's end */
#define BOARD_FIRMWARE_IDENTITY_MAP 0xfeffc000ULL
#define BOARD_FIRMWARE_TSS	    0xfeffd000ULL

/* Ports */
#define BOARD_PORT_PVPANIC 0x505
#define BOARD_PORT_PM	   0x600
/* Only with a firmware */
#define BOARD_PORT_DEBUG   0x402
#define BOARD_PORT_FW_CFG  0x510
#define BOARD_PCI_IO	   0x1000
#define BOARD_PCI_IO_SIZE  0xf000

/* Interrupts */
#define BOARD_NR_ISA_GSIS    16
#define BOARD_PIC_CASCADE    2
#define BOARD_GSI_RTC	     8
#define BOARD_GSI_SCI	     9
#define BOARD_GSI_PCI_AC     10
#define BOARD_GSI_PCI_BD     11
#define BOARD_NR_IOAPIC_PINS 24
#define BOARD_FIRST_MSI_GSI  24

/* The I/O APIC's id, and the most CPUs: 8-bit APIC ids, of which 255 is everybody. */
#define BOARD_IOAPIC_ID 0
#define BOARD_MAX_CPUS	255

#endif
