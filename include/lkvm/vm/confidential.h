/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests by what they hide from the host. Each architecture has a table of kinds; the configuration chooses one, and
 * the board calls its functions where such a guest differs. Nothing else knows a kind by name.
 */
#ifndef LKVM_VM_CONFIDENTIAL_H
#define LKVM_VM_CONFIDENTIAL_H

#include "lkvm/vm/vcpu.h"

struct vm;
struct vm_config;

/* Functions may be NULL: nothing is different then. Main thread, in this order; log and return -errno on failure. */
struct confidential_ops {
	const char *option;    /* what asks for it, for messages: "--vm-type snp" */
	const char *needs;     /* what a host must have: "Linux 6.8 or later with ..." */
	unsigned long vm_type; /* its bits of KVM_CREATE_VM's argument */
	bool private_memory;   /* devices reach only what the guest shares */
	bool single_boot;      /* what was loaded cannot be loaded again: no reboot */

	/* Options that do not go together with it. Needs no KVM. */
	int (*check_config)(const struct vm_config *config);
	/* Does this KVM have it? `type` is all of KVM_CREATE_VM's argument. */
	int (*check_host)(const struct confidential_ops *ops, int kvm_fd, unsigned long type);
	/* Opens files of its own, and looks into those that are open. Nothing of KVM exists. */
	int (*open)(struct vm *vm);
	/* This KVM has it: opens devices of the host that go with it. There is no VM yet. */
	int (*open_devices)(struct vm *vm);
	/* The page table bit that marks the guest's own memory; no guest address reaches it. */
	unsigned (*private_bit)(const struct vm *vm);
	/* Memory is laid out, KVM has neither memory slots nor vCPUs. */
	int (*vm_created)(struct vm *vm);
	/* Kernel, initrds and tables are in guest memory. Needs no KVM. */
	int (*load)(struct vm *vm);
	/* vCPUs exist and have not run; sets where they begin, in the board's place. */
	int (*launch)(struct vm *vm);
	/* vCPU thread: exits that only such guests have. */
	enum exit_action (*exit)(struct vcpu *vcpu);
	void (*destroy)(struct vm *vm);
};

/* For check_config: -EINVAL, logged, with a device whose back end is another process: it would have to see that memory. */
int confidential_check_sharing(const struct confidential_ops *ops, const struct vm_config *config);

/* For check_config: -EINVAL, logged, with a transport whose drivers pass memory that such guests do not share. */
int confidential_check_transport(const struct confidential_ops *ops,
				 const struct vm_config *config);

#endif
