// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "lkvm/arch.h"
#include "lkvm/memory/guard.h"
#include "lkvm/util/log.h"
#include "lkvm/util/text.h"
#include "lkvm/util/thread.h"
#include "lkvm/vm/affinity.h"
#include "lkvm/vm/conversion.h"
#include "lkvm/vm/port-latch.h"
#include "lkvm/vm/vcpu.h"
#include "lkvm/vm/vm.h"
#include "uapi/kvm.h"

/* Only interrupts KVM_RUN or a blocking write; what to do is in the flags beside it. */
#define SIGKICK SIGRTMIN

struct vcpu_control {
	pthread_mutex_t lock; /* everything below */
	pthread_cond_t changed;
	_Atomic bool park; /* all vCPUs should stay out of the guest; any thread reads */
	bool quit;	   /* and their threads should end */
	unsigned runs;	   /* counts vcpus_run(): wakes a vCPU that stopped by itself */
	unsigned nr_parked;
};

/* The main thread and the vCPU's own may both want it at once; the kernel reads it. */
static void set_immediate_exit(struct vcpu *vcpu, u8 value)
{
	__atomic_store_n(&vcpu->run->immediate_exit, value, __ATOMIC_RELEASE);
}

static void on_kick(int signal)
{
}

static void *run_thread(void *arg);

static _Thread_local struct vcpu *current;

struct vcpu *vcpu_current(void)
{
	return current;
}

static int check_number(struct vm *vm, unsigned cpus)
{
	int recommended = ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_NR_VCPUS);
	int max = ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);

	if (recommended <= 0)
		recommended = 4; /* what the API's documentation says of kernels that do not tell */
	if (max <= 0)
		max = recommended;
	if (cpus > (unsigned)max) {
		log_fatal("--cpus %u: this host's KVM makes at most %d vCPU%s", cpus, max,
			  plural(max));
		return -EINVAL;
	}
	if (cpus > (unsigned)recommended)
		log_warning("--cpus %u: this host's KVM recommends at most %d", cpus, recommended);
	return 0;
}

static int create_one(struct vm *vm, unsigned id, size_t run_size)
{
	struct vcpu *vcpu = calloc(1, sizeof(*vcpu));

	if (!vcpu)
		return -ENOMEM;
	vm->vcpus[id] = vcpu;
	vm->nr_vcpus = id + 1;
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->exits = &vm->exits[id];
	vcpu->run_size = run_size;
	if (vm->config->nr_affinities)
		vcpu->affinity = &vm->config->affinities[MIN(id, vm->config->nr_affinities - 1)];
	vcpu->run = MAP_FAILED;
	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)id);
	if (vcpu->fd >= 0)
		vcpu->run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED) {
		int err = -errno;

		vcpu->run = NULL;
		log_fatal("Unable to create vCPU %u: %s", id, strerror(-err));
		return err;
	}
	return arch_vcpu_create(vcpu);
}

/* For waits with a time limit, which must not depend on somebody setting the host's clock. */
static void init_changed(pthread_cond_t *changed)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(changed, &attr);
	pthread_condattr_destroy(&attr);
}

int vcpus_create(struct vm *vm)
{
	unsigned cpus = vm->config->cpus;
	int run_size, err = check_number(vm, cpus);

	if (!err)
		err = vcpus_check_affinity(vm);
	if (err)
		return err;
	run_size = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (run_size < (int)sizeof(struct kvm_run)) {
		log_fatal("Unable to learn the size of KVM's run structure");
		return -EINVAL;
	}
	vm->vcpus = calloc(cpus, sizeof(*vm->vcpus));
	vm->vcpu_control = calloc(1, sizeof(*vm->vcpu_control));
	vm->exits = exit_counters_create(cpus);
	if (!vm->vcpus || !vm->vcpu_control || !vm->exits)
		return -ENOMEM;
	pthread_mutex_init(&vm->vcpu_control->lock, NULL);
	init_changed(&vm->vcpu_control->changed);
	for (unsigned i = 0; i < cpus && !err; i++)
		err = create_one(vm, i, run_size);
	return err;
}

