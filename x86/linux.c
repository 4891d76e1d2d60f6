// SPDX-License-Identifier: GPL-2.0-or-later
/* Linux's own boot protocol (Documentation/arch/x86/boot.rst): the zero page, entered at 64 or 32 bits. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "board.h"
#include "kernel.h"
#include "lkvm/memory/populate.h"
#include "lkvm/util/log.h"

#define LOADER_UNDEFINED 0xff
#define ENTRY_64_OFFSET	 0x200
#define RNG_SEED_SIZE	 32

/* Page table bits */
#define PRESENT	   BIT(0)
#define WRITABLE   BIT(1)
#define LARGE_PAGE BIT(7)

_Static_assert(sizeof(struct boot_params) == 4096, "boot_params is one page");
_Static_assert(offsetof(struct boot_params, e820_table) == 0x2d0, "e820 table");
_Static_assert(sizeof(struct boot_e820_entry) == 20, "e820 entry");
_Static_assert(X86_E820_MAX <= E820_MAX_ENTRIES_ZEROPAGE, "e820 fits");

/* struct setup_data with the bytes that follow it. */
struct setup_rng_seed {
	le64 next;
	le32 type;
	le32 len;
	u8 seed[RNG_SEED_SIZE];
};
_Static_assert(offsetof(struct setup_rng_seed, seed) == sizeof(struct setup_data), "setup_data");

/* Random bytes early: a guest without a seed waits for entropy when its first program asks. */
static int add_rng_seed(const struct x86_boot *boot, struct boot_params *params)
{
	struct setup_rng_seed data = { .type = SETUP_RNG_SEED, .len = RNG_SEED_SIZE };

	if (!boot->rng_seed ||
	    getrandom(data.seed, sizeof(data.seed), GRND_NONBLOCK) != (ssize_t)sizeof(data.seed))
		return 0;
	params->hdr.setup_data = BOARD_BOOT_SETUP_DATA;
	return guest_memory_populate(boot->memory, BOARD_BOOT_SETUP_DATA, &data, sizeof(data));
}

/* struct cc_blob_sev_info and the setup_data that leads to it, as Linux's snp_init() wants them. */
struct setup_cc_blob {
	le64 next;
	le32 type;
	le32 len;
	le32 blob; /* address */
	le32 padding;
	struct {
		le32 magic;
		le16 version, reserved;
		le64 secrets;
		le32 secrets_size, reserved2;
		le64 cpuid;
		le32 cpuid_size, reserved3;
	} info;
};
_Static_assert(offsetof(struct setup_cc_blob, blob) == sizeof(struct setup_data), "setup_data");
_Static_assert(sizeof(((struct setup_cc_blob *)0)->info) == 40, "cc_blob_sev_info");

#define SETUP_CC_BLOB_TYPE 7
#define CC_BLOB_MAGIC	   0x45444d41 /* "AMDE" */
#define PAGE		   4096

static int add_cc_blob(const struct x86_boot *boot, struct boot_params *params)
{
	const struct setup_cc_blob data = {
		.type = htole32(SETUP_CC_BLOB_TYPE),
		.len = htole32(sizeof(data) - sizeof(struct setup_data)),
		.blob = htole32(BOARD_BOOT_SETUP_DATA + offsetof(struct setup_cc_blob, info)),
		.info = {
			.magic = htole32(CC_BLOB_MAGIC),
			.secrets = htole64(BOARD_SNP_SECRETS),
			.secrets_size = htole32(PAGE),
			.cpuid = htole64(BOARD_SNP_CPUID),
			.cpuid_size = htole32(PAGE),
		},
	};

	params->hdr.setup_data = BOARD_BOOT_SETUP_DATA;
	return guest_write(boot->memory, BOARD_BOOT_SETUP_DATA, &data, sizeof(data));
}

static u64 entry_address(const struct x86_kernel *kernel, gpa_t load)
{
	if (kernel->kind == X86_KERNEL_VMLINUX)
		return kernel->elf.entry;
	return kernel->entry_64 ? load + ENTRY_64_OFFSET : load;
}

int x86_load_linux(const struct x86_kernel *kernel, const struct x86_boot *boot, gpa_t load,
		   gpa_t initrd, u64 initrd_size, struct x86_entry *entry)
{
	struct boot_params params;
	int err;

	memset(&params, 0, sizeof(params));
	params.hdr = kernel->setup;
	params.hdr.type_of_loader = LOADER_UNDEFINED;
	params.hdr.loadflags &= ~CAN_USE_HEAP;
	params.hdr.code32_start = load;
	params.hdr.cmd_line_ptr = BOARD_BOOT_CMDLINE;
	params.hdr.setup_data = 0;
	params.hdr.ramdisk_image = initrd;
	params.hdr.ramdisk_size = initrd_size;
	params.ext_ramdisk_image = initrd >> 32;
	params.ext_ramdisk_size = initrd_size >> 32;
	params.acpi_rsdp_addr = boot->rsdp;
	params.e820_entries = (boot->private_bit ? x86_e820_snp : x86_e820)(
		params.e820_table, boot->low_ram, boot->high_ram);
	err = boot->private_bit ? add_cc_blob(boot, &params) : add_rng_seed(boot, &params);
	if (!err)
		err = guest_memory_populate(boot->memory, BOARD_BOOT_PARAMS, &params,
					    sizeof(params));
	*entry = (struct x86_entry){
		.long_mode = kernel->entry_64,
		.rip = entry_address(kernel, load),
		.boot_params = BOARD_BOOT_PARAMS,
	};
	return err;
}

int x86_write_gdt(const struct guest_memory *memory, bool long_mode)
{
	const le64 table[4] = {
		[X86_SELECTOR_CODE / 8] =
			htole64(long_mode ? 0x00af9b000000ffff : 0x00cf9b000000ffff),
		[X86_SELECTOR_DATA / 8] = htole64(0x00cf93000000ffff),
	};

	return guest_memory_populate(memory, BOARD_BOOT_GDT, table, sizeof(table));
}

/* The first 4 GiB as they are, in pages of 2 MiB, which every 64-bit processor has. */
int x86_write_page_tables(const struct guest_memory *memory, u64 bits)
{
	u64 flags = PRESENT | WRITABLE | bits;
	gpa_t directories = BOARD_BOOT_PAGE_TABLES + 2 * 4096;
	le64 *table = guest_memory_hva_writable(memory, BOARD_BOOT_PAGE_TABLES, 6 * 4096);

	if (!table)
		return -EFAULT;
	table[0] = htole64((BOARD_BOOT_PAGE_TABLES + 4096) | flags);
	for (u64 i = 0; i < 4; i++)
		table[512 + i] = htole64((directories + i * 4096) | flags);
	for (u64 i = 0; i < 4 * 512; i++)
		table[1024 + i] = htole64(i * MIB(2) | LARGE_PAGE | flags);
	return 0;
}
