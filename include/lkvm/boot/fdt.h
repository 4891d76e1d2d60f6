/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes a flattened device tree (devicetree specification 0.4) with libfdt, for every architecture
 * that has one. Errors are remembered: a tree is written without a look at any of them, and fdt_end()
 * tells. Main thread.
 */
#ifndef LKVM_BOOT_FDT_H
#define LKVM_BOOT_FDT_H

#include <stdio.h>
#include "lkvm/vm/device.h"
#include "lkvm/memory/memory.h"

#define FDT_TREE_MAX MIB(2) /* what arm64's boot protocol allows */

struct fdt_tree {
	void *blob;
	size_t size;
	int error; /* libfdt's first */
};

/* An interrupt as the tree's interrupt controller wants it told: its cells; how many of them. */
struct fdt_irq_format {
	unsigned cells;
	void (*encode)(unsigned gsi, bool edge, u32 *cells);
};

#define FDT_MAX_IRQ_CELLS 3

/* Allocates the tree and opens its root. -ENOMEM. */
int fdt_begin(struct fdt_tree *tree);
/* Closes the root and makes the tree whole. Logs and returns -errno on failure. fdt_free() is the caller's. */
int fdt_end(struct fdt_tree *tree);
void fdt_free(struct fdt_tree *tree);
/* The finished tree's size, bytes. */
u32 fdt_bytes(const struct fdt_tree *tree);
/* Writes the finished tree to a file, for dtc; `path` is for messages. Logs and returns -errno. */
int fdt_dump(const struct fdt_tree *tree, FILE *file, const char *path);

/* "name", or "name@address" from the second. */
void fdt_node(struct fdt_tree *tree, const char *name);
void fdt_node_at(struct fdt_tree *tree, const char *name, u64 address);
void fdt_node_end(struct fdt_tree *tree);

void fdt_empty(struct fdt_tree *tree, const char *name);
void fdt_text(struct fdt_tree *tree, const char *name, const char *text);
/* Bytes as they are; a list of strings, say. */
void fdt_bytes_of(struct fdt_tree *tree, const char *name, const void *bytes, size_t len);
void fdt_u32(struct fdt_tree *tree, const char *name, u32 value);
void fdt_u64(struct fdt_tree *tree, const char *name, u64 value);
void fdt_cells(struct fdt_tree *tree, const char *name, const u32 *cells, unsigned nr);
/* Addresses and sizes, two cells each. */
void fdt_reg(struct fdt_tree *tree, const u64 *values, unsigned nr);

/* Within "cpus": one socket of so many cores, whose phandles begin at `first`. */
void fdt_cpu_map(struct fdt_tree *tree, unsigned cpus, u32 first);
/* A node for each memory region that is RAM. */
void fdt_memory(struct fdt_tree *tree, const struct guest_memory *memory);
/*
 * A node for each device of the list that has an MMIO address and a compatible string. `clock` is the phandle
 * of the board's clock, for those that name one; `dma_pool` that of the only memory for DMA, 0 when any will do.
 */
void fdt_devices(struct fdt_tree *tree, struct device_list *devices,
		 const struct fdt_irq_format *format, u32 clock, u32 dma_pool);

/* Memory of `size` bytes that the guest sets aside for DMA, with /reserved-memory around it. */
void fdt_dma_pool(struct fdt_tree *tree, u64 size, u32 phandle);

#endif
