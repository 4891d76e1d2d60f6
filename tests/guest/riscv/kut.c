// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What kvm-unit-tests' programs rely on, for kut.sh to compare: the hart and its device tree, the command line's
 * parameters and nothing else, an initrd that is any file, shown as it is, and all harts.
 */
#include "kut.h"
#include "smp.h"

extern const u8 image_begin[];

static void nothing(u32 cpu)
{
	stop();
}

void guest_main(addr_t boot)
{
	const void *tree = (const void *)boot;
	u32 cpu = 1;

	CHECK_EQ("the program's place", (addr_t)image_begin, RAM + 0x200000);
	CHECK_EQ("the first serial port's place", BOARD_SERIAL, 0x10000000);
	CHECK_EQ("the hart", start_state.hart, 0);
	CHECK_EQ("the device tree", be32(tree), FDT_MAGIC);
	kut_report(tree);
	/* Output of others among it would be nobody's. */
	for (; fdt_get(tree, "/cpus/cpu", cpu, "reg").bytes; cpu++)
		smp_start(cpu, nothing);
	power_off();
}
