/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an x86 vCPU keeps: its reset state, which a reset restores. */
#ifndef X86_ARCH_VCPU_H
#define X86_ARCH_VCPU_H

struct x86_vcpu_state;

struct arch_vcpu {
	struct x86_vcpu_state *reset_state; /* main thread */
};

/* See arch.h. */
struct vcpu;
struct vm;
int arch_open_devices(struct vm *vm);
#define arch_open_devices arch_open_devices
void arch_vcpu_destroy(struct vcpu *vcpu);
#define arch_vcpu_destroy arch_vcpu_destroy
void arch_vcpu_resume(struct vcpu *vcpu);
#define arch_vcpu_resume arch_vcpu_resume

#endif
