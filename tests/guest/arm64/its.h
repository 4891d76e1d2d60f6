/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interrupt translation service: messages of devices become LPIs (GIC specification, chapters 5 and 6). */
#ifndef GUEST_ITS_H
#define GUEST_ITS_H

#include "gic.h"

#define GITS_CTLR	0x0000
#define GITS_TYPER	0x0008
#define GITS_CBASER	0x0080
#define GITS_CWRITER	0x0088
#define GITS_CREADR	0x0090
#define GITS_BASER	0x0100
#define GITS_TRANSLATER 0x10040

#define ITS_INT	  0x03
#define ITS_SYNC  0x05
#define ITS_MAPD  0x08
#define ITS_MAPC  0x09
#define ITS_MAPTI 0x0a
#define ITS_INV	  0x0c

#define ITS_VALID   (1ULL << 63)
#define ITS_LPI	    8192U /* the first */
#define ITS_ID_BITS 14	  /* of interrupts: up to twice ITS_LPI */
#define ITS_PAGE    0x10000
#define ITS_CACHED                                                                                 \
	(7ULL << 7 | 1ULL << 10) /* of the redistributor's tables: write-back, shareable */
#define ITS_CACHED_59 (7ULL << 59 | 1ULL << 10) /* of the ITS's own */

static u8 its_tables[2][ITS_PAGE] __attribute__((aligned(ITS_PAGE)));
static u8 its_pending[ITS_PAGE] __attribute__((aligned(ITS_PAGE)));
static u64 its_commands[ITS_PAGE / 8] __attribute__((aligned(ITS_PAGE)));
static u8 its_config[1 << ITS_ID_BITS] __attribute__((aligned(4096)));
static u8 its_translation[4096] __attribute__((aligned(4096)));
static u32 its_written; /* 64-bit words of commands */

static inline void its_command(u64 a, u64 b, u64 c)
{
	u64 *command = its_commands + its_written;

	command[0] = a;
	command[1] = b;
	command[2] = c;
	command[3] = 0;
	/* The queue is one page of 4 KiB. */
	its_written = (its_written + 4) % (4096 / 8);
	memory_barrier();
	write64(gic.its + GITS_CWRITER, its_written * 8);
	while (read64(gic.its + GITS_CREADR) != its_written * 8)
		cpu_relax();
}

/* Tables, the command queue, and all LPIs to the first CPU. */
static inline void its_begin(void)
{
	u32 table = 0;

	write64(gic.redist + GICR_PROPBASER, (addr_t)its_config | ITS_CACHED | (ITS_ID_BITS - 1));
	write64(gic.redist + GICR_PENDBASER, (addr_t)its_pending | ITS_CACHED | 1ULL << 62);
	write32(gic.redist + GICR_CTLR, 1);
	for (u32 i = 0; i < 8; i++) {
		addr_t baser = gic.its + GITS_BASER + 8 * i;
		u64 type = read64(baser) >> 56 & 7;

		if (type != 1 && type != 4) /* devices, collections */
			continue;
		if (table == ARRAY_SIZE(its_tables))
			fail("ITS tables", i);
		write64(baser, ITS_VALID | ITS_CACHED_59 | 2 << 8 | (addr_t)its_tables[table++]);
	}
	write64(gic.its + GITS_CBASER, ITS_VALID | ITS_CACHED_59 | (addr_t)its_commands);
	write32(gic.its + GITS_CTLR, 1);
	its_written = read64(gic.its + GITS_CWRITER) / 8;
	its_command(ITS_MAPC, 0, ITS_VALID);
	its_command(ITS_SYNC, 0, 0);
}

/* That event of that device is LPI number n, counted from 0. */
static inline void its_map(u32 device, u32 event, u32 n)
{
	its_config[n] = GIC_PRIORITY | 1;
	memory_barrier();
	its_command((u64)device << 32 | ITS_MAPD, 4, ITS_VALID | (addr_t)its_translation);
	its_command((u64)device << 32 | ITS_MAPTI, (u64)(ITS_LPI + n) << 32 | event, 0);
	its_command((u64)device << 32 | ITS_INV, event, 0);
	its_command(ITS_SYNC, 0, 0);
}

#endif
