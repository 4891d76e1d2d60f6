// SPDX-License-Identifier: GPL-2.0-or-later
/* What a vCPU of x86 is about, told by its registers. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lkvm/arch.h"
#include "test.h"

#define IF  0x202
#define CLI 0x002

static struct {
	u32 mp_state;
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	unsigned long fails; /* this request does */
} fake;

/* In the place of the C library's. */
int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	errno = EINVAL;
	if (request == fake.fails)
		return -1;
	switch (request) {
	case KVM_GET_MP_STATE:
		((struct kvm_mp_state *)arg)->mp_state = fake.mp_state;
		return 0;
	case KVM_GET_REGS:
		memcpy(arg, &fake.regs, sizeof(fake.regs));
		return 0;
	case KVM_GET_SREGS:
		memcpy(arg, &fake.sregs, sizeof(fake.sregs));
		return 0;
	}
	return -1;
}

static enum vcpu_activity activity(u32 mp_state, u64 flags, u8 ring)
{
	enum vcpu_activity activity;
	struct vcpu vcpu = { .fd = 1 };
	u64 pc = 1;

	fake.mp_state = mp_state;
	fake.regs.rflags = flags;
	fake.regs.rip = 0x1000;
	fake.sregs.cs.base = 0x20000;
	fake.sregs.ss.dpl = ring;
	activity = arch_vcpu_activity(&vcpu, &pc);
	if (activity == VCPU_IN_KERNEL)
		assert_int_equal(pc, 0x21000);
	return activity;
}

static void it_is_told_by_registers(void **state)
{
	assert_int_equal(activity(KVM_MP_STATE_UNINITIALIZED, IF, 0), VCPU_DEAD);
	assert_int_equal(activity(KVM_MP_STATE_INIT_RECEIVED, IF, 0), VCPU_DEAD);
	assert_int_equal(activity(KVM_MP_STATE_HALTED, CLI, 0), VCPU_DEAD);
	/* An idle loop */
	assert_int_equal(activity(KVM_MP_STATE_HALTED, IF, 0), VCPU_ACTIVE);
	assert_int_equal(activity(KVM_MP_STATE_RUNNABLE, IF, 3), VCPU_ACTIVE);
	assert_int_equal(activity(KVM_MP_STATE_RUNNABLE, CLI, 3), VCPU_ACTIVE);
	assert_int_equal(activity(KVM_MP_STATE_RUNNABLE, IF, 0), VCPU_IN_KERNEL);
	assert_int_equal(activity(KVM_MP_STATE_RUNNABLE, CLI, 0), VCPU_IN_KERNEL);
	assert_int_equal(activity(KVM_MP_STATE_SIPI_RECEIVED, CLI, 0), VCPU_ACTIVE);
}

static void what_kvm_does_not_tell_is_active(void **state)
{
	static const unsigned long requests[] = { KVM_GET_MP_STATE, KVM_GET_REGS, KVM_GET_SREGS };

	for (unsigned i = 0; i < ARRAY_SIZE(requests); i++) {
		fake.fails = requests[i];
		assert_int_equal(activity(KVM_MP_STATE_HALTED, CLI, 0), VCPU_ACTIVE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_told_by_registers),
		cmocka_unit_test(what_kvm_does_not_tell_is_active),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
