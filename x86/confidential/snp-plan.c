// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "board.h"
#include "lkvm/util/log.h"
#include "snp-hashes.h"
#include "snp-plan.h"

#define VGA_HOLE 0xa0000

/* A part of RAM that has contents. */
struct piece {
	gpa_t from, to;
};

static bool plan_overlaps(const struct snp_plan *plan, gpa_t gpa, u64 size)
{
	for (unsigned i = 0; i < plan->nr_ranges; i++) {
		const struct snp_range *range = &plan->ranges[i];

		if (gpa < range->gpa + range->size && range->gpa < gpa + size)
			return true;
	}
	return false;
}

int snp_plan_add(struct snp_plan *plan, const struct guest_memory *memory, gpa_t gpa, u64 size,
		 enum snp_page_type type)
{
	void *data;

	if (!size || !IS_ALIGNED(gpa, SNP_PAGE_SIZE) || !IS_ALIGNED(size, SNP_PAGE_SIZE))
		return -EINVAL;
	data = guest_memory_hva(memory, gpa, size);
	if (!data)
		return -EFAULT;
	if (plan_overlaps(plan, gpa, size))
		return -EINVAL;
	if (plan->nr_ranges == SNP_MAX_RANGES)
		return -ENOSPC;
	plan->ranges[plan->nr_ranges++] =
		(struct snp_range){ .gpa = gpa, .size = size, .type = type, .data = data };
	return 0;
}

/* ---- a kernel ---- */

static int add_zeroes(struct snp_plan *plan, const struct guest_memory *memory, gpa_t from,
		      gpa_t to)
{
	return from < to ? snp_plan_add(plan, memory, from, to - from, SNP_PAGE_ZERO) : 0;
}

/* What has contents, in order, and zeroes around it. */
static int add_region(struct snp_plan *plan, const struct guest_memory *memory, gpa_t from,
		      gpa_t to, const struct piece *pieces, unsigned nr)
{
	int err = 0;

	for (unsigned i = 0; i < nr && !err; i++) {
		const struct piece *p = &pieces[i];

		if (p->from < from || p->from >= to)
			continue;
		err = add_zeroes(plan, memory, from, p->from);
		if (!err)
			err = snp_plan_add(plan, memory, p->from, p->to - p->from, SNP_PAGE_NORMAL);
		from = p->to;
	}
	return err ?: add_zeroes(plan, memory, from, to);
}

/*
 * ACPI tables are not measured: they describe what the host gives, which it may change at will, and a guest
 * must not believe them anyway. Between VGA_HOLE and them there is nothing.
 */
static int add_first_mib(struct snp_plan *plan, const struct guest_memory *memory)
{
	static const struct {
		gpa_t from, to;
		enum snp_page_type type;
	} parts[] = {
		{ 0, BOARD_SNP_SECRETS, SNP_PAGE_NORMAL },
		{ BOARD_SNP_SECRETS, BOARD_SNP_CPUID, SNP_PAGE_SECRETS },
		{ BOARD_SNP_CPUID, BOARD_SNP_CPUID + SNP_PAGE_SIZE, SNP_PAGE_CPUID },
		{ BOARD_SNP_CPUID + SNP_PAGE_SIZE, BOARD_BOOT_CMDLINE + BOARD_BOOT_CMDLINE_MAX,
		  SNP_PAGE_NORMAL },
		{ BOARD_BOOT_CMDLINE + BOARD_BOOT_CMDLINE_MAX, VGA_HOLE, SNP_PAGE_ZERO },
		{ BOARD_ACPI, BOARD_ACPI + BOARD_ACPI_SIZE, SNP_PAGE_UNMEASURED },
	};
	int err = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(parts) && !err; i++)
		err = snp_plan_add(plan, memory, parts[i].from, parts[i].to - parts[i].from,
				   parts[i].type);
	return err;
}
_Static_assert(BOARD_SNP_CPUID == BOARD_SNP_SECRETS + SNP_PAGE_SIZE, "one behind the other");
_Static_assert(BOARD_BOOT_GDT<BOARD_SNP_SECRETS && BOARD_BOOT_PARAMS> BOARD_SNP_CPUID,
	       "what the entry needs is measured");

