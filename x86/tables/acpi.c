// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acpi-tables.h"
#include "acpi.h"
#include "board.h"
#include "dsdt.h"
#include "lkvm/memory/populate.h"

/* Clear, two flags mean: the power button and the clock's alarm are in the PM1 blocks. */
#define FADT_WBINVD	    BIT(0)
#define FADT_C1		    BIT(2) /* all CPUs have it: hlt */
#define FADT_NO_SLEEP_BTN   BIT(5)
#define FADT_RESET_REGISTER BIT(10)
#define FADT_HEADLESS	    BIT(12)

#define LATENCY_NO_C2 101 /* us: more than these say that there is no such state */
#define LATENCY_NO_C3 1001

#define MADT_PICS 1 /* there are two 8259 */

/* How an interrupt is not what the ISA has (active high, edge). */
#define OVERRIDE_ACTIVE_HIGH 0x1
#define OVERRIDE_ACTIVE_LOW  0x3
#define OVERRIDE_LEVEL	     0xc

/* The 8042 is not announced: it is there for reset pulses, a keyboard there is none to look for. */
#define BOOT_ARCH_LEGACY_DEVICES BIT(0)
#define BOOT_ARCH_NO_VGA	 BIT(2)
#define BOOT_ARCH_NO_ASPM	 BIT(4)

struct madt {
	struct sdt header;
	le32 lapic;
	le32 flags;
} __packed;
_Static_assert(sizeof(struct madt) == 44, "ACPI 6.5, 5.2.12");

struct madt_lapic {
	u8 type, length;
	u8 uid;
	u8 apic_id;
	le32 flags; /* 1: enabled */
} __packed;
_Static_assert(sizeof(struct madt_lapic) == 8, "ACPI 6.5, 5.2.12.2");

struct madt_ioapic {
	u8 type, length;
	u8 id;
	u8 reserved;
	le32 address;
	le32 first_gsi;
} __packed;
_Static_assert(sizeof(struct madt_ioapic) == 12, "ACPI 6.5, 5.2.12.3");

struct madt_override {
	u8 type, length;
	u8 bus; /* 0: the ISA */
	u8 source;
	le32 gsi;
	le16 flags;
} __packed;
_Static_assert(sizeof(struct madt_override) == 10, "ACPI 6.5, 5.2.12.5");

struct madt_lapic_nmi {
	u8 type, length;
	u8 uid; /* 0xff: all */
	le16 flags;
	u8 lint;
} __packed;
_Static_assert(sizeof(struct madt_lapic_nmi) == 6, "ACPI 6.5, 5.2.12.7");

struct mcfg {
	struct sdt header;
	u8 reserved[8];
	le64 base;
	le16 segment;
	u8 first_bus;
	u8 last_bus;
	u8 reserved2[4];
} __packed;
_Static_assert(sizeof(struct mcfg) == 60, "PCI Firmware 3.3, 4.1.2");

struct srat {
	struct sdt header;
	le32 one; /* as ever */
	u8 reserved[8];
} __packed;
_Static_assert(sizeof(struct srat) == 48, "ACPI 6.5, 5.2.16");

/* All that is 0 in these two says: domain 0. */
struct srat_cpu {
	u8 type, length;
	u8 domain;
	u8 apic_id;
	le32 flags; /* 1: enabled */
	u8 reserved[8];
} __packed;
_Static_assert(sizeof(struct srat_cpu) == 16, "ACPI 6.5, 5.2.16.1");

struct srat_memory {
	u8 type, length;
	u8 domain[4];
	u8 reserved[2];
	le64 base;
	le64 size;
	u8 reserved2[4];
	le32 flags; /* 1: enabled */
	u8 reserved3[8];
} __packed;
_Static_assert(sizeof(struct srat_memory) == 40, "ACPI 6.5, 5.2.16.2");

#define MAX_TABLES    4
#define MAX_OVERRIDES 5

/* The area being filled: a copy of ours that is written to the guest at the end. */
struct area {
	u8 *bytes;
	size_t len;
	le64 tables[MAX_TABLES]; /* what the XSDT lists */
	unsigned nr_tables;
};

