/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that a guest makes private and shared again, page by page. Every region of such a guest's RAM
 * has two halves: the shared one, mapped here at its hva, and the private one, in a guest_memfd that
 * nobody but the guest reads. KVM's memory attributes say which of them a page is; what is in the other
 * one is given back to the host, so a page that was converted is all zeroes, in either direction.
 *
 * The guest asks (x86: KVM_HC_MAP_GPA_RANGE), or its access of the other kind asks for it. Nothing here
 * knows an architecture; which guests have such memory, and how it begins, is the architecture's. What
 * is done is counted (counters.h).
 */
#ifndef LKVM_VM_CONVERSION_H
#define LKVM_VM_CONVERSION_H

#include "lkvm/vm/vm.h"

#define CONVERSION_PAGE 4096ULL

struct conversion_options {
	/*
	 * An access says itself of which kind it is (by a bit in the guest's page tables), so one of the wrong
	 * kind is a wish to convert the page. Without, KVM takes every access for the kind that the page is
	 * of, and there is a mismatch only when another vCPU converts the page meanwhile: nothing is wished,
	 * unless the access is refused once more though no page has changed its kind. Then this KVM's guests do
	 * say it, and from then on they are taken at their word.
	 */
	bool accesses_tell;
	bool prefault; /* see conversion_request(); no effect on a KVM that cannot */
};

/*
 * When vm->memory has all its regions, before vm_map_memory(): gives each a guest_memfd and begins with all
 * of it shared. vm->private_memory is set. It is a device on vm->devices: reset makes all
 * memory shared again, and what was private is gone; if KVM does not do that, VM_REQUEST_HOST_ERROR is made. Main
 * thread; logs and returns -errno on failure.
 */
int conversions_create(struct vm *vm, const struct conversion_options *options);

/*
 * Makes [gpa, gpa + size) private or shared, whatever each of its pages was, and gives back the other
 * half's pages. -EINVAL, and nothing done, unless whole pages, all of them in one region of RAM, which is one of KVM's
 * slots; otherwise KVM's answer, and up to the first 64 MiB that KVM refuses it is done. A page that is of that kind already keeps its contents.
 * Any thread; two that overlap come one after the other. Not counted: it is nothing that the guest did.
 */
int __must_check conversion_apply(struct vm *vm, gpa_t gpa, u64 size, bool private);

/*
 * The same as the guest's wish, on the thread of the vCPU that asked: pre-faults exactly that range
 * afterwards (KVM_PRE_FAULT_MEMORY) with which the guest is spared a fault for each page. That it fails, or
 * ends early as the vCPU is wanted elsewhere, harms nobody. May overwrite kvm_run's exit information. -ECANCELED: the
 * guest ends, the rest is not done. -EINTR: vcpus_parking() before all of it was done; ask again afterwards.
 */
int __must_check conversion_request(struct vcpu *vcpu, gpa_t gpa, u64 size, bool private);

/*
 * KVM_EXIT_MEMORY_FAULT, on the vCPU's thread: an access to private (or shared) memory at a page that is
 * not, for KVM. 0: enter the guest again. -errno: it leads nowhere, logs nothing.
 */
int __must_check conversion_fault(struct vcpu *vcpu, gpa_t gpa, u64 size, bool private);

#endif
