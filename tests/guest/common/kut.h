/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kvm-unit-tests' programs find in the device tree, for kut.sh to compare. */
#ifndef GUEST_KUT_H
#define GUEST_KUT_H

#include "guest.h"
#include "fdt.h"

/* The number of CPUs, the command line's parameters, and the initrd as it is. */
static inline void kut_report(const void *tree)
{
	struct fdt_value arguments = fdt_get(tree, "/chosen", 0, "bootargs");
	struct fdt_value begin = fdt_get(tree, "/chosen", 0, "linux,initrd-start");
	struct fdt_value end = fdt_get(tree, "/chosen", 0, "linux,initrd-end");
	u32 cpus = 0;

	while (fdt_get(tree, "/cpus/cpu", cpus, "reg").bytes)
		cpus++;
	print("cpus: ");
	put('0' + cpus);
	print("\narguments: ");
	if (arguments.bytes)
		print((const char *)arguments.bytes);
	print("\ninitrd:\n");
	CHECK_EQ("one end of the initrd without the other", !!begin.bytes, !!end.bytes);
	if (begin.bytes) {
		CHECK_EQ("linux,initrd-start's cells", begin.len, 8);
		CHECK_EQ("linux,initrd-end's cells", end.len, 8);
		for (const char *at = (const char *)be64(begin.bytes);
		     at < (const char *)be64(end.bytes); at++)
			put(*at);
	}
}

#endif
