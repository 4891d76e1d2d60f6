/* SPDX-License-Identifier: GPL-2.0-or-later */
/* riscv64: an Image, entered in supervisor mode with the device tree (start.S). common/guest.h tells what for. */
#ifndef GUEST_ARCH_H
#define GUEST_ARCH_H

#define RAM	BOARD_RAM
#define RAM_END (RAM + MEMORY_SIZE)
#define NO_RAM	BOARD_ECAM, BOARD_PCI_MMIO, BOARD_VIRTIO_MMIO, RAM - 4096

#define MMIO_ALIGNED 1

#define MMIO(bits, load, store)                                                                    \
	static inline u##bits read##bits(addr_t address)                                           \
	{                                                                                          \
		u##bits value;                                                                     \
                                                                                                   \
		__asm__ volatile(load " %0, 0(%1)" : "=r"(value) : "r"(address) : "memory");       \
		return value;                                                                      \
	}                                                                                          \
	static inline void write##bits(addr_t address, u##bits value)                              \
	{                                                                                          \
		__asm__ volatile(store " %0, 0(%1)" : : "r"(value), "r"(address) : "memory");      \
	}

MMIO(8, "lbu", "sb")
MMIO(16, "lhu", "sh")
MMIO(32, "lw", "sw")
MMIO(64, "ld", "sd")

#define read_csr(name)                                                                             \
	({                                                                                         \
		u64 value_;                                                                        \
		__asm__ volatile("csrr %0, " #name : "=r"(value_) : : "memory");                   \
		value_;                                                                            \
	})
#define write_csr(name, value) __asm__ volatile("csrw " #name ", %0" : : "r"(value) : "memory")

#include "mmio-board.h"

static inline addr_t gpa(const volatile void *pointer)
{
	return (addr_t)pointer;
}

static inline void memory_barrier(void)
{
	__asm__ volatile("fence iorw, iorw" : : : "memory");
}

static inline void cpu_relax(void)
{
	__asm__ volatile("nop" : : : "memory");
}

static inline void stop(void)
{
	for (;;)
		__asm__ volatile("wfi");
}

/* ---- SBI ---- */

#define SBI_BASE 0x10
#define SBI_DBCN 0x4442434e
#define SBI_HSM	 0x48534d
#define SBI_SRST 0x53525354
#define SBI_SUSP 0x53555350

#define SBI_SUCCESS	      0
#define SBI_NOT_SUPPORTED     -2
#define SBI_INVALID_PARAM     -3
#define SBI_INVALID_ADDRESS   -5
#define SBI_ALREADY_AVAILABLE -6

struct sbi_answer {
	long error, value;
};

static inline struct sbi_answer sbi(u64 extension, u64 function, u64 a, u64 b, u64 c)
{
	register u64 a0 __asm__("a0") = a;
	register u64 a1 __asm__("a1") = b;
	register u64 a2 __asm__("a2") = c;
	register u64 a6 __asm__("a6") = function;
	register u64 a7 __asm__("a7") = extension;

	__asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a6), "r"(a7) : "memory");
	return (struct sbi_answer){ a0, a1 };
}

static inline void power_off(void)
{
	sbi(SBI_SRST, 0, 0, 0, 0);
	stop();
}

static inline void reset(void)
{
	sbi(SBI_SRST, 0, 1, 0, 0);
	stop();
}

/* ---- how the first hart was entered ---- */

struct start_state {
	u64 hart, tree, sstatus, satp, sie;
};
struct start_state start_state;
_Static_assert(sizeof(start_state) == 40, "start.S writes it");

/* ---- traps ---- */

/* The cause of a trap that the guest expects: its instruction of 4 bytes is left out. */
volatile u64 trap_expected = ~0ULL;
volatile u32 traps;
volatile u64 trap_sstatus; /* as it was by then */
volatile u64 trap_sets;	   /* bits of sstatus that are set before it returns */

void on_trap(void);
__attribute__((used, interrupt("supervisor"), aligned(4))) void on_trap(void)
{
	u64 cause = read_csr(scause);

	if (cause != trap_expected)
		fail("a trap, cause", cause);
	traps++;
	trap_sstatus = read_csr(sstatus);
	__asm__ volatile("csrs sstatus, %0" : : "r"(trap_sets) : "memory");
	write_csr(sepc, read_csr(sepc) + 4);
}

#endif
