// SPDX-License-Identifier: GPL-2.0-or-later
/* CPUs in the device tree, with their topology and caches (kernel bindings arm/cpus, cpu/cpu-topology). */
#include <stdio.h>

#include "arch-vm.h"
#include "board.h"
#include "caches.h"
#include "lkvm/util/cpulist.h"
#include "lkvm/vm/registers.h"
#include "lkvm/vm/vcpu.h"
#include "arch-registers.h"

#define HOST_CACHES "/sys/devices/system/cpu/cpu%d/cache"

/*
 * Of all CPUs one is taken: a tree must hold wherever vCPUs run. Looked up once: a reboot finds nothing new, and where no
 * path can be looked up any more, nothing.
 */
static void find_hierarchy(struct vm *vm, struct hierarchy *caches)
{
	struct vcpu *first = vm->vcpus[0];
	int cpu = first->affinity ? cpulist_first(first->affinity) : 0;
	char folder[64];
	u64 clidr;

	if (caches->known)
		return;
	caches->known = true;
	snprintf(folder, sizeof(folder), HOST_CACHES, cpu);
	caches->nr = vcpu_get_register(first, REG_CLIDR_EL1, &clidr)
			     ? 0
			     : caches_find(clidr, folder, vm->nr_vcpus, caches->levels);
}

/* `prefix` is "", "d-" or "i-". */
static void cache_properties(struct fdt_tree *tree, const char *prefix, const struct cache *cache)
{
	const struct {
		const char *name;
		u32 value;
	} rows[] = {
		{ "cache-size", cache->size },
		{ "cache-line-size", cache->line },
		{ "cache-sets", cache->sets },
	};
	char name[32];

	for (unsigned i = 0; i < ARRAY_SIZE(rows) && cache->size; i++) {
		snprintf(name, sizeof(name), "%s%s", prefix, rows[i].name);
		if (rows[i].value)
			fdt_u32(tree, name, rows[i].value);
	}
}

static void level_properties(struct fdt_tree *tree, const struct cache_level *level)
{
	if (level->split) {
		cache_properties(tree, "d-", &level->data);
		cache_properties(tree, "i-", &level->instructions);
		return;
	}
	fdt_empty(tree, "cache-unified");
	cache_properties(tree, "", &level->data);
}

/* A shared level has one node for all; then its number stands where a vCPU's stands otherwise. */
static u32 phandle_of(const struct hierarchy *caches, unsigned vcpu, unsigned level)
{
	unsigned owner = caches->levels[level].shared ? 0 : vcpu;

	return BOARD_PHANDLE_CACHE + owner * CACHE_MAX_LEVELS + level;
}

static void link_to_next(struct fdt_tree *tree, const struct hierarchy *caches, unsigned vcpu,
			 unsigned level)
{
	if (level + 1 < caches->nr)
		fdt_u32(tree, "next-level-cache", phandle_of(caches, vcpu, level + 1));
}

static void cache_node(struct fdt_tree *tree, const struct hierarchy *caches, unsigned vcpu,
		       unsigned level)
{
	char name[32];

	snprintf(name, sizeof(name), "l%u-cache", level + 1);
	fdt_node(tree, name);
	fdt_text(tree, "compatible", "cache");
	fdt_u32(tree, "cache-level", level + 1);
	level_properties(tree, &caches->levels[level]);
	link_to_next(tree, caches, vcpu, level);
	fdt_u32(tree, "phandle", phandle_of(caches, vcpu, level));
	fdt_node_end(tree);
}

static void cpu_node(struct fdt_tree *tree, const struct vcpu *vcpu, const struct hierarchy *caches)
{
	static const char both[] = "arm,armv8\0arm,arm-v8";
	const struct vm_config *config = vcpu->vm->config;
	u64 mpidr = vcpu->arch.mpidr;

	fdt_node_at(tree, "cpu", mpidr);
	fdt_text(tree, "device_type", "cpu");
	/* EDK2 describes only CPUs of names it knows by ACPI, and "arm,armv8" is none of them. */
	fdt_bytes_of(tree, "compatible", both,
		     config->firmware ? sizeof(both) : sizeof("arm,armv8"));
	fdt_text(tree, "enable-method", "psci");
	if (config->arch.aarch32)
		fdt_u32(tree, "reg", mpidr);
	else
		fdt_reg(tree, &mpidr, 1);
	fdt_u32(tree, "phandle", BOARD_PHANDLE_CPU + vcpu->id);
	if (caches->nr) {
		level_properties(tree, &caches->levels[0]);
		link_to_next(tree, caches, vcpu->id, 0);
	}
	for (unsigned level = 1; level < caches->nr; level++) {
		if (!caches->levels[level].shared)
			cache_node(tree, caches, vcpu->id, level);
	}
	fdt_node_end(tree);
}

void cpus_fdt(struct fdt_tree *tree, struct vm *vm)
{
	struct hierarchy *caches = &vm->arch->caches;
	struct vcpu *vcpu;
	unsigned i;

	find_hierarchy(vm, caches);
	fdt_node(tree, "cpus");
	/* A 32-bit kernel sees no more of an affinity than its own MPIDR has. */
	fdt_u32(tree, "#address-cells", vm->config->arch.aarch32 ? 1 : 2);
	fdt_u32(tree, "#size-cells", 0);
	vcpu_for_each (vcpu, vm, i)
		cpu_node(tree, vcpu, caches);
	fdt_cpu_map(tree, vm->nr_vcpus, BOARD_PHANDLE_CPU);
	for (unsigned level = 1; level < caches->nr; level++) {
		if (caches->levels[level].shared)
			cache_node(tree, caches, 0, level);
	}
	fdt_node_end(tree);
}
