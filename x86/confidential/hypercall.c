// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hypercalls that KVM leaves to us: KVM_HC_MAP_GPA_RANGE, by which a guest makes pages private or shared. The
 * page-state changes of an SEV-SNP guest come as the same exit.
 */
#include <asm/kvm_para.h>
#include <errno.h>
#include <linux/kvm_para.h>

#include "lkvm/vm/conversion.h"
#include "vm-type.h"

/* Of the third argument: the page size that the guest would like, which is KVM's to choose, and the kind. */
#define PAGE_SIZE_MASK 0xfULL
#define PAGE_SIZE_LAST KVM_MAP_GPA_RANGE_PAGE_SZ_1G
#define PRIVATE	       ((u64)KVM_MAP_GPA_RANGE_ENCRYPTED)

static int map_gpa_range(struct vcpu *vcpu, u64 gpa, u64 pages, u64 attributes)
{
	if (attributes & ~(PAGE_SIZE_MASK | PRIVATE) ||
	    (attributes & PAGE_SIZE_MASK) > PAGE_SIZE_LAST || pages > UINT64_MAX / CONVERSION_PAGE)
		return -EINVAL;
	return conversion_request(vcpu, gpa, pages * CONVERSION_PAGE, attributes & PRIVATE);
}

/* The guest's numbers for errors. Most of them are Linux's, but not all of those are among them. */
static u64 hypercall_answer(int err)
{
	switch (err) {
	case 0:
		return 0;
	case -EINVAL:
		return -(u64)KVM_EINVAL;
	case -EOPNOTSUPP:
		return -(u64)KVM_ENOSYS;
	default:
		return -(u64)KVM_EFAULT;
	}
}

enum exit_action x86_private_exit(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	int err = -EOPNOTSUPP;

	if (run->exit_reason != KVM_EXIT_HYPERCALL)
		return EXIT_ACTION_UNKNOWN;
	if (run->hypercall.nr == KVM_HC_MAP_GPA_RANGE)
		err = map_gpa_range(vcpu, run->hypercall.args[0], run->hypercall.args[1],
				    run->hypercall.args[2]);
	if (err == -EINTR) {
		vcpu->repeat_exit = true;
		return EXIT_ACTION_CONTINUE;
	}
	counter_add(&vcpu->vm->counters, COUNTER_HYPERCALLS, 1);
	/* Last: a pre-fault that failed writes its reason into the same union of struct kvm_run. */
	run->hypercall.ret = hypercall_answer(err);
	return EXIT_ACTION_CONTINUE;
}
