// SPDX-License-Identifier: GPL-2.0-or-later
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "board.h"
#include "kernel.h"
#include "lkvm/boot/initrd.h"
#include "lkvm/boot/signature.h"
#include "lkvm/memory/populate.h"
#include "lkvm/util/log.h"

#define PAGE 4096

/* What Linux's setup code and its PVH entry take (COMMAND_LINE_SIZE). An ELF file does not tell. */
#define LINUX_CMDLINE_MAX 2047

static u64 kernel_mib(u64 bytes)
{
	return (bytes >> 20) + (bytes & (MIB(1) - 1) ? 1 : 0);
}

/* vmlinux's entry is a physical address, but other linkers put the virtual one there. */
static u64 elf_entry(const struct elf_image *elf)
{
	for (unsigned i = 0; i < elf->nr_segments; i++) {
		const struct elf_segment *s = &elf->segments[i];

		if (elf->entry - s->gpa < s->memory_size)
			return elf->entry;
	}
	for (unsigned i = 0; i < elf->nr_segments; i++) {
		const struct elf_segment *s = &elf->segments[i];

		if (elf->entry - s->vaddr < s->memory_size)
			return s->gpa + (elf->entry - s->vaddr);
	}
	return 0;
}

int x86_elf_open(struct x86_kernel *kernel)
{
	struct elf_image *elf = &kernel->elf;
	int err = elf_open(elf, &kernel->file);
	const char *multiboot;
	u64 entry;

	if (err)
		return err;
	if (elf->machine != EM_X86_64 && elf->machine != EM_386) {
		log_fatal("Kernel %s is an ELF file for %s, not for x86", kernel->file.path,
			  elf_machine_name(elf->machine));
		return -EINVAL;
	}
	multiboot = elf->pvh_entry ? NULL : x86_multiboot_kind(&kernel->file);
	if (multiboot) {
		log_fatal("Kernel %s is made for a boot loader of %s, which lkvm does not have; "
			  "x86 needs a bzImage, an ELF vmlinux or an ELF file with a PVH note",
			  kernel->file.path, multiboot);
		return -ENOTSUP;
	}
	if (elf->low < BOARD_HIGH_RAM) {
		log_fatal("Kernel %s wants to be at 0x%llx; below 1 MiB there is no space for it",
			  kernel->file.path, (unsigned long long)elf->low);
		return -EINVAL;
	}
	entry = elf->pvh_entry ?: elf_entry(elf);
	if (entry - elf->low >= elf->high - elf->low) {
		log_fatal("Kernel %s is a damaged ELF file: its entry lies outside of it",
			  kernel->file.path);
		return -EINVAL;
	}
	kernel->kind = elf->pvh_entry ? X86_KERNEL_PVH : X86_KERNEL_VMLINUX;
	kernel->entry_64 = !elf->pvh_entry && elf->is_64;
	kernel->entry = entry - elf->low;
	kernel->pref_address = elf->low;
	kernel->init_size = kernel->payload_size = elf->high - elf->low;
	kernel->cmdline_max = LINUX_CMDLINE_MAX;
	kernel->initrd_max = UINT32_MAX;
	kernel->initrd_above_4g = kernel->entry_64;
	/* What a boot loader's header would say; the kernel checks the magic before it looks further. */
	memcpy(&kernel->setup.header, "HdrS", 4);
	kernel->setup.boot_flag = 0xaa55;
	kernel->setup.version = 0x20f;
	kernel->setup.kernel_alignment = MIB(2);
	kernel->setup.cmdline_size = LINUX_CMDLINE_MAX;
	return 0;
}

int x86_kernel_open(struct x86_kernel *kernel, const char *path, u64 most)
{
	u8 head[0x290];
	const char *kind;
	ssize_t got;
	int err;

	memset(kernel, 0, sizeof(*kernel));
	err = boot_file_open(&kernel->file, "kernel", path, most);
	if (err)
		return err;
	got = boot_file_read(&kernel->file, 0, head, sizeof(head));
	if (got < 0) {
		log_fatal("Unable to open kernel %s: %s", path, strerror(-got));
		return got;
	}
	err = x86_elf_open(kernel);
	if (err == -ENOEXEC)
		err = x86_bzimage_open(kernel, head, got);
	if (err == -ENOEXEC) {
		kind = boot_image_kind(head, got);
		if (kind)
			log_fatal("Kernel %s is %s; x86 needs a bzImage or an ELF vmlinux", path,
				  kind);
		else
			log_fatal("Kernel %s is neither a bzImage nor an ELF vmlinux", path);
	}
	return err;
}

static u64 kernel_extent(const struct x86_kernel *kernel)
{
	return MAX(kernel->init_size, kernel->payload_size);
}

/*
 * A relocatable kernel that is put below its preferred address moves itself up to it, so there is
 * nothing to be gained anywhere else.
 */
