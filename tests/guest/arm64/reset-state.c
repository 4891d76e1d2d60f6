// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A reset is as good as power-on. In its first life the machine's registers are noted on the disk, then
 * everything is written that can be, interrupts are left pending and active, and the machine is reset;
 * in the second, registers must read as they were noted. reset-state.sh runs it.
 */
#include "its.h"
#include "lives.h"
#include "smp.h"

#define CPUS   2
#define DEVICE 8 /* the ITS's: an id and an event */
#define EVENT  5

/* ---- what is looked at, and what is written there ---- */

enum { DIST, REDIST, SGI, ITS, CPU_IF, SERIAL, PCI };

struct place {
	const char *name;
	u16 frame;
	u16 bytes;
	u32 offset;
	u32 value;   /* written, when `written` */
	u16 written; /* 1; 2: and it does not read as before then */
};

/* Bits that are not of the architecture's making at a reset: memory's attributes, an ITS table's place. */
#define PROPBASER_KNOWN (~0x0700000000000f80ULL)
#define BASER_KNOWN	0x871f000000000000ULL

/* Of the machine. */
static const struct place shared[] = {
	{ "GICD_CTLR", DIST, 4, GICD_CTLR, 3, 2 },
	{ "GICD_IGROUPR1", DIST, 4, GICD_IGROUPR + 4, 0x00ff00ff, 2 },
	{ "GICD_ISENABLER1", DIST, 4, GICD_ISENABLER + 4, 0x00000f00, 2 },
	{ "GICD_ISPENDR1", DIST, 4, GICD_ISPENDR + 4, 0x00003000, 2 },
	{ "GICD_ISACTIVER1", DIST, 4, GICD_ISACTIVER + 4, 0x0000c000, 2 },
	{ "GICD_IPRIORITYR8", DIST, 4, GICD_IPRIORITYR + 32, 0xa0a080a0, 2 },
	{ "GICD_ICFGR2", DIST, 4, GICD_ICFGR + 8, 0x00ff0055, 2 },
	{ "UART_IER", SERIAL, 1, UART_IER, 3, 2 },
	{ "UART_MCR", SERIAL, 1, 4, 0x0b, 2 },
	{ "UART_SCRATCH", SERIAL, 1, UART_SCRATCH, 0x5a, 2 },
	{ "PCI command", PCI, 2, 4, 0x404, 2 },
	{ "PCI BAR 0", PCI, 4, 0x10, BOARD_PCI_MMIO + 0x10000000, 2 },
	{ "PCI interrupt line", PCI, 1, 0x3c, 0x5a, 2 },
};

static const struct place shared_v3[] = {
	{ "GICD_IROUTER40", DIST, 8, GICD_IROUTER + 8 * 40, 1, 2 },
};

static const struct place shared_v2[] = {
	{ "GICD_ITARGETSR8", DIST, 4, GICD_ITARGETSR + 32, 0x02020202, 2 },
};

/* As its.h writes it. */
static const struct place shared_its[] = {
	{ "GITS_CTLR", ITS, 4, GITS_CTLR, 0, 0 },
	{ "GITS_CBASER", ITS, 8, GITS_CBASER, 0, 0 },
	{ "GITS_CWRITER", ITS, 8, GITS_CWRITER, 0, 0 },
	{ "GITS_CREADR", ITS, 8, GITS_CREADR, 0, 0 },
	{ "GITS_BASER0", ITS, 8, GITS_BASER, 0, 0 },
	{ "GITS_BASER1", ITS, 8, GITS_BASER + 8, 0, 0 },
};

