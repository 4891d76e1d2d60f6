// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "acpi.h"
#include "board.h"
#include "lkvm/memory/populate.h"

#define LAPIC_VERSION  0x14
#define IOAPIC_VERSION 0x11
#define BUS_ID_PCI     0
#define BUS_ID_ISA     1
#define PCI_SLOTS      32
#define PCI_PINS       4

enum { ENTRY_CPU, ENTRY_BUS, ENTRY_IOAPIC, ENTRY_INTERRUPT, ENTRY_LOCAL_INTERRUPT };
enum { INTERRUPT_INT, INTERRUPT_NMI, INTERRUPT_SMI, INTERRUPT_EXTINT };

struct mp_pointer {
	char signature[4];
	le32 table;
	u8 length; /* in 16 bytes */
	u8 spec;
	u8 checksum;
	u8 features[5]; /* all 0: a table, virtual wire mode */
} __packed;
_Static_assert(sizeof(struct mp_pointer) == 16, "MP specification, 4.1");

struct mp_header {
	char signature[4];
	le16 length;
	u8 spec;
	u8 checksum;
	char oem[8];
	char product[12];
	le32 oem_table;
	le16 oem_table_size;
	le16 nr_entries;
	le32 lapic;
	le16 extended_length;
	u8 extended_checksum;
	u8 reserved;
} __packed;
_Static_assert(sizeof(struct mp_header) == 44, "MP specification, 4.2");

struct mp_cpu {
	u8 type, apic_id, apic_version, flags; /* 1 usable, 2 boots the others */
	le32 signature, features;
	u8 reserved[8];
} __packed;
_Static_assert(sizeof(struct mp_cpu) == 20, "MP specification, 4.3.1");

struct mp_bus {
	u8 type, id;
	char name[6];
} __packed;
_Static_assert(sizeof(struct mp_bus) == 8, "MP specification, 4.3.2");

struct mp_ioapic {
	u8 type, id, version, flags; /* 1: usable */
	le32 address;
} __packed;
_Static_assert(sizeof(struct mp_ioapic) == 8, "MP specification, 4.3.3");

struct mp_interrupt {
	u8 type, kind;
	le16 flags; /* 0: as the bus has it */
	u8 bus, bus_irq, apic, pin;
} __packed;
_Static_assert(sizeof(struct mp_interrupt) == 8, "MP specification, 4.3.4");

struct writer {
	u8 *bytes;
	size_t len;
	unsigned nr;
	bool full;
};

static void add(struct writer *writer, const void *entry, size_t len)
{
	if (len > BOARD_MPTABLE_SIZE - writer->len) {
		writer->full = true;
		return;
	}
	memcpy(writer->bytes + writer->len, entry, len);
	writer->len += len;
	writer->nr++;
}

static void add_cpus(struct writer *writer, const struct platform *platform)
{
	for (unsigned i = 0; i < platform->nr_cpus; i++) {
		struct mp_cpu cpu = {
			.type = ENTRY_CPU,
			.apic_id = i,
			.apic_version = LAPIC_VERSION,
			.flags = i ? 1 : 3,
			.signature = htole32(platform->cpu_signature),
			.features = htole32(platform->cpu_features),
		};

		add(writer, &cpu, sizeof(cpu));
	}
}

static void add_buses(struct writer *writer, const struct pci_board *pci)
{
	struct mp_bus bus = { .type = ENTRY_BUS, .id = BUS_ID_PCI };

	if (pci) {
		memcpy(bus.name, "PCI   ", 6);
		add(writer, &bus, sizeof(bus));
	}
	bus.id = BUS_ID_ISA;
	memcpy(bus.name, "ISA   ", 6);
	add(writer, &bus, sizeof(bus));
}

static void add_interrupt(struct writer *writer, u8 bus, u8 bus_irq, u8 pin)
{
	struct mp_interrupt interrupt = {
		.type = ENTRY_INTERRUPT,
		.kind = INTERRUPT_INT,
		.bus = bus,
		.bus_irq = bus_irq,
		.apic = BOARD_IOAPIC_ID,
		.pin = pin,
	};

	add(writer, &interrupt, sizeof(interrupt));
}

static void add_interrupts(struct writer *writer, const struct pci_board *pci)
{
	for (unsigned gsi = 0; gsi < BOARD_NR_ISA_GSIS; gsi++)
		if (gsi != BOARD_PIC_CASCADE)
			add_interrupt(writer, BUS_ID_ISA, gsi, gsi);
	for (unsigned slot = 1; pci && slot < PCI_SLOTS; slot++)
		for (unsigned pin = 0; pin < PCI_PINS; pin++)
			add_interrupt(writer, BUS_ID_PCI, slot << 2 | pin,
				      pci->intx_gsi[(slot + pin) % PCI_PINS]);
}

static void add_local_interrupts(struct writer *writer)
{
	struct mp_interrupt local = {
		.type = ENTRY_LOCAL_INTERRUPT,
		.kind = INTERRUPT_EXTINT,
		.bus = BUS_ID_ISA,
		.apic = 0, /* the PICs' output goes to the CPU that boots */
		.pin = 0,
	};

	add(writer, &local, sizeof(local));
	local.kind = INTERRUPT_NMI;
	local.apic = 0xff;
	local.pin = 1;
	add(writer, &local, sizeof(local));
}

static void fill_header(struct mp_header *header, const struct writer *writer)
{
	size_t length = writer->len - sizeof(struct mp_pointer);

	memcpy(header->signature, "PCMP", 4);
	header->length = htole16(length);
	header->spec = 4;
	memcpy(header->oem, "LKVM    ", 8);
	memcpy(header->product, "LKVM        ", 12);
	header->nr_entries = htole16(writer->nr);
	header->lapic = htole32(BOARD_LAPIC);
	header->checksum = firmware_checksum(header, length);
}

int mptable_build(const struct guest_memory *memory, const struct platform *platform)
{
	struct mp_ioapic ioapic = {
		.type = ENTRY_IOAPIC,
		.id = BOARD_IOAPIC_ID,
		.version = IOAPIC_VERSION,
		.flags = 1,
		.address = htole32(BOARD_IOAPIC),
	};
	struct writer writer = { .bytes = calloc(1, BOARD_MPTABLE_SIZE) };
	struct mp_pointer *pointer;
	int err;

	if (!writer.bytes)
		return -ENOMEM;
	writer.len = sizeof(struct mp_pointer) + sizeof(struct mp_header);
	add_cpus(&writer, platform);
	add_buses(&writer, platform->pci);
	add(&writer, &ioapic, sizeof(ioapic));
	add_interrupts(&writer, platform->pci);
	add_local_interrupts(&writer);

	pointer = (struct mp_pointer *)writer.bytes;
	memcpy(pointer->signature, "_MP_", 4);
	pointer->table = htole32(BOARD_MPTABLE + sizeof(*pointer));
	pointer->length = 1;
	pointer->spec = 4;
	pointer->checksum = firmware_checksum(pointer, sizeof(*pointer));
	fill_header((struct mp_header *)(pointer + 1), &writer);
	err = writer.full ? -ENOSPC
			  : guest_memory_populate(memory, BOARD_MPTABLE, writer.bytes, writer.len);
	free(writer.bytes);
	return err;
}
