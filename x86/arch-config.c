// SPDX-License-Identifier: GPL-2.0-or-later
/* What the command line of an x86 guest means: the parts that need no KVM. */
#include <stddef.h>
#include <string.h>

#include "board.h"
#include "lkvm/arch.h"
#include "confidential/snp-config.h"
#include "confidential/vm-type.h"

const char arch_name[] = "x86";

const struct option_row arch_options[] = {
	{ .kind = OPTION_GROUP, .help = "x86" },
	{
		.kind = OPTION_FLAG,
		.name = "no-acpi",
		.help = "Give the guest an MP table, but no ACPI tables",
		.man = "For kernels built without ACPI, and for finding out whether ACPI is to "
		       "blame. virtio-mmio devices are then announced on the kernel command line.",
		.offset = offsetof(struct vm_config, arch.no_acpi),
	},
	{
		.kind = OPTION_CHOICE,
		.name = "vm-type",
		.argument = "TYPE",
		.help = "Kind of machine: default, sw-protected or snp",
		.man = "Guests of the other two have private memory beside what they share with "
		       "devices, and convert pages from one to the other. sw-protected is KVM's "
		       "imitation of such machines, for development: it protects nothing, takes "
		       "any processor with nested paging and a host kernel with "
		       "CONFIG_KVM_SW_PROTECTED_VM. See Documentation/private-memory.md.",
		.offset = offsetof(struct vm_config, arch.vm_type),
		.choices = x86_vm_type_names,
	},
	{
		.kind = OPTION_FLAG,
		.name = "no-prefault",
		.help = "Do not map pages at once that the guest makes private or shared",
		.man = "By default KVM maps them before the guest goes on, which spares it a fault "
		       "for each page. To compare, and for guests that convert much more than they "
		       "use.",
		.offset = offsetof(struct vm_config, arch.no_prefault),
	},
	{
		.kind = OPTION_CALL,
		.name = "snp",
		.argument = "KEY=VALUE[,...]",
		.help = "Launch a SEV-SNP guest with a policy, an ID block and the like",
		.man = "Means --vm-type snp. lkvm snp-digest tells the launch digest beforehand. See "
		       "Documentation/snp.md.",
		.keys = snp_keys,
		.parse = snp_parse_option,
		.can_clear = true,
	},
	{
		.kind = OPTION_STRING,
		.letter = 'f',
		.name = "firmware",
		.argument = "FILE",
		.help = "Start an OVMF, which may start the kernel",
		.man = "An OVMF (UEFI) as distributions have it for QEMU, put below 4 GiB. Its "
		       "variables are forgotten at the end. A kernel given beside it is started by "
		       "it, with initrd and command line, which it gets through fw_cfg. In a "
		       "SEV-SNP guest what its SEV metadata want becomes part of the launch, and "
		       "the kernel is measured by its hash.",
		.offset = offsetof(struct vm_config, firmware),
	},
	{ 0 },
};

const char *const arch_kernel_paths[] = {
	"bzImage",
	"arch/x86/boot/bzImage",
	"arch/x86_64/boot/bzImage",
	"arch/i386/boot/bzImage",
	"../../arch/x86/boot/bzImage",
	NULL,
};

_Static_assert(ARCH_MAX_CPUS == BOARD_MAX_CPUS, "the option's limit is the board's");
