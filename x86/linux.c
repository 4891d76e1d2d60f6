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
#define RNG_SEED_SIZE	 32

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

	if (getrandom(data.seed, sizeof(data.seed), GRND_NONBLOCK) != (ssize_t)sizeof(data.seed))
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

int x86_load_linux(const struct x86_kernel *kernel, const struct x86_boot *boot,
		   const struct x86_placement *at)
{
	struct boot_params params;
	int err;

	memset(&params, 0, sizeof(params));
	params.hdr = kernel->setup;
	params.hdr.type_of_loader = LOADER_UNDEFINED;
	params.hdr.loadflags &= ~CAN_USE_HEAP;
	params.hdr.code32_start = at->kernel;
	params.hdr.cmd_line_ptr = BOARD_BOOT_CMDLINE;
	params.hdr.setup_data = 0;
	params.hdr.ramdisk_image = at->initrd;
	params.hdr.ramdisk_size = at->initrd_size;
	params.ext_ramdisk_image = at->initrd >> 32;
	params.ext_ramdisk_size = at->initrd_size >> 32;
	params.acpi_rsdp_addr = boot->rsdp;
	params.e820_entries = x86_e820(params.e820_table, boot);
	err = boot->private_bit ? add_cc_blob(boot, &params) : add_rng_seed(boot, &params);
	return err
		       ?: guest_memory_populate(boot->memory, BOARD_BOOT_PARAMS, &params,
						sizeof(params));
}
