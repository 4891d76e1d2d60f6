// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <linux/kvm_para.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lkvm/vm/conversion.h"
#include "lkvm/vm/credential.h"
#include "lkvm/util/log.h"
#include "lkvm/util/text.h"
#include "snp-config.h"
#include "uapi/kvm.h"
#include "vm-type.h"
#include "../x86-vm.h"

static int sw_protected_vm_created(struct vm *vm)
{
	return x86_private_vm_created(vm, false);
}

static int sw_protected_check_config(const struct vm_config *config)
{
	int err = x86_private_check_config(config) ?: snp_check_absent(config);

	if (err || !config->firmware)
		return err;
	log_fatal("--firmware %s: on x86 only ordinary and SEV-SNP guests have one; leave "
		  "--vm-type out, or give --vm-type snp",
		  config->firmware);
	return -EINVAL;
}

static const struct confidential_ops none = {
	.check_config = snp_check_absent,
};

static const struct confidential_ops sw_protected = {
	.option = "--vm-type sw-protected",
	.needs = "Linux 6.8 or later with CONFIG_KVM_SW_PROTECTED_VM, and nested paging",
	.vm_type = 1,
	.private_memory = true,
	.check_config = sw_protected_check_config,
	.check_host = x86_private_check_host,
	.vm_created = sw_protected_vm_created,
	.exit = x86_private_exit,
};

static const struct confidential_ops *const kinds[] = {
	[VM_TYPE_DEFAULT] = &none,
	[VM_TYPE_SW_PROTECTED] = &sw_protected,
	[VM_TYPE_SNP] = &x86_snp,
};

const struct confidential_ops *x86_confidential(const struct vm_config *config)
{
	return kinds[config->arch.vm_type];
}

int arch_vm_type(const struct vm_config *config, int kvm_fd, unsigned long *type)
{
	const struct confidential_ops *ops = x86_confidential(config);

	*type = ops->vm_type;
	return ops->check_host ? ops->check_host(ops, kvm_fd, *type) : 0;
}

int arch_open_devices(struct vm *vm)
{
	const struct confidential_ops *ops = vm->arch->confidential;

	return ops->open_devices ? ops->open_devices(vm) : 0;
}

int x86_private_check_config(const struct vm_config *config)
{
	const struct confidential_ops *ops = x86_confidential(config);

	/* It would be both halves at once. */
	if (config->memory_backend.kind == MEMORY_GUEST_MEMFD) {
		log_fatal(
			"--mem-backend guest-memfd does not go together with %s, whose private memory is one already; any other would work",
			ops->option);
		return -EINVAL;
	}
	return confidential_check_sharing(ops, config) ?:
	       confidential_check_transport(ops, config) ?:
	       credential_check_confidential(ops, config);
}

/* KVM_CAP_VM_TYPES has a bit for each vm_type. */
static void say_offered(int offered, struct text *text)
{
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		if (offered & BIT(kinds[i]->vm_type))
			text_add(text, "%s%s", text->len ? ", " : "", x86_vm_type_names[i]);
}

int x86_private_check_host(const struct confidential_ops *ops, int kvm_fd, unsigned long type)
{
	int offered = ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_VM_TYPES);
	struct text text = { .len = 0 };

	/* Before there were types, all were of this one. */
	if (offered <= 0)
		offered = BIT(none.vm_type);
	if (offered & BIT(type))
		return 0;
	say_offered(offered, &text);
	log_fatal("%s: not offered by this host's KVM, which has %s; it takes %s", ops->option,
		  text.bytes, ops->needs);
	return -EOPNOTSUPP;
}

int x86_private_vm_created(struct vm *vm, bool accesses_tell)
{
	const struct conversion_options options = {
		.accesses_tell = accesses_tell,
		.prefault = !vm->config->arch.no_prefault,
	};
	struct kvm_enable_cap exits = {
		.cap = KVM_CAP_EXIT_HYPERCALL,
		.args = { BIT(KVM_HC_MAP_GPA_RANGE) },
	};

	if (ioctl(vm->fd, KVM_ENABLE_CAP, &exits))
		return x86_failed("KVM does not hand on the guest's page-state changes");
	return conversions_create(vm, &options);
}
