/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entered as Documentation/arch/arm64/booting.rst says, at EL1 or EL2. What the CPU was like is kept for
 * the guest to look at. At EL1 the MMU and the caches are on when C begins, with every address mapped to
 * itself: what a guest shares with devices and other CPUs is coherent on real machines as well, and
 * exclusive accesses work. At EL2 they stay off.
 */
#define STACK_SHIFT 12
#define MAX_CPUS    8
#define RAM_GIB     2 /* BOARD_RAM */

	.section .text.start, "ax"
	.globl _start
_start:
	mov x19, x0
	mov x20, x1
	mov x21, x2
	mov x22, x3
	adr x23, _start
	mrs x24, CurrentEL
	mrs x25, daif
	mrs x26, spsel
	mov x0, xzr
	bl cpu_begin
	adrp x1, start_state
	add x1, x1, :lo12:start_state
	stp x19, x20, [x1]
	stp x21, x22, [x1, #16]
	stp x23, x24, [x1, #32]
	stp x25, x26, [x1, #48]
	str x27, [x1, #64]
	mov x0, x19
	bl guest_main
stop_here:
	wfi
	b stop_here

	.weak secondary_main		/* only with smp.h */

	/* Another CPU, by PSCI's CPU_ON: x0 is its number. */
	.globl secondary_start
secondary_start:
	mov x19, x0
	mrs x24, CurrentEL
	mrs x25, daif
	mrs x26, spsel
	bl cpu_begin
	mov x0, x19
	mov x1, x24
	mov x2, x25
	mov x3, x26
	bl secondary_main
	b stop_here

	/* x0: the CPU's number. Exceptions, memory and a stack; x27: SCTLR as it was; nothing is stored. */
cpu_begin:
	adrp x1, stacks
	add x1, x1, :lo12:stacks
	add x0, x0, #1
	add x1, x1, x0, lsl #STACK_SHIFT
	msr spsel, #1
	mov sp, x1
	mrs x1, CurrentEL
	cmp x1, #2 << 2
	b.eq 2f
	mrs x27, sctlr_el1
	adr x1, vectors_el1
	msr vbar_el1, x1
	ldr x1, =0xff04			/* MAIR: 0 a device's, 1 ordinary memory */
	msr mair_el1, x1
	ldr x1, =(25 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23 | 2 << 32) /* 39 bits, 4 KiB, cached walks */
	msr tcr_el1, x1
	adrp x1, page_table
	msr ttbr0_el1, x1
	isb
	tlbi vmalle1
	dsb nsh
	isb
	mov x1, #(1 << 0 | 1 << 2 | 1 << 12)	/* M, C, I */
	orr x1, x1, x27
	msr sctlr_el1, x1
	isb
	ret
2:	mrs x27, sctlr_el2
	adr x1, vectors_el2
	msr vbar_el2, x1
	isb
	ret
	.ltorg

	/* Exceptions: on_exception(number of the vector, struct exception *), and on where that says. */
	.macro vectors el
	.balign 2048
vectors_\el:
	.set number, 0
	.rept 16
	.balign 128
	sub sp, sp, #272
	stp x0, x1, [sp]
	mov x0, #number
	b save_\el
	.set number, number + 1
	.endr
save_\el:
	stp x2, x3, [sp, #16]
	stp x4, x5, [sp, #32]
	stp x6, x7, [sp, #48]
	stp x8, x9, [sp, #64]
	stp x10, x11, [sp, #80]
	stp x12, x13, [sp, #96]
	stp x14, x15, [sp, #112]
	stp x16, x17, [sp, #128]
	stp x18, x19, [sp, #144]
	stp x20, x21, [sp, #160]
	stp x22, x23, [sp, #176]
	stp x24, x25, [sp, #192]
	stp x26, x27, [sp, #208]
	stp x28, x29, [sp, #224]
	mrs x1, elr_\el
	stp x30, x1, [sp, #240]
	mrs x1, esr_\el
	mrs x2, spsr_\el
	stp x1, x2, [sp, #256]
	mov x1, sp
	bl on_exception
	ldr x2, [sp, #264]
	msr spsr_\el, x2
	ldp x30, x1, [sp, #240]
	msr elr_\el, x1
	ldp x28, x29, [sp, #224]
	ldp x26, x27, [sp, #208]
	ldp x24, x25, [sp, #192]
	ldp x22, x23, [sp, #176]
	ldp x20, x21, [sp, #160]
	ldp x18, x19, [sp, #144]
	ldp x16, x17, [sp, #128]
	ldp x14, x15, [sp, #112]
	ldp x12, x13, [sp, #96]
	ldp x10, x11, [sp, #80]
	ldp x8, x9, [sp, #64]
	ldp x6, x7, [sp, #48]
	ldp x4, x5, [sp, #32]
	ldp x2, x3, [sp, #16]
	ldp x0, x1, [sp]
	add sp, sp, #272
	eret
	.endm

	vectors el1
	vectors el2

	/* Every address is mapped to itself, a gibibyte an entry: RAM's first as memory, all else as devices. */
	.balign 4096
page_table:
	.set gib, 0
	.rept 512
	.if gib == RAM_GIB
	.quad gib << 30 | 1 << 10 | 3 << 8 | 1 << 2 | 1
	.else
	.quad gib << 30 | 3 << 53 | 1 << 10 | 1
	.endif
	.set gib, gib + 1
	.endr

	.bss
	.balign 16
stacks:
	.space MAX_CPUS << STACK_SHIFT
	.section .note.GNU-stack, "", @progbits
