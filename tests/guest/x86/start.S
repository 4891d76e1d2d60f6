/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entered as PVH says: 32-bit, paging off, EBX = hvm_start_info. No stack and no GDT of our own yet. */
	.section .note.pvh, "a", @note
	.long 4, 4, 18			/* name size, descriptor size, XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.long _start

	.section .text.start, "ax"
	.globl _start
_start:
	mov $stack_top, %esp
	push %ebx
	call guest_main
1:	cli
	hlt
	jmp 1b

	.bss
	.balign 16
	.space 4096
stack_top:
	.section .note.GNU-stack, "", @progbits
