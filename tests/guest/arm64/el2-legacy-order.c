// SPDX-License-Identifier: GPL-2.0-or-later
// options: --nested --virtio-transport mmio-legacy --rng
// status: 0
// output: EL2 ok,EL0 under EL2 ok,EL0 whatever E2H is told ok,EL1 under EL2 ok,EL0 under EL1 ok
// limit: 300
// without: does not give guests EL2
/*
 * Legacy virtio has the byte order of EL2; of EL0 as SCTLR_EL2.E0E says under HCR_EL2.TGE, and as SCTLR_EL1.E0E
 * says otherwise; of EL1 as ever. E2H is 1 here: writing 0 to it changes nothing.
 */
#define EL1_SCTLR	      "S3_5_C1_C0_0"
#define EL1_READ_SCTLR	      read_sysreg(S3_5_C1_C0_0)
#define EL1_WRITE_VBAR(value) write_sysreg(S3_5_C12_C0_0, value)

#include "el2-legacy-order.h"

void guest_main(addr_t boot)
{
	u64 hcr = read_sysreg(hcr_el2) | HCR_RW;

	legacy_order(&(struct place){ "EL2", at_el2, SCTLR_EE, SCTLR_EE });
	write_sysreg(hcr_el2, hcr | HCR_TGE);
	legacy_order(&(struct place){ "EL0 under EL2", at_host_el0, SCTLR_E0E, SCTLR_E0E });
	write_sysreg(hcr_el2, (hcr & ~HCR_E2H) | HCR_TGE);
	legacy_order(
		&(struct place){ "EL0 whatever E2H is told", at_host_el0, SCTLR_E0E, SCTLR_E0E });
	write_sysreg(hcr_el2, hcr & ~HCR_TGE);
	guest_of_el2();
	power_off();
}
