// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The boot hart's registers as KVM made them. KVM resets the other harts itself when the guest starts them
 * (SBI HSM); for the first one there was no way to ask for it before Linux 6.16.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lkvm/util/log.h"
#include "lkvm/vm/registers.h"
#include "arch-registers.h"
#include "arch-vm.h"

struct riscv_reset_state {
	unsigned nr;
	struct value {
		u64 id;
		u64 bits; /* as many as the register has, first in memory */
	} values[];
};

/* What the guest changes. Vectors have no defined state at reset; the clock runs on. */
static bool is_state(u64 id)
{
	u64 size = id & KVM_REG_SIZE_MASK;

	if (size != KVM_REG_SIZE_U64 && size != KVM_REG_SIZE_U32)
		return false;
	switch (id & KVM_REG_RISCV_TYPE_MASK) {
	case KVM_REG_RISCV_CORE:
	case KVM_REG_RISCV_CSR:
	case KVM_REG_RISCV_FP_F:
	case KVM_REG_RISCV_FP_D:
	case KVM_REG_RISCV_SBI_STATE:
		return true;
	case KVM_REG_RISCV_TIMER:
		return id == REG_TIMER(compare) || id == REG_TIMER(state);
	}
	return false;
}

/* KVM first says how many there are. NULL and errno: it does not tell. */
static struct kvm_reg_list *list_registers(const struct vcpu *vcpu)
{
	struct kvm_reg_list none = { .n = 0 }, *list;

	if (!ioctl(vcpu->fd, KVM_GET_REG_LIST, &none) || errno != E2BIG)
		return NULL;
	list = malloc(sizeof(*list) + none.n * sizeof(list->reg[0]));
	if (!list)
		return NULL;
	list->n = none.n;
	if (!ioctl(vcpu->fd, KVM_GET_REG_LIST, list))
		return list;
	free(list);
	return NULL;
}

int reset_state_keep(struct vcpu *vcpu)
{
	struct kvm_reg_list *list = list_registers(vcpu);
	struct riscv_reset_state *reset_state;
	int err = 0;

	if (!list)
		return vcpu_failed(vcpu, "KVM does not list its registers", -errno);
	reset_state = calloc(1, sizeof(*reset_state) + list->n * sizeof(reset_state->values[0]));
	if (!reset_state) {
		free(list);
		return -ENOMEM;
	}
	for (u64 i = 0; i < list->n && !err; i++) {
		struct value *value = &reset_state->values[reset_state->nr];

		if (!is_state(list->reg[i]))
			continue;
		value->id = list->reg[i];
		err = vcpu_get_register(vcpu, value->id, &value->bits);
		reset_state->nr++;
	}
	free(list);
	vcpu->arch.reset_state = reset_state;
	return err ? vcpu_failed(vcpu, "KVM does not tell its registers", err) : 0;
}

/* Only what has changed is written: KVM does not let a timer be stopped that does not run. */
static int reset_restore(struct vcpu *vcpu, const struct value *value)
{
	u64 now = 0;
	int err = vcpu_get_register(vcpu, value->id, &now);

	if (err || now == value->bits)
		return err;
	return vcpu_set_register(vcpu, value->id, value->bits);
}

int reset_state_restore(struct vcpu *vcpu)
{
	const struct riscv_reset_state *reset_state = vcpu->arch.reset_state;

	for (unsigned i = 0; i < reset_state->nr; i++) {
		int err = reset_restore(vcpu, &reset_state->values[i]);

		if (err) {
			log_debug("register 0x%llx", (unsigned long long)reset_state->values[i].id);
			return vcpu_failed(vcpu, "KVM does not take its registers", err);
		}
	}
	return 0;
}
