/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device tree, read back. */
#ifndef TEST_DTB_H
#define TEST_DTB_H

#include <libfdt.h>
#include "lkvm/boot/fdt.h"
#include "test.h"

static struct fdt_tree tree;

static inline int node(const char *path)
{
	return fdt_path_offset(tree.blob, path);
}

/* How many cells the property has; -1: there is none. */
static inline int cells(const char *path, const char *name, u32 *values, unsigned max)
{
	int len, at = node(path);
	const fdt32_t *property = at < 0 ? NULL : fdt_getprop(tree.blob, at, name, &len);

	if (!property)
		return -1;
	for (unsigned i = 0; i < max && i < len / sizeof(*property); i++)
		values[i] = fdt32_to_cpu(property[i]);
	return len / sizeof(*property);
}

static inline bool has(const char *path, const char *name)
{
	return cells(path, name, NULL, 0) >= 0;
}

static inline u32 cell(const char *path, const char *name)
{
	u32 value = 0;

	if (cells(path, name, &value, 1) != 1)
		fail_msg("%s: no %s", path, name);
	return value;
}

#endif
