// SPDX-License-Identifier: GPL-2.0-or-later
// options: -c 2
// status: 0
// output: suspend ok
/*
 * SYSTEM_SUSPEND: refused while another CPU is on, and to where no instruction can be; then its own timer wakes
 * the guest, which goes on at the address that it gave, as after a reset.
 */
#include "gic.h"
#include "smp.h"

#define PSCI_SYSTEM_SUSPEND 0xc400000eU
#define PSCI_DENIED	    -3
#define AFFINITY_OFF	    1
#define TIMER_INTID	    27

static volatile u32 leave;
static volatile u64 deadline;

static void other(u32 cpu)
{
	while (!leave)
		cpu_relax();
	psci(PSCI_CPU_OFF, 0, 0, 0);
	fail("CPU_OFF returned", cpu);
}

static void woken(u32 cpu)
{
	CHECK_EQ("exception level", smp_cpus[cpu].current_el, 1 << 2);
	CHECK_EQ("DAIF", smp_cpus[cpu].daif, 0xf << 6);
	if (read_sysreg(cntvct_el0) < deadline)
		fail("it was woken too early", deadline);
	print("suspend ok\n");
	power_off();
}

static long suspend(addr_t entry)
{
	return psci(PSCI_SYSTEM_SUSPEND, entry, 0, 0);
}

void guest_main(addr_t boot)
{
	gic_find(boot);
	gic_begin(0);
	gic_enable(0, TIMER_INTID);
	if (psci(PSCI_FEATURES, PSCI_SYSTEM_SUSPEND, 0, 0) < 0)
		fail("PSCI_FEATURES(SYSTEM_SUSPEND)", 0);
	smp_cpus[0].function = woken;
	smp_start(1, other);
	CHECK_EQ("with another CPU on", suspend((addr_t)secondary_start), PSCI_DENIED);
	leave = 1;
	for (u32 i = 0; psci(PSCI_AFFINITY_INFO, smp_mpidr(1), 0, 0) != AFFINITY_OFF; i++)
		if (i == 1000000)
			fail("it does not go off, CPU", 1);
	CHECK_EQ("to no instruction", suspend((addr_t)secondary_start + 2), PSCI_INVALID_ADDRESS);
	deadline = read_sysreg(cntvct_el0) + read_sysreg(cntfrq_el0) / 20;
	memory_barrier();
	write_sysreg(S3_3_C14_C3_2, deadline); /* CNTV_CVAL_EL0 */
	write_sysreg(S3_3_C14_C3_1, 1);	       /* CNTV_CTL_EL0 */
	fail("SYSTEM_SUSPEND returned", suspend((addr_t)secondary_start));
}
