// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What kvm-unit-tests' programs rely on, for kut.sh to compare: the command line's parameters and nothing
 * else, and an initrd that is any file, shown as it is.
 */
#include "guest.h"
#include "fdt.h"

void guest_main(addr_t boot)
{
	const void *tree = (const void *)boot;
	struct fdt_value arguments = fdt_get(tree, "/chosen", 0, "bootargs");
	struct fdt_value begin = fdt_get(tree, "/chosen", 0, "linux,initrd-start");
	struct fdt_value end = fdt_get(tree, "/chosen", 0, "linux,initrd-end");
	u32 cpus = 0;

	CHECK_EQ("the program's place", start_state.pc, RAM + 0x80000);
	CHECK_EQ("the first serial port's place", BOARD_SERIAL, 0x1000000);
	while (fdt_get(tree, "/cpus/cpu", cpus, "reg").bytes)
		cpus++;
	print("el: ");
	put('0' + current_el());
	print("\ncpus: ");
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
	power_off();
}
