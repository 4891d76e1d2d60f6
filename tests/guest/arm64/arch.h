/* SPDX-License-Identifier: GPL-2.0-or-later */
/* arm64: raw memory, entered at EL1 or EL2 with the device tree in x0 (start.S). common/guest.h tells what for. */
#ifndef GUEST_ARCH_H
#define GUEST_ARCH_H

#define RAM	BOARD_RAM
#define RAM_END (RAM + MEMORY_SIZE)
#define NO_RAM	BOARD_ECAM, BOARD_GIC_DIST, BOARD_PCI_MMIO, BOARD_VIRTIO_MMIO, RAM - 4096

#define MMIO_ALIGNED 1

/* One load or store of the simplest kind: KVM cannot tell what others wanted of a device. */
#define MMIO_READ(bits, instruction)                                                               \
	static inline u##bits read##bits(addr_t address)                                           \
	{                                                                                          \
		u##bits value;                                                                     \
                                                                                                   \
		__asm__ volatile(instruction " %w0, [%1]"                                          \
				 : "=r"(value)                                                     \
				 : "r"(address)                                                    \
				 : "memory");                                                      \
		return value;                                                                      \
	}

#define MMIO_WRITE(bits, instruction)                                                              \
	static inline void write##bits(addr_t address, u##bits value)                              \
	{                                                                                          \
		__asm__ volatile(instruction " %w0, [%1]"                                          \
				 :                                                                 \
				 : "rZ"(value), "r"(address)                                       \
				 : "memory");                                                      \
	}

MMIO_READ(8, "ldrb")
MMIO_READ(16, "ldrh")
MMIO_READ(32, "ldr")
MMIO_WRITE(8, "strb")
MMIO_WRITE(16, "strh")
MMIO_WRITE(32, "str")

static inline addr_t gpa(const volatile void *pointer)
{
	return (addr_t)pointer;
}

static inline u64 read64(addr_t address)
{
	u64 value;

	__asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(address) : "memory");
	return value;
}

static inline void write64(addr_t address, u64 value)
{
	__asm__ volatile("str %x0, [%1]" : : "rZ"(value), "r"(address) : "memory");
}

/* By name, or S3_4_C12_C11_2 and the like for those that the assembler does not know. */
#define read_sysreg(name)                                                                          \
	({                                                                                         \
		u64 value_;                                                                        \
		__asm__ volatile("mrs %0, " #name : "=r"(value_) : : "memory");                    \
		value_;                                                                            \
	})
#define write_sysreg(name, value)                                                                  \
	__asm__ volatile("msr " #name ", %x0\n\tisb" : : "rZ"((u64)(value)) : "memory")

#include "mmio-board.h"

static inline void memory_barrier(void)
{
	__asm__ volatile("dsb sy" : : : "memory");
}

static inline void cpu_relax(void)
{
	__asm__ volatile("yield" : : : "memory");
}

static inline void stop(void)
{
	for (;;)
		__asm__ volatile("wfi");
}

static inline u32 current_el(void)
{
	return read_sysreg(CurrentEL) >> 2;
}

/* ---- PSCI, by the conduit that the exception level has ---- */

#define PSCI_VERSION	   0x84000000U
#define PSCI_CPU_OFF	   0x84000002U
#define PSCI_CPU_ON	   0xc4000003U
#define PSCI_AFFINITY_INFO 0xc4000004U
#define PSCI_SYSTEM_OFF	   0x84000008U
#define PSCI_SYSTEM_RESET  0x84000009U
#define PSCI_FEATURES	   0x8400000aU
#define PSCI_SYSTEM_RESET2 0xc4000012U
#define PSCI_NONE	   0x8400001fU /* the last of PSCI's range */

#define PSCI_NOT_SUPPORTED	-1
#define PSCI_INVALID_PARAMETERS -2
#define PSCI_ALREADY_ON		-4
#define PSCI_INVALID_ADDRESS	-9

/* "SMC Calling Convention", ARM DEN 0028: a version, and a vendor's function that nobody has. */
#define SMCCC_VERSION	    0x80000000U
#define SMCCC_NONE	    0xc600fff7U
#define SMCCC_NOT_SUPPORTED -1

#define SMCCC_CALL(conduit)                                                                        \
	static inline long smccc_##conduit(u64 function, u64 a, u64 b, u64 c)                      \
	{                                                                                          \
		register u64 x0 __asm__("x0") = function;                                          \
		register u64 x1 __asm__("x1") = a;                                                 \
		register u64 x2 __asm__("x2") = b;                                                 \
		register u64 x3 __asm__("x3") = c;                                                 \
                                                                                                   \
		__asm__ volatile(#conduit " #0"                                                    \
				 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)                          \
				 :                                                                 \
				 : "memory", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",     \
				   "x12", "x13", "x14", "x15", "x16", "x17");                      \
		return x0;                                                                         \
	}

SMCCC_CALL(hvc)
SMCCC_CALL(smc)

/* 32-bit functions answer in 32 bits. */
static inline long psci(u64 function, u64 a, u64 b, u64 c)
{
	long result =
		current_el() == 2 ? smccc_smc(function, a, b, c) : smccc_hvc(function, a, b, c);

	return function >> 30 & 1 ? result : (int)result;
}

static inline void power_off(void)
{
	psci(PSCI_SYSTEM_OFF, 0, 0, 0);
	stop();
}

static inline void reset(void)
{
	psci(PSCI_SYSTEM_RESET, 0, 0, 0);
	stop();
}

/* ---- how the first CPU was entered ---- */

struct start_state {
	u64 x[4];
	u64 pc, current_el, daif, spsel, sctlr;
};
struct start_state start_state;
_Static_assert(sizeof(start_state) == 72, "start.S writes it");

/* ---- exceptions ---- */

struct exception {
	u64 x[31], elr, esr, spsr;
};
_Static_assert(sizeof(struct exception) == 272, "start.S makes it");

/* What the guest expects. For a synchronous one, true when it was; elr is where to go on. */
u32 (*volatile exception_expected)(struct exception *e);
void (*volatile interrupt_expected)(void);

void on_exception(u64 vector, struct exception *e);
__attribute__((used)) void on_exception(u64 vector, struct exception *e)
{
	switch (vector & 3) {
	case 0:
		if (exception_expected && exception_expected(e))
			return;
		break;
	case 1:
		if (!interrupt_expected)
			break;
		interrupt_expected();
		return;
	}
	exception_expected = 0;
	fail(vector & 3 ? "an interrupt, vector" : "an exception, ESR",
	     vector & 3 ? vector : e->esr);
}

static inline void irq_enable(void)
{
	__asm__ volatile("msr daifclr, #2" : : : "memory");
}

static inline void irq_disable(void)
{
	__asm__ volatile("msr daifset, #2" : : : "memory");
}

#endif
