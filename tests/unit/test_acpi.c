// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tables/aml.h"
#include "platform.h"
#include "test.h"

static struct platform platform(unsigned cpus)
{
	return (struct platform){
		.nr_cpus = cpus, .devices = &devices, .pci = &pci, .low_ram = MIB(256)
	};
}

static u16 get16(const u8 *p)
{
	return p[0] | p[1] << 8;
}

static u32 get32(const u8 *p)
{
	u32 value;

	memcpy(&value, p, 4);
	return le32toh(value);
}

static u64 get64(const u8 *p)
{
	u64 value;

	memcpy(&value, p, 8);
	return le64toh(value);
}

/* The table at gpa, after its length and checksum were found right. */
static const u8 *table_at(gpa_t gpa, const char *signature)
{
	const u8 *table = guest_memory_hva(&memory, gpa, 36);
	u32 length;

	assert_non_null(table);
	assert_memory_equal(table, signature, 4);
	length = get32(table + 4);
	assert_non_null(guest_memory_hva(&memory, gpa, length));
	assert_int_equal(sum(table, length), 0);
	return table;
}

/* Walks as an operating system does: RSDP, XSDT, then the table of that name. */
static const u8 *find_table(gpa_t rsdp_gpa, const char *signature)
{
	const u8 *rsdp = guest_memory_hva(&memory, rsdp_gpa, 36), *xsdt;

	assert_memory_equal(rsdp, "RSD PTR ", 8);
	assert_int_equal(sum(rsdp, 20), 0);
	assert_int_equal(sum(rsdp, 36), 0);
	xsdt = table_at(get64(rsdp + 24), "XSDT");
	for (u32 at = 36; at < get32(xsdt + 4); at += 8) {
		const u8 *table = guest_memory_hva(&memory, get64(xsdt + at), 36);

		if (!memcmp(table, signature, 4))
			return table_at(get64(xsdt + at), signature);
	}
	return NULL;
}

static void fadt(void **state)
{
	struct platform p = platform(1);
	const u8 *table;
	gpa_t rsdp = 0;

	assert_int_equal(acpi_build(&memory, &p, &rsdp), 0);
	assert_int_equal(rsdp, BOARD_ACPI);
	table = find_table(rsdp, "FACP");
	assert_non_null(table);
	assert_int_equal(get32(table + 4), 276);
	assert_int_equal(table[8], 6);
	assert_int_equal(get64(table + 116 + 4), 0x60c);	 /* reset register */
	assert_int_equal(table[128], 1);			 /* and its value */
	assert_int_equal(get32(table + 40), get64(table + 140)); /* both say where the DSDT is */
	table_at(get64(table + 140), "DSDT");
}

/* The same block as a port, and as an address with its width in bits. */
static void check_block(const u8 *table, unsigned at, unsigned length, unsigned x, u16 port,
			unsigned bytes)
{
	assert_int_equal(get32(table + at), port);
	assert_int_equal(table[length], bytes);
	assert_int_equal(table[x], 1); /* ports */
	assert_int_equal(table[x + 1], 8 * bytes);
	assert_int_equal(get64(table + x + 4), port);
}

static void fixed_hardware(void **state)
{
	struct platform p = platform(1);
	const u8 *table, *facs;
	gpa_t rsdp = 0;

	assert_int_equal(acpi_build(&memory, &p, &rsdp), 0);
	table = find_table(rsdp, "FACP");
	assert_non_null(table);
	assert_false(get32(table + 112) & BIT(20)); /* reduced hardware */
	assert_false(get32(table + 112) & BIT(4));  /* no fixed power button */
	assert_true(get32(table + 112) & BIT(5));   /* nor sleep button */
	assert_false(get32(table + 112) & BIT(6));  /* an alarm outside the PM1 blocks */
	assert_int_equal(get16(table + 46), 9);	    /* SCI */
	assert_int_equal(get32(table + 48), 0);	    /* SMI: in ACPI mode already */
	check_block(table, 56, 88, 148, 0x600, 4);  /* events */
	check_block(table, 64, 89, 172, 0x604, 2);  /* control */
	check_block(table, 76, 91, 208, 0x608, 4);  /* timer */
	assert_true(get16(table + 96) > 100);	    /* no C2 */
	assert_true(get16(table + 98) > 1000);	    /* no C3 */
	assert_int_equal(get32(table + 36) % 64, 0);
	facs = guest_memory_hva(&memory, get32(table + 36), 64);
	assert_non_null(facs);
	assert_memory_equal(facs, "FACS", 4);
	assert_int_equal(get32(facs + 4), 64);
}