static void end_threads(struct vm *vm)
{
	struct vcpu_control *control = vm->vcpu_control;
	struct vcpu *vcpu;
	unsigned i;

	vcpus_park(vm);
	pthread_mutex_lock(&control->lock);
	control->quit = true;
	pthread_cond_broadcast(&control->changed);
	pthread_mutex_unlock(&control->lock);
	vcpu_for_each (vcpu, vm, i) {
		if (vcpu->thread_started)
			pthread_join(vcpu->thread, NULL);
	}
}

void vcpus_destroy(struct vm *vm)
{
	struct vcpu *vcpu;
	unsigned i;

	if (vm->vcpu_control)
		end_threads(vm);
	vcpu_for_each (vcpu, vm, i) {
		arch_vcpu_destroy(vcpu);
		if (vcpu->run)
			munmap(vcpu->run, vcpu->run_size);
		if (vcpu->fd >= 0)
			close(vcpu->fd);
		free(vcpu);
	}
	free(vm->vcpus);
	free(vm->vcpu_control);
	vm->vcpus = NULL;
	vm->vcpu_control = NULL;
	vm->nr_vcpus = 0;
}

static int start_thread(struct vcpu *vcpu)
{
	int err = thread_start(&vcpu->thread, SIGKICK, run_thread, vcpu);

	if (err)
		log_fatal("Unable to start the thread of vCPU %u: %s", vcpu->id, strerror(-err));
	else
		vcpu->thread_started = true;
	return err;
}

int vcpus_run(struct vm *vm)
{
	struct vcpu_control *control = vm->vcpu_control;
	struct sigaction kick = { .sa_handler = on_kick };
	struct vcpu *vcpu;
	unsigned i;
	int err;

	sigaction(SIGKICK, &kick, NULL);
	pthread_mutex_lock(&control->lock);
	control->park = false;
	control->runs++;
	vcpu_for_each (vcpu, vm, i)
		set_immediate_exit(vcpu, 0);
	pthread_cond_broadcast(&control->changed);
	pthread_mutex_unlock(&control->lock);
	vcpu_for_each (vcpu, vm, i) {
		if (vcpu->thread_started)
			continue;
		err = start_thread(vcpu);
		if (err)
			return err;
	}
	return 0;
}

/*
 * A vCPU that resets a device asks the device's loop to let go of its queues and waits. If that is the
 * main loop, and the main thread waits here for the vCPU, somebody has to give in. Lock held.
 */
static void wait_serving(struct vm *vm)
{
	struct vcpu_control *control = vm->vcpu_control;
	struct timespec soon;

	clock_gettime(CLOCK_MONOTONIC, &soon);
	soon.tv_nsec += 1000000;
	if (soon.tv_nsec >= 1000000000) {
		soon.tv_nsec -= 1000000000;
		soon.tv_sec++;
	}
	if (pthread_cond_timedwait(&control->changed, &control->lock, &soon) != ETIMEDOUT)
		return;
	pthread_mutex_unlock(&control->lock);
	loop_serve(vm->loop);
	pthread_mutex_lock(&control->lock);
}

void vcpus_park(struct vm *vm)
{
	struct vcpu_control *control = vm->vcpu_control;
	unsigned i, started = 0;
	struct vcpu *vcpu;

	pthread_mutex_lock(&control->lock);
	control->park = true;
	vcpu_for_each (vcpu, vm, i) {
		if (!vcpu->thread_started)
			continue;
		/* A kick before KVM_RUN would be lost without the flag, one inside it without the kick. */
		set_immediate_exit(vcpu, 1);
		pthread_kill(vcpu->thread, SIGKICK);
		started++;
	}
	while (control->nr_parked < started)
		wait_serving(vm);
	pthread_mutex_unlock(&control->lock);
}

