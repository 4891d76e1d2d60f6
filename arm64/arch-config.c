// SPDX-License-Identifier: GPL-2.0-or-later
/* What the command line of an arm64 guest means: the parts that need no KVM. */
#include <stddef.h>
#include <string.h>

#include "lkvm/arch.h"
#include "lkvm/config/size.h"
#include "sve.h"

const char arch_name[] = "arm64";

const char *const arm64_irqchip_names[] = {
	[IRQCHIP_AUTO] = "auto",   [IRQCHIP_GICV2] = "gicv2",	      [IRQCHIP_GICV2M] = "gicv2m",
	[IRQCHIP_GICV3] = "gicv3", [IRQCHIP_GICV3_ITS] = "gicv3-its", NULL,
};

static int parse_sve_max_vl(void *base, const struct option_row *row, const char *value)
{
	struct vm_config *config = base;
	u64 bits = 0;

	if (value && (parse_u64(value, SVE_VL_MAX, &bits) || !bits || bits % SVE_VL_UNIT))
		return option_error(row, value, "a vector has %u to %u bits, a multiple of %u",
				    SVE_VL_UNIT, SVE_VL_MAX, SVE_VL_UNIT);
	config->arch.sve_max_vl = bits;
	return 0;
}

static int parse_kaslr_seed(void *base, const struct option_row *row, const char *value)
{
	struct vm_config *config = base;

	config->arch.kaslr_seed_given = value;
	return value ? option_u64(row, value, &config->arch.kaslr_seed) : 0;
}

