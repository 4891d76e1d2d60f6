// SPDX-License-Identifier: GPL-2.0-or-later
/* The machine before it has vCPUs: memory, the in-kernel irqchip and timer, what the host offers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "board.h"
#include "cpuid.h"
#include "lkvm/arch.h"
#include "lkvm/vm/irq.h"
#include "lkvm/util/log.h"
#include "msrs.h"
#include "confidential/vm-type.h"
#include "x86-vm.h"

/*
 * Machine-check banks: none ever reports an error, and Linux accesses the registers of each half a dozen times a boot, on
 * each CPU; KVM wants one. Of the abilities only MCG_CTL and software error recovery.
 */
#define MCE_BANKS 1
#define MCE_CTL	  BIT(8)
#define MCE_SER	  BIT(24)

#define DELIVER_SMI 2

/* The second PIC's inputs that are levels. */
#define PIC_SLAVE_LEVELS                                                                           \
	(BIT(BOARD_GSI_SCI - 8) | BIT(BOARD_GSI_PCI_AC - 8) | BIT(BOARD_GSI_PCI_BD - 8))

int x86_failed(const char *what)
{
	int err = -errno;

	log_fatal("%s: %s", what, strerror(errno));
	return err;
}

int arch_open_files(struct vm *vm)
{
	const struct vm_config *config = vm->config;
	struct arch_vm *x86 = calloc(1, sizeof(*x86));
	int err;

	if (!x86)
		return -ENOMEM;
	vm->arch = x86;
	x86->boot = (struct x86_boot){
		.memory = &vm->memory,
		.cmdline = x86->cmdline,
		.initrds = x86->initrds,
	};
	x86->confidential = x86_confidential(config);
	err = x86_firmware_open(&x86->firmware, config);
	if (!err && !config->firmware)
		err = x86_kernel_open(&x86->kernel, config->kernel, config->memory);

	for (unsigned i = 0; i < config->nr_initrds && !err; i++) {
		err = boot_file_open(&x86->initrds[i], "initrd", config->initrds[i],
				     config->memory);
		if (!err)
			x86->boot.nr_initrds++;
	}
	if (!err && x86->confidential->open)
		err = x86->confidential->open(vm);
	return err;
}

const struct boot_file *arch_kernel_file(const struct vm *vm)
{
	return &vm->arch->kernel.file;
}

/*
 * APM volume 2, 15.34.6: where the C-bit is a bit of an address, a SEV guest's addresses end below it. What
 * CPUID calls the reduction (8000001F EBX 11:6) is about the host's own and leaves the guest's alone.
 */
void x86_find_address_bits(struct vm *vm)
{
	struct arch_vm *x86 = vm->arch;

	x86->phys_bits = x86->gpa_bits = x86_cpuid_phys_bits(x86->cpuid);
	if (x86->confidential->private_bit)
		x86->gpa_bits = MIN(x86->gpa_bits, x86->confidential->private_bit(vm));
}

static int read_cpuid(struct vm *vm, struct arch_vm *x86)
{
	x86->cpuid = x86_cpuid_new();
	if (!x86->cpuid)
		return -ENOMEM;
	if (ioctl(vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, x86->cpuid))
		return x86_failed("KVM does not tell which CPUID it supports");
	x86_find_address_bits(vm);
	return 0;
}

/* Linux looks at the microcode's revision before it trusts some features. */
static void read_host_msrs(struct vm *vm, struct arch_vm *x86)
{
	struct x86_msrs msrs;
	u64 mce_cap;

	msrs.nmsrs = 1;
	msrs.pad = 0;
	msrs.entries[0] = (struct kvm_msr_entry){ .index = MSR_UCODE_REV };
	if (ioctl(vm->kvm_fd, KVM_GET_MSRS, &msrs) == 1)
		x86->microcode = msrs.entries[0].data;
	if (!ioctl(vm->kvm_fd, KVM_X86_GET_MCE_CAP_SUPPORTED, &mce_cap))
		x86->mce_cap = (mce_cap & (MCE_CTL | MCE_SER)) | MCE_BANKS;
}

