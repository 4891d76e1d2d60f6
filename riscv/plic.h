/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A platform-level interrupt controller (RISC-V PLIC specification 1.0.0) in lkvm, for hosts or guests without
 * AIA. Sources are wires; each context is one hart's supervisor-mode interrupt. All functions but create and destroy:
 * any thread; they take a lock and do not block.
 */
#ifndef RISCV_PLIC_H
#define RISCV_PLIC_H

#include "lkvm/vm/bus.h"
#include "lkvm/util/types.h"

struct plic;

struct plic_config {
	unsigned nr_sources;  /* with source 0, which does not exist; at most 1024 */
	unsigned nr_contexts; /* at most 512 */
	/* A context's interrupt comes or goes. Under the PLIC's lock: in order. */
	void (*notify)(void *opaque, unsigned context, bool level);
	void *opaque;
};

/* NULL: no memory. */
struct plic *plic_create(const struct plic_config *config);
/* Nobody uses it any more. NULL is nothing. */
void plic_destroy(struct plic *plic);

/* A struct irq_line's set(): gsi is the source; others than there are do nothing. */
void plic_set_line(void *plic, unsigned gsi, bool level);

/* As after power-on, but for the wires: those that are high are pending. */
void plic_reset(struct plic *plic);

/* The registers, for the bus: bytes of them, and how they are accessed (opaque is the struct plic). */
u64 plic_size(const struct plic *plic);
extern const struct bus_ops plic_bus_ops;

#endif
