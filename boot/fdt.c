// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lkvm/boot/fdt.h"
#include "lkvm/util/log.h"

#define MAX_CELLS 64

static void fdt_keep(struct fdt_tree *tree, int err)
{
	if (err && !tree->error)
		tree->error = err;
}

int fdt_begin(struct fdt_tree *tree)
{
	tree->size = FDT_TREE_MAX;
	tree->error = 0;
	tree->blob = calloc(1, tree->size);
	if (!tree->blob)
		return -ENOMEM;
	fdt_keep(tree, fdt_create(tree->blob, tree->size));
	fdt_keep(tree, fdt_finish_reservemap(tree->blob));
	fdt_keep(tree, fdt_begin_node(tree->blob, ""));
	return 0;
}

int fdt_end(struct fdt_tree *tree)
{
	fdt_node_end(tree);
	fdt_keep(tree, fdt_finish(tree->blob));
	if (!tree->error)
		return 0;
	log_fatal("Unable to write the device tree: %s", fdt_strerror(tree->error));
	return tree->error == -FDT_ERR_NOSPACE ? -ENOSPC : -EINVAL;
}

void fdt_free(struct fdt_tree *tree)
{
	free(tree->blob);
	tree->blob = NULL;
}

u32 fdt_bytes(const struct fdt_tree *tree)
{
	return fdt_totalsize(tree->blob);
}

int fdt_dump(const struct fdt_tree *tree, FILE *file, const char *path)
{
	size_t size = fdt_bytes(tree);
	int err;

	if (fwrite(tree->blob, 1, size, file) == size && !fflush(file))
		return 0;
	err = errno ?: EIO;
	log_fatal("--dump-dtb %s: %s", path, strerror(err));
	return -err;
}

void fdt_node(struct fdt_tree *tree, const char *name)
{
	fdt_keep(tree, fdt_begin_node(tree->blob, name));
}

void fdt_node_at(struct fdt_tree *tree, const char *name, u64 address)
{
	char full[64];

	snprintf(full, sizeof(full), "%s@%llx", name, (unsigned long long)address);
	fdt_node(tree, full);
}

void fdt_node_end(struct fdt_tree *tree)
{
	fdt_keep(tree, fdt_end_node(tree->blob));
}

void fdt_bytes_of(struct fdt_tree *tree, const char *name, const void *bytes, size_t len)
{
	fdt_keep(tree, fdt_property(tree->blob, name, bytes, len));
}

void fdt_empty(struct fdt_tree *tree, const char *name)
{
	fdt_bytes_of(tree, name, NULL, 0);
}

void fdt_text(struct fdt_tree *tree, const char *name, const char *text)
{
	fdt_bytes_of(tree, name, text, strlen(text) + 1);
}

void fdt_u32(struct fdt_tree *tree, const char *name, u32 value)
{
	fdt_keep(tree, fdt_property_u32(tree->blob, name, value));
}

void fdt_u64(struct fdt_tree *tree, const char *name, u64 value)
{
	fdt_keep(tree, fdt_property_u64(tree->blob, name, value));
}

void fdt_cells(struct fdt_tree *tree, const char *name, const u32 *cells, unsigned nr)
{
	void *place;

	/* Written in place: an interrupt map has more cells than a stack should hold. */
	fdt_keep(tree, fdt_property_placeholder(tree->blob, name, nr * sizeof(fdt32_t), &place));
	for (unsigned i = 0; i < nr && !tree->error; i++)
		fdt32_st((fdt32_t *)place + i, cells[i]);
}

void fdt_reg(struct fdt_tree *tree, const u64 *values, unsigned nr)
{
	u32 cells[MAX_CELLS];

	if (2 * nr > ARRAY_SIZE(cells)) {
		fdt_keep(tree, -FDT_ERR_NOSPACE);
		return;
	}
	for (unsigned i = 0; i < nr; i++) {
		cells[2 * i] = values[i] >> 32;
		cells[2 * i + 1] = values[i];
	}
	fdt_cells(tree, "reg", cells, 2 * nr);
}

void fdt_cpu_map(struct fdt_tree *tree, unsigned cpus, u32 first)
{
	char name[32];

	fdt_node(tree, "cpu-map");
	fdt_node(tree, "socket0");
	fdt_node(tree, "cluster0");
	for (unsigned i = 0; i < cpus; i++) {
		snprintf(name, sizeof(name), "core%u", i);
		fdt_node(tree, name);
		fdt_u32(tree, "cpu", first + i);
		fdt_node_end(tree);
	}
	fdt_node_end(tree);
	fdt_node_end(tree);
	fdt_node_end(tree);
}

void fdt_memory(struct fdt_tree *tree, const struct guest_memory *memory)
{
	for (unsigned i = 0; i < memory->nr_regions; i++) {
		const struct guest_region *region = &memory->regions[i];

		if (region->readonly || region->unlisted)
			continue;
		fdt_node_at(tree, "memory", region->gpa);
		fdt_text(tree, "device_type", "memory");
		fdt_reg(tree, (const u64[]){ region->gpa, region->size }, 2);
		fdt_node_end(tree);
	}
}

static void device_node(struct fdt_tree *tree, const struct device_description *d,
			const struct fdt_irq_format *format, u32 clock, u32 dma_pool)
{
	u32 cells[FDT_MAX_IRQ_CELLS];

	if (d->where.kind != RESOURCE_MMIO)
		return;
	fdt_node_at(tree, d->node_name ?: "device", d->where.base);
	fdt_bytes_of(tree, "compatible", d->compatible,
		     d->compatible_size ?: strlen(d->compatible) + 1);
	fdt_reg(tree, (const u64[]){ d->where.base, d->where.size }, 2);
	if (d->label)
		fdt_text(tree, "label", d->label);
	if (d->bank_width)
		fdt_u32(tree, "bank-width", d->bank_width);
	if (d->clock_name) {
		fdt_u32(tree, "clocks", clock);
		fdt_text(tree, "clock-names", d->clock_name);
	}
	if (d->gsi >= 0) {
		format->encode(d->gsi, d->irq_edge, cells);
		fdt_cells(tree, "interrupts", cells, format->cells);
	}
	if (d->clock_frequency)
		fdt_u32(tree, "clock-frequency", d->clock_frequency);
	if (d->dma_coherent)
		fdt_empty(tree, "dma-coherent");
	if (d->dma_coherent && dma_pool)
		fdt_u32(tree, "memory-region", dma_pool);
	fdt_node_end(tree);
}

void fdt_devices(struct fdt_tree *tree, struct device_list *devices,
		 const struct fdt_irq_format *format, u32 clock, u32 dma_pool)
{
	struct device *device;

	device_for_each (device, devices)
		if (device->description.compatible)
			device_node(tree, &device->description, format, clock, dma_pool);
}

/* Where it is the kernel chooses: it alone knows what is free. */
void fdt_dma_pool(struct fdt_tree *tree, u64 size, u32 phandle)
{
	fdt_node(tree, "reserved-memory");
	fdt_u32(tree, "#address-cells", 2);
	fdt_u32(tree, "#size-cells", 2);
	fdt_empty(tree, "ranges");
	fdt_node(tree, "dma-pool");
	fdt_text(tree, "compatible", "restricted-dma-pool");
	fdt_u64(tree, "size", size);
	fdt_u64(tree, "alignment", MIB(2));
	fdt_u32(tree, "phandle", phandle);
	fdt_node_end(tree);
	fdt_node_end(tree);
}
