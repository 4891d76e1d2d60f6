// SPDX-License-Identifier: GPL-2.0-or-later
/* What the command line of an arm64 guest means: the parts that need no KVM. */
#include <stddef.h>

#include "lkvm/arch.h"
#include "lkvm/config/size.h"
#include "lkvm/devicetree/ram-board.h"
#include "lkvm/hw/cfi-flash.h"
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

const struct config_kind *const arch_kinds[] = { &cfi_flash_kind.config, NULL };

const struct option_row arch_options[] = {
	{ .kind = OPTION_GROUP, .help = "arm64" },
	OPTION_ROW(
		CHOICE, "irqchip", CONFIG_FIELD(arch.irqchip), .argument = "KIND",
		.choices = arm64_irqchip_names,
		.help = "Interrupt controller: auto, gicv2, gicv2m, gicv3 or gicv3-its",
		.man = "gicv3-its and gicv2m give PCI devices message-signalled interrupts. auto, "
		       "the default, is the best that the host's KVM has, in the order gicv3-its, "
		       "gicv3, gicv2m."),
	RAM_BOARD_DUMP_DTB,
	OPTION_ROW(STRING, "firmware", CONFIG_FIELD(firmware), .letter = 'f', .argument = "FILE",
		   .help = "Run a firmware instead of a kernel",
		   .man = "It is loaded as it is and entered at its first byte, with the device "
			  "tree's address "
			  "in x0, as EDK2's build for this kind of machine (ArmVirtKvmTool, "
			  "KVMTOOL_EFI.fd) wants it, which keeps its variables in --flash."),
	OPTION_ROW(U64, "firmware-address", CONFIG_FIELD(arch.firmware_address),
		   .argument = "ADDRESS",
		   .help = "Where the firmware goes (default: where memory begins)"),
	OPTION_ROW(
		FLAG, "nested", CONFIG_FIELD(arch.nested),
		.help = "Start the guest at EL2, so that it can run guests of its own",
		.man = "The host's KVM must be able to (ARMv8.4 nested virtualization, Linux 6.16 "
		       "or later with kvm-arm.mode=nested); the interrupt controller is a GICv3. "
		       "The guest's hypervisor uses the virtualization host extensions (VHE)."),
	OPTION_ROW(FLAG, "e2h0", CONFIG_FIELD(arch.e2h0),
		   .help = "With --nested: no VHE, the guest's hypervisor runs with HCR_EL2.E2H 0",
		   .man = "The guest cannot nest any further."),
	OPTION_ROW(U64, "counter-offset", CONFIG_FIELD(arch.counter_offset), .argument = "N",
		   .help = "Subtract N ticks from the guest's virtual and physical counters"),
	OPTION_ROW(FLAG, "aarch32", CONFIG_FIELD(arch.aarch32),
		   .help = "A 32-bit guest: its CPUs begin in AArch32",
		   .man = "The kernel is a zImage, or a program that is loaded 32 KiB behind the "
			  "beginning of memory and entered there. The host's CPUs must have 32-bit "
			  "EL1, which newer ones lack; lkvm stat --host tells."),
	OPTION_ROW(
		FLAG, "protected", CONFIG_FIELD(arch.protected),
		.help = "Hide the guest's memory and registers from the host (pKVM)",
		.man = "The host runs Linux 7.1 or later with kvm-arm.mode=protected, the guest a "
		       "kernel with CONFIG_ARM_PKVM_GUEST. Devices reach only a pool of at most 64 "
		       "MiB that the guest shares. All memory that the guest uses is locked: lkvm "
		       "needs CAP_IPC_LOCK or as high a limit (ulimit -l). Such a guest cannot be "
		       "restarted, and one that has a device use memory which it does not share "
		       "ends with an error."),
	OPTION_ROW(
		FLAG, "pmu", CONFIG_FIELD(arch.pmu),
		.help = "Performance monitors (PMUv3) for the guest",
		.man = "On a host with CPUs of several kinds they are those of one kind, and the "
		       "guest's CPUs stay on it: the kind that --vcpu-affinity names, else one by "
		       "chance."),
	OPTION_ROW(FLAG, "psci", CONFIG_FIELD(arch.psci),
		   .help = "Serve the guest's power state calls (PSCI) in lkvm instead of in KVM",
		   .man = "For those who work on KVM's hypercall filter or on PSCI itself: to the "
			  "guest it should be all the same. Linux 6.4 or later."),
	OPTION_ROW(FLAG, "disable-sve", CONFIG_FIELD(arch.disable_sve),
		   .help = "No scalable vectors (SVE), which a guest has when the host has them"),
	OPTION_ROW(
		CALL, "sve-max-vl", .argument = "BITS", .parse = parse_sve_max_vl,
		.can_clear = true,
		.help = "Longest scalable vector, 128 to 2048 bits (default: the host's longest)",
		.man = "It must be a length that the host's CPUs have; shorter ones stay."),
	OPTION_ROW(
		FLAG, "disable-mte", CONFIG_FIELD(arch.disable_mte),
		.help = "No memory tags (MTE), which a guest has when the host has them",
		.man = "Tags cost time and memory, a 32nd of what the guest has, even if it makes "
		       "no use of them."),
	OPTION_ROW(FLAG, "no-pvtime", CONFIG_FIELD(arch.no_pvtime),
		   .help = "Do not tell the guest how long its CPUs waited for the host's (steal "
			   "time)"),
	OPTION_ROW(
		GIVEN, "kaslr-seed", CONFIG_FIELD(arch.kaslr_seed), .argument = "N",
		.help = "Seed of the kernel's address space layout randomization (default: random)",
		.man = "The same seed puts the same kernel at the same place. With 0 a kernel "
		       "takes it that there is none."),
	OPTION_ROW(
		UINT, "override-bad-firmware-cntfrq", CONFIG_FIELD(arch.cntfrq), .argument = "HZ",
		.min = 1, .help = "Tell the guest the frequency of its timers",
		.man = "For hosts whose firmware leaves CNTFRQ_EL0 wrong, where guests' clocks run "
		       "too fast or too slow; such firmware should be updated."),
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
