/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the boards of arm64 and riscv64 share: guests that begin with RAM and a device tree. devicetree/ has those
 * functions of arch.h that are the same for both. Where things lie is in the architecture's board.h; its arch-vm.h has
 * struct arch_vm, of which two fields are used here: boot, and window64_end, which arch_vm_create() sets: the 64-bit PCI
 * window, behind RAM, ends there at the latest; 0: there is none. Main thread.
 */
#ifndef LKVM_DEVICETREE_RAM_BOARD_H
#define LKVM_DEVICETREE_RAM_BOARD_H

#include "lkvm/boot/fdt.h"
#include "lkvm/devicetree/ram-boot.h"

struct vm;

/* What the architecture provides. Unless said otherwise: logs and returns -errno on failure. */

/* Fills in what the architecture has to say of booting, see struct ram_boot. Nothing else exists. */
void board_describe_boot(const struct vm_config *config, struct ram_boot *boot);
/* Once all vCPUs exist: the interrupt controller is completed, with irq_init(). */
int board_init_irqchip(struct vm *vm);
/* Also right for one that was not made. */
void board_destroy_irqchip(struct vm *vm);
/* The devices that come behind the serial ports. */
int board_create_clocks(struct vm *vm);
/* CPUs, interrupt controller, devices: all of the tree but the root's properties, memory, /chosen. Returns nothing. */
void board_add_nodes(struct fdt_tree *tree, struct vm *vm);

/* RAM's first byte; its size is config->memory. */
gpa_t ram_board_base(const struct vm_config *config);

/* irq_init() for a chip in KVM: its pins from `first` on have the gsis of the same number. */
int ram_board_init_irqs(struct vm *vm, unsigned first, u32 line_base);

/* ---- arch_vcpu_dump() ---- */

struct dump_register {
	const char *name;
	u64 id; /* those that the vCPU does not have are left out */
};

/*
 * The architecture's; its registers.h has REG_PC, REG_X() and CODE_UNIT, the bytes of its shortest instruction.
 * dump_general: names of REG_X(0) and so on; ends with NULL.
 */
extern const char *const dump_general[];
extern const struct dump_register dump_registers[];
extern const unsigned dump_nr_registers;

/* A row of arch_options: the field is that of both struct arch_config. */
#define RAM_BOARD_DUMP_DTB                                                                         \
	OPTION_ROW(                                                                                \
		STRING, "dump-dtb", CONFIG_FIELD(arch.dump_dtb), .argument = "FILE",               \
		.help = "Write the guest's device tree to FILE",                                   \
		.man = "It is written as the guest gets it, before the guest starts; dtc shows it.")

#endif