const struct option_row arch_options[] = {
	{ .kind = OPTION_GROUP, .help = "arm64" },
	{
		.kind = OPTION_CHOICE,
		.name = "irqchip",
		.argument = "KIND",
		.help = "Interrupt controller: auto, gicv2, gicv2m, gicv3 or gicv3-its",
		.man = "gicv3-its and gicv2m give PCI devices message-signalled interrupts. auto, "
		       "the default, is the best that the host's KVM has, in the order gicv3-its, "
		       "gicv3, gicv2m.",
		.offset = offsetof(struct vm_config, arch.irqchip),
		.choices = arm64_irqchip_names,
	},
	{
		.kind = OPTION_STRING,
		.name = "dump-dtb",
		.argument = "FILE",
		.help = "Write the guest's device tree to FILE",
		.man = "It is written as the guest gets it, before the guest starts; dtc shows it.",
		.offset = offsetof(struct vm_config, arch.dump_dtb),
	},
	{
		.kind = OPTION_STRING,
		.letter = 'f',
		.name = "firmware",
		.argument = "FILE",
		.help = "Run a firmware instead of a kernel",
		.man = "It is loaded as it is and entered at its first byte, with the device "
		       "tree's address "
		       "in x0, as EDK2's build for this kind of machine (ArmVirtKvmTool, "
		       "KVMTOOL_EFI.fd) wants it, which keeps its variables in --flash.",
		.offset = offsetof(struct vm_config, firmware),
	},
	{
		.kind = OPTION_U64,
		.name = "firmware-address",
		.argument = "ADDRESS",
		.help = "Where the firmware goes (default: where memory begins)",
		.offset = offsetof(struct vm_config, arch.firmware_address),
	},
	{
		.kind = OPTION_STRING,
		.letter = 'F',
		.name = "flash",
		.argument = "FILE",
		.help = "NOR flash with the file's contents, at most 16 MiB",
		.man = "What the guest writes is kept in the file, if it can be written: a "
		       "firmware's variables, say.",
		.offset = offsetof(struct vm_config, arch.flash),
	},
	{
		.kind = OPTION_FLAG,
		.name = "nested",
		.help = "Start the guest at EL2, so that it can run guests of its own",
		.man = "The host's KVM must be able to (ARMv8.4 nested virtualization, Linux 6.16 "
		       "or later with kvm-arm.mode=nested); the interrupt controller is a GICv3. "
		       "The guest's hypervisor uses the virtualization host extensions (VHE).",
		.offset = offsetof(struct vm_config, arch.nested),
	},
	{
		.kind = OPTION_FLAG,
		.name = "e2h0",
		.help = "With --nested: no VHE, the guest's hypervisor runs with HCR_EL2.E2H 0",
		.man = "The guest cannot nest any further.",
		.offset = offsetof(struct vm_config, arch.e2h0),
	},
	{
		.kind = OPTION_U64,
		.name = "counter-offset",
		.argument = "N",
		.help = "Subtract N ticks from the guest's virtual and physical counters",
		.offset = offsetof(struct vm_config, arch.counter_offset),
	},
	{
		.kind = OPTION_FLAG,
		.name = "aarch32",
		.help = "A 32-bit guest: its CPUs begin in AArch32",
		.man = "The kernel is a zImage, or a program that is loaded 32 KiB behind the "
		       "beginning of memory and entered there. The host's CPUs must have 32-bit "
		       "EL1, which newer ones lack; lkvm stat --host tells.",
		.offset = offsetof(struct vm_config, arch.aarch32),
	},
	{
		.kind = OPTION_FLAG,
		.name = "protected",
		.help = "Hide the guest's memory and registers from the host (pKVM)",
		.man = "The host runs Linux 7.1 or later with kvm-arm.mode=protected, the guest a "
		       "kernel with CONFIG_ARM_PKVM_GUEST. Devices reach only a pool of at most 64 "
		       "MiB that the guest shares. All memory that the guest uses is locked: lkvm "
		       "needs CAP_IPC_LOCK or as high a limit (ulimit -l). Such a guest cannot be "
		       "restarted, and one that has a device use memory which it does not share "
		       "ends with an error.",
		.offset = offsetof(struct vm_config, arch.protected),
	},
	{
		.kind = OPTION_FLAG,
		.name = "pmu",
		.help = "Performance monitors (PMUv3) for the guest",
		.man = "On a host with CPUs of several kinds they are those of one kind, and the "
		       "guest's CPUs stay on it: the kind that --vcpu-affinity names, else one by "
		       "chance.",
		.offset = offsetof(struct vm_config, arch.pmu),
	},
	{
		.kind = OPTION_FLAG,
		.name = "psci",
		.help = "Serve the guest's power state calls (PSCI) in lkvm instead of in KVM",
		.man = "For those who work on KVM's hypercall filter or on PSCI itself: to the "
		       "guest it should be all the same. Linux 6.4 or later.",
		.offset = offsetof(struct vm_config, arch.psci),
	},
	{
		.kind = OPTION_FLAG,
		.name = "disable-sve",
		.help = "No scalable vectors (SVE), which a guest has when the host has them",
		.offset = offsetof(struct vm_config, arch.disable_sve),
	},
	{
		.kind = OPTION_CALL,
		.name = "sve-max-vl",
		.argument = "BITS",
		.help = "Longest scalable vector, 128 to 2048 bits (default: the host's longest)",
		.man = "It must be a length that the host's CPUs have; shorter ones stay.",
		.parse = parse_sve_max_vl,
		.can_clear = true,
	},
	{
		.kind = OPTION_FLAG,
		.name = "disable-mte",
		.help = "No memory tags (MTE), which a guest has when the host has them",
		.man = "Tags cost time and memory, a 32nd of what the guest has, even if it makes "
		       "no use of them.",
		.offset = offsetof(struct vm_config, arch.disable_mte),
	},
	{
		.kind = OPTION_FLAG,
		.name = "no-pvtime",
		.help = "Do not tell the guest how long its CPUs waited for the host's (steal "
			"time)",
		.offset = offsetof(struct vm_config, arch.no_pvtime),
	},
	{
		.kind = OPTION_CALL,
		.name = "kaslr-seed",
		.argument = "N",
		.help = "Seed of the kernel's address space layout randomization (default: random)",
		.man = "The same seed puts the same kernel at the same place. With 0 a kernel "
		       "takes it that there is none.",
		.parse = parse_kaslr_seed,
		.can_clear = true,
	},
	{
		.kind = OPTION_UINT,
		.name = "override-bad-firmware-cntfrq",
		.argument = "HZ",
		.help = "Tell the guest the frequency of its timers",
		.man = "For hosts whose firmware leaves CNTFRQ_EL0 wrong, where guests' clocks run "
		       "too fast or too slow; such firmware should be updated.",
		.offset = offsetof(struct vm_config, arch.cntfrq),
		.min = 1,
	},
	{ 0 },
};

const char *const arch_kernel_paths[] = {
	"Image",
	"arch/arm64/boot/Image",
	"arch/arm64/boot/Image.gz",
	"arch/arm64/boot/vmlinuz.efi",
	"../../arch/arm64/boot/Image",
	NULL,
};
