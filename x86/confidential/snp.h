/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A SEV-SNP guest: the row x86_snp (vm-type.h), and what it keeps of one guest in struct arch_vm's `snp`. Main thread. */
#ifndef X86_SNP_H
#define X86_SNP_H

#include "lkvm/vm/vm.h"
#include "snp-plan.h"

struct snp;

/* What load() has made. */
const struct snp_plan *snp_plan(const struct snp *snp);
/* The launch digest that the ID block wants, SHA384_SIZE bytes; NULL: there is none. */
const u8 *snp_owners_digest(const struct snp *snp);

#endif
