// SPDX-License-Identifier: GPL-2.0-or-later
#include "sbi.h"

enum exit_action sbi_call(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	run->riscv_sbi.ret[0] = (unsigned long)SBI_ERR_NOT_SUPPORTED;
	run->riscv_sbi.ret[1] = 0;
	return EXIT_ACTION_CONTINUE;
}
