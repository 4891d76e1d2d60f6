// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>

#include "acpi.h"
#include "board.h"
#include "lkvm/memory/populate.h"
#include "writer.h"

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

struct mp {
	struct writer out;
	unsigned nr; /* entries */
};

#define MP_ADD(mp, type, ...) ((mp)->nr++, WRITER_ADD(&(mp)->out, type, __VA_ARGS__))

static void add_cpus(struct mp *mp, const struct platform *platform)
{
	for (unsigned i = 0; i < platform->nr_cpus; i++)
		MP_ADD(mp, struct mp_cpu, .type = ENTRY_CPU, .apic_id = i,
		       .apic_version = LAPIC_VERSION, .flags = i ? 1 : 3,
		       .signature = htole32(platform->cpu_signature),
		       .features = htole32(platform->cpu_features));
}

static void add_interrupt(struct mp *mp, u8 bus, u8 bus_irq, u8 pin)
{
	MP_ADD(mp, struct mp_interrupt, .type = ENTRY_INTERRUPT, .kind = INTERRUPT_INT, .bus = bus,
	       .bus_irq = bus_irq, .apic = BOARD_IOAPIC_ID, .pin = pin);
}

static void add_interrupts(struct mp *mp, const struct pci_board *pci)
{
	for (unsigned gsi = 0; gsi < BOARD_NR_ISA_GSIS; gsi++)
		if (gsi != BOARD_PIC_CASCADE)
			add_interrupt(mp, BUS_ID_ISA, gsi, gsi);
	for (unsigned slot = 1; pci && slot < PCI_SLOTS; slot++)
		for (unsigned pin = 0; pin < PCI_PINS; pin++)
			add_interrupt(mp, BUS_ID_PCI, slot << 2 | pin,
				      pci->intx_gsi[(slot + pin) % PCI_PINS]);
	/* The PICs' output goes to the CPU that boots, an NMI to all. */
	MP_ADD(mp, struct mp_interrupt, .type = ENTRY_LOCAL_INTERRUPT, .kind = INTERRUPT_EXTINT,
	       .bus = BUS_ID_ISA, .apic = 0, .pin = 0);
	MP_ADD(mp, struct mp_interrupt, .type = ENTRY_LOCAL_INTERRUPT, .kind = INTERRUPT_NMI,
	       .bus = BUS_ID_ISA, .apic = 0xff, .pin = 1);
}

static void fill_head(const struct mp *mp)
{
	struct mp_pointer *pointer = (struct mp_pointer *)mp->out.bytes;
	struct mp_header *header = (struct mp_header *)(pointer + 1);
	size_t length = mp->out.len - sizeof(*pointer);

	*pointer = (struct mp_pointer){
		.signature = { '_', 'M', 'P', '_' },
		.table = htole32(BOARD_MPTABLE + sizeof(*pointer)),
		.length = 1,
		.spec = 4,
	};
	pointer->checksum = firmware_checksum(pointer, sizeof(*pointer));
	*header = (struct mp_header){
		.signature = { 'P', 'C', 'M', 'P' },
		.length = htole16(length),
		.spec = 4,
		.nr_entries = htole16(mp->nr),
		.lapic = htole32(BOARD_LAPIC),
	};
	memcpy(header->oem, "LKVM    ", 8);
	memcpy(header->product, "LKVM        ", 12);
	header->checksum = firmware_checksum(header, length);
}

int mptable_build(const struct guest_memory *memory, const struct platform *platform)
{
	struct mp mp = { .out = { .bytes = calloc(1, BOARD_MPTABLE_SIZE),
				  .size = BOARD_MPTABLE_SIZE } };
	int err;

	if (!mp.out.bytes)
		return -ENOMEM;
	mp.out.len = sizeof(struct mp_pointer) + sizeof(struct mp_header);
	add_cpus(&mp, platform);
	if (platform->pci)
		MP_ADD(&mp, struct mp_bus, .type = ENTRY_BUS, .id = BUS_ID_PCI,
		       .name = { 'P', 'C', 'I', ' ', ' ', ' ' });
	MP_ADD(&mp, struct mp_bus, .type = ENTRY_BUS, .id = BUS_ID_ISA,
	       .name = { 'I', 'S', 'A', ' ', ' ', ' ' });
	MP_ADD(&mp, struct mp_ioapic, .type = ENTRY_IOAPIC, .id = BOARD_IOAPIC_ID,
	       .version = IOAPIC_VERSION, .flags = 1, .address = htole32(BOARD_IOAPIC));
	add_interrupts(&mp, platform->pci);
	fill_head(&mp);
	err = mp.out.failed
		      ? -ENOSPC
		      : guest_memory_populate(memory, BOARD_MPTABLE, mp.out.bytes, mp.out.len);
	free(mp.out.bytes);
	return err;
}