u8 firmware_checksum(const void *data, size_t len)
{
	const u8 *bytes = data;
	u8 sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += bytes[i];
	return -sum;
}

static void *reserve(struct area *area, size_t len)
{
	size_t at = ALIGN_UP(area->len, TABLE_ALIGN);

	if (at > BOARD_ACPI_SIZE || len > BOARD_ACPI_SIZE - at)
		return NULL;
	area->len = at + len;
	return area->bytes + at;
}

static gpa_t address(const struct area *area, const void *table)
{
	return BOARD_ACPI + ((const u8 *)table - area->bytes);
}

static void seal(void *table, const char *signature, u8 revision, size_t length)
{
	struct sdt *sdt = table;

	memcpy(sdt->signature, signature, 4);
	sdt->length = htole32(length);
	sdt->revision = revision;
	sdt->checksum = 0;
	memcpy(sdt->oem_id, "LKVM  ", 6);
	memcpy(sdt->oem_table_id, "LKVMX86 ", 8);
	sdt->oem_revision = htole32(1);
	memcpy(sdt->creator_id, "LKVM", 4);
	sdt->creator_revision = htole32(1);
	sdt->checksum = firmware_checksum(table, length);
}

static void list(struct area *area, const void *table)
{
	area->tables[area->nr_tables++] = htole64(address(area, table));
}

/* access 1: byte, 2: word, 3: double word. */
static struct gas port_register(u16 port, u8 bits, u8 access)
{
	return (struct gas){ .space = 1, .bits = bits, .access = access, .address = htole64(port) };
}

static int add_dsdt(struct area *area, const struct platform *platform, gpa_t *dsdt)
{
	size_t at = ALIGN_UP(area->len, TABLE_ALIGN), room;
	struct aml aml;
	struct sdt *sdt;

	if (at + sizeof(*sdt) > BOARD_ACPI_SIZE)
		return -ENOSPC;
	room = BOARD_ACPI_SIZE - at - sizeof(*sdt);
	aml_init(&aml, area->bytes + at + sizeof(*sdt), room);
	dsdt_build(&aml, platform);
	if (aml.failed)
		return -ENOSPC;
	sdt = reserve(area, sizeof(*sdt) + aml.len);
	seal(sdt, "DSDT", 2, sizeof(*sdt) + aml.len);
	*dsdt = address(area, sdt);
	return 0;
}

static int add_facs(struct area *area, gpa_t *gpa)
{
	struct facs *facs = reserve(area, sizeof(*facs));

	if (!facs)
		return -ENOSPC;
	memcpy(facs->signature, "FACS", 4);
	facs->length = htole32(sizeof(*facs));
	facs->version = 2;
	*gpa = address(area, facs);
	return 0;
}

static void fill_fixed_hardware(struct fadt *fadt)
{
	fadt->sci = htole16(BOARD_GSI_SCI);
	fadt->pm1a_event = htole32(BOARD_PORT_PM + ACPI_PM1_STATUS);
	fadt->pm1_event_length = 4;
	fadt->x_pm1a_event = port_register(BOARD_PORT_PM + ACPI_PM1_STATUS, 32, 2);
	fadt->pm1a_control = htole32(BOARD_PORT_PM + ACPI_PM1_CONTROL);
	fadt->pm1_control_length = 2;
	fadt->x_pm1a_control = port_register(BOARD_PORT_PM + ACPI_PM1_CONTROL, 16, 2);
	fadt->pm_timer = htole32(BOARD_PORT_PM + ACPI_PM_TIMER);
	fadt->pm_timer_length = 4;
	fadt->x_pm_timer = port_register(BOARD_PORT_PM + ACPI_PM_TIMER, 32, 3);
	fadt->c2_latency = htole16(LATENCY_NO_C2);
	fadt->c3_latency = htole16(LATENCY_NO_C3);
	fadt->reset_register = port_register(BOARD_PORT_PM + ACPI_PM_RESET, 8, 1);
	fadt->reset_value = ACPI_PM_RESET_VALUE;
}

