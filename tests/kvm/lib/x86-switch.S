/* SPDX-License-Identifier: GPL-2.0-or-later */
/* void kvm_arch_switch(void **from, void **to): what a function must keep goes on the old stack. */
	.text
	.globl kvm_arch_switch
	.type kvm_arch_switch, @function
kvm_arch_switch:
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, (%rdi)
	mov (%rsi), %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	ret
	.size kvm_arch_switch, . - kvm_arch_switch
	.section .note.GNU-stack, "", @progbits
