/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entered as Documentation/arch/riscv/boot.rst says, in supervisor mode: a0 is the hart, a1 the device tree. Paging
 * stays off. Before it the header of boot-image-header.rst, as kvm-unit-tests have it.
 */
#define STACK_SHIFT 12
#define MAX_CPUS    8

	.section .text.start, "ax"
	.globl _start
	.option norvc
_start:
	j begin
	.word 0
	.dword 0x200000			/* text_offset */
	.dword image_end - image_begin
	.dword 0
	.word 2				/* version 0.2 */
	.word 0
	.dword 0
	.ascii "RISCV\0\0\0"
	.ascii "RSC\x05"
	.word 0
begin:
	call cpu_begin
	la t0, start_state
	sd a0, 0(t0)
	sd a1, 8(t0)
	csrr t1, sstatus
	sd t1, 16(t0)
	csrr t1, satp
	sd t1, 24(t0)
	csrr t1, sie
	sd t1, 32(t0)
	mv a0, a1
	call guest_main
stop_here:
	wfi
	j stop_here

	.weak secondary_main		/* only with smp.h */

	/* Another hart, by HSM's hart_start, or this one after a suspension: a0 is the hart, a1 what the caller gave. */
	.globl secondary_start
secondary_start:
	call cpu_begin
	call secondary_main
	j stop_here

	.weak resume_main
	.globl resume_start
resume_start:
	call cpu_begin
	call resume_main
	j stop_here

	/* Traps and a stack; only temporaries are touched. */
cpu_begin:
	la t0, on_trap
	csrw stvec, t0
	la sp, stacks
	addi t0, a0, 1
	slli t0, t0, STACK_SHIFT
	add sp, sp, t0
	ret

	.bss
	.balign 16
stacks:
	.space MAX_CPUS << STACK_SHIFT
	.section .note.GNU-stack, "", @progbits