/* ISA interrupts that are levels: flags, 0 if there is no such entry. */
static void check_overrides(const struct pci_board *board, u16 nine, u16 ten, u16 eleven)
{
	struct platform p = platform(1);
	u16 flags[16] = { 0 };
	unsigned nr = 0;
	const u8 *madt;
	gpa_t rsdp = 0;

	p.pci = board;
	assert_int_equal(acpi_build(&memory, &p, &rsdp), 0);
	madt = find_table(rsdp, "APIC");
	assert_non_null(madt);
	assert_int_equal(get32(madt + 40), 1); /* PICs */
	for (u32 at = 44; at < get32(madt + 4); at += madt[at + 1]) {
		if (madt[at] != 2)
			continue;
		assert_int_equal(madt[at + 2], 0);
		assert_true(madt[at + 3] < 16);
		assert_int_equal(get32(madt + at + 4), madt[at + 3]);
		flags[madt[at + 3]] = get16(madt + at + 8);
		nr++;
	}
	assert_int_equal(flags[9], nine);
	assert_int_equal(flags[10], ten);
	assert_int_equal(flags[11], eleven);
	assert_int_equal(nr, !!nine + !!ten + !!eleven);
}

static void overrides(void **state)
{
	struct pci_board elsewhere = pci;

	check_overrides(&pci, 0xd, 0xf, 0xf);
	check_overrides(NULL, 0xd, 0, 0);
	for (unsigned pin = 0; pin < 4; pin++)
		elsewhere.intx_gsi[pin] = 16 + pin;
	check_overrides(&elsewhere, 0xd, 0, 0);
}

static void check_madt(unsigned cpus)
{
	struct platform p = platform(cpus);
	unsigned lapics = 0, ioapics = 0;
	const u8 *madt;
	gpa_t rsdp = 0;

	assert_int_equal(acpi_build(&memory, &p, &rsdp), 0);
	madt = find_table(rsdp, "APIC");
	assert_non_null(madt);
	for (u32 at = 44; at < get32(madt + 4); at += madt[at + 1]) {
		assert_true(madt[at + 1] >= 2);
		if (madt[at] == 0) {
			assert_int_equal(madt[at + 2], lapics);
			assert_int_equal(madt[at + 3], lapics++);
			assert_int_equal(get32(madt + at + 4), 1);
		} else if (madt[at] == 1) {
			assert_int_equal(get32(madt + at + 4), BOARD_IOAPIC);
			assert_int_equal(get32(madt + at + 8), 0);
			ioapics++;
		}
	}
	assert_int_equal(lapics, cpus);
	assert_int_equal(ioapics, 1);
}

static void madt(void **state)
{
	check_madt(1);
	check_madt(64);
	check_madt(BOARD_MAX_CPUS);
}

/* All CPUs and all memory are of one node; the ranges' sizes are added up by where they begin. */
static void check_srat(const struct platform *p, u64 low, u64 high)
{
	unsigned cpus = 0;
	const u8 *srat;
	gpa_t rsdp = 0;

	assert_int_equal(acpi_build(&memory, p, &rsdp), 0);
	srat = find_table(rsdp, "SRAT");
	assert_non_null(srat);
	assert_int_equal(get32(srat + 36), 1);
	for (u32 at = 48; at < get32(srat + 4); at += srat[at + 1]) {
		assert_int_equal(srat[at + 1], srat[at] ? 40 : 16);
		assert_int_equal(srat[at + 2], 0);
		assert_int_equal(get32(srat + at + (srat[at] ? 28 : 4)), 1);
		if (!srat[at])
			assert_int_equal(srat[at + 3], cpus++);
		else if (!get64(srat + at + 8))
			low -= get64(srat + at + 16);
		else if (get64(srat + at + 8) == GIB(4))
			high -= get64(srat + at + 16);
		else
			fail();
	}
	assert_int_equal(cpus, p->nr_cpus);
	assert_int_equal(low, 0);
	assert_int_equal(high, 0);
}

static void srat(void **state)
{
	struct platform p = platform(1);

	check_srat(&p, MIB(256), 0);
	p = platform(BOARD_MAX_CPUS);
	p.low_ram = BOARD_HOLE;
	p.high_ram = GIB(5);
	check_srat(&p, BOARD_HOLE, GIB(5));
}

static void mcfg(void **state)
{
	struct platform p = platform(1);
	const u8 *table;
	gpa_t rsdp = 0;

	assert_int_equal(acpi_build(&memory, &p, &rsdp), 0);
	table = find_table(rsdp, "MCFG");
	assert_non_null(table);
	assert_int_equal(get64(table + 44), BOARD_ECAM);
	assert_int_equal(table[54], 0);
	assert_int_equal(table[55], 0);
	p.pci = NULL;
	assert_int_equal(acpi_build(&memory, &p, &rsdp), 0);
	assert_null(find_table(rsdp, "MCFG"));
}

