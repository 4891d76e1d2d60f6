// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "arch-vm.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/registers.h"
#include "lkvm/vm/vcpu.h"
#include "sve.h"

_Static_assert(SVE_WORDS == KVM_ARM64_SVE_VLS_WORDS, "the set is KVM's");

static bool sve_has(const u64 *set, unsigned n)
{
	return set[n / 64] >> n % 64 & 1;
}

static void sve_list(const u64 *set, char *text, size_t size)
{
	size_t len = 0;

	*text = '\0';
	for (unsigned n = 0; n < SVE_VL_MAX / SVE_VL_UNIT && len < size; n++) {
		if (sve_has(set, n))
			len += snprintf(text + len, size - len, "%s%u", len ? ", " : "",
					(n + 1) * SVE_VL_UNIT);
	}
}

int sve_limit(u64 set[SVE_WORDS], unsigned bits, char *known, size_t size)
{
	unsigned longest = bits / SVE_VL_UNIT - 1;

	if (!sve_has(set, longest)) {
		sve_list(set, known, size);
		return -EINVAL;
	}
	for (unsigned n = longest + 1; n < SVE_WORDS * 64; n++)
		set[n / 64] &= ~BIT(n % 64);
	return 0;
}

static const char refused[] = "KVM does not take its vector lengths";

static int sve_cap(struct vcpu *vcpu, unsigned bits)
{
	u64 set[SVE_WORDS];
	struct kvm_one_reg reg = { .id = KVM_REG_ARM64_SVE_VLS, .addr = (u64)(uintptr_t)set };
	char known[128];
	int err;

	if (ioctl(vcpu->fd, KVM_GET_ONE_REG, &reg))
		return vcpu_failed(vcpu, refused, -errno);
	err = sve_limit(set, bits, known, sizeof(known));
	if (err)
		log_fatal("--sve-max-vl %u: this host's CPUs have vectors of %s bits", bits, known);
	else if (ioctl(vcpu->fd, KVM_SET_ONE_REG, &reg))
		err = vcpu_failed(vcpu, refused, -errno);
	return err;
}

int sve_finalize(struct vcpu *vcpu)
{
	unsigned bits = vcpu->vm->config->arch.sve_max_vl;
	int feature = KVM_ARM_VCPU_SVE, err = bits ? sve_cap(vcpu, bits) : 0;

	if (!err && ioctl(vcpu->fd, KVM_ARM_VCPU_FINALIZE, &feature))
		err = vcpu_failed(vcpu, refused, -errno);
	return err;
}