static int place_kernel(const struct x86_kernel *kernel, const struct x86_boot *boot, gpa_t *gpa)
{
	u64 need = kernel_extent(kernel), at = MAX(kernel->pref_address, (u64)BOARD_HIGH_RAM);

	/* Not aligned when it lies outside anyway: rounding up might wrap around. */
	if (kernel->alignment && at < boot->low_ram)
		at = ALIGN_UP(at, (u64)kernel->alignment);
	if (need > boot->low_ram || at > boot->low_ram - need) {
		log_fatal("Kernel %s needs %llu MiB of memory at %llu MiB, the guest has %llu MiB: "
			  "give it more with --mem",
			  kernel->file.path, (unsigned long long)kernel_mib(need),
			  (unsigned long long)kernel_mib(at),
			  (unsigned long long)kernel_mib(boot->low_ram + boot->high_ram));
		return -ENOMEM;
	}
	*gpa = at;
	return 0;
}

/* As high as allowed: what lies low is where a kernel wants its own memory. */
static int place_initrd(const struct x86_kernel *kernel, const struct x86_boot *boot,
			struct x86_placement *at)
{
	u64 end = MIN(boot->low_ram, kernel->initrd_max + 1), size = at->initrd_size;
	u64 kernel_end = at->kernel + kernel_extent(kernel);

	if (!size)
		return 0;
	at->initrd = ALIGN_DOWN(end - size, PAGE);
	if (kernel_end < end && size <= end - kernel_end && at->initrd >= kernel_end)
		return 0;
	at->initrd = ALIGN_DOWN(BOARD_HOLE_END + boot->high_ram - size, PAGE);
	if (kernel->initrd_above_4g && size <= boot->high_ram)
		return 0;
	log_fatal("The initrd (%llu MiB) does not fit into the guest's %llu MiB of memory beside "
		  "the kernel: give it more with --mem",
		  (unsigned long long)kernel_mib(size),
		  (unsigned long long)kernel_mib(boot->low_ram + boot->high_ram));
	return -ENOMEM;
}

static int load_image(const struct x86_kernel *kernel, const struct x86_boot *boot, gpa_t load)
{
	int err;

	if (kernel->kind != X86_KERNEL_BZIMAGE)
		return elf_load(&kernel->elf, boot->memory);
	err = guest_memory_populate_file(boot->memory, load, kernel->file.fd, kernel->payload,
					 kernel->payload_size, true);
	if (err)
		log_fatal("Unable to load kernel %s: %s", kernel->file.path,
			  err == -ENODATA ? "it became shorter" : strerror(-err));
	return err;
}

static int check_cmdline(const struct x86_kernel *kernel, const struct x86_boot *boot)
{
	u64 max = MIN(kernel->cmdline_max, (u64)BOARD_BOOT_CMDLINE_MAX - 1);
	size_t len = strlen(boot->cmdline);

	if (len > max) {
		log_fatal(
			"The kernel command line has %zu characters, kernel %s takes at most %llu",
			len, kernel->file.path, (unsigned long long)max);
		return -E2BIG;
	}
	return 0;
}

int x86_kernel_place(const struct x86_kernel *kernel, const struct x86_boot *boot,
		     struct x86_placement *at)
{
	int err;

	*at = (struct x86_placement){
		.kernel_size = kernel->payload_size,
		.initrd_size = boot_initrd_size(boot->initrds, boot->nr_initrds),
	};
	if (boot->private_bit && (!kernel->entry_64 || kernel->kind == X86_KERNEL_PVH)) {
		log_fatal(
			"Kernel %s cannot be started as a SEV-SNP guest, whose entry has 64 bits; "
			"a bzImage of a 64-bit Linux works",
			kernel->file.path);
		return -EINVAL;
	}
	err = place_kernel(kernel, boot, &at->kernel);
	if (!err)
		err = place_initrd(kernel, boot, at);
	return err ?: check_cmdline(kernel, boot);
}

int x86_kernel_load(const struct x86_kernel *kernel, const struct x86_boot *boot,
		    struct x86_entry *entry)
{
	const bool pvh = kernel->kind == X86_KERNEL_PVH;
	struct x86_placement at;
	int err = x86_kernel_place(kernel, boot, &at);

	if (!err)
		err = guest_memory_populate(boot->memory, BOARD_BOOT_CMDLINE, boot->cmdline,
					    strlen(boot->cmdline) + 1);
	if (!err)
		err = load_image(kernel, boot, at.kernel);
	if (!err)
		err = boot_initrd_load(boot->memory, at.initrd, boot->initrds, boot->nr_initrds);
	if (!err)
		err = pvh ? x86_load_pvh(boot, &at) : x86_load_linux(kernel, boot, &at);
	*entry = (struct x86_entry){
		.long_mode = kernel->entry_64,
		.rip = at.kernel + kernel->entry,
		.boot_params = pvh ? 0 : BOARD_BOOT_PARAMS,
		.start_info = pvh ? BOARD_BOOT_PVH : 0,
	};
	return err ?: x86_entry_write(entry, boot->memory, boot->private_bit);
}
