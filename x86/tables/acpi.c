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

/* How an interrupt differs from the ISA's (active high, edge). */
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
	le32 one; /* reserved, must be 1 */
	u8 reserved[8];
} __packed;
_Static_assert(sizeof(struct srat) == 48, "ACPI 6.5, 5.2.16");

/* Their zeroes mean: proximity domain 0. */
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

#define MAX_TABLES 4

struct area {
	struct writer out;	 /* a copy of ours of what lies at BOARD_ACPI */
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

/* A table's first bytes; more may be added behind them, until seal() or list(). Where it is. */
static size_t acpi_begin(struct area *area, const void *bytes, size_t len)
{
	size_t at = ALIGN_UP(area->out.len, TABLE_ALIGN);

	area->out.len = at;
	writer_add(&area->out, bytes, len);
	return at;
}
_Static_assert(BOARD_ACPI_SIZE % TABLE_ALIGN == 0, "the next table may begin at the end");

/* What was added since begin() is a table. Its address. */
static gpa_t acpi_seal(struct area *area, size_t at, const char *signature, u8 revision)
{
	struct sdt *sdt = (struct sdt *)(area->out.bytes + at);
	size_t length = area->out.len - at;

	if (area->out.failed)
		return 0;
	memcpy(sdt->signature, signature, 4);
	sdt->length = htole32(length);
	sdt->revision = revision;
	memcpy(sdt->oem_id, "LKVM  ", 6);
	memcpy(sdt->oem_table_id, "LKVMX86 ", 8);
	sdt->oem_revision = htole32(1);
	memcpy(sdt->creator_id, "LKVM", 4);
	sdt->creator_revision = htole32(1);
	sdt->checksum = firmware_checksum(sdt, length);
	return BOARD_ACPI + at;
}

/* The same for one that the XSDT lists. */
static void acpi_list(struct area *area, size_t at, const char *signature, u8 revision)
{
	area->tables[area->nr_tables++] = htole64(acpi_seal(area, at, signature, revision));
}

/* access 1: byte, 2: word, 3: double word. */
static struct gas port_register(u16 port, u8 bits, u8 access)
{
	return (struct gas){ .space = 1, .bits = bits, .access = access, .address = htole64(port) };
}

static gpa_t add_dsdt(struct area *area, const struct platform *platform)
{
	static const struct sdt header;
	size_t at = acpi_begin(area, &header, sizeof(header));
	struct aml aml = { .out = &area->out };

	dsdt_build(&aml, platform);
	return acpi_seal(area, at, "DSDT", 2);
}

static gpa_t add_facs(struct area *area)
{
	const struct facs facs = {
		.signature = { 'F', 'A', 'C', 'S' },
		.length = htole32(sizeof(facs)),
		.version = 2,
	};

	return BOARD_ACPI + acpi_begin(area, &facs, sizeof(facs));
}

static void add_fadt(struct area *area, gpa_t dsdt, gpa_t facs)
{
	const struct fadt fadt = {
		.facs = htole32(facs),
		.dsdt = htole32(dsdt),
		.x_dsdt = htole64(dsdt),
		.boot_arch =
			htole16(BOOT_ARCH_LEGACY_DEVICES | BOOT_ARCH_NO_VGA | BOOT_ARCH_NO_ASPM),
		.flags = htole32(FADT_WBINVD | FADT_C1 | FADT_NO_SLEEP_BTN | FADT_RESET_REGISTER |
				 FADT_HEADLESS),
		.sci = htole16(BOARD_GSI_SCI),
		.pm1a_event = htole32(BOARD_PORT_PM + ACPI_PM1_STATUS),
		.pm1_event_length = 4,
		.x_pm1a_event = port_register(BOARD_PORT_PM + ACPI_PM1_STATUS, 32, 2),
		.pm1a_control = htole32(BOARD_PORT_PM + ACPI_PM1_CONTROL),
		.pm1_control_length = 2,
		.x_pm1a_control = port_register(BOARD_PORT_PM + ACPI_PM1_CONTROL, 16, 2),
		.pm_timer = htole32(BOARD_PORT_PM + ACPI_PM_TIMER),
		.pm_timer_length = 4,
		.x_pm_timer = port_register(BOARD_PORT_PM + ACPI_PM_TIMER, 32, 3),
		.c2_latency = htole16(LATENCY_NO_C2),
		.c3_latency = htole16(LATENCY_NO_C3),
		.reset_register = port_register(BOARD_PORT_PM + ACPI_PM_RESET, 8, 1),
		.reset_value = ACPI_PM_RESET_VALUE,
		.minor = 5,
		.hypervisor_id = { 'L', 'K', 'V', 'M', ' ', ' ', ' ', ' ' },
	};

	acpi_list(area, acpi_begin(area, &fadt, sizeof(fadt)), "FACP", 6);
}

static void add_override(struct area *area, u8 gsi, u16 flags)
{
	WRITER_ADD(&area->out, struct madt_override, .type = 2,
		   .length = sizeof(struct madt_override), .source = gsi, .gsi = htole32(gsi),
		   .flags = htole16(flags | OVERRIDE_LEVEL));
}

/* ISA interrupts that are levels: the SCI, and PCI's, each of them once. */
static void add_overrides(struct area *area, const struct pci_board *pci)
{
	u32 seen = 0;

	add_override(area, BOARD_GSI_SCI, OVERRIDE_ACTIVE_HIGH);
	for (unsigned pin = 0; pci && pin < ARRAY_SIZE(pci->intx_gsi); pin++) {
		unsigned gsi = pci->intx_gsi[pin];

		if (gsi >= BOARD_NR_ISA_GSIS || seen & BIT(gsi))
			continue;
		seen |= BIT(gsi);
		add_override(area, gsi, OVERRIDE_ACTIVE_LOW);
	}
}

static void add_madt(struct area *area, const struct platform *platform)
{
	const struct madt madt = { .lapic = htole32(BOARD_LAPIC), .flags = htole32(MADT_PICS) };
	size_t at = acpi_begin(area, &madt, sizeof(madt));

	for (unsigned i = 0; i < platform->nr_cpus; i++)
		WRITER_ADD(&area->out, struct madt_lapic, .type = 0,
			   .length = sizeof(struct madt_lapic), .uid = i, .apic_id = i,
			   .flags = htole32(1));
	WRITER_ADD(&area->out, struct madt_ioapic, .type = 1, .length = sizeof(struct madt_ioapic),
		   .id = BOARD_IOAPIC_ID, .address = htole32(BOARD_IOAPIC));
	add_overrides(area, platform->pci);
	WRITER_ADD(&area->out, struct madt_lapic_nmi, .type = 4,
		   .length = sizeof(struct madt_lapic_nmi), .uid = 0xff, .lint = 1);
	acpi_list(area, at, "APIC", 5);
}

static void add_srat_memory(struct area *area, u64 base, u64 size)
{
	if (size)
		WRITER_ADD(&area->out, struct srat_memory, .type = 1,
			   .length = sizeof(struct srat_memory), .base = htole64(base),
			   .size = htole64(size), .flags = htole32(1));
}

/*
 * One node. Where no table tells of nodes, Linux looks for an old Opteron's memory controllers, at all places of
 * PCI's first bus.
 */
static void add_srat(struct area *area, const struct platform *platform)
{
	const struct srat srat = { .one = htole32(1) };
	size_t at = acpi_begin(area, &srat, sizeof(srat));

	for (unsigned i = 0; i < platform->nr_cpus; i++)
		WRITER_ADD(&area->out, struct srat_cpu, .length = sizeof(struct srat_cpu),
			   .apic_id = i, .flags = htole32(1));
	add_srat_memory(area, 0, platform->low_ram);
	add_srat_memory(area, BOARD_HOLE_END, platform->high_ram);
	acpi_list(area, at, "SRAT", 3);
}

static void add_mcfg(struct area *area, const struct pci_board *pci)
{
	const struct mcfg mcfg = { .base = htole64(pci->ecam_base),
				   .last_bus = pci->ecam_size / MIB(1) - 1 };

	acpi_list(area, acpi_begin(area, &mcfg, sizeof(mcfg)), "MCFG", 1);
}

static gpa_t add_xsdt(struct area *area)
{
	static const struct sdt header;
	size_t at = acpi_begin(area, &header, sizeof(header));

	writer_add(&area->out, area->tables, area->nr_tables * sizeof(le64));
	return acpi_seal(area, at, "XSDT", 1);
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

int acpi_build_area(struct writer *out, const struct platform *platform)
{
	struct area area = { .out = { .bytes = calloc(1, BOARD_ACPI_SIZE),
				      .size = BOARD_ACPI_SIZE } };
	static const struct rsdp rsdp;
	gpa_t dsdt;

	*out = area.out;
	if (!out->bytes)
		return -ENOMEM;
	acpi_begin(&area, &rsdp, sizeof(rsdp));
	dsdt = add_dsdt(&area, platform);
	add_fadt(&area, dsdt, add_facs(&area));
	add_madt(&area, platform);
	add_srat(&area, platform);
	if (platform->pci && platform->pci->ecam_size)
		add_mcfg(&area, platform->pci);
	fill_rsdp((struct rsdp *)out->bytes, add_xsdt(&area));
	*out = area.out;
	return out->failed ? -ENOSPC : 0;
}

int acpi_build(const struct guest_memory *memory, const struct platform *platform, gpa_t *rsdp)
{
	struct writer out;
	int err = acpi_build_area(&out, platform);

	if (!err)
		err = guest_memory_populate(memory, BOARD_ACPI, out.bytes, out.len);
	*rsdp = BOARD_ACPI;
	free(out.bytes);
	return err;
}
