// SPDX-License-Identifier: GPL-2.0-or-later
// options: -c 2 --suspend-seconds 1
// status: 0
// output: by the debug console,byte !,sbi ok
/*
 * What firmware serves: the debug console with good and bad addresses, harts that start and stop, a
 * suspension, calls that nobody knows.
 */
#include "guest.h"
#include "smp.h"

#define DBCN_WRITE	0
#define DBCN_READ	1
#define DBCN_WRITE_BYTE 2
#define OPAQUE		0x1234

extern const u8 resume_start[];

static void console_refuses(u64 len, u64 low, u64 high)
{
	CHECK_EQ("a bad write", sbi(SBI_DBCN, DBCN_WRITE, len, low, high).error, SBI_INVALID_PARAM);
	CHECK_EQ("a bad read", sbi(SBI_DBCN, DBCN_READ, len, low, high).error, SBI_INVALID_PARAM);
}

static void console(void)
{
	static const char text[] = "by the debug console\nbyte ";
	static u8 bytes[16];
	struct sbi_answer answer;

	answer = sbi(SBI_DBCN, DBCN_WRITE, sizeof(text) - 1, (addr_t)text, 0);
	CHECK_EQ("a write", answer.error, SBI_SUCCESS);
	CHECK_EQ("its length", answer.value, sizeof(text) - 1);
	CHECK_EQ("a byte", sbi(SBI_DBCN, DBCN_WRITE_BYTE, '!', 0, 0).error, SBI_SUCCESS);
	sbi(SBI_DBCN, DBCN_WRITE_BYTE, '\n', 0, 0);
	answer = sbi(SBI_DBCN, DBCN_READ, sizeof(bytes), (addr_t)bytes, 0);
	CHECK_EQ("a read", answer.error, SBI_SUCCESS);
	CHECK_EQ("of nothing", answer.value, 0);
	console_refuses(1, 0, 0);
	console_refuses(1, RAM_END, 0);
	console_refuses(2, RAM_END - 1, 0);
	console_refuses(~0ULL, RAM, 0);
	console_refuses(1, RAM, 1);
	CHECK_EQ("an unknown function", sbi(SBI_DBCN, 9, 0, 0, 0).error, SBI_NOT_SUPPORTED);
	CHECK_EQ("an unknown extension", sbi(0x08000123, 0, 0, 0, 0).error, SBI_NOT_SUPPORTED);
}

static void go_off(u32 cpu)
{
	sbi(SBI_HSM, 1, 0, 0, 0);
	fail("hart_stop came back", cpu);
}

static void wait_until_off(void)
{
	while (sbi(SBI_HSM, 2, 1, 0, 0).value != 1)
		cpu_relax();
}

void resume_main(u64 hart, u64 opaque);
__attribute__((used)) void resume_main(u64 hart, u64 opaque)
{
	CHECK_EQ("the hart that goes on", hart, 0);
	CHECK_EQ("what it was given", opaque, OPAQUE);
	smp_start(1, go_off);
	print("sbi ok\n");
	power_off();
}

void guest_main(addr_t boot)
{
	CHECK_EQ("the hart", start_state.hart, 0);
	CHECK_EQ("paging", start_state.satp, 0);
	CHECK_EQ("interrupts", start_state.sie, 0);
	console();
	CHECK_EQ("starting itself", smp_on(0, go_off), SBI_ALREADY_AVAILABLE);
	smp_start(1, go_off);
	wait_until_off();
	sbi(SBI_SUSP, 0, 0, (addr_t)resume_start, OPAQUE);
	fail("a suspension came back", 0);
}
