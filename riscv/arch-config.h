/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options that only riscv64 has. */
#ifndef RISCV_ARCH_CONFIG_H
#define RISCV_ARCH_CONFIG_H

#include "isa.h"
#include "sbi.h"

/* The most that --cpus takes, and what it is by default on a larger host. */
#define ARCH_MAX_CPUS 512

enum riscv_irqchip {
	IRQCHIP_AUTO,
	IRQCHIP_AIA,
	IRQCHIP_PLIC,
};

struct arch_config {
	enum riscv_irqchip irqchip;
	const char *dump_dtb; /* file; NULL: none */
	struct riscv_isa_config isa;
	struct riscv_sbi_config sbi;
};

#endif