/* Of each CPU. */
static const struct place own[] = {
	{ "IGROUPR0", SGI, 4, GICD_IGROUPR, 0xfff000ff, 2 },
	{ "ISENABLER0", SGI, 4, GICD_ISENABLER, 0x58300000, 2 },
	{ "ISPENDR0", SGI, 4, GICD_ISPENDR, 0x00100000, 2 },
	{ "ISACTIVER0", SGI, 4, GICD_ISACTIVER, 0x00200000, 2 },
	{ "IPRIORITYR1", SGI, 4, GICD_IPRIORITYR + 4, 0xa0a080a0, 2 },
	{ "IPRIORITYR6", SGI, 4, GICD_IPRIORITYR + 24, 0xa0a080a0, 2 },
	{ "ICFGR0", SGI, 4, GICD_ICFGR, 0, 1 },
	{ "ICFGR1", SGI, 4, GICD_ICFGR + 4, 0xaaaaaaaa, 1 },
};

static const struct place own_v3[] = {
	{ "GICR_PROPBASER", REDIST, 8, GICR_PROPBASER, 0x81000000 | 0x78f, 2 },
	{ "GICR_PENDBASER", REDIST, 8, GICR_PENDBASER, 0x81100000 | 0x780, 2 },
	{ "GICR_CTLR", REDIST, 4, GICR_CTLR, 1, 1 },
	{ "GICR_WAKER", REDIST, 4, GICR_WAKER, 2, 1 },
};

static const struct place own_v2[] = {
	{ "GICC_CTLR", CPU_IF, 4, GICC_CTLR, 1, 2 },
	{ "GICC_PMR", CPU_IF, 4, GICC_PMR, 0xf0, 2 },
	{ "GICC_BPR", CPU_IF, 4, 8, 5, 2 },
};

/* ---- notes ---- */

#define NOTES 64 /* a sector */

struct notes {
	volatile u64 value[NOTES];
	const char *name[NOTES];
	u8 must_change[NOTES];
	u32 nr;
};
/* Of the machine, and of each CPU. */
static struct notes now[1 + CPUS];

static void note(struct notes *n, const char *name, u64 value, u32 must_change)
{
	if (n->nr == NOTES)
		fail("too many notes", n->nr);
	n->name[n->nr] = name;
	n->must_change[n->nr] = must_change;
	n->value[n->nr++] = value;
}

static addr_t base(const struct place *p, u32 cpu)
{
	switch (p->frame) {
	case REDIST:
		return gic.redist + cpu * GICR_SIZE;
	case SGI:
		return gic_frame(cpu, 0);
	case ITS:
		return gic.its;
	case CPU_IF:
		return gic.redist;
	case SERIAL:
		return BOARD_SERIAL;
	case PCI:
		return BOARD_ECAM + (lives_disk.vio.slot << 15);
	}
	return gic.dist;
}

static u64 look(const struct place *p, u32 cpu)
{
	addr_t at = base(p, cpu) + p->offset;

	return p->bytes == 1   ? read8(at)
	       : p->bytes == 2 ? read16(at)
	       : p->bytes == 4 ? read32(at)
			       : read64(at);
}

static u64 known(const struct place *p)
{
	if (p->frame == ITS && p->offset >= GITS_BASER)
		return BASER_KNOWN;
	return p->frame == REDIST && p->offset == GICR_PROPBASER ? PROPBASER_KNOWN : ~0ULL;
}

static void look_at(struct notes *n, const struct place *p, u32 nr, u32 cpu)
{
	for (; nr--; p++)
		note(n, p->name, look(p, cpu) & known(p), p->written == 2);
}

static void write_to(const struct place *p, u32 nr, u32 cpu)
{
	for (; nr--; p++) {
		addr_t at = base(p, cpu) + p->offset;

		if (!p->written)
			continue;
		if (p->bytes == 1)
			write8(at, p->value);
		else if (p->bytes == 2)
			write16(at, p->value);
		else if (p->bytes == 4)
			write32(at, p->value);
		else
			write64(at, p->value);
	}
}

/* ---- system registers: name, register, what is written, and whether it reads otherwise then ---- */

