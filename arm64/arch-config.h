/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options that only arm64 has. */
#ifndef ARM64_ARCH_CONFIG_H
#define ARM64_ARCH_CONFIG_H

#include "lkvm/config/key.h"
#include "board.h"

/* The most that --cpus takes, and what it is by default on a larger host. */
#define ARCH_MAX_CPUS 512

enum arm64_irqchip {
	IRQCHIP_AUTO,
	IRQCHIP_GICV2,
	IRQCHIP_GICV2M,
	IRQCHIP_GICV3,
	IRQCHIP_GICV3_ITS,
};

/* Their names on the command line. */
extern const char *const arm64_irqchip_names[];

/* The board's place for a NOR flash, and for how large a one. */
#define ARCH_FLASH_BASE BOARD_FLASH
#define ARCH_FLASH_SIZE BOARD_FLASH_SIZE

#define ARCH_KINDS(X) X(cfi_flash)

struct arch_config {
	enum arm64_irqchip irqchip;
	const char *dump_dtb; /* file; NULL: none */
	u64 firmware_address; /* gpa; 0: RAM's first byte */
	bool aarch32;	      /* vCPUs begin in 32-bit EL1 */
	bool protected;	      /* its memory is hidden from the host (pKVM) */
	bool nested;	      /* vCPUs have EL2 */
	bool e2h0;	      /* and their E2H is 0: no VHE */
	u64 counter_offset;   /* subtracted from the guest's counters; 0: left to KVM */
	bool pmu;	      /* performance monitors */
	bool disable_sve;     /* no scalable vectors */
	unsigned sve_max_vl;  /* their greatest length, bits; 0: the host's */
	bool disable_mte;     /* no memory tags */
	bool no_pvtime;	      /* no steal time */
	bool psci;	      /* power states are lkvm's own business, not KVM's */
	struct given_u64 kaslr_seed;
	unsigned cntfrq; /* Hz, the timers' frequency for the guest's device tree; 0: not in it */
};

#endif
