/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest's CPUs can do: which ISA extensions KVM gives them, which of those --cpu-type and --disable-NAME
 * take away, and how the rest is told in the device tree. Main thread.
 */
#ifndef RISCV_ISA_H
#define RISCV_ISA_H

#include "isa-table.h"
#include "lkvm/util/types.h"

struct fdt_tree;
struct vcpu;

#define RISCV_ISA_ID(number, name, min, needs) ISA_##name = (number),
/* KVM's numbers. */
enum riscv_isa_id { RISCV_ISA_TABLE(RISCV_ISA_ID) };
#undef RISCV_ISA_ID
#define RISCV_ISA_MAX 80

enum riscv_cpu_type { RISCV_CPU_MAX, RISCV_CPU_MIN };

/* Part of struct arch_config. */
struct riscv_isa_config {
	enum riscv_cpu_type cpu_type;
	bool disabled[RISCV_ISA_MAX]; /* by KVM's number */
};

/* What a vCPU has. */
struct riscv_isa {
	bool has[RISCV_ISA_MAX]; /* by KVM's number */
	u32 cbom_size, cbop_size,
		cboz_size; /* blocks of cache instructions, bytes; 0: no such ones */
};

/* The longest string that isa_string() makes, with its 0. */
#define RISCV_ISA_STRING_MAX 1024

/* Is the extension the guest's if the host has it? Needs no vCPU. */
bool isa_wanted(const struct riscv_isa_config *config, enum riscv_isa_id id);

/*
 * A new vCPU, which never ran: takes away what is not wanted, and vcpu->arch.isa is what is left. A thing asked for by
 * --disable-NAME that KVM cannot take away gets a warning, from vCPU 0; the guest is not told of it either
 * way. Logs and returns -errno on failure.
 */
int isa_init(struct vcpu *vcpu);

/* "rv64imafdc_zicntr...", for riscv,isa. `text` has space for RISCV_ISA_STRING_MAX bytes. */
void isa_string(const struct riscv_isa *isa, char *text);

/* The CPU node's properties: riscv,isa, riscv,isa-base, riscv,isa-extensions, cache blocks' sizes. */
void isa_fdt(struct fdt_tree *tree, const struct riscv_isa *isa);

#define RISCV_ISA_OPTION(number, name_, min_, needs_)                                              \
	OPTION_ROW(FLAG, "disable-" #name_, CONFIG_FIELD(arch.isa.disabled[number]),               \
		   .help = "No ISA extension " #name_ " for the guest"),
/* Rows of arch_options. */
#define RISCV_ISA_OPTIONS RISCV_ISA_TABLE(RISCV_ISA_OPTION)

#endif
