/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interrupt controller, in KVM: GICv3 with or without an ITS, or GICv2 with or without an MSI frame
 * (GICv2m, which lkvm is itself).
 */
#ifndef ARM64_GIC_H
#define ARM64_GIC_H

#include "arch-config.h"
#include "lkvm/boot/fdt.h"

struct vm;

/* What a reset brings back: the state that KVM made, in which all SPIs are alike, and all vCPUs. */
enum { GIC_GROUP, GIC_PRIORITY, GIC_CONFIG, GIC_ENABLED, GIC_NR_BANKS };
#define GIC_NR_TABLES	      4 /* halves of GICR_PROPBASER and GICR_PENDBASER */
#define GIC_MAX_CPU_REGISTERS 16

struct gic_reset_state {
	u32 spi[GIC_NR_BANKS]; /* the first register of each bank, of SPIs */
	u32 own[GIC_NR_BANKS]; /* and of a vCPU's own interrupts */
	u32 tables[GIC_NR_TABLES];
	u64 cpu[GIC_MAX_CPU_REGISTERS]; /* the CPU interface */
	bool has_cpu[GIC_MAX_CPU_REGISTERS];
};

struct gic {
	enum arm64_irqchip kind;	    /* never AUTO once it is made */
	int fd, its_fd;			    /* KVM devices; 0 or, after an error, negative: none */
	gpa_t cpu, cpu_size;		    /* the redistributors, or GICv2's CPU interface */
	gpa_t msi, msi_size;		    /* the ITS or the MSI frame; size 0: none */
	struct gic_reset_state reset_state; /* with --reboot */
};

/* After KVM_CREATE_VM: makes what --irqchip asks for, or the best there is. Logs and returns -errno on failure. */
int gic_create(struct vm *vm, struct gic *gic);
/*
 * Once all vCPUs exist: sizes, the maintenance interrupt, initialisation; then irq_init(). Logs and
 * returns -errno on failure.
 */
int gic_init(struct vm *vm, struct gic *gic);
/* Can it serve vCPUs with EL2? Logs and returns -errno on failure. */
int gic_check_nested(struct vm *vm, const struct gic *gic);

/* gic-reset.c: after gic_init(), before anything ran: notes gic->reset_state. Logs and returns -errno on failure. */
int gic_note_reset_state(struct vm *vm, struct gic *gic);
/*
 * As after power-on, which was noted. vCPUs are parked, devices have been reset. Logs and returns
 * -errno on failure.
 */
int gic_reset(struct vm *vm, struct gic *gic);

static inline bool gic_is_v3(const struct gic *gic)
{
	return gic->kind == IRQCHIP_GICV3 || gic->kind == IRQCHIP_GICV3_ITS;
}

/* gic-fdt.c: the controller's node with what belongs to it; and how it wants interrupts told. */
void gic_fdt(struct fdt_tree *tree, struct vm *vm, const struct gic *gic);
extern const struct fdt_irq_format gic_irq_format;
/* Cells of a private interrupt; the trigger is one of GIC_LEVEL_*. */
void gic_ppi(const struct vm *vm, unsigned intid, u32 trigger, u32 cells[3]);
#define GIC_EDGE_RISING 1
#define GIC_LEVEL_HIGH	4
#define GIC_LEVEL_LOW	8

/*
 * gic-v2m.c: the MSI frame's registers at `base`; a write of an INTID raises it. Logs and returns
 * -errno on failure.
 */
int gic_v2m_create(struct vm *vm, gpa_t base);
#define GIC_V2M_SIZE   0x1000
#define GIC_V2M_SETSPI 0x040

#endif
