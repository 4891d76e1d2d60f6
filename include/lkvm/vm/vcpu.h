/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One virtual CPU: a thread that runs KVM_RUN and dispatches what the guest left to us. The
 * architecture handles the exits that only it has (arch_vcpu_exit).
 */
#ifndef LKVM_VM_VCPU_H
#define LKVM_VM_VCPU_H

#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include "lkvm/util/types.h"
#include "arch-vcpu.h" /* struct arch_vcpu, from the architecture's folder */

struct exit_counters;
struct vm;

/* The last access to memory of the wrong kind: the same one again and again leads nowhere. */
struct vcpu_fault {
	gpa_t gpa;
	u64 changes; /* conversions that there had been by then */
	unsigned repeats;
};

/* What a vCPU does after an exit. */
enum exit_action {
	EXIT_ACTION_CONTINUE, /* run on */
	EXIT_ACTION_STOP,     /* a request was made, or the vCPU is off; it parks */
	EXIT_ACTION_UNKNOWN,  /* not the architecture's; the run loop calls it an internal error */
};

struct vcpu {
	struct vm *vm;
	unsigned id;
	int fd;
	struct kvm_run *run; /* mapped; this vCPU's thread, or any while it is parked */
	size_t run_size;
	struct exit_counters *exits; /* vm->exits' row; written by this vCPU's thread */
	pthread_t thread;
	_Atomic bool thread_started; /* written by the main thread */
	/*
	 * Set by an exit's handler that was in the middle of something long when vcpus_parking() became true, and
	 * has done nothing that the guest sees: the exit is handled again before the guest is entered. The
	 * vCPU's thread, or the main one while it is parked.
	 */
	bool repeat_exit;
	_Atomic bool off;	   /* see vcpu_set_off(); any thread reads */
	unsigned holds;		   /* see vcpu_hold(); the same lock */
	u64 seen_pc;		   /* vm/last-words.c's; main thread */
	struct vcpu_fault fault;   /* vm/conversion.c's; the vCPU's thread */
	const cpu_set_t *affinity; /* of the thread; NULL: none; constant once it runs */
	struct arch_vcpu arch;
};

#define vcpu_for_each(vcpu, vm, i)                                                                 \
	for ((i) = 0; (i) < (vm)->nr_vcpus && ((vcpu) = (vm)->vcpus[i]); (i)++)

/*
 * Checks the number against KVM_CAP_NR_VCPUS and MAX_VCPUS, makes all vCPUs, no thread. Logs and
 * returns -errno on failure.
 */
int vcpus_create(struct vm *vm);
void vcpus_destroy(struct vm *vm);

/* Main thread: threads are made at the first call; then all of them run, or all are parked. */
int vcpus_run(struct vm *vm);
/* Returns when every vCPU has left KVM_RUN, finished its exit, and waits. */
void vcpus_park(struct vm *vm);
/* Any thread: is that being waited for? An exit handler that waits for the host then waits no more. */
bool vcpus_parking(struct vm *vm);

/*
 * The vCPU whose thread this is; NULL: no vCPU's. Handlers on a bus are not told who did an access: legacy
 * virtio is the only device that asks, once while a driver runs, so the thread remembers its vCPU instead
 * of every handler of every device having one argument more.
 */
struct vcpu *vcpu_current(void);
/*
 * For architectures that keep their vCPUs' power themselves: one that is off runs nothing of the guest
 * until somebody turns it on, and nobody else minds: it pauses, parks and ends like any other. A vCPU's
 * own thread turns it off, in an exit handler that then returns EXIT_ACTION_STOP; another vCPU's thread
 * turns it on. The main thread may do both while all are parked.
 */
void vcpu_set_off(struct vcpu *vcpu, bool off);
bool vcpu_is_off(struct vcpu *vcpu);

/*
 * Another vCPU's thread: KVM answers no ioctl on a vCPU that is in KVM_RUN. In between of these two it stays
 * out of the guest; several may do so at once. Short: it turns round and round meanwhile.
 */
void vcpu_hold(struct vcpu *vcpu);
void vcpu_release(struct vcpu *vcpu);

/*
 * The vCPU's own thread, in an exit handler that has answered: KVM does what it does with the answer, without the
 * guest running on. Registers are then as after the instruction.
 */
void vcpu_finish_exit(struct vcpu *vcpu);

#endif