#define CPU_REGISTERS(X)                                                                           \
	X("CPACR_EL1", cpacr_el1, 3 << 20, 2)                                                      \
	X("CONTEXTIDR_EL1", contextidr_el1, 0x1234, 2)                                             \
	X("TPIDR_EL0", tpidr_el0, 0x1234, 2)                                                       \
	X("TPIDR_EL1", tpidr_el1, 0x1234, 2)                                                       \
	X("MDSCR_EL1", mdscr_el1, 1 << 12, 2)                                                      \
	X("CSSELR_EL1", csselr_el1, 2, 2)                                                          \
	X("CNTKCTL_EL1", cntkctl_el1, 3, 2)                                                        \
	X("CNTV_CVAL_EL0", S3_3_C14_C3_2, 1, 1)                                                    \
	X("CNTV_CTL_EL0", S3_3_C14_C3_1, 1, 2)                                                     \
	X("CNTP_CVAL_EL0", S3_3_C14_C2_2, 1, 1)                                                    \
	X("CNTP_CTL_EL0", S3_3_C14_C2_1, 1, 2)

#define INTERFACE_REGISTERS(X)                                                                     \
	X("ICC_SRE_EL1", S3_0_C12_C12_5, 7, 1)                                                     \
	X("ICC_PMR_EL1", S3_0_C4_C6_0, 0xf0, 2)                                                    \
	X("ICC_BPR1_EL1", S3_0_C12_C12_3, 5, 2)                                                    \
	X("ICC_CTLR_EL1", S3_0_C12_C12_4, 2, 2)                                                    \
	X("ICC_IGRPEN1_EL1", S3_0_C12_C12_7, 1, 2)                                                 \
	X("ICC_AP0R0_EL1", S3_0_C12_C8_4, 0, 0)                                                    \
	X("ICC_AP1R0_EL1", S3_0_C12_C9_0, 0x20, 2)

#define NOTE_REGISTER(name, reg, value, written) note(n, name, read_sysreg(reg), (written) == 2);
#define WRITE_REGISTER(name, reg, value, written)                                                  \
	if (written)                                                                               \
		write_sysreg(reg, value);

/* ---- all of it ---- */

static void look_at_cpu(u32 cpu)
{
	struct notes *n = &now[1 + cpu];

	n->nr = 0;
	look_at(n, own, ARRAY_SIZE(own), cpu);
	CPU_REGISTERS(NOTE_REGISTER)
	if (gic.v3) {
		look_at(n, own_v3, ARRAY_SIZE(own_v3), cpu);
		INTERFACE_REGISTERS(NOTE_REGISTER)
	} else {
		look_at(n, own_v2, ARRAY_SIZE(own_v2), cpu);
	}
}

static void write_to_cpu(u32 cpu)
{
	/* The CPU's own way to its interrupt controller is the last thing that is spoilt. */
	write_to(own, ARRAY_SIZE(own), cpu);
	CPU_REGISTERS(WRITE_REGISTER)
	if (gic.v3) {
		write_to(own_v3, ARRAY_SIZE(own_v3), cpu);
		INTERFACE_REGISTERS(WRITE_REGISTER)
	} else {
		write_to(own_v2, ARRAY_SIZE(own_v2), cpu);
	}
	look_at_cpu(cpu);
}

static void look_at_machine(void)
{
	struct notes *n = &now[0];

	n->nr = 0;
	look_at(n, shared, ARRAY_SIZE(shared), 0);
	if (gic.v3)
		look_at(n, shared_v3, ARRAY_SIZE(shared_v3), 0);
	else
		look_at(n, shared_v2, ARRAY_SIZE(shared_v2), 0);
	if (gic.its)
		look_at(n, shared_its, ARRAY_SIZE(shared_its), 0);
}

static void write_to_machine(void)
{
	if (gic.its) {
		its_begin();
		its_map(DEVICE, EVENT, 0);
		its_command((u64)DEVICE << 32 | ITS_INT, EVENT, 0);
	}
	write_to(shared, ARRAY_SIZE(shared), 0);
	if (gic.v3)
		write_to(shared_v3, ARRAY_SIZE(shared_v3), 0);
	else
		write_to(shared_v2, ARRAY_SIZE(shared_v2), 0);
	look_at_machine();
}

