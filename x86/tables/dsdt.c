// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <string.h>

#include "board.h"
#include "dsdt.h"

#define PCI_SLOTS    32
#define PCI_PINS     4
#define PORT_CF8     0xcf8
#define PORT_CF8_END 0xcff

/* Opcodes that only _OSC uses */
#define OP_ARG0		      0x68
#define OP_ARG3		      0x6b
#define OP_OR		      0x7d
#define OP_CREATE_DWORD_FIELD 0x8a
#define OP_EQUAL	      0x93
#define OP_RETURN	      0xa4

static void add_s5(struct aml *aml)
{
	aml_name(aml, "\\_S5_");
	aml_package(aml, 4);
	aml_int(aml, ACPI_SLEEP_TYPE_S5);
	for (unsigned i = 0; i < 3; i++)
		aml_int(aml, 0);
	aml_end(aml);
}

static void add_prt(struct aml *aml, const struct pci_board *pci)
{
	aml_name(aml, "_PRT");
	aml_package(aml, (PCI_SLOTS - 1) * PCI_PINS);
	for (unsigned slot = 1; slot < PCI_SLOTS; slot++) {
		for (unsigned pin = 0; pin < PCI_PINS; pin++) {
			aml_package(aml, 4);
			aml_int(aml, slot << 16 | 0xffff);
			aml_int(aml, pin);
			aml_int(aml, 0);
			aml_int(aml, pci->intx_gsi[(slot + pin) % PCI_PINS]);
			aml_end(aml);
		}
	}
	aml_end(aml);
}

/*
 * No firmware will ever touch PCI Express features, so the operating system gets all it asks for: its
 * request is returned as it came. Only an interface we do not know is refused.
 */
static void add_osc(struct aml *aml)
{
	static const u8 pci_host_bridge[16] = { 0x5b, 0x4d, 0xdb, 0x33, 0xf7, 0x1f, 0x1c, 0x40,
						0x96, 0x57, 0x74, 0x41, 0xc0, 0x3d, 0xd7, 0x66 };

	aml_method(aml, "_OSC", 4);
	aml_byte(aml, OP_CREATE_DWORD_FIELD);
	aml_byte(aml, OP_ARG3);
	aml_int(aml, 0);
	aml_name_string(aml, "CDW1");
	aml_if(aml);
	aml_byte(aml, OP_EQUAL);
	aml_byte(aml, OP_ARG0);
	aml_buffer(aml, pci_host_bridge, sizeof(pci_host_bridge));
	aml_byte(aml, OP_RETURN);
	aml_byte(aml, OP_ARG3);
	aml_end(aml);
	aml_byte(aml, OP_OR);
	aml_name_string(aml, "CDW1");
	aml_int(aml, 4); /* unrecognized UUID */
	aml_name_string(aml, "CDW1");
	aml_byte(aml, OP_RETURN);
	aml_byte(aml, OP_ARG3);
	aml_end(aml);
}

static void begin_device(struct aml *aml, const char *name, const char *hid, unsigned uid)
{
	aml_device(aml, name);
	aml_name(aml, "_HID");
	aml_hardware_id(aml, hid);
	aml_name_int(aml, "_UID", uid);
}

static void add_pci(struct aml *aml, const struct pci_board *pci)
{
	unsigned buses = MAX(pci->ecam_size / MIB(1), 1ULL);

	begin_device(aml, "PCI0", "PNP0A08", 0);
	aml_name(aml, "_CID");
	aml_hardware_id(aml, "PNP0A03");
	aml_name_int(aml, "_SEG", 0);
	aml_name_int(aml, "_BBN", 0);
	aml_crs(aml);
	aml_res_bus_window(aml, 0, buses - 1);
	if (pci->ports)
		aml_res_io(aml, PORT_CF8, PORT_CF8_END - PORT_CF8 + 1);
	if (pci->io_size)
		aml_res_io_window(aml, pci->io_base, pci->io_base + pci->io_size - 1);
	aml_res_memory_window(aml, pci->mmio_base, pci->mmio_size);
	if (pci->mmio64_size)
		aml_res_memory_window(aml, pci->mmio64_base, pci->mmio64_size);
	aml_crs_end(aml);
	add_prt(aml, pci);
	add_osc(aml);
	aml_end(aml);
}

/* Without an owner, Linux does not believe that configuration space lies where MCFG says. */
static void add_motherboard(struct aml *aml, const struct pci_board *pci)
{
	begin_device(aml, "MBRD", "PNP0C02", 0);
	aml_crs(aml);
	aml_res_memory(aml, pci->ecam_base, pci->ecam_size);
	aml_crs_end(aml);
	aml_end(aml);
}

static void add_cpus(struct aml *aml, unsigned nr)
{
	char name[16];

	for (unsigned i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), "C%03X", i & 0xfff);
		begin_device(aml, name, "ACPI0007", i);
		aml_end(aml);
	}
}

static void add_device(struct aml *aml, const struct device_description *d, unsigned index)
{
	char name[16];

	snprintf(name, sizeof(name), "D%03X", index & 0xfff);
	begin_device(aml, name, d->acpi_hid, index);
	aml_crs(aml);
	if (d->where.kind == RESOURCE_PORT)
		aml_res_io(aml, d->where.base, d->where.size);
	else if (d->where.base + d->where.size <= BIT(32))
		aml_res_memory(aml, d->where.base, d->where.size);
	else
		aml->out->failed = true; /* the board puts nothing there */
	if (d->gsi >= 0)
		aml_res_interrupt(aml, d->gsi, d->irq_edge);
	aml_crs_end(aml);
	aml_end(aml);
}

static void add_devices(struct aml *aml, const struct device_list *devices)
{
	struct device *device;
	unsigned index = 0;

	device_for_each (device, devices)
		if (device->description.acpi_hid)
			add_device(aml, &device->description, index++);
}

void dsdt_build(struct aml *aml, const struct platform *platform)
{
	add_s5(aml);
	aml_scope(aml, "\\_SB_");
	add_cpus(aml, platform->nr_cpus);
	if (platform->pci) {
		add_pci(aml, platform->pci);
		add_motherboard(aml, platform->pci);
	}
	add_devices(aml, platform->devices);
	aml_end(aml);
}
