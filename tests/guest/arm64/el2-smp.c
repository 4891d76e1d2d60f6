// SPDX-License-Identifier: GPL-2.0-or-later
// options: --nested -c 2
// status: 0
// output: smp ok
// limit: 120
// without: does not give guests EL2
/* --nested: another CPU comes up at EL2 as well. */
#include "el2.h"
#include "smp.h"

static volatile u64 hcr, mpidr;

static void other(u32 cpu)
{
	hcr = read_sysreg(hcr_el2);
	mpidr = read_sysreg(mpidr_el1);
	memory_barrier();
	psci(PSCI_CPU_OFF, 0, 0, 0);
	fail("CPU_OFF returned", cpu);
}

void guest_main(addr_t boot)
{
	const struct smp_cpu *second = &smp_cpus[1];

	smp_start(1, other);
	for (u32 i = 0; psci(PSCI_AFFINITY_INFO, smp_mpidr(1), 0, 0) != 1; i++)
		if (i == 100000)
			fail("it does not go off", i);
	el2_check_entry("the other CPU's exception level", second->current_el, second->spsel,
			second->daif);
	CHECK_EQ("its HCR_EL2.E2H", !!(hcr & HCR_E2H), 1);
	CHECK_EQ("its MPIDR", mpidr & 0xff00ffffff, smp_mpidr(1));
	print("smp ok\n");
	power_off();
}
