// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The advanced interrupt architecture in KVM (the UAPI's asm/kvm.h, KVM_DEV_TYPE_RISCV_AIA): wires go to the
 * APLIC, which sends messages to the harts' IMSICs, as PCI devices do.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "board.h"
#include "lkvm/devicetree/ram-board.h"
#include "lkvm/host/kvm-device.h"
#include "lkvm/host/kvm.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/irq.h"
#include "lkvm/vm/vcpu.h"
#include "arch-vm.h"
#include "uapi/kvm-riscv.h"

/* Registers of the APLIC's one domain ("The RISC-V Advanced Interrupt Architecture", 4.5). */
#define APLIC_DOMAINCFG	 0x0000
#define APLIC_SOURCECFG	 0x0004 /* of source 1 */
#define APLIC_IN_CLRIP	 0x1d00
#define APLIC_CLRIE	 0x1f00
#define APLIC_TARGET	 0x3004 /* of source 1 */
#define APLIC_WORD_BYTES 4

/* An IMSIC's indirectly accessed registers (3.8); each of EIP and EIE has 64 identities where they are even. */
#define IMSIC_EIDELIVERY  0x70
#define IMSIC_EITHRESHOLD 0x72
#define IMSIC_EIP0	  0x80
#define IMSIC_EIE0	  0xc0

#define EDGE_RISING 1
#define LEVEL_HIGH  4

static struct irqchip *chip_of(struct vm *vm)
{
	return &vm->arch->irqchip;
}

static u64 imsic_address(unsigned hart)
{
	return BOARD_IMSIC + (u64)hart * KVM_DEV_RISCV_IMSIC_SIZE;
}

/* So many bits of its address tell an IMSIC's hart. */
static unsigned hart_bits(unsigned harts)
{
	unsigned bits = 0;

	while (1U << bits < harts)
		bits++;
	return bits;
}

static int aia_create(struct vm *vm)
{
	int fd = kvm_device_create(vm->fd, KVM_DEV_TYPE_RISCV_AIA);

	if (fd < 0) {
		log_fatal("KVM does not make an interrupt controller (AIA): %s", strerror(-fd));
		return fd;
	}
	chip_of(vm)->aia_fd = fd;
	return 0;
}

static void aia_destroy(struct vm *vm)
{
	struct irqchip *chip = chip_of(vm);

	if (chip->aia_fd)
		close(chip->aia_fd);
	chip->aia_fd = 0;
}

/* ---- setting up ---- */

static int set_sizes(struct vm *vm, struct irqchip *chip)
{
	u32 sources = BOARD_NR_GSIS - 1;
	int err;

	chip->hart_bits = hart_bits(vm->nr_vcpus);
	err = kvm_device_get(chip->aia_fd, KVM_DEV_RISCV_AIA_GRP_CONFIG,
			     KVM_DEV_RISCV_AIA_CONFIG_IDS, &chip->ids);
	if (!err)
		err = kvm_device_set(chip->aia_fd, KVM_DEV_RISCV_AIA_GRP_CONFIG,
				     KVM_DEV_RISCV_AIA_CONFIG_SRCS, &sources);
	if (!err)
		err = kvm_device_set(chip->aia_fd, KVM_DEV_RISCV_AIA_GRP_CONFIG,
				     KVM_DEV_RISCV_AIA_CONFIG_HART_BITS, &chip->hart_bits);
	return err;
}

static int set_addresses(struct vm *vm, struct irqchip *chip)
{
	u64 address = BOARD_APLIC;
	int err = kvm_device_set(chip->aia_fd, KVM_DEV_RISCV_AIA_GRP_ADDR,
				 KVM_DEV_RISCV_AIA_ADDR_APLIC, &address);

	for (unsigned i = 0; i < vm->nr_vcpus && !err; i++) {
		address = imsic_address(i);
		err = kvm_device_set(chip->aia_fd, KVM_DEV_RISCV_AIA_GRP_ADDR,
				     KVM_DEV_RISCV_AIA_ADDR_IMSIC(i), &address);
	}
	return err;
}

static int aia_init(struct vm *vm)
{
	struct irqchip *chip = chip_of(vm);
	int err = set_sizes(vm, chip);

	err = err ?: set_addresses(vm, chip);
	if (!err)
		err = kvm_device_set(chip->aia_fd, KVM_DEV_RISCV_AIA_GRP_CTRL,
				     KVM_DEV_RISCV_AIA_CTRL_INIT, NULL);
	if (err) {
		log_fatal("KVM does not set up the interrupt controller (AIA): %s", strerror(-err));
		return err;
	}
	/* There is no source 0. */
	return ram_board_init_irqs(vm, 1, 0);
}

/* ---- reset ---- */

