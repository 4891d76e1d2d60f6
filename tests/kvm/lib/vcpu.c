// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest has a stack of its own, on which KVM_RUN goes on where the last one left it. As with KVM a signal
 * ends KVM_RUN only where the guest waits or spins; whoever sends one sets immediate_exit first.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib.h"

static _Thread_local struct kvm_vcpu *current;

static u64 now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

void kvm_vcpu_reset(struct kvm_vcpu *vcpu)
{
	vcpu->fresh = true;
	vcpu->exits = false;
	vcpu->in_data = NULL;
	vcpu->entry = NULL;
	vcpu->wake_at = 0;
	vcpu->state = vcpu->id ? VCPU_WAITING : VCPU_RUNNING;
}

void kvm_wake_vcpus(struct kvm_vm *vm)
{
	const u64 one = 1;

	for (unsigned i = 0; i < KVM_MAX_VCPUS; i++)
		if (vm->vcpus[i] && write(vm->vcpus[i]->wake, &one, sizeof(one)) < 0)
			return; /* it is full: that wakes as well */
}

/* ---- on the guest's stack ---- */

static void leave(struct kvm_vcpu *vcpu)
{
	kvm_arch_switch(&vcpu->guest_sp, &vcpu->host_sp);
}

static void leave_for(struct kvm_vcpu *vcpu, u32 reason)
{
	vcpu->run->exit_reason = reason;
	vcpu->exits = true;
	leave(vcpu);
}

static void begin(void)
{
	if (current->entry)
		current->entry(current->id);
	else
		kvm_image_main(kvm_arch_boot(current));
	for (;;)
		scripted_halt(0);
}

static void mmio(struct kvm_vcpu *vcpu, u64 address, void *data, unsigned len, bool write)
{
	vcpu->run->mmio.phys_addr = address;
	vcpu->run->mmio.len = len;
	vcpu->run->mmio.is_write = write;
	if (write)
		memcpy(vcpu->run->mmio.data, data, len);
	else
		vcpu->in_data = data;
	leave_for(vcpu, KVM_EXIT_MMIO);
}

/* In one piece, and not by a function that a sanitizer watches: whatever races there are, are the guest's. */
static u64 load(const void *from, unsigned len)
{
	switch (len) {
	case 1:
		return *(const volatile u8 *)from;
	case 2:
		return *(const volatile u16 *)from;
	case 4:
		return *(const volatile u32 *)from;
	}
	return *(const volatile u64 *)from;
}

static void store(void *to, u64 value, unsigned len)
{
	switch (len) {
	case 1:
		*(volatile u8 *)to = value;
		break;
	case 2:
		*(volatile u16 *)to = value;
		break;
	case 4:
		*(volatile u32 *)to = value;
		break;
	case 8:
		*(volatile u64 *)to = value;
	}
}

unsigned long long scripted_read(unsigned long address, unsigned len)
{
	struct kvm_vcpu *vcpu = current;
	const void *memory = kvm_memory(vcpu->vm, address, len, false);
	u64 value = 0;

	if (memory)
		return load(memory, len);
	mmio(vcpu, address, &value, len, false);
	return value;
}

void scripted_write(unsigned long address, unsigned long long value, unsigned len)
{
	struct kvm_vcpu *vcpu = current;
	void *memory = kvm_memory(vcpu->vm, address, len, true);

	if (memory)
		store(memory, value, len);
	else if (kvm_ioeventfd(vcpu->vm, false, address, len, value))
		leave(vcpu); /* it may do nothing else for ever */
	else
		mmio(vcpu, address, &value, len, true);
}

static void port_exit(struct kvm_vcpu *vcpu, u16 port, unsigned len, u32 count, u8 direction)
{
	vcpu->run->io.direction = direction;
	vcpu->run->io.port = port;
	vcpu->run->io.size = len;
	vcpu->run->io.count = count;
	vcpu->run->io.data_offset = KVM_RUN_DATA;
	leave_for(vcpu, KVM_EXIT_IO);
}

unsigned scripted_in(unsigned short port, unsigned len)
{
	struct kvm_vcpu *vcpu = current;
	u32 value = 0;

	vcpu->in_data = &value;
	port_exit(vcpu, port, len, 1, KVM_EXIT_IO_IN);
	return value;
}

void scripted_out(unsigned short port, unsigned value, unsigned len)
{
	struct kvm_vcpu *vcpu = current;

	if (kvm_ioeventfd(vcpu->vm, true, port, len, value)) {
		leave(vcpu);
		return;
	}
	memcpy((u8 *)vcpu->run + KVM_RUN_DATA, &value, len);
	port_exit(vcpu, port, len, 1, KVM_EXIT_IO_OUT);
}

void scripted_outs(unsigned short port, const void *bytes, unsigned long count)
{
	struct kvm_vcpu *vcpu = current;
	const u8 *from = bytes;

	while (count) {
		u32 part = MIN(count, (unsigned long)(KVM_RUN_SIZE - KVM_RUN_DATA));

		memcpy((u8 *)vcpu->run + KVM_RUN_DATA, from, part);
		port_exit(vcpu, port, 1, part, KVM_EXIT_IO_OUT);
		from += part;
		count -= part;
	}
}

unsigned long scripted_gpa(const volatile void *pointer)
{
	u64 gpa = kvm_image_gpa(pointer);

	if (!gpa) {
		fprintf(stderr, "kvm: the guest gives a device what is not in its memory\n");
		abort();
	}
	return gpa;
}

void *scripted_memory(unsigned long address, unsigned long len)
{
	return kvm_memory(current->vm, address, len, true);
}

void scripted_relax(void)
{
	leave(current);
}