int snp_plan_kernel(struct snp_plan *plan, const struct x86_kernel *kernel,
		    const struct x86_boot *boot, const struct x86_entry *entry)
{
	struct x86_placement at;
	struct piece pieces[2];
	unsigned nr;
	int err = x86_kernel_place(kernel, boot, &at);

	if (err)
		return err;
	nr = at.initrd_size ? 2 : 1;
	pieces[0] = (struct piece){ ALIGN_DOWN(at.kernel, SNP_PAGE_SIZE),
				    ALIGN_UP(at.kernel + at.kernel_size, SNP_PAGE_SIZE) };
	pieces[1] =
		(struct piece){ at.initrd, ALIGN_UP(at.initrd + at.initrd_size, SNP_PAGE_SIZE) };
	err = add_first_mib(plan, boot->memory) ?:
	      add_region(plan, boot->memory, BOARD_HIGH_RAM, boot->low_ram, pieces, nr) ?:
	      add_region(plan, boot->memory, BOARD_HOLE_END, BOARD_HOLE_END + boot->high_ram,
			 pieces, nr);
	if (err) {
		log_fatal("--snp: the guest's %llu MiB of memory do not make a launch: %s",
			  (unsigned long long)(boot->low_ram + boot->high_ram) >> 20,
			  strerror(-err));
		return err;
	}
	snp_vcpu_reset(&plan->boot, SNP_RESET_VECTOR, 0);
	snp_vcpu_reset(&plan->others, SNP_RESET_VECTOR, 0);
	x86_entry_registers(entry, &plan->boot.sregs, &plan->boot.regs);
	return 0;
}

/* ---- a firmware ---- */

int snp_plan_firmware(struct snp_plan *plan, const struct guest_memory *memory,
		      const struct snp_firmware *firmware, const struct snp_hashes *hashes)
{
	const enum snp_page_type types[] = {
		[SNP_SECTION_MEMORY] = SNP_PAGE_ZERO,
		[SNP_SECTION_SECRETS] = SNP_PAGE_SECRETS,
		[SNP_SECTION_CPUID] = SNP_PAGE_CPUID,
		[SNP_SECTION_CALLING_AREA] =
			SNP_PAGE_ZERO, /* of a service module that is not there */
		[SNP_SECTION_KERNEL_HASHES] = hashes ? SNP_PAGE_NORMAL : SNP_PAGE_ZERO,
	};
	int err;

	if (hashes && !firmware->hashes) {
		log_fatal(
			"--kernel: this firmware has no place for a kernel's hash, so it would not "
			"be measured; OVMF's build for AMD SEV (AmdSevX64) has one");
		return -EINVAL;
	}
	err = snp_plan_add(plan, memory, BOARD_HOLE_END - firmware->size, firmware->size,
			   SNP_PAGE_NORMAL);
	if (err)
		log_fatal("--firmware: it does not get its place below 4 GiB: %s", strerror(-err));
	for (unsigned i = 0; i < firmware->nr_sections && !err; i++) {
		const struct snp_section *section = &firmware->sections[i];

		if (hashes && section->kind == SNP_SECTION_KERNEL_HASHES)
			err = guest_write(memory, firmware->hashes, hashes, sizeof(*hashes));
		if (!err)
			err = snp_plan_add(plan, memory, section->gpa, section->size,
					   types[section->kind]);
		if (err)
			log_fatal(
				"--firmware: it wants %u KiB of memory at 0x%llx, where there are "
				"none for it; give the guest more with --mem",
				section->size >> 10, (unsigned long long)section->gpa);
	}
	return err;
}