/*
 * Waits while vCPUs are parked or this one is off, or, if `stopped`, until they are started anew. False:
 * end the thread.
 */
static bool wait_parked(struct vcpu *vcpu, bool stopped)
{
	struct vcpu_control *control = vcpu->vm->vcpu_control;
	unsigned runs;
	bool quit;

	pthread_mutex_lock(&control->lock);
	runs = control->runs;
	control->nr_parked++;
	pthread_cond_broadcast(&control->changed);
	while (!control->quit && (control->park || vcpu->off || (stopped && control->runs == runs)))
		pthread_cond_wait(&control->changed, &control->lock);
	control->nr_parked--;
	quit = control->quit;
	pthread_mutex_unlock(&control->lock);
	return !quit;
}

void vcpu_set_off(struct vcpu *vcpu, bool off)
{
	struct vcpu_control *control = vcpu->vm->vcpu_control;

	pthread_mutex_lock(&control->lock);
	vcpu->off = off;
	pthread_cond_broadcast(&control->changed);
	pthread_mutex_unlock(&control->lock);
}

bool vcpu_is_off(struct vcpu *vcpu)
{
	return vcpu->off;
}

static void keep_out(struct vcpu *vcpu)
{
	struct vcpu_control *control = vcpu->vm->vcpu_control;

	pthread_mutex_lock(&control->lock);
	vcpu->holds++;
	set_immediate_exit(vcpu, 1);
	pthread_mutex_unlock(&control->lock);
}

void vcpu_hold(struct vcpu *vcpu)
{
	keep_out(vcpu);
	if (vcpu->thread_started)
		pthread_kill(vcpu->thread, SIGKICK);
}

void vcpu_release(struct vcpu *vcpu)
{
	struct vcpu_control *control = vcpu->vm->vcpu_control;

	pthread_mutex_lock(&control->lock);
	/* At the end it may be finishing an exit, for which it must not get into the guest again. */
	if (!--vcpu->holds && !control->park && !vm_ending(vcpu->vm))
		set_immediate_exit(vcpu, 0);
	pthread_mutex_unlock(&control->lock);
}

bool vcpus_parking(struct vm *vm)
{
	return vm->vcpu_control && vm->vcpu_control->park;
}

static void port_exit(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u8 *data = (u8 *)run + run->io.data_offset;
	struct bus *ports = vcpu->vm->ports;

	port_latch_hand_over(vcpu);
	for (u32 i = 0; i < run->io.count && !vcpu->repeat_exit; i++, data += run->io.size) {
		if (run->io.direction == KVM_EXIT_IO_OUT)
			bus_write(ports, run->io.port, data, run->io.size);
		else
			bus_read(ports, run->io.port, data, run->io.size);
	}
}

static void mmio_exit(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u64 address = run->mmio.phys_addr;
	unsigned len = MIN(run->mmio.len, 8u);
	const void *hva;

	if (run->mmio.is_write ? bus_write(vcpu->vm->mmio, address, run->mmio.data, len)
			       : bus_read(vcpu->vm->mmio, address, run->mmio.data, len))
		return;
	/* Where KVM emulates the instruction, memory that it cannot access looks to it like a device's. */
	hva = guest_memory_hva(&vcpu->vm->memory, address, len);
	if (hva)
		memory_guard_check(hva, len);
}

static __printf(2, 3) enum exit_action internal_error(struct vcpu *vcpu, const char *fmt, ...)
{
	char text[160];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	/* Two vCPUs may fail together: only the one that ends the guest speaks. */
	if (!vm_ending(vcpu->vm)) {
		log_fatal("vCPU %u: %s", vcpu->id, text);
		arch_vcpu_dump(vcpu);
	}
	vm_request(vcpu->vm, VM_REQUEST_INTERNAL_ERROR);
	return EXIT_ACTION_STOP;
}

