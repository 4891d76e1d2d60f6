// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "lkvm/console/chardev.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/registers.h"
#include "lkvm/vm/vm.h"
#include "arch-registers.h"
#include "sbi.h"

/* Extensions' and functions' numbers as the guest calls them. */
#define EID_V01_PUTCHAR 0x01
#define EID_V01_GETCHAR 0x02
#define EID_DBCN	0x4442434e
#define DBCN_WRITE	0
#define DBCN_READ	1
#define DBCN_WRITE_BYTE 2
#define EID_SUSP	0x53555350
#define SUSP_SUSPEND	0

#define SBI_SUCCESS	      0UL
#define SBI_ERR_FAILED	      (-1UL)
#define SBI_ERR_NOT_SUPPORTED (-2UL)
#define SBI_ERR_INVALID_PARAM (-3UL)

/* A call may do a part of what it was asked for and says how much. */
#define CHUNK 4096

#define NS_PER_SECOND 1000000000ULL

struct extension {
	u8 id;
	const char *name;
	bool ours;
};

#define EXTENSION(number, name_, ours_, what) { number, #name_, ours_ },
static const struct extension table[] = { RISCV_SBI_TABLE(EXTENSION) };

_Static_assert(ARRAY_SIZE(table) == RISCV_SBI_MAX, "an extension is missing");

/* ---- which there are ---- */

static void init_extension(struct vcpu *vcpu, const struct extension *e)
{
	const struct riscv_sbi_config *config = &vcpu->vm->config->arch.sbi;
	bool disabled = config->disabled[e->id];

	if (!disabled && !e->ours)
		return;
	if (!vcpu_set_register(vcpu, REG_SBI(e->id), !disabled) || vcpu->id)
		return;
	if (disabled)
		log_warning("--disable-sbi-%s: this host's KVM does not know how to", e->name);
	else if (e->id == SBI_susp && config->suspend_seconds)
		log_warning("--suspend-seconds: guests on this host cannot suspend; Linux 6.15 or "
			    "later lets them");
	else
		log_debug("This host's KVM has no SBI extension %s", e->name);
}

static int init_id(struct vcpu *vcpu, u64 number, const char *option, const struct given_u64 *id)
{
	int err = id->given ? vcpu_set_register(vcpu, number, id->value) : 0;

	if (err)
		log_fatal("--%s 0x%llx: this host's KVM does not take it (%s); Linux 6.2 or later "
			  "does",
			  option, (unsigned long long)id->value, strerror(-err));
	return err;
}

static void go_on(struct loop_timer *timer)
{
	struct riscv_sleep *sleep = CONTAINER_OF(timer, struct riscv_sleep, timer);

	vcpu_set_off(sleep->vcpu, false);
}

int sbi_init(struct vcpu *vcpu)
{
	const struct riscv_sbi_config *config = &vcpu->vm->config->arch.sbi;

	vcpu->arch.sleep.vcpu = vcpu;
	vcpu->arch.sleep.timer.expired = go_on;
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++)
		init_extension(vcpu, &table[i]);
	return init_id(vcpu, REG_CONFIG(mvendorid), "custom-mvendorid", &config->mvendorid) ?:
	       init_id(vcpu, REG_CONFIG(marchid), "custom-marchid", &config->marchid) ?:
	       init_id(vcpu, REG_CONFIG(mimpid), "custom-mimpid", &config->mimpid);
}

void sbi_reset(struct vm *vm)
{
	struct vcpu *vcpu;
	unsigned i;

	vcpu_for_each (vcpu, vm, i) {
		loop_timer_cancel(&vcpu->arch.sleep.timer);
		vcpu_set_off(vcpu, false);
	}
	chardev_give_back(vm->console);
}

/* ---- calls ---- */

typedef __typeof__(((struct kvm_run *)0)->riscv_sbi.ret[0]) sbi_word;

static bool sbi_answer(struct vcpu *vcpu, sbi_word error, sbi_word value)
{
	vcpu->run->riscv_sbi.ret[0] = error;
	vcpu->run->riscv_sbi.ret[1] = value;
	return true;
}

