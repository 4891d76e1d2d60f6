// SPDX-License-Identifier: GPL-2.0-or-later
/* Exits that only x86 has, and what is shown of a vCPU when something went wrong. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lkvm/arch.h"
#include "lkvm/util/log.h"
#include "lkvm/util/text.h"
#include "lkvm/vm/confidential.h"
#include "x86-vm.h"

enum exit_action arch_vcpu_exit(struct vcpu *vcpu)
{
	const struct confidential_ops *kind = vcpu->vm->arch->confidential;

	switch (vcpu->run->exit_reason) {
	case KVM_EXIT_NMI:
	case KVM_EXIT_SET_TPR:
		return EXIT_ACTION_CONTINUE;
	}
	return kind->exit ? kind->exit(vcpu) : EXIT_ACTION_UNKNOWN;
}

static void say_registers(struct text *text, const struct kvm_regs *r)
{
#define LL(x) ((unsigned long long)(x))
	text_add(text, "rax %016llx  rbx %016llx  rcx %016llx  rdx %016llx\n", LL(r->rax),
		 LL(r->rbx), LL(r->rcx), LL(r->rdx));
	text_add(text, "rsi %016llx  rdi %016llx  rbp %016llx  rsp %016llx\n", LL(r->rsi),
		 LL(r->rdi), LL(r->rbp), LL(r->rsp));
	text_add(text, "r8  %016llx  r9  %016llx  r10 %016llx  r11 %016llx\n", LL(r->r8), LL(r->r9),
		 LL(r->r10), LL(r->r11));
	text_add(text, "r12 %016llx  r13 %016llx  r14 %016llx  r15 %016llx\n", LL(r->r12),
		 LL(r->r13), LL(r->r14), LL(r->r15));
	text_add(text, "rip %016llx  flags %08llx\n", LL(r->rip), LL(r->rflags));
}

static void say_segment(struct text *text, const char *name, const struct kvm_segment *s)
{
	text_add(text, "%s  %04x  base %016llx  limit %08x  type %x%s%s%s\n", name, s->selector,
		 LL(s->base), s->limit, s->type,
		 s->l	 ? " 64"
		 : s->db ? " 32"
			 : " 16",
		 s->present ? "" : " absent", s->unusable ? " unusable" : "");
}

static void say_system(struct text *text, const struct kvm_sregs *s)
{
	text_add(text, "cr0 %08llx  cr2 %016llx  cr3 %016llx  cr4 %08llx  efer %llx\n", LL(s->cr0),
		 LL(s->cr2), LL(s->cr3), LL(s->cr4), LL(s->efer));
	say_segment(text, "cs", &s->cs);
	say_segment(text, "ds", &s->ds);
	say_segment(text, "es", &s->es);
	say_segment(text, "fs", &s->fs);
	say_segment(text, "gs", &s->gs);
	say_segment(text, "ss", &s->ss);
	say_segment(text, "tr", &s->tr);
	text_add(text, "gdt base %016llx  limit %04x    idt base %016llx  limit %04x\n",
		 LL(s->gdt.base), s->gdt.limit, LL(s->idt.base), s->idt.limit);
}

/* A byte at a time: a page that is not there ends the line, not the dump. */
static void say_code(struct text *text, struct vcpu *vcpu, u64 linear)
{
	text_add(text, "code at %016llx:", LL(linear));
	for (unsigned i = 0; i < 16; i++) {
		struct kvm_translation where = { .linear_address = linear + i };
		u8 byte;

		if (ioctl(vcpu->fd, KVM_TRANSLATE, &where) || !where.valid ||
		    guest_read(&vcpu->vm->memory, where.physical_address, &byte, 1)) {
			text_add(text, " (not mapped)");
			break;
		}
		text_add(text, " %02x", byte);
	}
	text_add(text, "\n");
}

static void say_exit(struct text *text, const struct kvm_run *run)
{
	if (run->exit_reason != KVM_EXIT_INTERNAL_ERROR)
		return;
	for (u32 i = 0; i < MIN(run->internal.ndata, 16u); i++)
		text_add(text, "%s%llx", i ? " " : "KVM's data: ", LL(run->internal.data[i]));
	if (run->internal.ndata)
		text_add(text, "\n");
}

void arch_vcpu_dump(struct vcpu *vcpu)
{
	struct text text = { .len = 0 };
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	if (ioctl(vcpu->fd, KVM_GET_REGS, &regs) || ioctl(vcpu->fd, KVM_GET_SREGS, &sregs)) {
		log_error("vCPU %u: its registers cannot be read: %s", vcpu->id, strerror(errno));
		return;
	}
	text_add(&text, "vCPU %u\n", vcpu->id);
	say_registers(&text, &regs);
	say_system(&text, &sregs);
	say_code(&text, vcpu, sregs.cs.base + regs.rip);
	say_exit(&text, vcpu->run);
	log_text(text.bytes);
}