static enum exit_action stop_for(struct vcpu *vcpu, enum vm_request request)
{
	vm_request(vcpu->vm, request);
	return EXIT_ACTION_STOP;
}

static enum exit_action system_event(struct vcpu *vcpu)
{
	switch (vcpu->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		return stop_for(vcpu, VM_REQUEST_POWEROFF);
	case KVM_SYSTEM_EVENT_RESET:
		return stop_for(vcpu, VM_REQUEST_REBOOT);
	case KVM_SYSTEM_EVENT_CRASH:
		return stop_for(vcpu, VM_REQUEST_PANIC);
	}
	return EXIT_ACTION_UNKNOWN;
}

static const char *suberror_text(u32 suberror)
{
	static const char *const texts[] = {
		[KVM_INTERNAL_ERROR_EMULATION] = "it cannot emulate the instruction",
		[KVM_INTERNAL_ERROR_SIMUL_EX] = "an exception while it emulated one",
		[KVM_INTERNAL_ERROR_DELIVERY_EV] = "an exit while it delivered an event",
		[KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON] =
			"the CPU gave a reason it does not know",
	};

	return suberror < ARRAY_SIZE(texts) && texts[suberror] ? texts[suberror] : "unknown";
}

static enum exit_action vcpu_dispatch(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	enum exit_action action;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		port_exit(vcpu);
		return EXIT_ACTION_CONTINUE;
	case KVM_EXIT_MMIO:
		mmio_exit(vcpu);
		return EXIT_ACTION_CONTINUE;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		return EXIT_ACTION_CONTINUE;
	case KVM_EXIT_SYSTEM_EVENT:
		action = system_event(vcpu);
		if (action != EXIT_ACTION_UNKNOWN)
			return action;
		break;
	case KVM_EXIT_SHUTDOWN:
		if (!vm_ending(vcpu->vm) && log_get_level() >= LOG_LEVEL_DEBUG)
			arch_vcpu_dump(vcpu);
		return stop_for(vcpu, VM_REQUEST_TRIPLE_FAULT);
	case KVM_EXIT_INTERNAL_ERROR:
		return internal_error(vcpu, "KVM internal error, suberror %u (%s)",
				      run->internal.suberror,
				      suberror_text(run->internal.suberror));
	case KVM_EXIT_FAIL_ENTRY:
		return internal_error(
			vcpu, "KVM could not enter the guest, hardware reason 0x%llx",
			(unsigned long long)run->fail_entry.hardware_entry_failure_reason);
	}
	action = arch_vcpu_exit(vcpu);
	if (action != EXIT_ACTION_UNKNOWN)
		return action;
	if (run->exit_reason == KVM_EXIT_SYSTEM_EVENT)
		return internal_error(vcpu, "KVM reports system event %u, which lkvm does not know",
				      run->system_event.type);
	return internal_error(vcpu, "KVM left the guest for a reason lkvm does not know: %u",
			      run->exit_reason);
}

/*
 * KVM has no memory of the kind that the guest accessed. It may be converted, or be there at the second try; when
 * not, the guest cannot go on, whatever it is that the host lacks.
 */
static enum exit_action memory_fault(struct vcpu *vcpu, int err)
{
	struct kvm_exit_memory_fault fault;
	bool private;

	exit_count(vcpu->exits, KVM_EXIT_MEMORY_FAULT);
	memcpy(&fault, vcpu->run->padding, sizeof(fault));
	/* An error that KVM says nothing more about must not be taken for this one again. */
	vcpu->run->exit_reason = KVM_EXIT_UNKNOWN;
	private = fault.flags & KVM_MEMORY_EXIT_FLAG_PRIVATE;
	if (err == EFAULT) {
		int answer = conversion_fault(vcpu, fault.gpa, fault.size, private);

		if (!answer)
			return EXIT_ACTION_CONTINUE;
		if (answer == -ECANCELED) /* the guest is ending */
			return EXIT_ACTION_STOP;
		log_debug("vCPU %u: memory fault at 0x%llx: %s", vcpu->id,
			  (unsigned long long)fault.gpa, strerror(-answer));
	}
	/* Private memory is a file of KVM's beside what --mem-backend says; the registers tell more of it. */
	if (!private && memory_guard_report(fault.gpa, err == EHWPOISON))
		return EXIT_ACTION_STOP;
	return internal_error(vcpu, "KVM_RUN: %s: the guest's %smemory at 0x%llx cannot be had",
			      strerror(err), private ? "private " : "",
			      (unsigned long long)fault.gpa);
}

