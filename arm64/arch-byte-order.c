// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch-byte-order.h"
#include "lkvm/arch.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/registers.h"

/* 0 when all that the decision takes has been read. */
static int read_registers(struct vcpu *vcpu, struct arm64_byte_order *cpu)
{
	int err = vcpu_get_register(vcpu, REG_PSTATE, &cpu->pstate);

	err = err ?: vcpu_get_register(vcpu, REG_SCTLR_EL1, &cpu->sctlr_el1);
	/* A vCPU without EL2 does not have its registers either. */
	cpu->has_el2 = vcpu->vm->config->arch.nested;
	if (!err && cpu->has_el2)
		err = vcpu_get_register(vcpu, REG_SCTLR_EL2, &cpu->sctlr_el2);
	if (!err && cpu->has_el2)
		err = vcpu_get_register(vcpu, REG_HCR_EL2, &cpu->hcr_el2);
	return err;
}

bool arch_vcpu_big_endian(struct vcpu *vcpu)
{
	struct arm64_byte_order cpu = { 0 };
	int err = read_registers(vcpu, &cpu);

	if (err) {
		log_debug("vCPU %u: its byte order cannot be read (%d); little-endian it is",
			  vcpu->id, err);
		return false;
	}
	return arm64_is_big_endian(&cpu);
}
