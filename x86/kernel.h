/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel for x86 and how it is entered. A bzImage is entered at its 64-bit entry (or the 32-bit one if
 * it has no other); an ELF file through its PVH note, or, if it has none, as a vmlinux at its 64-bit
 * entry. Nothing here needs KVM: files and guest memory in, register values out.
 */
#ifndef X86_KERNEL_H
#define X86_KERNEL_H

#include "lkvm/boot/elf.h"
#include "lkvm/boot/file.h"
#include "lkvm/memory/memory.h"
#include <asm/bootparam.h>
#include <linux/kvm.h>

enum x86_kernel_kind {
	X86_KERNEL_BZIMAGE,
	X86_KERNEL_PVH,
	X86_KERNEL_VMLINUX, /* an ELF file without a PVH note */
};

struct x86_kernel {
	struct boot_file file;
	enum x86_kernel_kind kind;
	struct elf_image elf;	   /* not for a bzImage */
	struct setup_header setup; /* bzImage; for a vmlinux what the loader says of itself */
	u64 payload;		   /* bzImage: file offset of the protected-mode part */
	u64 payload_size; /* bytes of memory that it fills: a bzImage's part, an ELF file's segments */
	u64 entry;	  /* bytes from where it is put */
	bool entry_64;	  /* long mode; else 32-bit protected mode */
	u64 pref_address; /* where it wants to be */
	u64 init_size;	  /* what it needs there until it manages memory itself */
	u64 alignment;	  /* 0: cannot be anywhere else */
	u64 cmdline_max;  /* characters, without the final 0 */
	u64 initrd_max;	  /* last byte an initrd may have; UINT32_MAX or below */
	bool initrd_above_4g;
};

/* What vCPU 0 starts with. */
struct x86_entry {
	bool long_mode;
	u64 rip;
	u64 boot_params; /* RSI */
	u64 start_info;	 /* RBX, PVH only */
};

/* Everything a guest's boot needs beside the kernel. */
struct x86_boot {
	const struct guest_memory *memory;
	u64 low_ram, high_ram; /* bytes below the hole, and from 4 GiB */
	const char *cmdline;
	const struct boot_file *initrds;
	unsigned nr_initrds;
	gpa_t rsdp; /* 0: no ACPI */
	/*
	 * A SEV-SNP guest's page tables have this bit in entries for its own memory. 0: an ordinary guest. Such a
	 * guest is told where its secrets and CPUID pages are, must be a 64-bit Linux, and gets no seed, since
	 * whoever gives it knows it.
	 */
	u64 private_bit;
};

/* Where kernel and initrd are: those bytes of guest memory that come from files. */
struct x86_placement {
	gpa_t kernel, initrd;
	u64 kernel_size, initrd_size; /* bytes; initrd_size 0: none */
};

/*
 * Opens kernel->file, which is the caller's to close in any case, and checks it; `most` is for boot_file_open(). Logs
 * and returns -errno on failure.
 */
int x86_kernel_open(struct x86_kernel *kernel, const char *path, u64 most);
/* The parts of it: -ENOEXEC, logs nothing, when the file is of another kind. */
int x86_bzimage_open(struct x86_kernel *kernel, const u8 *head, size_t size);
int x86_elf_open(struct x86_kernel *kernel);
/* "Multiboot 1", "Multiboot 2" or both, as the file's header says; NULL: it has none. */
const char *x86_multiboot_kind(const struct boot_file *file);

/*
 * Where x86_kernel_load() would put them: is there space for kernel, initrd and command line, and may such a guest
 * begin with that kernel? Reads and writes nothing. Logs and returns -errno on failure.
 */
int x86_kernel_place(const struct x86_kernel *kernel, const struct x86_boot *boot,
		     struct x86_placement *at);
/*
 * Puts kernel, initrd and what the boot protocol wants into (zeroed) guest memory. Logs and returns
 * -errno on failure.
 */
int x86_kernel_load(const struct x86_kernel *kernel, const struct x86_boot *boot,
		    struct x86_entry *entry);
/* Its parts: what a kernel is told, for each way in. */
int x86_load_linux(const struct x86_kernel *kernel, const struct x86_boot *boot,
		   const struct x86_placement *at);
int x86_load_pvh(const struct x86_boot *boot, const struct x86_placement *at);

/* The memory map as firmware would tell it; `map` has space for X86_E820_MAX. Returns how many. */
#define X86_E820_MAX 12
unsigned x86_e820(struct boot_e820_entry *map, const struct x86_boot *boot);
/* What a firmware is told: RAM as such, and what it must not take for a hole. */
unsigned x86_e820_firmware(struct boot_e820_entry *map, const struct x86_boot *boot);

/*
 * x86/entry.c: descriptor and page tables that the entry's registers refer to; `bits` go into each entry of page
 * tables beside the usual ones.
 */
int x86_entry_write(const struct x86_entry *entry, const struct guest_memory *memory, u64 bits);
/* vCPU 0's registers there; what is in sregs and does not matter to the entry stays. */
void x86_entry_registers(const struct x86_entry *entry, struct kvm_sregs *sregs,
			 struct kvm_regs *regs);

#endif