static void halt(struct kvm_vcpu *vcpu, bool interrupts)
{
	vcpu->interrupts = interrupts;
	kvm_arch_halted(vcpu, interrupts);
	vcpu->state = VCPU_HALTED;
	leave(vcpu);
}

void scripted_halt(int interrupts)
{
	halt(current, interrupts);
}

void scripted_sleep(unsigned ms)
{
	u64 until = now() + ms * 1000000ULL;

	/* Interrupts do not cut it short. */
	while (now() < until) {
		current->wake_at = until;
		halt(current, true);
	}
	current->wake_at = 0;
}

int scripted_line(unsigned gsi)
{
	kvm_irq_poll(current->vm);
	return __atomic_load_n(&current->vm->irq.level[gsi], __ATOMIC_ACQUIRE);
}

unsigned scripted_line_rose(unsigned gsi)
{
	kvm_irq_poll(current->vm);
	return __atomic_load_n(&current->vm->irq.rose[gsi], __ATOMIC_ACQUIRE);
}

unsigned scripted_msis(unsigned char vector)
{
	kvm_irq_poll(current->vm);
	return __atomic_load_n(&current->vm->irq.msis[vector], __ATOMIC_ACQUIRE);
}

int scripted_start(unsigned cpu, void (*function)(unsigned cpu))
{
	struct kvm_vcpu *other = cpu < KVM_MAX_VCPUS ? current->vm->vcpus[cpu] : NULL;

	if (!other || other->state != VCPU_WAITING)
		return 0;
	other->entry = function;
	other->state = VCPU_RUNNING;
	kvm_wake_vcpus(current->vm);
	return 1;
}

void scripted_exit(unsigned reason)
{
	memset(current->run->padding, 0, sizeof(current->run->padding));
	leave_for(current, reason);
}

/* ---- on the program's stack ---- */

/* What the program answered to the last exit. */
static void complete(struct kvm_vcpu *vcpu)
{
	if (vcpu->exits && vcpu->in_data) {
		if (vcpu->run->exit_reason == KVM_EXIT_IO)
			memcpy(vcpu->in_data, (u8 *)vcpu->run + KVM_RUN_DATA, vcpu->run->io.size);
		else
			memcpy(vcpu->in_data, vcpu->run->mmio.data, vcpu->run->mmio.len);
	}
	vcpu->in_data = NULL;
	vcpu->exits = false;
}

static bool must_leave(const struct kvm_vcpu *vcpu)
{
	return __atomic_load_n(&vcpu->run->immediate_exit, __ATOMIC_ACQUIRE);
}

static bool wakes(struct kvm_vcpu *vcpu)
{
	unsigned events;

	if (vcpu->state == VCPU_RUNNING)
		return true;
	if (vcpu->state == VCPU_WAITING || !vcpu->interrupts)
		return false;
	kvm_irq_poll(vcpu->vm);
	events = vcpu->vm->irq.events;
	if (vcpu->seen == events && !(vcpu->wake_at && now() >= vcpu->wake_at))
		return false;
	vcpu->seen = events;
	return true;
}

static struct timespec *time_left(const struct kvm_vcpu *vcpu, struct timespec *left)
{
	u64 at = now();

	if (!vcpu->wake_at || vcpu->state != VCPU_HALTED)
		return NULL;
	at = vcpu->wake_at > at ? vcpu->wake_at - at : 0;
	*left = (struct timespec){ .tv_sec = at / 1000000000, .tv_nsec = at % 1000000000 };
	return left;
}

/* Signals are blocked from before the last look at immediate_exit until ppoll() waits: none is missed. */
static long wait_halted(struct kvm_vcpu *vcpu)
{
	struct pollfd fds[] = {
		{ .fd = vcpu->wake, .events = POLLIN },
		{ .fd = vcpu->vm->irq.epoll, .events = POLLIN },
	};
	struct timespec left;
	sigset_t all, before;
	long ret = 0;
	u64 count;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (!ret && !wakes(vcpu)) {
		if (must_leave(vcpu) ||
		    (ppoll(fds, ARRAY_SIZE(fds), time_left(vcpu, &left), &before) < 0 &&
		     errno == EINTR))
			ret = -EINTR;
		else if (read(vcpu->wake, &count, sizeof(count)) < 0)
			errno = 0; /* another reason */
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!ret)
		vcpu->state = VCPU_RUNNING;
	return ret;
}

static bool make_fresh(struct kvm_vcpu *vcpu)
{
	if (!vcpu->id) {
		if (!kvm_image_begin(vcpu->vm))
			return false;
		kvm_irq_reset(&vcpu->vm->irq);
	}
	vcpu->guest_sp = kvm_arch_stack((u8 *)vcpu->stack + KVM_GUEST_STACK, begin);
	vcpu->fresh = false;
	return true;
}

long kvm_run(struct kvm_vcpu *vcpu)
{
	complete(vcpu);
	vcpu->run->exit_reason = KVM_EXIT_INTR;
	for (;;) {
		if (must_leave(vcpu))
			return -EINTR;
		if (vcpu->state != VCPU_RUNNING && wait_halted(vcpu))
			return -EINTR;
		if (vcpu->fresh && !make_fresh(vcpu))
			return -EFAULT;
		current = vcpu;
		kvm_arch_switch(&vcpu->host_sp, &vcpu->guest_sp);
		if (vcpu->exits)
			return 0;
		sched_yield();
	}
}

long kvm_vcpu_call(struct kvm_vcpu *vcpu, unsigned long request, void *arg)
{
	return request == KVM_RUN ? kvm_run(vcpu) : kvm_arch_vcpu_call(vcpu, request, arg);
}