static int add_fadt(struct area *area, gpa_t dsdt, gpa_t facs)
{
	struct fadt *fadt = reserve(area, sizeof(*fadt));

	if (!fadt)
		return -ENOSPC;
	fadt->facs = htole32(facs);
	fadt->dsdt = htole32(dsdt);
	fadt->x_dsdt = htole64(dsdt);
	fadt->boot_arch = htole16(BOOT_ARCH_LEGACY_DEVICES | BOOT_ARCH_NO_VGA | BOOT_ARCH_NO_ASPM);
	fadt->flags = htole32(FADT_WBINVD | FADT_C1 | FADT_NO_SLEEP_BTN | FADT_RESET_REGISTER |
			      FADT_HEADLESS);
	fill_fixed_hardware(fadt);
	fadt->minor = 5;
	memcpy(&fadt->hypervisor_id, "LKVM    ", 8);
	seal(fadt, "FACP", 6, sizeof(*fadt));
	list(area, fadt);
	return 0;
}

static struct madt_override override(u8 gsi, u16 flags)
{
	return (struct madt_override){
		.type = 2,
		.length = sizeof(struct madt_override),
		.source = gsi,
		.gsi = htole32(gsi),
		.flags = htole16(flags),
	};
}

/* ISA interrupts that are levels: the SCI, and PCI's, each of them once. How many there are. */
static unsigned make_overrides(struct madt_override overrides[MAX_OVERRIDES],
			       const struct pci_board *pci)
{
	unsigned nr = 0;
	u32 seen = 0;

	overrides[nr++] = override(BOARD_GSI_SCI, OVERRIDE_ACTIVE_HIGH | OVERRIDE_LEVEL);
	for (unsigned pin = 0; pci && pin < ARRAY_SIZE(pci->intx_gsi); pin++) {
		unsigned gsi = pci->intx_gsi[pin];

		if (gsi >= BOARD_NR_ISA_GSIS || seen & BIT(gsi))
			continue;
		seen |= BIT(gsi);
		overrides[nr++] = override(gsi, OVERRIDE_ACTIVE_LOW | OVERRIDE_LEVEL);
	}
	return nr;
}

static int add_madt(struct area *area, const struct platform *platform)
{
	struct madt_override overrides[MAX_OVERRIDES];
	size_t overrides_size = make_overrides(overrides, platform->pci) * sizeof(*overrides);
	size_t length = sizeof(struct madt) + platform->nr_cpus * sizeof(struct madt_lapic) +
			sizeof(struct madt_ioapic) + overrides_size + sizeof(struct madt_lapic_nmi);
	struct madt *madt = reserve(area, length);
	struct madt_lapic *lapic;
	struct madt_ioapic *ioapic;
	struct madt_lapic_nmi *nmi;

	if (!madt)
		return -ENOSPC;
	madt->lapic = htole32(BOARD_LAPIC);
	madt->flags = htole32(MADT_PICS);
	lapic = (struct madt_lapic *)(madt + 1);
	for (unsigned i = 0; i < platform->nr_cpus; i++, lapic++)
		*lapic = (struct madt_lapic){
			.type = 0,
			.length = sizeof(*lapic),
			.uid = i,
			.apic_id = i,
			.flags = htole32(1),
		};
	ioapic = (struct madt_ioapic *)lapic;
	*ioapic = (struct madt_ioapic){
		.type = 1,
		.length = sizeof(*ioapic),
		.id = BOARD_IOAPIC_ID,
		.address = htole32(BOARD_IOAPIC),
	};
	memcpy(ioapic + 1, overrides, overrides_size);
	nmi = (struct madt_lapic_nmi *)((u8 *)(ioapic + 1) + overrides_size);
	*nmi = (struct madt_lapic_nmi){ .type = 4, .length = sizeof(*nmi), .uid = 0xff, .lint = 1 };
	seal(madt, "APIC", 5, length);
	list(area, madt);
	return 0;
}

static struct srat_memory srat_memory(u64 base, u64 size)
{
	return (struct srat_memory){ .type = 1,
				     .length = sizeof(struct srat_memory),
				     .base = htole64(base),
				     .size = htole64(size),
				     .flags = htole32(1) };
}

/*
 * One node. Linux takes a machine that says nothing of nodes for an Opteron of old, perhaps, and looks for its memory
 * controllers at all places of PCI's first bus.
 */