static bool dbcn_write(struct vcpu *vcpu, gpa_t address, u64 len)
{
	u8 bytes[CHUNK];

	len = MIN(len, sizeof(bytes));
	if (guest_read(&vcpu->vm->memory, address, bytes, len))
		return sbi_answer(vcpu, SBI_ERR_INVALID_PARAM, 0);
	chardev_write(vcpu->vm->console, bytes, len);
	return sbi_answer(vcpu, SBI_SUCCESS, len);
}

static bool dbcn_read(struct vcpu *vcpu, gpa_t address, u64 len)
{
	u8 bytes[CHUNK];

	if (!guest_memory_hva_writable(&vcpu->vm->memory, address, len))
		return sbi_answer(vcpu, SBI_ERR_INVALID_PARAM, 0);
	len = chardev_read(vcpu->vm->console, bytes, MIN(len, sizeof(bytes)));
	if (len && guest_write(&vcpu->vm->memory, address, bytes, len))
		return sbi_answer(vcpu, SBI_ERR_FAILED, 0);
	return sbi_answer(vcpu, SBI_SUCCESS, len);
}

static bool dbcn_write_byte(struct vcpu *vcpu, u8 byte)
{
	chardev_write(vcpu->vm->console, &byte, 1);
	return sbi_answer(vcpu, SBI_SUCCESS, 0);
}

/* SBI 2.0, chapter 12: a length, and an address in two words, the upper of which must be 0. */
static bool sbi_dbcn(struct vcpu *vcpu, u64 function,
		     const __typeof__(vcpu->run->riscv_sbi.args[0]) *args)
{
	u64 len = args[0], address = args[1];

	switch (function) {
	case DBCN_WRITE:
	case DBCN_READ:
		if (!len && !args[2])
			return sbi_answer(vcpu, SBI_SUCCESS, 0);
		/* All of it, also what a part does not come to. */
		if (args[2] || !guest_memory_hva(&vcpu->vm->memory, address, len))
			return sbi_answer(vcpu, SBI_ERR_INVALID_PARAM, 0);
		return function == DBCN_WRITE ? dbcn_write(vcpu, address, len)
					      : dbcn_read(vcpu, address, len);
	case DBCN_WRITE_BYTE:
		return dbcn_write_byte(vcpu, args[0]);
	}
	return sbi_answer(vcpu, SBI_ERR_NOT_SUPPORTED, 0);
}

static void fall_asleep(void *arg)
{
	struct vcpu *vcpu = arg;
	unsigned seconds = vcpu->vm->config->arch.sbi.suspend_seconds ?: RISCV_SUSPEND_SECONDS;

	loop_timer_set(vcpu->vm->loop, &vcpu->arch.sleep.timer, seconds * NS_PER_SECOND);
}

/*
 * KVM has looked at everything: the other CPUs are off, and when this one runs again it begins where the
 * call wants it to.
 */
static bool sbi_susp(struct vcpu *vcpu, u64 function)
{
	if (function != SUSP_SUSPEND)
		return sbi_answer(vcpu, SBI_ERR_NOT_SUPPORTED, 0);
	sbi_answer(vcpu, SBI_SUCCESS, 0);
	vcpu_set_off(vcpu, true);
	if (!loop_post(vcpu->vm->loop, fall_asleep, vcpu))
		return false;
	/* No memory to wait with: a short sleep is a sleep. */
	vcpu_set_off(vcpu, false);
	return true;
}

/* Version 0.1 has no errors; -1 is no character. */
static bool getchar_v01(struct vcpu *vcpu)
{
	u8 byte;

	return sbi_answer(vcpu, chardev_read(vcpu->vm->console, &byte, 1) ? byte : -1UL, 0);
}

bool sbi_call(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	__typeof__(run->riscv_sbi.args[0]) args[3];

	memcpy(args, run->riscv_sbi.args, sizeof(args));
	switch (run->riscv_sbi.extension_id) {
	case EID_V01_PUTCHAR:
		return dbcn_write_byte(vcpu, args[0]);
	case EID_V01_GETCHAR:
		return getchar_v01(vcpu);
	case EID_DBCN:
		return sbi_dbcn(vcpu, run->riscv_sbi.function_id, args);
	case EID_SUSP:
		return sbi_susp(vcpu, run->riscv_sbi.function_id);
	}
	return sbi_answer(vcpu, SBI_ERR_NOT_SUPPORTED, 0);
}