static volatile u32 second_done;

static void on_second(u32 cpu)
{
	look_at_cpu(cpu);
	memory_barrier();
	second_done = 1;
	while (second_done != 2)
		cpu_relax();
	write_to_cpu(cpu);
	memory_barrier();
	second_done = 3;
	memory_barrier();
	stop();
}

static void wait_second(u32 step)
{
	while (second_done != step)
		cpu_relax();
	memory_barrier();
}

static u64 at_power_on[1 + CPUS][NOTES], before[1 + CPUS][NOTES];

static void keep(u64 (*copy)[NOTES])
{
	for (u32 i = 0; i <= CPUS; i++)
		for (u32 r = 0; r < NOTES; r++)
			copy[i][r] = now[i].value[r];
}

static void complain(u32 i, u32 r, const char *what, u64 other)
{
	print(now[i].name[r]);
	print(i == 0 ? "" : i == 1 ? " of CPU 0" : " of CPU 1");
	print(what);
	print_hex(now[i].value[r] >> 32);
	print_hex(now[i].value[r]);
	print(", ");
	print_hex(other >> 32);
	print_hex(other);
	print("\n");
}

static void check_as_at_power_on(void)
{
	u32 wrong = 0;

	for (u32 i = 0; i <= CPUS; i++) {
		disk_io(&lives_disk, DISK_READ, 1 + i, at_power_on[i], 512);
		for (u32 r = 0; r < now[i].nr; r++) {
			if (now[i].value[r] == at_power_on[i][r])
				continue;
			complain(i, r, " is not as at power-on: ", at_power_on[i][r]);
			wrong++;
		}
	}
	if (wrong)
		fail("registers after a reset", wrong);
}

/* Or what is found later proves nothing. */
static void check_spoilt(void)
{
	u32 wrong = 0;

	for (u32 i = 0; i <= CPUS; i++) {
		for (u32 r = 0; r < now[i].nr; r++) {
			if (!now[i].must_change[r] || now[i].value[r] != before[i][r])
				continue;
			complain(i, r, " cannot be written: ", before[i][r]);
			wrong++;
		}
	}
	if (wrong)
		fail("registers that were not spoilt", wrong);
}

/* Nobody has told the ITS of the device in this life. */
static void old_event(void)
{
	its_config[0] = GIC_PRIORITY | 1;
	gic_begin(0);
	CHECK_EQ("an interrupt of the earlier life", gic_ack(), GIC_NONE);
	its_begin();
	its_command((u64)DEVICE << 32 | ITS_INT, EVENT, 0);
	CHECK_EQ("an LPI of the earlier life", gic_ack(), GIC_NONE);
}

void guest_main(addr_t boot)
{
	u32 life;

	gic_find(boot);
	CHECK_EQ("the other CPU", psci(PSCI_AFFINITY_INFO, smp_mpidr(1), 0, 0), 1);
	CHECK_EQ("SCTLR_EL1: MMU and caches", start_state.sctlr & (1 << 0 | 1 << 2 | 1 << 12), 0);
	if (!vio_last(&lives_disk.vio, VIO_BLK))
		fail("no disk", 0);
	look_at_machine();
	look_at_cpu(0);
	life = life_begin();
	print("life ");
	put('0' + life);
	print("\n");
	smp_start(1, on_second);
	wait_second(1);
	if (life == 1)
		for (u32 i = 0; i <= CPUS; i++)
			disk_io(&lives_disk, DISK_WRITE, 1 + i, now[i].value, 512);
	else
		check_as_at_power_on();
	if (life == 3) {
		if (gic.its)
			old_event();
		print("reset-state ok\n");
		power_off();
	}
	keep(before);
	second_done = 2;
	memory_barrier();
	wait_second(3);
	write_to_machine();
	write_to_cpu(0);
	check_spoilt();
	reset();
}