static void errors(void **state)
{
	static struct device many[4000];
	struct platform p = platform(1);
	struct guest_memory none;
	gpa_t rsdp = 0;

	guest_memory_init(&none);
	assert_int_equal(acpi_build(&none, &p, &rsdp), -EFAULT);
	for (unsigned i = 0; i < ARRAY_SIZE(many); i++) {
		device_init(&many[i], &no_ops, "many%u", i);
		many[i].description = blk.description;
		device_add(&devices, &many[i]);
	}
	assert_int_equal(acpi_build(&memory, &p, &rsdp), -ENOSPC);
}

static void aml_into(struct aml *aml, struct writer *w, u8 *bytes, size_t size)
{
	*w = (struct writer){ .bytes = bytes, .size = size };
	*aml = (struct aml){ .out = w };
}

static void aml_numbers_and_ids(void **state)
{
	u8 out[64];
	struct writer w;
	struct aml aml;

	aml_into(&aml, &w, out, sizeof(out));
	aml_int(&aml, 0);
	aml_int(&aml, 1);
	aml_int(&aml, 0x12);
	aml_int(&aml, 0x1234);
	aml_int(&aml, 0x12345678);
	aml_int(&aml, 0x123456789abcdef0);
	aml_hardware_id(&aml, "PNP0A03");
	assert_false(w.failed);
	assert_int_equal(w.len, 2 + 2 + 3 + 5 + 9 + 5);
	assert_memory_equal(out,
			    "\x00\x01\x0a\x12\x0b\x34\x12\x0c\x78\x56\x34\x12"
			    "\x0e\xf0\xde\xbc\x9a\x78\x56\x34\x12\x0c\x41\xd0\x0a\x03",
			    26);
	aml_hardware_id(&aml, "LNRO0005x");
	assert_int_equal(out[26], 0x0d);
}

static void check_package(size_t content, const char *head, size_t head_len)
{
	static u8 out[1 << 21], bytes[1 << 21];
	struct writer w;
	struct aml aml;

	aml_into(&aml, &w, out, sizeof(out));
	aml_if(&aml);
	aml_bytes(&aml, bytes, content);
	aml_end(&aml);
	assert_false(w.failed);
	assert_int_equal(w.len, 1 + head_len + content);
	assert_memory_equal(out + 1, head, head_len);
}

/* The length's own bytes count: the edges are where it grows by one. */
static void aml_package_lengths(void **state)
{
	check_package(0, "\x01", 1);
	check_package(0x3e, "\x3f", 1);
	check_package(0x3f, "\x41\x04", 2);
	check_package(0xffd, "\x4f\xff", 2);
	check_package(0xffe, "\x81\x00\x01", 3);
	check_package(0xffffc, "\x8f\xff\xff", 3);
	check_package(0xffffd, "\xc1\x00\x00\x01", 4);
}

static void aml_failures(void **state)
{
	u8 out[4];
	struct writer w;
	struct aml aml;

	aml_into(&aml, &w, out, sizeof(out));
	aml_end(&aml);
	assert_true(w.failed);
	aml_into(&aml, &w, out, sizeof(out));
	aml_string(&aml, "too long");
	assert_true(w.failed);
	aml_into(&aml, &w, out, sizeof(out));
	aml_if(&aml);
	aml_bytes(&aml, "abc", 3);
	aml_end(&aml);
	assert_true(w.failed);
	aml_into(&aml, &w, out, 0);
	aml_byte(&aml, 0);
	assert_true(w.failed);
}

static void write_table(const char *folder, const char *name, const u8 *table)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.dat", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(table, get32(table + 4), 1, file), 1);
	assert_int_equal(fclose(file), 0);
}

/* The reference compiler must take every table apart, and what it makes of the DSDT compile again. */
static void iasl(void **state)
{
	static const char *const names[] = { "FACP", "APIC", "MCFG" };
	const u8 *fadt;
	char folder[] = "/tmp/lkvm-acpi-XXXXXX", command[1024];
	struct platform p = platform(4);
	gpa_t rsdp = 0;
	int status;

	if (system("command -v iasl >/dev/null 2>&1"))
		skip();
	assert_int_equal(acpi_build(&memory, &p, &rsdp), 0);
	assert_non_null(mkdtemp(folder));
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		write_table(folder, names[i], find_table(rsdp, names[i]));
	fadt = find_table(rsdp, "FACP");
	write_table(folder, "FACS", guest_memory_hva(&memory, get32(fadt + 36), 64));
	write_table(folder, "DSDT", table_at(get64(fadt + 140), "DSDT"));
	snprintf(command, sizeof(command),
		 "cd %s && iasl -d *.dat >log 2>&1 && iasl -we -vs DSDT.dsl >>log 2>&1 && "
		 "! grep -iE 'error|warning|invalid|unknown|incorrect|checksum should' *.dsl && "
		 "grep -q PNP0A08 DSDT.dsl && grep -q LNRO0005 DSDT.dsl && grep -q COM1 -v "
		 "DSDT.dsl; "
		 "status=$?; [ $status -eq 0 ] || cat log; cd /; rm -rf %s; exit $status",
		 folder, folder);
	status = system(command);
	assert_int_equal(status, 0);
}

