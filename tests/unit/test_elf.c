// SPDX-License-Identifier: GPL-2.0-or-later
#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#include "board.h"
#include "x86_kernel.h"

/* A vmlinux of one segment and one note. */
struct vmlinux {
	Elf64_Ehdr header;
	Elf64_Phdr phdrs[2];
	struct {
		Elf64_Nhdr head;
		char name[4];
		u32 entry;
	} note;
	u8 code[256];
};

#define LOAD MIB(2)

static struct vmlinux elf;

static int setup(void **state)
{
	memset(&elf, 0, sizeof(elf));
	memcpy(elf.header.e_ident, ELFMAG, SELFMAG);
	elf.header.e_ident[EI_CLASS] = ELFCLASS64;
	elf.header.e_ident[EI_DATA] = ELFDATA2LSB;
	elf.header.e_type = ET_EXEC;
	elf.header.e_machine = EM_X86_64;
	elf.header.e_entry = LOAD + 16;
	elf.header.e_phoff = offsetof(struct vmlinux, phdrs);
	elf.header.e_phentsize = sizeof(Elf64_Phdr);
	elf.header.e_phnum = 2;
	elf.phdrs[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
				     .p_offset = offsetof(struct vmlinux, code),
				     .p_vaddr = 0xffffffff81000000,
				     .p_paddr = LOAD,
				     .p_filesz = sizeof(elf.code),
				     .p_memsz = MIB(1) };
	elf.phdrs[1] = (Elf64_Phdr){ .p_type = PT_NOTE,
				     .p_offset = offsetof(struct vmlinux, note),
				     .p_filesz = sizeof(elf.note),
				     .p_memsz = sizeof(elf.note) };
	elf.note.head = (Elf64_Nhdr){ .n_namesz = 4, .n_descsz = 4, .n_type = 18 };
	memcpy(elf.note.name, "Xen", 4);
	elf.note.entry = LOAD + 32;
	memset(elf.code, 0x90, sizeof(elf.code));
	guest_memory_init(&memory);
	return 0;
}

static const char *refused(void)
{
	return refusal(&elf, sizeof(elf));
}

static void pvh_note(void **state)
{
	assert_int_equal(open_bytes(&elf, sizeof(elf)), 0);
	assert_int_equal(kernel.kind, X86_KERNEL_PVH);
	assert_int_equal(kernel.elf.pvh_entry, LOAD + 32);
	assert_int_equal(kernel.elf.low, LOAD);
	assert_int_equal(kernel.elf.high, LOAD + MIB(1));
	assert_false(kernel.entry_64);
}

static void other_notes(void **state)
{
	elf.note.head.n_type = 17;
	assert_int_equal(open_bytes(&elf, sizeof(elf)), 0);
	assert_int_equal(kernel.kind, X86_KERNEL_VMLINUX);
	assert_true(kernel.entry_64);
	elf.note.head.n_type = 18;
	memcpy(elf.note.name, "GNU", 4);
	assert_int_equal(open_bytes(&elf, sizeof(elf)), 0);
	assert_int_equal(kernel.kind, X86_KERNEL_VMLINUX);
}

static void hostile_notes(void **state)
{
	static const u32 sizes[] = { 0, 3, 5, 0xff, 0x7fffffff, 0xfffffffc, 0xffffffff };

	/* Whatever sizes they claim, no note is found and nothing outside of them is read. */
	for (unsigned name = 0; name < ARRAY_SIZE(sizes); name++)
		for (unsigned desc = 0; desc < ARRAY_SIZE(sizes); desc++) {
			elf.note.head.n_namesz = sizes[name];
			elf.note.head.n_descsz = sizes[desc];
			assert_int_equal(open_bytes(&elf, sizeof(elf)), 0);
			assert_int_equal(kernel.elf.pvh_entry, 0);
		}
	elf.note.head.n_namesz = elf.note.head.n_descsz = 4;
	elf.phdrs[1].p_filesz = UINT64_MAX;
	assert_int_equal(open_bytes(&elf, sizeof(elf)), 0);
	elf.phdrs[1].p_offset = UINT64_MAX;
	assert_int_equal(open_bytes(&elf, sizeof(elf)), 0);
	assert_int_equal(kernel.elf.pvh_entry, 0);
}

