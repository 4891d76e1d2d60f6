// SPDX-License-Identifier: GPL-2.0-or-later
/* What the command line of an x86 guest means: the parts that need no KVM. */
#include <stddef.h>

#include "board.h"
#include "lkvm/arch.h"
#include "confidential/snp-config.h"
#include "confidential/vm-type.h"

const char arch_name[] = "x86";

const struct option_row arch_options[] = {
	{ .kind = OPTION_GROUP, .help = "x86" },
	OPTION_ROW(
		FLAG, "no-acpi", CONFIG_FIELD(arch.no_acpi),
		.help = "Give the guest an MP table, but no ACPI tables",
		.man = "For kernels built without ACPI, and for finding out whether ACPI is to "
		       "blame. virtio-mmio devices are then announced on the kernel command line."),
	OPTION_ROW(CHOICE, "vm-type", CONFIG_FIELD(arch.vm_type), .argument = "TYPE",
		   .choices = x86_vm_type_names,
		   .help = "Kind of machine: default, sw-protected or snp",
		   .man = "Guests of the other two have private memory beside what they share with "
			  "devices, and convert pages from one to the other. sw-protected is KVM's "
			  "imitation of such machines, for development: it protects nothing, takes "
			  "any processor with nested paging and a host kernel with "
			  "CONFIG_KVM_SW_PROTECTED_VM. See Documentation/private-memory.md."),
	OPTION_ROW(
		FLAG, "no-prefault", CONFIG_FIELD(arch.no_prefault),
		.help = "Do not map pages at once that the guest makes private or shared",
		.man = "By default KVM maps them before the guest goes on, which spares it a fault "
		       "for each page. To compare, and for guests that convert much more than they "
		       "use."),
	OPTION_ROW(
		CALL, "snp", .argument = "KEY=VALUE[,...]", .keys = snp_keys,
		.parse = snp_parse_option, .can_clear = true,
		.help = "Launch a SEV-SNP guest with a policy, an ID block and the like",
		.man = "Means --vm-type snp. lkvm snp-digest tells the launch digest beforehand. See "
		       "Documentation/snp.md."),
	OPTION_ROW(
		STRING, "firmware", CONFIG_FIELD(firmware), .letter = 'f', .argument = "FILE",
		.help = "Start an OVMF, which may start the kernel",
		.man = "An OVMF (UEFI) as distributions have it for QEMU, put below 4 GiB. Its "
		       "variables are forgotten at the end. A kernel given beside it is started by "
		       "it, with initrd and command line, which it gets through fw_cfg. In a "
		       "SEV-SNP guest what its SEV metadata want becomes part of the launch, and "
		       "the kernel is measured by its hash."),
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