/* ---- files for a firmware that puts them elsewhere ---- */

#define PLACED_TABLES 0xe8000
#define PLACED_RSDP   0xf5000

static struct placed {
	const char *name;
	gpa_t gpa;
	size_t size;
} placed[2] = { { ACPI_FILE_TABLES, PLACED_TABLES, 0 }, { ACPI_FILE_RSDP, PLACED_RSDP, 0 } };

static struct placed *place_of(const u8 *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(placed); i++)
		if (!strcmp(placed[i].name, (const char *)name))
			return &placed[i];
	fail_msg("no file %s", name);
	return NULL;
}

static u8 *in_file(const u8 *name, u64 offset, u64 len)
{
	const struct placed *p = place_of(name);

	assert_true(offset <= p->size && len <= p->size - offset);
	return guest_memory_hva(&memory, p->gpa + offset, len);
}

/* As QEMU's bios-linker-loader.c tells a firmware to. Returns how many of a kind there were. */
static unsigned obey(const struct acpi_files *files, u32 kind)
{
	unsigned nr = 0;

	assert_int_equal(files->loader.len % 128, 0);
	for (size_t i = 0; i < files->loader.len; i += 128) {
		const u8 *c = files->loader.bytes + i;
		u64 value = 0;
		u8 *where;

		nr += get32(c) == kind;
		if (get32(c) == 1) {
			assert_int_equal(place_of(c + 4)->gpa % get32(c + 60), 0);
			assert_int_equal(c[64], place_of(c + 4)->gpa == PLACED_RSDP ? 2 : 1);
		} else if (get32(c) == 2) {
			where = in_file(c + 4, get32(c + 116), c[120]);
			memcpy(&value, where, c[120]);
			assert_true(value < place_of(c + 60)->size);
			value += place_of(c + 60)->gpa;
			memcpy(where, &value, c[120]);
		} else {
			assert_int_equal(get32(c), 3);
			where = in_file(c + 4, get32(c + 60), 1);
			*where = -sum(in_file(c + 4, get32(c + 64), get32(c + 68)), get32(c + 68));
		}
	}
	return nr;
}

static void files_are_movable(void **state)
{
	struct platform p = platform(3);
	struct acpi_files files;
	const u8 *table;

	assert_int_equal(acpi_build_files(&files, &p), 0);
	placed[0].size = files.tables_size;
	placed[1].size = files.rsdp_size;
	assert_int_equal(guest_write(&memory, PLACED_TABLES, files.tables, files.tables_size), 0);
	assert_int_equal(guest_write(&memory, PLACED_RSDP, files.rsdp, files.rsdp_size), 0);
	assert_int_equal(obey(&files, 1), 2);
	table = find_table(PLACED_RSDP, "FACP");
	assert_non_null(table);
	assert_int_equal(get32(table + 40), get64(table + 140));
	table_at(get64(table + 140), "DSDT");
	assert_int_equal(get32(table + 36) % 64, 0);
	assert_memory_equal(guest_memory_hva(&memory, get32(table + 36), 64), "FACS", 4);
	table = find_table(PLACED_RSDP, "APIC");
	assert_non_null(table);
	assert_int_equal(get32(table + 4), 44 + 3 * 8 + 12 + 3 * 10 + 6);
	assert_non_null(find_table(PLACED_RSDP, "MCFG"));
	acpi_files_free(&files);
}

static void files_do_not_fit(void **state)
{
	struct platform p = platform(255);
	struct acpi_files files;

	p.nr_cpus = 100000;
	assert_int_equal(acpi_build_files(&files, &p), -ENOSPC);
	assert_null(files.area);
	assert_null(files.loader.bytes);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup(test, make_platform)
	const struct CMUnitTest tests[] = {
		T(fadt),
		T(fixed_hardware),
		T(overrides),
		T(madt),
		T(srat),
		T(mcfg),
		T(errors),
		T(files_are_movable),
		T(files_do_not_fit),
		cmocka_unit_test(aml_numbers_and_ids),
		cmocka_unit_test(aml_package_lengths),
		cmocka_unit_test(aml_failures),
		T(iasl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
