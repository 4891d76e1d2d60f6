/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A firmware image around a guest: it begins as a processor does, in real mode at 0xfffffff0, copies the program
 * to where it was linked for and enters it in flat protected mode. PROGRAM is its bytes from ENTRY on.
 */
#define BASE  0xffff0000
#define ENTRY 0x100000

	.section .text, "ax"
	.code16
begin:
	cli
	lgdtl %cs:(descriptor - begin)
	mov %cr0, %eax
	or $1, %eax
	mov %eax, %cr0
	ljmpl $8, $protected

	.code32
protected:
	mov $16, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov $program, %esi
	mov $ENTRY, %edi
	mov $(program_end - program), %ecx
	cld
	rep movsb
	mov $ENTRY, %eax
	jmp *%eax

	.balign 8
gdt:
	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
descriptor:
	.word descriptor - gdt - 1
	.long gdt

program:
	.incbin PROGRAM
program_end:

	/* A byte for the guest to spoil. */
	.org 0xffe0
	.byte 0x5a
	.org 0xfff0
	.code16
	jmp begin
	.org 0x10000
	.section .note.GNU-stack, "", @progbits
