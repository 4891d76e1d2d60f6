/* SPDX-License-Identifier: GPL-2.0-or-later */
/* arch_vcpu_dump() where KVM's registers have numbers (lkvm/vm/registers.h). */
#ifndef LKVM_DEVICETREE_DUMP_H
#define LKVM_DEVICETREE_DUMP_H

#include "lkvm/util/types.h"

struct dump_register {
	const char *name;
	u64 id; /* those that the vCPU does not have are left out */
};

/*
 * The architecture's; its registers.h has REG_PC, REG_X() and CODE_UNIT, the bytes of its shortest instruction.
 * dump_general: names of REG_X(0) and so on; ends with NULL.
 */
extern const char *const dump_general[];
extern const struct dump_register dump_registers[];
extern const unsigned dump_nr_registers;

#endif