static void loads_pvh(void **state)
{
	struct x86_boot boot = {
		.memory = &memory, .low_ram = MIB(16), .cmdline = "x", .rsdp = 0xe0000
	};
	struct x86_entry entry;
	const u32 *info;

	assert_int_equal(guest_memory_add_ram(&memory, 0, MIB(16)), 0);
	assert_int_equal(open_bytes(&elf, sizeof(elf)), 0);
	assert_int_equal(x86_kernel_load(&kernel, &boot, &entry), 0);
	assert_false(entry.long_mode);
	assert_int_equal(entry.rip, LOAD + 32);
	assert_int_equal(entry.start_info, BOARD_BOOT_PVH);
	info = guest_memory_hva(&memory, entry.start_info, 56);
	assert_int_equal(info[0], 0x336ec578);
	assert_int_equal(info[1], 1);
	assert_int_equal(info[3], 0);
	assert_int_equal(info[6], BOARD_BOOT_CMDLINE);
	assert_int_equal(info[8], 0xe0000);
	assert_int_equal(info[12], 5);
	assert_memory_equal(guest_memory_hva(&memory, LOAD, sizeof(elf.code)), elf.code,
			    sizeof(elf.code));
}

static void loads_vmlinux(void **state)
{
	struct x86_boot boot = { .memory = &memory, .low_ram = MIB(16), .cmdline = "x" };
	struct boot_params *params;
	struct x86_entry entry;
	const u64 *tables;

	assert_int_equal(guest_memory_add_ram(&memory, 0, MIB(16)), 0);
	elf.phdrs[1].p_type = PT_NULL;
	/* An entry given as a virtual address is found too. */
	elf.header.e_entry = 0xffffffff81000020;
	assert_int_equal(open_bytes(&elf, sizeof(elf)), 0);
	assert_int_equal(x86_kernel_load(&kernel, &boot, &entry), 0);
	assert_true(entry.long_mode);
	assert_int_equal(entry.rip, LOAD + 32);
	params = guest_memory_hva(&memory, entry.boot_params, sizeof(*params));
	assert_memory_equal(&params->hdr.header, "HdrS", 4);
	assert_int_equal(params->e820_entries, 5);
	/* The identity map: PML4, PDPT, then 2 MiB pages up to 4 GiB. */
	tables = guest_memory_hva(&memory, BOARD_BOOT_PAGE_TABLES, 6 * 4096);
	assert_int_equal(tables[0], (BOARD_BOOT_PAGE_TABLES + 4096) | 3);
	assert_int_equal(tables[512 + 3], (BOARD_BOOT_PAGE_TABLES + 5 * 4096) | 3);
	assert_int_equal(tables[1024 + 2047], 2047 * MIB(2) | 0x83);
}

/* Xen, as an ELF file without PVH: GRUB's kind of kernel must not be entered as Linux is. */
static void multiboot(void **state)
{
	static const u32 first[] = { 0x1badb002, 3, -(0x1badb002 + 3) };
	static const u32 second[] = { 0xe85250d6, 0, 64, -(0xe85250d6 + 64) };
	u8 *code = elf.code;
	/* The next multiple of 8 in the file. */
	unsigned at = -offsetof(struct vmlinux, code) & 7;

	elf.phdrs[1].p_type = PT_NULL;
	memcpy(code + at + 4, first, sizeof(first));
	assert_says(refused(), "a boot loader of Multiboot 1,");
	memcpy(code + at + 64, second, sizeof(second));
	assert_says(refused(), "a boot loader of Multiboot 1 and 2,");
	memset(code + at + 4, 0, sizeof(first));
	assert_says(refused(), "a boot loader of Multiboot 2,");
	/* Through its PVH note it starts as before. */
	elf.phdrs[1].p_type = PT_NOTE;
	assert_int_equal(open_bytes(&elf, sizeof(elf)), 0);
	assert_int_equal(kernel.kind, X86_KERNEL_PVH);
}

/* Words that only look like it. */
static void no_multiboot(void **state)
{
	static const u32 wrong_sum[] = { 0x1badb002, 3, 0, 0xe85250d6, 0, 64, 0 };
	static const u32 first[] = { 0x1badb002, 3, -(0x1badb002 + 3) };
	unsigned at = -offsetof(struct vmlinux, code) & 7;

	elf.phdrs[1].p_type = PT_NULL;
	memcpy(elf.code + at, wrong_sum, sizeof(wrong_sum));
	memcpy(elf.code + at + 65, first, sizeof(first));
	/* The end of the file cuts it. */
	memcpy(elf.code + sizeof(elf.code) - 8, first, 8);
	assert_int_equal(open_bytes(&elf, sizeof(elf)), 0);
	assert_int_equal(kernel.kind, X86_KERNEL_VMLINUX);
}

