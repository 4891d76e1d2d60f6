// SPDX-License-Identifier: GPL-2.0-or-later
// options: --nested --e2h0 --virtio-transport mmio-legacy --rng
// status: 0
// output: EL2 ok,EL0 under TGE ok,EL1 under EL2 ok,EL0 under EL1 ok
// limit: 300
// without: does not give guests EL2,gives guests EL2 only with VHE
/*
 * The same without VHE: SCTLR_EL2 has no E0E, so under HCR_EL2.TGE its EE is for EL0's rings too. EL0's
 * accesses have the order of SCTLR_EL1.E0E even so, which is clear.
 */
#define EL1_SCTLR	      "sctlr_el1"
#define EL1_READ_SCTLR	      read_sysreg(sctlr_el1)
#define EL1_WRITE_VBAR(value) write_sysreg(vbar_el1, value)

#include "el2-legacy-order.h"

void guest_main(addr_t boot)
{
	u64 hcr = (read_sysreg(hcr_el2) | HCR_RW) & ~HCR_E2H;

	legacy_order(&(struct place){ "EL2", at_el2, SCTLR_EE, SCTLR_EE });
	write_sysreg(hcr_el2, hcr | HCR_TGE);
	legacy_order(&(struct place){ "EL0 under TGE", at_host_el0, 0, SCTLR_EE });
	write_sysreg(hcr_el2, hcr & ~HCR_TGE);
	guest_of_el2();
	power_off();
}
