/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other CPUs for bare-metal guests: INIT and SIPI through the local APIC, flat 32-bit mode, a stack. */
#ifndef GUEST_SMP_H
#define GUEST_SMP_H

#include "guest.h"

#define SMP_MAX	       8
#define SMP_STACK      4096
#define SMP_TRAMPOLINE 0x2000

extern const u8 smp_trampoline[], smp_trampoline_end[];
void (*volatile smp_function)(u32 cpu);
volatile u32 smp_cpu, smp_started;
u8 smp_stacks[SMP_MAX][SMP_STACK] __attribute__((aligned(16)));

/* Real mode at SMP_TRAMPOLINE, where cs is a sixteenth of that, to where the linker put the rest. */
__asm__(".section .text.smp, \"ax\"\n"
	"	.code16\n"
	"smp_trampoline:\n"
	"	cli\n"
	"	xorw %ax, %ax\n"
	"	movw %ax, %ds\n"
	"	lgdtl 0x2000 + smp_gdtr - smp_trampoline\n"
	"	movl %cr0, %eax\n"
	"	orl $1, %eax\n"
	"	movl %eax, %cr0\n"
	"	ljmpl $8, $smp_entry\n"
	"	.balign 8\n"
	"smp_gdt:\n"
	"	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff\n"
	"smp_gdtr:\n"
	"	.word 23\n"
	"	.long smp_gdt\n"
	"smp_trampoline_end:\n"
	"	.code32\n"
	"smp_entry:\n"
	"	movw $16, %ax\n"
	"	movw %ax, %ds\n"
	"	movw %ax, %es\n"
	"	movw %ax, %ss\n"
	"	movl smp_cpu, %ebx\n"
	"	movl %ebx, %esp\n"
	"	incl %esp\n"
	"	shll $12, %esp\n"
	"	addl $smp_stacks, %esp\n"
	"	movl smp_function, %edx\n"
	"	lock incl smp_started\n"
	"	pushl $0\n"
	"	pushl $0\n"
	"	pushl $0\n"
	"	pushl %ebx\n"
	"	call *%edx\n"
	"1:	cli\n"
	"	hlt\n"
	"	jmp 1b\n"
	"	.text\n");

static inline void smp_ipi(u32 cpu, u32 command)
{
	write32(BOARD_LAPIC + 0x310, cpu << 24);
	write32(BOARD_LAPIC + 0x300, command);
}

/* Runs function(cpu) on that CPU, which was not started before; returns when it is about to. */
static inline void smp_start(u32 cpu, void (*function)(u32 cpu))
{
	u32 before = smp_started;

	for (u32 i = 0; smp_trampoline + i < smp_trampoline_end; i++)
		((volatile u8 *)SMP_TRAMPOLINE)[i] = smp_trampoline[i];
	smp_cpu = cpu;
	smp_function = function;
	/* Not even its own local APIC is enabled: memtest86+ starts CPUs so, too. */
	smp_ipi(cpu, 0x4500);
	smp_ipi(cpu, 0x4600 | SMP_TRAMPOLINE >> 12);
	while (smp_started == before)
		__asm__ volatile("pause");
}

#endif