static void bad_headers(void **state)
{
	elf.header.e_machine = EM_AARCH64;
	assert_says(refused(), "an ELF file for arm64, not for x86");
	setup(state);
	elf.header.e_type = ET_REL;
	assert_says(refused(), "not a program");
	setup(state);
	elf.header.e_phnum = 0;
	assert_says(refused(), "make no sense");
	elf.header.e_phnum = 0xffff;
	assert_says(refused(), "make no sense");
	setup(state);
	elf.header.e_phentsize = 1;
	assert_says(refused(), "make no sense");
	setup(state);
	elf.header.e_phoff = UINT64_MAX - 8;
	assert_says(refused(), "truncated");
	elf.header.e_phoff = sizeof(elf) - 8;
	assert_says(refused(), "truncated");
	setup(state);
	elf.header.e_ident[EI_CLASS] = 7;
	assert_says(refused(), "class");
	setup(state);
	elf.header.e_ident[EI_DATA] = ELFDATA2MSB;
	assert_says(refused(), "big-endian");
}

static void bad_segments(void **state)
{
	elf.phdrs[0].p_filesz = MIB(1) + 1;
	assert_says(refused(), "larger in the file");
	setup(state);
	elf.phdrs[0].p_memsz = UINT64_MAX;
	assert_says(refused(), "wraps");
	setup(state);
	elf.phdrs[0].p_offset = UINT64_MAX - 4;
	assert_says(refused(), "truncated");
	elf.phdrs[0].p_offset = sizeof(elf) - sizeof(elf.code) + 1;
	assert_says(refused(), "truncated");
	setup(state);
	elf.phdrs[0].p_type = PT_NULL;
	assert_says(refused(), "nothing to load");
	setup(state);
	elf.phdrs[0].p_paddr = 0x8000;
	assert_says(refused(), "below 1 MiB");
	setup(state);
	elf.note.entry = LOAD + MIB(1);
	assert_says(refused(), "its entry lies outside");
	elf.note.entry = LOAD - 1;
	assert_says(refused(), "its entry lies outside");
	setup(state);
	elf.phdrs[1].p_type = PT_NULL;
	elf.header.e_entry = 4;
	assert_says(refused(), "its entry lies outside");
}

static void truncated_anywhere(void **state)
{
	for (size_t size = 1; size < offsetof(struct vmlinux, code) + sizeof(elf.code); size++) {
		struct ear ear = listen_to_stderr();
		int error = open_bytes(&elf, size);

		heard(&ear);
		assert_true(error < 0);
	}
}

static void too_large_for_memory(void **state)
{
	struct x86_boot boot = { .memory = &memory, .low_ram = MIB(16), .cmdline = "" };
	struct x86_entry entry;
	struct ear ear;
	int error;

	assert_int_equal(guest_memory_add_ram(&memory, 0, MIB(16)), 0);
	elf.phdrs[0].p_memsz = MIB(14) + 1;
	assert_int_equal(open_bytes(&elf, sizeof(elf)), 0);
	ear = listen_to_stderr();
	error = x86_kernel_load(&kernel, &boot, &entry);
	assert_says(heard(&ear), "give it more with --mem");
	assert_int_equal(error, -ENOMEM);
}

static void elf32(void **state)
{
	struct {
		Elf32_Ehdr header;
		Elf32_Phdr phdr;
		u8 code[64];
	} small = { .header = { .e_ident = ELFMAG,
				.e_type = ET_EXEC,
				.e_machine = EM_386,
				.e_entry = LOAD,
				.e_phoff = sizeof(Elf32_Ehdr),
				.e_phentsize = sizeof(Elf32_Phdr),
				.e_phnum = 1 },
		    .phdr = { .p_type = PT_LOAD,
			      .p_offset = sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr),
			      .p_paddr = LOAD,
			      .p_filesz = 64,
			      .p_memsz = 64 } };

	small.header.e_ident[EI_CLASS] = ELFCLASS32;
	small.header.e_ident[EI_DATA] = ELFDATA2LSB;
	assert_int_equal(open_bytes(&small, sizeof(small)), 0);
	assert_int_equal(kernel.kind, X86_KERNEL_VMLINUX);
	assert_false(kernel.entry_64);
	assert_int_equal(kernel.elf.entry, LOAD);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(pvh_note),	  T(other_notes),	   T(hostile_notes), T(loads_pvh),
		T(loads_vmlinux), T(bad_headers),	   T(bad_segments),  T(truncated_anywhere),
		T(elf32),	  T(too_large_for_memory), T(multiboot),     T(no_multiboot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