static int set_aplic(struct irqchip *chip, u64 offset, u32 value)
{
	return kvm_device_set(chip->aia_fd, KVM_DEV_RISCV_AIA_GRP_APLIC, offset, &value);
}

/* A source that is inactive is neither pending nor enabled. */
static int reset_aplic(struct irqchip *chip)
{
	int err = set_aplic(chip, APLIC_DOMAINCFG, 0);

	for (unsigned i = 0; i < BOARD_NR_GSIS / 32 && !err; i++) {
		err = set_aplic(chip, APLIC_CLRIE + i * APLIC_WORD_BYTES, ~0U);
		err = err ?: set_aplic(chip, APLIC_IN_CLRIP + i * APLIC_WORD_BYTES, ~0U);
	}
	for (unsigned i = 0; i < BOARD_NR_GSIS - 1 && !err; i++) {
		err = set_aplic(chip, APLIC_SOURCECFG + i * APLIC_WORD_BYTES, 0);
		err = err ?: set_aplic(chip, APLIC_TARGET + i * APLIC_WORD_BYTES, 0);
	}
	return err;
}

static int set_imsic(struct irqchip *chip, unsigned hart, u64 number)
{
	u64 zero = 0;

	return kvm_device_set(chip->aia_fd, KVM_DEV_RISCV_AIA_GRP_IMSIC,
			      KVM_DEV_RISCV_AIA_IMSIC_MKATTR((u64)hart, number), &zero);
}

static int reset_imsic(struct irqchip *chip, unsigned hart)
{
	int err = set_imsic(chip, hart, IMSIC_EIDELIVERY);

	err = err ?: set_imsic(chip, hart, IMSIC_EITHRESHOLD);
	for (unsigned id = 0; id <= chip->ids && !err; id += 64) {
		err = set_imsic(chip, hart, IMSIC_EIE0 + id / 32);
		err = err ?: set_imsic(chip, hart, IMSIC_EIP0 + id / 32);
	}
	return err;
}

static int aia_reset(struct vm *vm)
{
	struct irqchip *chip = chip_of(vm);
	int err = reset_aplic(chip);

	for (unsigned i = 0; i < vm->nr_vcpus && !err; i++)
		err = reset_imsic(chip, i);
	if (err)
		log_fatal("KVM does not take the interrupt controller's state: %s", strerror(-err));
	return err;
}

/* ---- device tree (kernel bindings riscv,imsics and riscv,aplic) ---- */

static void aia_encode(unsigned gsi, bool edge, u32 *cells)
{
	cells[0] = gsi;
	cells[1] = edge ? EDGE_RISING : LEVEL_HIGH;
}

static const struct fdt_irq_format aia_irq_format = { .cells = 2, .encode = aia_encode };

static void imsics_node(struct fdt_tree *tree, struct vm *vm)
{
	struct irqchip *chip = chip_of(vm);

	fdt_node_at(tree, "interrupt-controller", BOARD_IMSIC);
	fdt_text(tree, "compatible", "riscv,imsics");
	fdt_reg(tree, (const u64[]){ BOARD_IMSIC, imsic_address(vm->nr_vcpus) - BOARD_IMSIC }, 2);
	fdt_empty(tree, "interrupt-controller");
	fdt_u32(tree, "#interrupt-cells", 0);
	fdt_empty(tree, "msi-controller");
	fdt_u32(tree, "#msi-cells", 0);
	irqchip_fdt_harts(tree, vm);
	fdt_u32(tree, "riscv,num-ids", chip->ids);
	fdt_u32(tree, "riscv,hart-index-bits", chip->hart_bits);
	fdt_u32(tree, "phandle", BOARD_PHANDLE_MSI);
	fdt_node_end(tree);
}

static void aia_fdt(struct fdt_tree *tree, struct vm *vm)
{
	imsics_node(tree, vm);
	fdt_node_at(tree, "interrupt-controller", BOARD_APLIC);
	fdt_text(tree, "compatible", "riscv,aplic");
	fdt_reg(tree, (const u64[]){ BOARD_APLIC, KVM_DEV_RISCV_APLIC_SIZE }, 2);
	fdt_empty(tree, "interrupt-controller");
	fdt_u32(tree, "#interrupt-cells", aia_irq_format.cells);
	fdt_u32(tree, "#address-cells", 0);
	fdt_u32(tree, "riscv,num-sources", BOARD_NR_GSIS - 1);
	fdt_u32(tree, "msi-parent", BOARD_PHANDLE_MSI);
	fdt_u32(tree, "phandle", BOARD_PHANDLE_IRQCHIP);
	fdt_node_end(tree);
}

const struct irqchip_ops aia_ops = {
	.create = aia_create,
	.init = aia_init,
	.reset = aia_reset,
	.destroy = aia_destroy,
	.fdt = aia_fdt,
	.format = &aia_irq_format,
	.msi = true,
};
