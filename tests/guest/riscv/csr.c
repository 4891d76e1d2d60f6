// SPDX-License-Identifier: GPL-2.0-or-later
// options: --irqchip plic
// status: 0
// output: csr ok
/*
 * A register that this machine does not have, which KVM leaves to user space on a host that has AIA: an access is an
 * illegal instruction, in supervisor mode and in user mode, and changes no register.
 */
#include "guest.h"

#define ILLEGAL	    2
#define STOPEI	    0x15c
#define SSTATUS_SPP (1 << 8)
#define UNTOUCHED   0x1234567

static u64 read_missing(void)
{
	u64 value = UNTOUCHED;

	__asm__ volatile("csrrw %0, %1, zero" : "+r"(value) : "i"(STOPEI) : "memory");
	return value;
}

/* The trap brings it back to supervisor mode. */
static u64 read_missing_as_user(void)
{
	u64 value = UNTOUCHED, next;

	__asm__ volatile("csrc sstatus, %3\n"
			 "la %1, 1f\n"
			 "csrw sepc, %1\n"
			 "sret\n"
			 "1: csrrw %0, %2, zero\n"
			 : "+r"(value), "=&r"(next)
			 : "i"(STOPEI), "r"(SSTATUS_SPP)
			 : "memory");
	return value;
}

void guest_main(addr_t boot)
{
	trap_expected = ILLEGAL;
	trap_sets = SSTATUS_SPP;
	CHECK_EQ("the result", read_missing(), UNTOUCHED);
	CHECK_EQ("traps", traps, 1);
	CHECK_EQ("where it came from", trap_sstatus & SSTATUS_SPP, SSTATUS_SPP);
	CHECK_EQ("the result, as user", read_missing_as_user(), UNTOUCHED);
	CHECK_EQ("traps", traps, 2);
	CHECK_EQ("where it came from, as user", trap_sstatus & SSTATUS_SPP, 0);
	print("csr ok\n");
	power_off();
}
