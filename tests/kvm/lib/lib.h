/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A KVM that is a library: preloaded, it answers the calls that a program makes of /dev/kvm, and its guests are
 * functions in shared objects. One virtual machine in a process.
 *
 *	calls.c		open, ioctl and close, as the program calls them
 *	vm.c		the machine: memory slots, ioeventfds, what KVM is able to
 *	irq.c		lines, messages, irqfds
 *	vcpu.c		KVM_RUN: the guest as a coroutine of the thread that calls it
 *	image.c		the guest's shared object, its variables in the machine's memory
 *	ARCH.c		registers and the processor's state; ARCH-switch.S
 */
#ifndef LIB_H
#define LIB_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stddef.h>

#include "lkvm/util/types.h"
#include "scripted.h"

#define KVM_MAX_VCPUS	   64
#define KVM_MAX_SLOTS	   64
#define KVM_MAX_IOEVENTFDS 512
#define KVM_MAX_IRQFDS	   512
#define KVM_MAX_ROUTES	   4096
#define KVM_MAX_LINES	   64
#define KVM_RUN_SIZE	   8192 /* kvm_run, then a page of a port's data */
#define KVM_RUN_DATA	   4096
#define KVM_GUEST_STACK	   (256 << 10)

struct kvm_irq {
	pthread_mutex_t lock;
	int epoll; /* every irqfd */
	struct kvm_irqfd irqfds[KVM_MAX_IRQFDS];
	unsigned nr_irqfds;
	struct kvm_irq_routing_entry routes[KVM_MAX_ROUTES];
	unsigned nr_routes;
	bool level[KVM_MAX_LINES];
	unsigned rose[KVM_MAX_LINES];
	unsigned msis[256];
	_Atomic unsigned events; /* all of these */
};

enum vcpu_state { VCPU_WAITING, VCPU_RUNNING, VCPU_HALTED };

struct kvm_vcpu {
	struct kvm_vm *vm;
	unsigned id;
	int wake; /* eventfd: it was started, or an interrupt came */
	struct kvm_run *run;
	_Atomic enum vcpu_state state;
	void (*entry)(unsigned cpu); /* NULL: guest_main() */
	bool fresh;		     /* the next entry is its first */
	bool interrupts;	     /* halted so that one wakes it */
	u64 wake_at;		     /* halted until then, in ns; 0: no timer */
	unsigned seen;		     /* of irq.events */
	void *stack, *guest_sp, *host_sp;
	bool exits;    /* the guest has left for run->exit_reason */
	void *in_data; /* where what the program answers goes */
	struct vcpu_arch *arch;
};

struct kvm_vm {
	pthread_mutex_t lock;
	struct kvm_userspace_memory_region slots[KVM_MAX_SLOTS];
	struct kvm_ioeventfd ioeventfds[KVM_MAX_IOEVENTFDS];
	unsigned nr_ioeventfds;
	struct kvm_vcpu *vcpus[KVM_MAX_VCPUS];
	struct kvm_irq irq;
};

/* ---- calls: each returns what ioctl() does, or -errno ---- */
long kvm_system_call(unsigned long request, void *arg);
long kvm_vm_call(struct kvm_vm *vm, unsigned long request, void *arg);
long kvm_vcpu_call(struct kvm_vcpu *vcpu, unsigned long request, void *arg);

/* From now on calls of the descriptor `fd` go to `call`. */
void kvm_fd_is(int fd, long (*call)(void *object, unsigned long request, void *arg), void *object);

/* ---- vm.c ---- */
int kvm_capability(unsigned long which);
void *kvm_memory(struct kvm_vm *vm, u64 gpa, u64 len, bool write);
/* Is it a write that an ioeventfd takes? */
bool kvm_ioeventfd(struct kvm_vm *vm, bool port, u64 address, unsigned len, u64 value);

/* ---- irq.c ---- */
int kvm_irq_init(struct kvm_irq *irq);
long kvm_irq_call(struct kvm_vm *vm, unsigned long request, void *arg);
/* Forgets all that came. */
void kvm_irq_reset(struct kvm_irq *irq);
/* Takes what the irqfds have. */
void kvm_irq_poll(struct kvm_vm *vm);
void kvm_wake_vcpus(struct kvm_vm *vm);

/* ---- vcpu.c ---- */
long kvm_run(struct kvm_vcpu *vcpu);
/* Its life begins anew with the next KVM_RUN. */
void kvm_vcpu_reset(struct kvm_vcpu *vcpu);

/* ---- image.c ---- */
/* The guest that is to run instead of the kernel in the program's arguments; false, with a message: none. */
bool kvm_image_load(void);
/* As it was when it was loaded, and at its place in memory. False, with a message: there is no room. */
bool kvm_image_begin(struct kvm_vm *vm);
void kvm_image_main(unsigned long boot);
/* 0: not a variable of the guest's */
u64 kvm_image_gpa(const volatile void *pointer);

/* ---- the architecture's ---- */
int kvm_arch_vcpu_new(struct kvm_vcpu *vcpu);
long kvm_arch_system_call(unsigned long request, void *arg);
long kvm_arch_vm_call(struct kvm_vm *vm, unsigned long request, void *arg);
long kvm_arch_vcpu_call(struct kvm_vcpu *vcpu, unsigned long request, void *arg);
/* The guest has halted, with interrupts on or off. */
void kvm_arch_halted(struct kvm_vcpu *vcpu, bool interrupts);
/* What the boot protocol hands on. */
unsigned long kvm_arch_boot(const struct kvm_vcpu *vcpu);
/* Goes on at *to, which is what the last switch from there left; a new stack's begins with `entry`. */
void kvm_arch_switch(void **from, void **to);
void *kvm_arch_stack(void *top, void (*entry)(void));

#endif