static enum exit_action run_failed(struct vcpu *vcpu, int err)
{
	/* ENOMEM: guest_memfd's. */
	if ((err == EFAULT || err == EHWPOISON || err == ENOMEM) &&
	    vcpu->run->exit_reason == KVM_EXIT_MEMORY_FAULT)
		return memory_fault(vcpu, err);

	if (err == EFAULT && memory_guard_search())
		return EXIT_ACTION_STOP;
	/* arm64's KVM, of a pair of registers or an address that is written back: the CPU does not tell it. */
	if (err == ENOSYS)
		return internal_error(vcpu,
				      "KVM_RUN: %s: KVM cannot emulate the instruction by "
				      "which the guest accessed a device, see pc",
				      strerror(err));
	return internal_error(vcpu, "KVM_RUN: %s", strerror(err));
}

/*
 * One round: into the guest and out. A port or MMIO access is only complete when KVM_RUN is entered
 * again, so a vCPU that is to stop enters once more with immediate_exit set and leaves with EINTR.
 */
static enum exit_action run_once(struct vcpu *vcpu)
{
	if (vcpu->repeat_exit) {
		if (vcpus_parking(vcpu->vm))
			return EXIT_ACTION_STOP;
		vcpu->repeat_exit = false;
		return vcpu_dispatch(vcpu);
	}
	if (ioctl(vcpu->fd, KVM_RUN, 0) < 0) {
		if (errno == EINTR || errno == EAGAIN) {
			exit_count(vcpu->exits, KVM_EXIT_INTR);
			return vcpus_parking(vcpu->vm) ? EXIT_ACTION_STOP : EXIT_ACTION_CONTINUE;
		}
		return run_failed(vcpu, errno);
	}
	exit_count(vcpu->exits, vcpu->run->exit_reason);
	return vcpu_dispatch(vcpu);
}

static void enter_and_leave(struct vcpu *vcpu)
{
	if (ioctl(vcpu->fd, KVM_RUN, 0) < 0 && errno != EINTR)
		log_debug("vCPU %u: finishing an exit: %s", vcpu->id, strerror(errno));
}

static void finish_exit(struct vcpu *vcpu)
{
	struct vcpu_control *control = vcpu->vm->vcpu_control;

	/* Locked: vcpu_release() either sees the end or comes before this. */
	pthread_mutex_lock(&control->lock);
	set_immediate_exit(vcpu, 1);
	pthread_mutex_unlock(&control->lock);
	enter_and_leave(vcpu);
}

void vcpu_finish_exit(struct vcpu *vcpu)
{
	keep_out(vcpu);
	enter_and_leave(vcpu);
	vcpu_release(vcpu);
}

static void *run_thread(void *arg)
{
	struct vcpu *vcpu = arg;
	char name[16];
	bool stopped = false;

	current = vcpu;
	snprintf(name, sizeof(name), "vcpu%u", vcpu->id);
	pthread_setname_np(pthread_self(), name);
	vcpu_bind_thread(vcpu);
	/* At first too: it may be off to begin with. */
	while (wait_parked(vcpu, stopped)) {
		while (run_once(vcpu) == EXIT_ACTION_CONTINUE && !vm_ending(vcpu->vm))
			;
		stopped = vm_ending(vcpu->vm);
		if (!stopped)
			continue;
		vcpu->repeat_exit = false;
		finish_exit(vcpu);
	}
	return NULL;
}
