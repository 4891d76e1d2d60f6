// SPDX-License-Identifier: GPL-2.0-or-later
/* How vCPU 0 enters a kernel: flat segments, interrupts off; for 64 bits identity-mapped page tables. */
#include <errno.h>

#include "board.h"
#include "kernel.h"
#include "lkvm/memory/populate.h"

#define SELECTOR_CODE 0x10
#define SELECTOR_DATA 0x18
#define TYPE_DATA     3	 /* writable, accessed */
#define TYPE_CODE     11 /* readable, accessed */

#define RFLAGS_FIXED BIT(1)
#define CR0_PE	     BIT(0)
#define CR0_ET	     BIT(4)
#define CR0_PG	     BIT(31)
#define CR4_PAE	     BIT(5)
#define EFER_LME     BIT(8)
#define EFER_LMA     BIT(10)

/* Page table bits */
#define PRESENT	   BIT(0)
#define WRITABLE   BIT(1)
#define LARGE_PAGE BIT(7)

static int write_gdt(const struct guest_memory *memory, bool long_mode)
{
	const le64 table[4] = {
		[SELECTOR_CODE / 8] = htole64(long_mode ? 0x00af9b000000ffff : 0x00cf9b000000ffff),
		[SELECTOR_DATA / 8] = htole64(0x00cf93000000ffff),
	};

	return guest_memory_populate(memory, BOARD_BOOT_GDT, table, sizeof(table));
}

/* The first 4 GiB as they are, in pages of 2 MiB, which every 64-bit processor has. */
static int write_page_tables(const struct guest_memory *memory, u64 bits)
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

int x86_entry_write(const struct x86_entry *entry, const struct guest_memory *memory, u64 bits)
{
	int err = write_gdt(memory, entry->long_mode);

	return err || !entry->long_mode ? err : write_page_tables(memory, bits);
}

static struct kvm_segment entry_flat(u16 selector, u8 type, bool long_mode)
{
	return (struct kvm_segment){
		.limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.db = !long_mode,
		.l = long_mode,
		.s = 1,
		.g = 1,
	};
}

void x86_entry_registers(const struct x86_entry *entry, struct kvm_sregs *sregs,
			 struct kvm_regs *regs)
{
	*regs = (struct kvm_regs){
		.rip = entry->rip,
		.rsi = entry->boot_params,
		.rbx = entry->start_info,
		.rflags = RFLAGS_FIXED,
	};
	sregs->cs = entry_flat(SELECTOR_CODE, TYPE_CODE, entry->long_mode);
	sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss =
		entry_flat(SELECTOR_DATA, TYPE_DATA, false);
	sregs->gdt.base = BOARD_BOOT_GDT;
	sregs->gdt.limit = SELECTOR_DATA + 7;
	sregs->idt.limit = 0;
	sregs->cr0 = CR0_PE | CR0_ET;
	if (entry->long_mode) {
		sregs->cr0 |= CR0_PG;
		sregs->cr3 = BOARD_BOOT_PAGE_TABLES;
		sregs->cr4 = CR4_PAE;
		sregs->efer = EFER_LME | EFER_LMA;
	}
}
