/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The supervisor binary interface (RISC-V SBI specification 3.0): which of its extensions a guest has, and the
 * calls that KVM leaves to us: the debug console, suspension, and version 0.1's console. HSM, SRST, TIME
 * and the others are KVM's own.
 */
#ifndef RISCV_SBI_H
#define RISCV_SBI_H

#include "lkvm/config/key.h"
#include "lkvm/util/loop.h"
#include "sbi-table.h"

struct vcpu;
struct vm;

#define RISCV_SBI_ID(number, name, off, what) SBI_##name = (number),
/* KVM's numbers. */
enum riscv_sbi_id { RISCV_SBI_TABLE(RISCV_SBI_ID) };
#undef RISCV_SBI_ID

#define RISCV_SBI_MAX	      14
#define RISCV_SUSPEND_SECONDS 5

/* Part of struct arch_config. */
struct riscv_sbi_config {
	bool disabled[RISCV_SBI_MAX];		     /* by KVM's number */
	struct given_u64 mvendorid, marchid, mimpid; /* --custom-* */
	unsigned suspend_seconds; /* until a suspended guest goes on; 0: RISCV_SUSPEND_SECONDS */
};

/* Part of struct arch_vcpu: a guest that suspended itself goes on, on this vCPU, when the timer says so. */
struct riscv_sleep {
	struct vcpu *vcpu;	 /* whose it is; constant */
	struct loop_timer timer; /* main thread */
};

/*
 * A new vCPU, which never ran: extensions on and off, and the ids of --custom-*. Logs and returns
 * -errno on failure.
 */
int sbi_init(struct vcpu *vcpu);

/* vCPU thread: KVM_EXIT_RISCV_SBI. True: run on; false: the vCPU is off for a while. */
bool sbi_call(struct vcpu *vcpu);

/* Main thread, all vCPUs parked: nobody sleeps any more, the console's input is the serial port's again. */
void sbi_reset(struct vm *vm);

#define RISCV_SBI_OPTION(number, name_, ours, what)                                                \
	OPTION_ROW(FLAG, "disable-sbi-" #name_, CONFIG_FIELD(arch.sbi.disabled[number]),           \
		   .help = "No SBI extension " #name_ " (" what ") for the guest"),
/* Rows of arch_options. */
#define RISCV_SBI_OPTIONS RISCV_SBI_TABLE(RISCV_SBI_OPTION)

#endif
