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

	aml_method(aml, "_OSC", 4, true);
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

static void add_pci(struct aml *aml, const struct pci_board *pci)
{
	unsigned buses = MAX(pci->ecam_size / MIB(1), 1ULL);
	struct aml_resources res = { 0 };

	aml_res_bus_window(&res, 0, buses - 1);
	if (pci->ports)
		aml_res_io(&res, PORT_CF8, PORT_CF8_END - PORT_CF8 + 1);
	if (pci->io_size)
		aml_res_io_window(&res, pci->io_base, pci->io_base + pci->io_size - 1);
	aml_res_memory_window(&res, pci->mmio_base, pci->mmio_size);
	if (pci->mmio64_size)
		aml_res_memory_window(&res, pci->mmio64_base, pci->mmio64_size);

	aml_device(aml, "PCI0");
	aml_name(aml, "_HID");
	aml_hardware_id(aml, "PNP0A08");
	aml_name(aml, "_CID");
	aml_hardware_id(aml, "PNP0A03");
	aml_name_int(aml, "_UID", 0);
	aml_name_int(aml, "_SEG", 0);
	aml_name_int(aml, "_BBN", 0);
	aml_crs(aml, &res);
	add_prt(aml, pci);
	add_osc(aml);
	aml_end(aml);
}

/* Without an owner, Linux does not believe that configuration space lies where MCFG says. */
static void add_motherboard(struct aml *aml, const struct pci_board *pci)
{
	struct aml_resources res = { 0 };

	aml_res_memory(&res, pci->ecam_base, pci->ecam_size);
	aml_device(aml, "MBRD");
	aml_name(aml, "_HID");
	aml_hardware_id(aml, "PNP0C02");
	aml_name_int(aml, "_UID", 0);
	aml_crs(aml, &res);
	aml_end(aml);
}

static void add_cpus(struct aml *aml, unsigned nr)
{
	char name[16];

	for (unsigned i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), "C%03X", i & 0xfff);
		aml_device(aml, name);
		aml_name(aml, "_HID");
		aml_string(aml, "ACPI0007");
		aml_name_int(aml, "_UID", i);
		aml_end(aml);
	}
}

static void add_device(struct aml *aml, const struct device_description *d, unsigned index)
{
	struct aml_resources res = { 0 };
	char name[16];

	for (unsigned i = 0; i < d->nr_resources; i++) {
		const struct device_resource *r = &d->resources[i];

		if (r->kind == RESOURCE_PORT)
			aml_res_io(&res, r->base, r->size);
		else if (r->base + r->size <= BIT(32))
			aml_res_memory(&res, r->base, r->size);
		else
			res.failed = true; /* the board puts nothing there */
	}
	/* Boards with more devices than pins let them share; saying so of all costs nothing. */
	if (d->gsi >= 0)
		aml_res_interrupt(&res, d->gsi, d->irq_edge, true);
	snprintf(name, sizeof(name), "D%03X", index & 0xfff);
	aml_device(aml, name);
	aml_name(aml, "_HID");
	aml_hardware_id(aml, d->acpi_hid);
	aml_name_int(aml, "_UID", index);
	aml_crs(aml, &res);
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