static int add_firmware(struct vm *vm, struct arch_vm *x86)
{
	u64 size = x86->firmware.image.size;
	int err = size ? guest_memory_add_unlisted(&vm->memory, BOARD_HOLE_END - size, size) : 0;

	if (err)
		log_fatal("--firmware: no memory for it: %s", strerror(-err));
	return err;
}

int x86_lay_out_memory(struct vm *vm)
{
	struct arch_vm *x86 = vm->arch;
	u64 memory = vm->config->memory, top = BIT(x86->gpa_bits);
	int err;

	x86->boot.low_ram = MIN(memory, vm->config->firmware ? BOARD_FIRMWARE_HOLE : BOARD_HOLE);
	x86->boot.high_ram = memory - x86->boot.low_ram;
	if (x86->boot.high_ram && x86->boot.high_ram > top - MIN(top, BOARD_HOLE_END)) {
		u64 max = top > BOARD_HOLE_END ? BOARD_HOLE + top - BOARD_HOLE_END : BOARD_HOLE;

		log_fatal(
			"--mem: %llu GiB of memory do not fit: guests on this host have addresses of "
			"%u bits, room for %llu GiB",
			(unsigned long long)memory >> 30, x86->gpa_bits,
			(unsigned long long)max >> 30);
		return -E2BIG;
	}
	err = guest_memory_add_ram(&vm->memory, 0, x86->boot.low_ram);
	if (!err && x86->boot.high_ram)
		err = guest_memory_add_ram(&vm->memory, BOARD_HOLE_END, x86->boot.high_ram);
	return err ?: add_firmware(vm, x86);
}

/* Bit 2 resets the CPU, with bit 1 the whole machine: one and the same here. */
static void reset_control(struct vm *vm, u8 value)
{
	if (value & BIT(2))
		vm_request(vm, VM_REQUEST_REBOOT);
}

static void lay_out_pci(struct arch_vm *x86)
{
	x86->pci = (struct pci_board){
		.ecam_base = BOARD_ECAM,
		.ecam_size = BOARD_ECAM_SIZE,
		.mmio_base = BOARD_PCI_MMIO,
		.mmio_size = BOARD_PCI_MMIO_SIZE,
		.io_base = BOARD_PCI_IO,
		.io_size = BOARD_PCI_IO_SIZE,
		.ports = true,
		.reset_control = reset_control,
	};
	pci_board_window64(&x86->pci, BOARD_HOLE_END + x86->boot.high_ram, BIT(x86->gpa_bits));
	for (unsigned pin = 0; pin < ARRAY_SIZE(x86->pci.intx_gsi); pin++)
		x86->pci.intx_gsi[pin] = pin % 2 ? BOARD_GSI_PCI_BD : BOARD_GSI_PCI_AC;
}

static int set_irqchip(struct vm *vm, const struct kvm_irqchip *chip)
{
	if (ioctl(vm->fd, KVM_SET_IRQCHIP, chip))
		return x86_failed("KVM does not take the interrupt controller's state");
	return 0;
}

/*
 * As a firmware leaves the PICs: every input masked, those that PCI and the SCI share levels. KVM's come up open, and the
 * local APIC takes their output, so the first interrupt of a serial port would hit a kernel that never looks at them.
 */
static int mask_pic(struct vm *vm, u32 chip_id, u8 vector, u8 elcr_mask, u8 levels)
{
	struct kvm_irqchip chip = {
		.chip_id = chip_id,
		.chip.pic = {
			.imr = 0xff,
			.irq_base = vector,
			.elcr_mask = elcr_mask,
			.elcr = levels,
		},
	};

	return set_irqchip(vm, &chip);
}

/*
 * As a firmware that has pins of the I/O APIC for itself leaves them: masked, as KVM has them, but to deliver SMIs. Linux
 * does not clear such pins, neither when it begins nor when it ends: 8 accesses less of 12 for each pin that it never
 * uses. A driver that uses a pin writes the whole entry.
 */
