/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SEV-SNP part of one guest's life, in the order of the calls. All but snp_create() do nothing for a guest
 * that is none. Main thread; 0 or -errno, said.
 */
#ifndef X86_SNP_H
#define X86_SNP_H

#include "lkvm/vm/vm.h"
#include "snp-plan.h"

struct snp;

/*
 * With the configuration checked, before memory's layout: opens and checks the files (firmware, kernel for
 * its hash, ID block). Nothing of KVM. *snp is NULL for another guest.
 */
int snp_create(struct snp **snp, const struct vm_config *config);
void snp_destroy(struct snp *snp);

/* Bytes of RAM that its firmware wants below 4 GiB; 0: it has none. */
u64 snp_firmware_size(const struct snp *snp);

/* Behind KVM_CREATE_VM with arch_vm_type()'s type, before memory slots and vCPUs. */
int snp_init(struct snp *snp, struct vm *vm);

/*
 * Memory's contents are there, but for the firmware's, which is loaded here: makes the plan. Nothing of KVM.
 * boot and entry are those of the kernel that starts without a firmware.
 */
int snp_load(struct snp *snp, struct vm *vm, const struct x86_boot *boot,
	     const struct x86_entry *entry);
const struct snp_plan *snp_plan(const struct snp *snp);
/* The launch digest that the ID block wants, SHA384_SIZE bytes; NULL: there is none. */
const u8 *snp_owners_digest(const struct snp *snp);

/*
 * vCPUs exist and did not run: the launch. There is no second one. All of the plan's pages are private then, and
 * nothing of them is left in the shared half.
 */
int snp_launch(struct snp *snp, struct vm *vm);

#endif
