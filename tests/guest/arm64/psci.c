// SPDX-License-Identifier: GPL-2.0-or-later
// options: -c 4
// status: 0
// output: psci ok
/*
 * CPUs by PSCI: on, off, on again, and what must be refused; who they are by MPIDR, the device tree and
 * the redistributors, and how they are entered.
 */
#include "smp.h"
#include "gic.h"

#define CPUS 4

#define AFFINITY     0xff00ffffffULL
#define AFFINITY_ON  0
#define AFFINITY_OFF 1
#define GICR_TYPER   8
#define GICR_LAST    (1 << 4)

static volatile u64 mpidr[CPUS];

static void other(u32 cpu)
{
	mpidr[cpu] = read_sysreg(mpidr_el1) & AFFINITY;
	memory_barrier();
	psci(PSCI_CPU_OFF, 0, 0, 0);
	fail("CPU_OFF returned", cpu);
}

static long affinity_info(u32 cpu)
{
	return psci(PSCI_AFFINITY_INFO, smp_mpidr(cpu), 0, 0);
}

static void wait_off(u32 cpu)
{
	for (u32 i = 0; affinity_info(cpu) != AFFINITY_OFF; i++)
		if (i == 1000000)
			fail("it does not go off, CPU", cpu);
}

static void one(u32 cpu)
{
	CHECK_EQ("at first", affinity_info(cpu), AFFINITY_OFF);
	for (u32 life = 1; life <= 2; life++) {
		smp_start(cpu, other);
		wait_off(cpu);
		CHECK_EQ("lives", smp_cpus[cpu].started, life);
		CHECK_EQ("exception level", smp_cpus[cpu].current_el, 1 << 2);
		CHECK_EQ("SPSel", smp_cpus[cpu].spsel, 1);
		CHECK_EQ("DAIF", smp_cpus[cpu].daif, 0xf << 6);
		CHECK_EQ("MPIDR", mpidr[cpu], smp_mpidr(cpu));
	}
}

/* Each CPU by all that tell of it. */
static void names(const void *tree)
{
	for (u32 cpu = 0; cpu < CPUS; cpu++) {
		struct fdt_value reg = fdt_get(tree, "/cpus/cpu", cpu, "reg");
		u64 typer = read64(gic.redist + cpu * GICR_SIZE + GICR_TYPER);

		CHECK_EQ("cells of a cpu node's reg", reg.len, 8);
		CHECK_EQ("MPIDR in the device tree", be64(reg.bytes), mpidr[cpu]);
		CHECK_EQ("its redistributor", typer >> 32, mpidr[cpu]);
		CHECK_EQ("its redistributor's number", typer >> 8 & 0xffff, cpu);
		CHECK_EQ("the last redistributor", !!(typer & GICR_LAST), cpu == CPUS - 1);
	}
	if (fdt_get(tree, "/cpus/cpu", CPUS, "reg").bytes)
		fail("CPUs in the device tree", CPUS + 1);
}

static void stay(u32 cpu)
{
	stop();
}

void guest_main(addr_t boot)
{
	gic_find(boot);
	mpidr[0] = read_sysreg(mpidr_el1) & AFFINITY;
	CHECK_EQ("this CPU", affinity_info(0), AFFINITY_ON);
	CHECK_EQ("this CPU once more", smp_on(0, other), PSCI_ALREADY_ON);
	for (u32 cpu = 1; cpu < CPUS; cpu++)
		one(cpu);
	CHECK_EQ("a CPU that is not there", smp_on(CPUS, other), PSCI_INVALID_PARAMETERS);
	CHECK_EQ("its state", affinity_info(CPUS), PSCI_INVALID_PARAMETERS);
	smp_start(1, stay);
	CHECK_EQ("one that is on", affinity_info(1), AFFINITY_ON);
	CHECK_EQ("and once more", smp_on(1, stay), PSCI_ALREADY_ON);
	if (gic.v3)
		names((const void *)boot);
	if (psci(PSCI_FEATURES, PSCI_SYSTEM_RESET, 0, 0) < 0)
		fail("PSCI_FEATURES(SYSTEM_RESET)", psci(PSCI_FEATURES, PSCI_SYSTEM_RESET, 0, 0));
	CHECK_EQ("a function that is none", psci(PSCI_NONE, 0, 0, 0), PSCI_NOT_SUPPORTED);
	print("psci ok\n");
	power_off();
}