static int reserve_pins(struct vm *vm)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };

	chip.chip.ioapic.base_address = BOARD_IOAPIC;
	for (unsigned pin = 0; pin < BOARD_NR_IOAPIC_PINS; pin++) {
		chip.chip.ioapic.redirtbl[pin].fields.delivery_mode = DELIVER_SMI;
		chip.chip.ioapic.redirtbl[pin].fields.mask = 1;
	}
	return set_irqchip(vm, &chip);
}

static struct kvm_irq_routing_entry setup_route(u32 gsi, u32 chip, u32 pin)
{
	return (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = chip, .pin = pin },
	};
}

/*
 * These are the very routes that KVM has from the start, so that nothing need be set before the first
 * MSI is.
 */
static int create_routes(struct vm *vm)
{
	struct kvm_irq_routing_entry pins[BOARD_NR_ISA_GSIS + BOARD_NR_IOAPIC_PINS];
	unsigned nr = 0;

	for (unsigned gsi = 0; gsi < BOARD_NR_IOAPIC_PINS; gsi++)
		pins[nr++] = setup_route(gsi, KVM_IRQCHIP_IOAPIC, gsi);
	for (unsigned gsi = 0; gsi < BOARD_NR_ISA_GSIS; gsi++)
		pins[nr++] = setup_route(
			gsi, gsi < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE, gsi % 8);
	return irq_init(vm, pins, nr, BOARD_FIRST_MSI_GSI, 0);
}

static int create_irqchip(struct vm *vm)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	bool firmware = vm->config->firmware;
	u64 identity_map = firmware ? BOARD_FIRMWARE_IDENTITY_MAP : BOARD_IDENTITY_MAP;
	unsigned long tss = firmware ? BOARD_FIRMWARE_TSS : BOARD_TSS;
	int err;

	/* Intel processors run real mode in these pages; they must not be where RAM is. */
	if (ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map))
		return x86_failed("KVM does not take the identity map's address");
	if (ioctl(vm->fd, KVM_SET_TSS_ADDR, tss))
		return x86_failed("KVM does not take the task state segment's address");
	if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0))
		return x86_failed("KVM does not make an interrupt controller");
	if (ioctl(vm->fd, KVM_CREATE_PIT2, &pit))
		return x86_failed("KVM does not make a timer (PIT)");
	err = mask_pic(vm, KVM_IRQCHIP_PIC_MASTER, 0x08, 0xf8, 0);
	if (!err)
		err = mask_pic(vm, KVM_IRQCHIP_PIC_SLAVE, 0x70, 0xde, PIC_SLAVE_LEVELS);
	if (!err && !firmware)
		err = reserve_pins(vm);
	return err ?: create_routes(vm);
}

int arch_vm_create(struct vm *vm)
{
	struct arch_vm *x86 = vm->arch;
	int err;

	vm->private_memory = x86->confidential->private_memory;
	vm->single_boot = x86->confidential->single_boot;
	err = read_cpuid(vm, x86) ?: x86_lay_out_memory(vm) ?: x86_check_load(vm);
	if (!err && x86->confidential->vm_created)
		err = x86->confidential->vm_created(vm);
	err = err ?: vm_map_memory(vm) ?: create_irqchip(vm);
	if (err)
		return err;
	read_host_msrs(vm, x86);
	lay_out_pci(x86);
	if (vm->config->firmware)
		x86_firmware_pci(&x86->pci, x86->boot.high_ram, BIT(x86->gpa_bits));
	return vm->config->reboot && !vm->single_boot ? x86_vm_state_save(vm) : 0;
}

void arch_vm_destroy(struct vm *vm)
{
	struct arch_vm *x86 = vm->arch;

	if (!x86)
		return;
	if (x86->confidential->destroy)
		x86->confidential->destroy(vm);
	x86_firmware_close(&x86->firmware);
	boot_file_close(&x86->kernel.file);
	for (unsigned i = 0; i < x86->boot.nr_initrds; i++)
		boot_file_close(&x86->initrds[i]);
	free(x86->cpuid);
	free(x86->reset_state);
	free(x86);
	vm->arch = NULL;
}
