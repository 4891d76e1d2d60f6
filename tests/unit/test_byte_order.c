/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which byte order an arm64 vCPU's accesses have, for every combination of what decides it. A header of
 * arm64's, tested on whatever machine the tests are built for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "../../arm64/arch-byte-order.h"

#define EL0T  0x0
#define EL1T  0x4
#define EL1H  0x5
#define EL2T  0x8
#define EL2H  0x9
#define USR32 0x10
#define SVC32 0x13

/* Bits that decide, and those that a register has set whatever the order. */
#define E	 (1ULL << 9)
#define E0E	 (1ULL << 24)
#define EE	 (1ULL << 25)
#define TGE	 (1ULL << 27)
#define E2H	 (1ULL << 34)
#define DAIF	 0x3c0ULL
#define SCTLR	 0x30d00800ULL
#define HCR	 0x80000000ULL
#define ALL_BITS (E0E | EE)

static const struct row {
	const char *what;
	u64 pstate, sctlr_el1, sctlr_el2, hcr_el2;
	bool has_el2, big;
} rows[] = {
	{ "EL1", EL1H, 0, 0, 0, false, false },
	{ "EL1, EE", EL1H, EE, 0, 0, false, true },
	{ "EL1, E0E is EL0's", EL1H, E0E, 0, 0, false, false },
	{ "EL1t, EE", EL1T, EE, 0, 0, false, true },
	{ "EL1, EL2's are not its", EL1H, 0, ALL_BITS, E2H, true, false },
	{ "EL1 under EL2, EE", EL1H, EE, 0, E2H, true, true },

	{ "EL0", EL0T, 0, 0, 0, false, false },
	{ "EL0, E0E", EL0T, E0E, 0, 0, false, true },
	{ "EL0, EE is EL1's", EL0T, EE, 0, 0, false, false },
	{ "EL0, no EL2: its registers mean nothing", EL0T, 0, ALL_BITS, E2H | TGE, false, false },
	{ "EL0, no EL2, E0E", EL0T, E0E, 0, E2H | TGE, false, true },

	{ "EL2", EL2H, 0, 0, 0, true, false },
	{ "EL2, EE", EL2H, 0, EE, 0, true, true },
	{ "EL2, EE, VHE", EL2H, 0, EE, E2H, true, true },
	{ "EL2, EE, VHE host", EL2H, 0, EE, E2H | TGE, true, true },
	{ "EL2t, EE", EL2T, 0, EE, 0, true, true },
	{ "EL2, E0E is EL0's", EL2H, 0, E0E, E2H | TGE, true, false },
	{ "EL2, EL1's are not its", EL2H, ALL_BITS, 0, E2H, true, false },

	{ "EL0 of a guest, no VHE", EL0T, E0E, 0, 0, true, true },
	{ "EL0 of a guest, no VHE, EL2's are not its", EL0T, EE, ALL_BITS, 0, true, false },
	{ "EL0 of a guest under VHE", EL0T, E0E, 0, E2H, true, true },
	{ "EL0 of a guest under VHE, EL2's are not its", EL0T, EE, ALL_BITS, E2H, true, false },
	{ "EL0 of a VHE host, E0E", EL0T, 0, E0E, E2H | TGE, true, true },
	{ "EL0 of a VHE host, EE is EL2's", EL0T, ALL_BITS, EE, E2H | TGE, true, false },
	{ "EL0 under TGE alone, EE", EL0T, 0, EE, TGE, true, true },
	{ "EL0 under TGE alone, no E0E there", EL0T, ALL_BITS, E0E, TGE, true, false },

	{ "32 bits, user", USR32, ALL_BITS, ALL_BITS, 0, false, false },
	{ "32 bits, user, E", USR32 | E, 0, 0, 0, false, true },
	{ "32 bits, supervisor", SVC32, ALL_BITS, 0, 0, false, false },
	{ "32 bits, supervisor, E", SVC32 | E, 0, 0, 0, false, true },
	{ "32 bits under EL2", USR32, ALL_BITS, ALL_BITS, E2H | TGE, true, false },
	{ "32 bits under EL2, E", USR32 | E, 0, 0, E2H | TGE, true, true },
	{ "64 bits: bit 9 is D", EL1H | E, 0, 0, 0, false, false },
};

static void every_case(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		/* With and without everything else that these registers may hold. */
		for (unsigned other = 0; other < 2; other++) {
			struct arm64_byte_order cpu = {
				.pstate = row->pstate | (other ? DAIF & ~E : 0),
				.sctlr_el1 = row->sctlr_el1 | (other ? SCTLR : 0),
				.has_el2 = row->has_el2,
				.sctlr_el2 = row->sctlr_el2 | (other ? SCTLR : 0),
				.hcr_el2 = row->hcr_el2 | (other ? HCR : 0),
			};

			if (arm64_is_big_endian(&cpu) != row->big)
				fail_msg("%s", row->what);
		}
	}
}

/* The rules said another way, against every combination of the bits. */
static bool expected(unsigned el, bool has_el2, u64 sctlr_el1, u64 sctlr_el2, u64 hcr)
{
	if (el == 1)
		return sctlr_el1 & EE;
	if (el == 2)
		return sctlr_el2 & EE;
	if (has_el2 && (hcr & (E2H | TGE)) == (E2H | TGE))
		return sctlr_el2 & E0E;
	if (has_el2 && (hcr & (E2H | TGE)) == TGE)
		return sctlr_el2 & EE;
	return sctlr_el1 & E0E;
}

static void every_combination(void **state)
{
	for (unsigned bits = 0; bits < 64; bits++)
		for (unsigned el = 0; el < 3; el++)
			for (unsigned has_el2 = el == 2; has_el2 < 2; has_el2++) {
				struct arm64_byte_order cpu = {
					.pstate = el << 2 | (el ? 1 : 0),
					.has_el2 = has_el2,
					.sctlr_el1 = (bits & 1 ? E0E : 0) | (bits & 2 ? EE : 0),
					.sctlr_el2 = (bits & 4 ? E0E : 0) | (bits & 8 ? EE : 0),
					.hcr_el2 = (bits & 16 ? TGE : 0) | (bits & 32 ? E2H : 0),
				};

				assert_int_equal(arm64_is_big_endian(&cpu),
						 expected(el, has_el2, cpu.sctlr_el1, cpu.sctlr_el2,
							  cpu.hcr_el2));
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case),
		cmocka_unit_test(every_combination),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