static int add_srat(struct area *area, const struct platform *platform)
{
	unsigned nr_memories = platform->high_ram ? 2 : 1;
	size_t length = sizeof(struct srat) + platform->nr_cpus * sizeof(struct srat_cpu) +
			nr_memories * sizeof(struct srat_memory);
	struct srat *srat = reserve(area, length);
	struct srat_cpu *cpu;
	struct srat_memory *memory;

	if (!srat)
		return -ENOSPC;
	srat->one = htole32(1);
	cpu = (struct srat_cpu *)(srat + 1);
	for (unsigned i = 0; i < platform->nr_cpus; i++)
		*cpu++ = (struct srat_cpu){ .length = sizeof(*cpu),
					    .apic_id = i,
					    .flags = htole32(1) };
	memory = (struct srat_memory *)cpu;
	*memory++ = srat_memory(0, platform->low_ram);
	if (platform->high_ram)
		*memory = srat_memory(BOARD_HOLE_END, platform->high_ram);
	seal(srat, "SRAT", 3, length);
	list(area, srat);
	return 0;
}

static int add_mcfg(struct area *area, const struct pci_board *pci)
{
	struct mcfg *mcfg;

	if (!pci || !pci->ecam_size)
		return 0;
	mcfg = reserve(area, sizeof(*mcfg));
	if (!mcfg)
		return -ENOSPC;
	mcfg->base = htole64(pci->ecam_base);
	mcfg->last_bus = pci->ecam_size / MIB(1) - 1;
	seal(mcfg, "MCFG", 1, sizeof(*mcfg));
	list(area, mcfg);
	return 0;
}

static int add_xsdt(struct area *area, gpa_t *xsdt)
{
	size_t length = sizeof(struct sdt) + area->nr_tables * sizeof(le64);
	struct sdt *sdt = reserve(area, length);

	if (!sdt)
		return -ENOSPC;
	memcpy(sdt + 1, area->tables, area->nr_tables * sizeof(le64));
	seal(sdt, "XSDT", 1, length);
	*xsdt = address(area, sdt);
	return 0;
}

static void fill_rsdp(struct rsdp *rsdp, gpa_t xsdt)
{
	memcpy(rsdp->signature, "RSD PTR ", 8);
	memcpy(rsdp->oem_id, "LKVM  ", 6);
	rsdp->revision = 2;
	rsdp->length = htole32(sizeof(*rsdp));
	rsdp->xsdt = htole64(xsdt);
	rsdp->checksum = firmware_checksum(rsdp, 20);
	rsdp->extended_checksum = firmware_checksum(rsdp, sizeof(*rsdp));
}

/* The RSDP is the area's first; area->bytes is the caller's to free. */
static int build(struct area *area, const struct platform *platform)
{
	gpa_t dsdt = 0, facs = 0, xsdt = 0;
	struct rsdp *rsdp;
	int err;

	*area = (struct area){ .bytes = calloc(1, BOARD_ACPI_SIZE) };
	if (!area->bytes)
		return -ENOMEM;
	rsdp = reserve(area, sizeof(*rsdp));
	err = add_dsdt(area, platform, &dsdt);
	if (!err)
		err = add_facs(area, &facs);
	if (!err)
		err = add_fadt(area, dsdt, facs);
	if (!err)
		err = add_madt(area, platform);
	if (!err)
		err = add_srat(area, platform);
	if (!err)
		err = add_mcfg(area, platform->pci);
	if (!err)
		err = add_xsdt(area, &xsdt);
	if (!err)
		fill_rsdp(rsdp, xsdt);
	return err;
}

int acpi_build(const struct guest_memory *memory, const struct platform *platform, gpa_t *rsdp_gpa)
{
	struct area area;
	int err = build(&area, platform);

	if (!err) {
		*rsdp_gpa = BOARD_ACPI;
		err = guest_memory_populate(memory, BOARD_ACPI, area.bytes, area.len);
	}
	free(area.bytes);
	return err;
}

int acpi_build_area(u8 **bytes, size_t *len, const struct platform *platform)
{
	struct area area;
	int err = build(&area, platform);

	*bytes = area.bytes;
	*len = area.len;
	return err;
}
