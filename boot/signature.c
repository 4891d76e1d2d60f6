// SPDX-License-Identifier: GPL-2.0-or-later
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "lkvm/boot/signature.h"

struct signature {
	unsigned offset;
	const char *bytes;
	unsigned len;
	const char *kind;
};

#define SIGNATURE(offset, bytes, kind)                                                             \
	{                                                                                          \
		offset, bytes, sizeof(bytes) - 1, kind                                             \
	}

/* Where the words overlap, the more telling one comes first. */
static const struct signature signatures[] = {
	SIGNATURE(4, "zimg", "an EFI zboot image, which arm64 and riscv64 kernels come in"),
	SIGNATURE(0x202, "HdrS", "an x86 bzImage"),
	SIGNATURE(0x38, "ARM\x64", "an arm64 Image"),
	SIGNATURE(0x38, "RSC\x05", "a riscv64 Image"),
	SIGNATURE(0x24, "\x18\x28\x6f\x01", "a 32-bit ARM zImage"),
	SIGNATURE(0, "\x1f\x8b", "a gzip file"),
	SIGNATURE(0, "\x28\xb5\x2f\xfd", "a zstd file"),
	SIGNATURE(0, "\xfd\x37zXZ", "an xz file"),
	SIGNATURE(0, "BZh", "a bzip2 file"),
	SIGNATURE(0, "\x02\x21\x4c\x18", "an lz4 file"),
	SIGNATURE(0, "\x04\x22\x4d\x18", "an lz4 file"),
	SIGNATURE(0, "\x89LZO\0\r\n\x1a\n", "an lzop file"),
	SIGNATURE(0, "\x5d\0\0", "an lzma file"),
	SIGNATURE(0, "070701", "a cpio archive, as initrds are"),
	SIGNATURE(0, "\x27\x05\x19\x56", "a U-Boot image"),
	SIGNATURE(0, "QFI\xfb", "a qcow2 disk image"),
	SIGNATURE(0, "#!", "a script"),
	SIGNATURE(0,
		  "\x7f"
		  "ELF",
		  "an ELF file (a vmlinux?)"),
	SIGNATURE(0, "MZ", "an EFI program"),
};

struct machine_name {
	u16 machine;
	const char *name;
};

static const struct machine_name machines[] = {
	{ EM_386, "32-bit x86" }, { EM_X86_64, "x86-64" }, { EM_ARM, "32-bit ARM" },
	{ EM_AARCH64, "arm64" },  { EM_RISCV, "RISC-V" },  { EM_PPC64, "64-bit PowerPC" },
	{ EM_S390, "s390" },
};

const char *elf_machine_name(u16 machine)
{
	for (unsigned i = 0; i < ARRAY_SIZE(machines); i++)
		if (machines[i].machine == machine)
			return machines[i].name;
	return "another machine";
}

const char *boot_image_kind(const void *head, size_t size)
{
	for (unsigned i = 0; i < ARRAY_SIZE(signatures); i++) {
		const struct signature *s = &signatures[i];

		if (size >= s->offset + s->len &&
		    !memcmp((const u8 *)head + s->offset, s->bytes, s->len))
			return s->kind;
	}
	return NULL;
}
