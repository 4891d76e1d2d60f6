// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "board.h"
#include "kernel.h"
#include "lkvm/util/log.h"

#define SETUP_HEADER	  0x1f1
#define SETUP_JUMP_LENGTH 0x201 /* the header's length is the jump over it */
#define SETUP_MAGIC	  0x202
#define SECTOR		  512
#define PARAGRAPH	  16 /* the unit of syssize, which is rounded up */

/* Linux 2.6.22: the first whose header tells the command line's limit. */
#define OLDEST_PROTOCOL 0x206

/* Where the 64-bit entry lies in the protected-mode part. */
#define ENTRY_64_OFFSET 0x200

_Static_assert(offsetof(struct boot_params, hdr) == SETUP_HEADER, "setup header");
_Static_assert(sizeof(struct setup_header) == 0x26c - SETUP_HEADER, "setup header");

static int bzimage_refuse(const struct x86_kernel *kernel, const char *why)
{
	log_fatal("Kernel %s cannot be booted: %s", kernel->file.path, why);
	return -EINVAL;
}

/* The fields that came with later protocols; what an older one leaves open gets the old rule. */
static void take_fields(struct x86_kernel *kernel)
{
	const struct setup_header *setup = &kernel->setup;
	bool relocatable = setup->relocatable_kernel && IS_POWER_OF_2(setup->kernel_alignment);

	kernel->alignment = relocatable ? setup->kernel_alignment : 0;
	kernel->cmdline_max = setup->cmdline_size ? setup->cmdline_size : 255;
	kernel->initrd_max = setup->initrd_addr_max ? setup->initrd_addr_max : 0x37ffffff;
	kernel->pref_address = BOARD_HIGH_RAM;
	/* Nobody told how far the unpacked kernel reaches before 2.10: four times is on the safe side. */
	kernel->init_size = kernel->payload_size * 4;
	if (setup->version >= 0x20a) {
		kernel->pref_address = setup->pref_address;
		kernel->init_size = setup->init_size;
	}
	if (setup->version >= 0x20c) {
		kernel->entry_64 = setup->xloadflags & XLF_KERNEL_64;
		kernel->entry = kernel->entry_64 ? ENTRY_64_OFFSET : 0;
		kernel->initrd_above_4g =
			kernel->entry_64 && (setup->xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G);
	}
}

/* Programs other than Linux do not pad their files to what syssize says. */
static int take_payload(struct x86_kernel *kernel)
{
	u64 size = (u64)kernel->setup.syssize * PARAGRAPH, there;

	if (kernel->file.size < kernel->payload)
		return -ENODATA;
	there = kernel->file.size - kernel->payload;
	if (size >= PARAGRAPH && there <= size - PARAGRAPH)
		return -ENODATA;
	kernel->payload_size = MIN(size, there);
	return 0;
}

int x86_bzimage_open(struct x86_kernel *kernel, const u8 *head, size_t size)
{
	struct setup_header *setup = &kernel->setup;
	size_t len;

	if (size < SETUP_MAGIC + 4 || memcmp(head + SETUP_MAGIC, "HdrS", 4))
		return -ENOEXEC;
	len = MIN(SETUP_MAGIC + (size_t)head[SETUP_JUMP_LENGTH] - SETUP_HEADER, sizeof(*setup));
	if (size < SETUP_HEADER + len)
		return bzimage_refuse(kernel, "the file is truncated, it ends within its header");
	memset(setup, 0, sizeof(*setup));
	memcpy(setup, head + SETUP_HEADER, len);
	if (setup->boot_flag != 0xaa55)
		return bzimage_refuse(kernel,
				      "its boot sector has no signature; is the file damaged?");
	if (setup->version < OLDEST_PROTOCOL)
		return bzimage_refuse(kernel,
				      "its boot protocol is older than 2.06 (Linux 2.6.22)");
	if (!(setup->loadflags & LOADED_HIGH))
		return bzimage_refuse(kernel, "it is a zImage, only bzImages are supported");
	kernel->kind = X86_KERNEL_BZIMAGE;
	kernel->payload = ((setup->setup_sects ? setup->setup_sects : 4) + 1) * SECTOR;
	if (take_payload(kernel))
		return bzimage_refuse(kernel,
				      "the file is truncated, it is shorter than its header says");
	if (kernel->payload_size <= ENTRY_64_OFFSET)
		return bzimage_refuse(
			kernel, "its header says that there is no code; is the file damaged?");
	take_fields(kernel);
	/* ipxe.lkrn, memdisk: what lies at 1 MiB is put there by their own code in real mode. */
	if (!kernel->entry_64 && !setup->code32_start)
		return bzimage_refuse(kernel,
				      "its only entry is in real mode, for a machine with a BIOS; "
				      "an EFI program (ipxe.efi) runs under --firmware");
	return 0;
}
