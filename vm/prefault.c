// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <sys/ioctl.h>

#include "lkvm/vm/conversion.h"
#include "lkvm/vm/prefault.h"
#include "lkvm/vm/vcpu.h"
#include "uapi/kvm.h"

/* Answers in a row that are no progress: a signal that came, a page that another vCPU is at work on. */
#define MAX_TRIES 16

/*
 * A signal that comes right before the ioctl does not end it, and a guest may convert all of its memory. So KVM is
 * asked for as much as takes it well under a second.
 */
#define MOST_AT_ONCE MIB(64)

/* Set for whoever waits for this vCPU: a pause, the end, vcpu_hold(). */
static bool wanted_elsewhere(struct vcpu *vcpu)
{
	return __atomic_load_n(&vcpu->run->immediate_exit, __ATOMIC_ACQUIRE) || vm_ending(vcpu->vm);
}

int vcpu_prefault(struct vcpu *vcpu, gpa_t gpa, u64 size, u64 *pages)
{
	unsigned tries = 0;

	*pages = 0;
	while (size) {
		u64 asked = MIN(size, (u64)MOST_AT_ONCE), done;
		struct kvm_pre_fault_memory range = { .gpa = gpa, .size = asked };
		int err = 0;

		if (wanted_elsewhere(vcpu))
			return -ECANCELED;
		if (ioctl(vcpu->fd, KVM_PRE_FAULT_MEMORY, &range))
			err = -errno;
		/* KVM moves both on, whatever it answers; that it went backwards would be its bug, not our loop. */
		if (range.size > asked)
			return -EPROTO;
		done = asked - range.size;
		*pages += done / CONVERSION_PAGE;
		gpa += done;
		size -= done;
		if (done) {
			tries = 0;
			continue;
		}
		if (err && err != -EINTR && err != -EAGAIN)
			return err;
		if (++tries == MAX_TRIES)
			return err ?: -EPROTO;
	}
	return 0;
}
