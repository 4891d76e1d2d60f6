/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's interrupt controller: an AIA (APLIC and IMSICs) in KVM, or a PLIC in lkvm. Each kind is a row of
 * functions; the rest of riscv/ asks for them through `ops`. Main thread; logs and returns -errno on failure.
 */
#ifndef RISCV_IRQCHIP_H
#define RISCV_IRQCHIP_H

#include "lkvm/config/config.h"
#include "lkvm/boot/fdt.h"

struct vm;
struct plic;

struct irqchip_ops {
	/* Before vCPUs: what can be wrong with the host is found here. */
	int (*create)(struct vm *vm);
	/* Once all vCPUs exist: sizes and addresses, initialisation; then irq_init(). */
	int (*init)(struct vm *vm);
	/* As after power-on. vCPUs are parked. */
	int (*reset)(struct vm *vm);
	void (*destroy)(struct vm *vm);
	/* Its nodes in the device tree. */
	void (*fdt)(struct fdt_tree *tree, struct vm *vm);
	/* How device nodes tell their interrupts to the controller named BOARD_PHANDLE_IRQCHIP. */
	const struct fdt_irq_format *format;
	bool msi; /* PCI has message-signalled interrupts, BOARD_PHANDLE_MSI takes them */
};

struct irqchip {
	const struct irqchip_ops *ops;
	int aia_fd;	    /* 0: none */
	u32 ids;	    /* interrupt identities of each IMSIC */
	unsigned hart_bits; /* of an IMSIC's address that tell the hart */
	struct plic *plic;  /* NULL: none */
};

/* irqchip.c: what --irqchip asks for, or the best that the host has; makes it. */
int irqchip_create(struct vm *vm);

/* For fdt(): the property that names all harts' external interrupts. */
void irqchip_fdt_harts(struct fdt_tree *tree, const struct vm *vm);

extern const struct irqchip_ops aia_ops, plic_ops;

#endif
