// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <linux/kvm_para.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lkvm/vm/conversion.h"
#include "lkvm/util/log.h"
#include "lkvm/util/text.h"
#include "uapi/kvm.h"
#include "vm-type.h"

/* KVM_X86_..._VM of asm/kvm.h, by bit of KVM_CAP_VM_TYPES; Linux 6.1's headers have none of them. */
static const struct {
	unsigned long kvm;
	const char *takes;
} types[] = {
	[VM_TYPE_DEFAULT] = { 0, "" },
	[VM_TYPE_SW_PROTECTED] = {
		1,
		"it takes Linux 6.8 or later with CONFIG_KVM_SW_PROTECTED_VM, and nested paging",
	},
	[VM_TYPE_SNP] = {
		4,
		"it takes an AMD processor with SEV-SNP, turned on in the firmware, and Linux 6.11 or later",
	},
};

static void say_offered(int offered, struct text *text)
{
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
		if (offered & BIT(types[i].kvm))
			text_add(text, "%s%s", text->len ? ", " : "", x86_vm_type_names[i]);
}

int arch_vm_type(const struct vm_config *config, int kvm_fd, unsigned long *type)
{
	enum x86_vm_type wanted = config->arch.vm_type;
	struct text text = { .len = 0 };
	int offered;

	*type = types[wanted].kvm;
	if (wanted == VM_TYPE_DEFAULT)
		return 0;
	offered = ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_VM_TYPES);
	/* Before there were types, all were of this one. */
	if (offered <= 0)
		offered = BIT(types[VM_TYPE_DEFAULT].kvm);
	if (offered & BIT(types[wanted].kvm))
		return 0;
	say_offered(offered, &text);
	log_fatal("--vm-type %s: not offered by this host's KVM, which has %s; %s",
		  x86_vm_type_names[wanted], text.bytes, types[wanted].takes);
	return -EOPNOTSUPP;
}

int x86_create_private_memory(struct vm *vm)
{
	const struct conversion_options options = {
		.accesses_tell = vm->config->arch.vm_type == VM_TYPE_SNP,
		.prefault = !vm->config->arch.no_prefault,
	};
	struct kvm_enable_cap exits = {
		.cap = KVM_CAP_EXIT_HYPERCALL,
		.args = { BIT(KVM_HC_MAP_GPA_RANGE) },
	};
	int error;

	if (vm->config->arch.vm_type == VM_TYPE_DEFAULT)
		return 0;
	if (ioctl(vm->fd, KVM_ENABLE_CAP, &exits)) {
		error = -errno;
		log_fatal("KVM does not hand on the guest's page-state changes: %s",
			  strerror(errno));
		return error;
	}
	return conversions_create(vm, &options);
}
