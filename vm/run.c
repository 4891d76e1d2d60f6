// SPDX-License-Identifier: GPL-2.0-or-later
/* How a guest lives: start, pause, reboot, end. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lkvm/arch.h"
#include "lkvm/console/chardev.h"
#include "lkvm/vm/conversion.h"
#include "lkvm/config/exit-status.h"
#include "lkvm/util/log.h"
#include "lkvm/memory/guard.h"
#include "lkvm/vm/vm.h"
#include "end.h"
#include "lkvm/memory/watch.h"
#include "signals.h"

/* How often it is looked whether all output has gone, and how long at most after a guest with --timeout. */
#define DRAIN_LOOK_NS 20000000ULL
#define DRAIN_MAX_NS  5000000000ULL

/*
 * A guest that reboots at once, for ever, shall neither fill the log nor keep a CPU busy: after so many boots one after
 * the other that took no longer than this, there is no more than one in that time.
 */
#define QUICK_BOOT_NS 50000000ULL
#define QUICK_BOOTS   100
#define REBOOT_LINES  8

static void on_timeout(struct loop_timer *timer)
{
	struct vm *vm = CONTAINER_OF(timer, struct vm, timeout);

	vm_request(vm, VM_REQUEST_TIMEOUT);
}

void vm_pause(struct vm *vm)
{
	if (vm->paused)
		return;
	vcpus_park(vm);
	devices_quiesce(&vm->devices);
	/* A boot that was to come begins with the resume. */
	loop_timer_cancel(&vm->reboots.rest);
	vm->paused = true;
	log_info("Guest %s is paused", vm->config->name);
}

void vm_resume(struct vm *vm)
{
	struct vcpu *vcpu;
	unsigned i;

	if (!vm->paused)
		return;
	vcpu_for_each (vcpu, vm, i)
		arch_vcpu_resume(vcpu);
	devices_resume(&vm->devices);
	if (vcpus_run(vm))
		vm_request(vm, VM_REQUEST_HOST_ERROR);
	vm->paused = false;
	log_info("Guest %s goes on", vm->config->name);
}

static int start(struct vm *vm)
{
	int error = devices_start(&vm->devices);

	if (error)
		return error;
	error = chardev_start(vm->console);
	if (error)
		return error;
	/* A terminal has taken the signals for itself; faults in guest memory are no end of lkvm's. */
	error = memory_guard_take_signals();
	if (error)
		return error;
	error = memory_watch_start(vm);
	if (error)
		return error;
	vm->timeout.expired = on_timeout;
	if (vm->config->timeout)
		loop_timer_set(vm->loop, &vm->timeout, vm->config->timeout * 1000000000ULL);
	vm_signals_limit(vm);
	return vcpus_run(vm);
}

static int begin_boot(struct vm *vm)
{
	vm->reboots.began = clock_now();
	devices_resume(&vm->devices);
	return vcpus_run(vm);
}

static void on_rested(struct loop_timer *timer)
{
	struct vm *vm = CONTAINER_OF(timer, struct vm, reboots.rest);

	if (begin_boot(vm))
		vm_request(vm, VM_REQUEST_HOST_ERROR);
}

/* How long the next boot has to wait, in ns. */
static u64 rest_before_boot(struct vm *vm)
{
	u64 took = clock_now() - vm->reboots.began;

	if (took >= QUICK_BOOT_NS) {
		vm->reboots.quick = 0;
		return 0;
	}
	vm->reboots.quick++;
	return vm->reboots.quick > QUICK_BOOTS ? QUICK_BOOT_NS - took : 0;
}

static void tell_reboot(struct vm *vm)
{
	const char *name = vm->config->name;

	if (vm->reboots.told < REBOOT_LINES)
		log_info("Guest %s reboots", name);
	else if (vm->reboots.told == REBOOT_LINES)
		log_info("Guest %s reboots; from now on that is told with --loglevel debug only",
			 name);
	else
		log_debug("Guest %s reboots", name);
	vm->reboots.told += vm->reboots.told <= REBOOT_LINES;
}

/* A new life for the same guest: back ends, disks and the terminal stay as they are. */
static int reboot(struct vm *vm)
{
	struct vcpu *vcpu;
	unsigned i;
	u64 rest;
	int error;

	/* Of what its vCPUs were doing nothing is finished. */
	vcpu_for_each (vcpu, vm, i)
		vcpu->repeat_exit = false;
	devices_reset(&vm->devices);
	error = conversions_reset(vm);
	if (!error)
		error = guest_memory_clear(&vm->memory);
	if (!error)
		error = arch_load(vm);
	if (!error)
		error = arch_reset(vm);
	if (error)
		return error;
	last_words_forget(vm);
	vm->end = VM_REQUEST_NONE;
	/* Memory lost meanwhile, whose request found `end` taken: that guest has no other life. */
	if (memory_guard_tripped())
		return -ENOMEM;
	/* What was asked for meanwhile has found `end` taken, or nobody who listened. */
	vm_request(vm, vm->host_end);
	/* Paused while it asked for the reset: the new life begins when it is resumed. */
	if (vm->paused)
		return 0;
	rest = rest_before_boot(vm);
	if (!rest)
		return begin_boot(vm);
	vm->reboots.rest.expired = on_rested;
	loop_timer_set(vm->loop, &vm->reboots.rest, rest);
	return 0;
}

static int status_of(struct vm *vm)
{
	switch ((enum vm_request)vm->end) {
	case VM_REQUEST_REBOOT:
		/* panic=-1 resets at once: all that tells it from a reboot is what the kernel printed. */
		return last_words_panicked(vm) ? EXIT_GUEST_PANIC : EXIT_GUEST_DONE;
	case VM_REQUEST_POWEROFF:
	case VM_REQUEST_QUIT:
		return EXIT_GUEST_DONE;
	case VM_REQUEST_SIGNAL:
		return 128 + vm->signal;
	case VM_REQUEST_TIMEOUT:
		return last_words_panicked(vm) ? EXIT_GUEST_PANIC : EXIT_TIMEOUT;
	case VM_REQUEST_READER_GONE:
		/* A terminal that hangs up sends a signal, too: whichever was seen first. */
		return vm->signal ? 128 + vm->signal : EXIT_READER_GONE;
	case VM_REQUEST_PANIC:
		return EXIT_GUEST_PANIC;
	case VM_REQUEST_TRIPLE_FAULT:
		return last_words_panicked(vm) ? EXIT_GUEST_PANIC : EXIT_TRIPLE_FAULT;
	case VM_REQUEST_INTERNAL_ERROR:
		return EXIT_INTERNAL_ERROR;
	default:
		return EXIT_HOST_ERROR;
	}
}

/* reboot=t: a kernel that says it restarts, and then has no interrupt table any more, does what it said. */
static void understand_fault(struct vm *vm)
{
	if (vm->end == VM_REQUEST_TRIPLE_FAULT && vm->last_words.said == LAST_WORDS_RESTART)
		vm->end = VM_REQUEST_REBOOT;
}

/* A guest that did well, of whose output not everything arrived. */
static int status_of_output(struct vm *vm, int status)
{
	int lost = chardev_lost(vm->console);

	if (!lost || status != EXIT_GUEST_DONE)
		return status;
	return lost == EPIPE ? EXIT_READER_GONE : EXIT_HOST_ERROR;
}

/* Who asks for the end of a guest that reboots for ever must get it. */
static bool shall_reboot(struct vm *vm)
{
	if (!vm->config->reboot || vm->end != VM_REQUEST_REBOOT || last_words_panicked(vm))
		return false;
	/* The memory that the guest had is lost to us, and so is what would have to be loaded into it. */
	if (vm->single_life) {
		log_warning("Guest %s asked for a restart; a protected guest ends instead",
			    vm->config->name);
		return false;
	}
	if (!vm->host_end)
		return true;
	vm->end = vm->host_end;
	return false;
}

/* Where a guest hangs that somebody wants to know more about. */
static void show_vcpus(struct vm *vm)
{
	struct vcpu *vcpu;
	unsigned i;

	if (log_get_level() < LOG_LEVEL_DEBUG)
		return;
	vcpu_for_each (vcpu, vm, i)
		arch_vcpu_dump(vcpu);
}

static void say_end(struct vm *vm, int status)
{
	memory_guard_say(vm->config->name);
	vm_end_tell(vm, status);
	if (status == EXIT_TIMEOUT)
		show_vcpus(vm);
}

struct drain {
	struct vm *vm;
	struct loop_timer look;
	bool (*empty)(struct vm *vm);
	u64 end; /* clock_now(); 0: never */
	bool done;
};

static bool console_empty(struct vm *vm)
{
	return chardev_drain(vm->console, 0);
}

static bool messages_empty(struct vm *vm)
{
	return log_drain(0);
}

static void on_look(struct loop_timer *timer)
{
	struct drain *drain = CONTAINER_OF(timer, struct drain, look);
	struct vm *vm = drain->vm;

	drain->done = drain->empty(vm) || vm->signal || vm->host_end == VM_REQUEST_QUIT ||
		      (drain->end && clock_now() >= drain->end);
	if (drain->done)
		loop_stop(vm->loop);
	else
		loop_timer_set(vm->loop, timer, DRAIN_LOOK_NS);
}

/* In the loop: until then the guest still shows up in `lkvm list`, and Ctrl-A x and `lkvm stop` are heard. */
static void drain_output(struct vm *vm, bool (*empty)(struct vm *vm))
{
	struct drain drain = { .vm = vm, .look.expired = on_look, .empty = empty };

	if (vm->config->timeout)
		drain.end = clock_now() + DRAIN_MAX_NS;
	on_look(&drain.look);
	/* Any request stops it, as the guest is ending; not every one is a reason to lose output. */
	while (!drain.done && !loop_run(vm->loop))
		;
	loop_timer_cancel(&drain.look);
}

/*
 * A guest that ended by itself has said everything it had to say: however slow the reader is, it gets
 * all of it. Who set a time limit does not want to wait for a reader that is stuck.
 */
static void finish_output(struct vm *vm, bool (*empty)(struct vm *vm))
{
	switch ((enum vm_request)vm->end) {
	case VM_REQUEST_REBOOT:
	case VM_REQUEST_POWEROFF:
	case VM_REQUEST_PANIC:
	case VM_REQUEST_TRIPLE_FAULT:
		drain_output(vm, empty);
		break;
	default:
		break;
	}
}

int vm_run(struct vm *vm)
{
	int error, status;

	/* Once more: now it is known whether it is private. */
	error = vm_guard_memory(vm);
	vm->started = true;
	if (!error)
		error = start(vm);
	if (error) {
		memory_watch_stop(vm);
		chardev_stop(vm->console);
		memory_guard_say(vm->config->name);
		/* Who asked for the end before that has it. */
		return vm->signal ? 128 + vm->signal : EXIT_START;
	}
	for (;;) {
		error = loop_run(vm->loop);
		loop_timer_cancel(&vm->reboots.rest);
		vcpus_park(vm);
		devices_quiesce(&vm->devices);
		understand_fault(vm);
		if (error || !shall_reboot(vm))
			break;
		tell_reboot(vm);
		error = reboot(vm);
		if (error)
			break;
	}
	loop_timer_cancel(&vm->timeout);
	last_words_stop(vm);
	memory_watch_stop(vm);
	vm->status = status = error ? EXIT_HOST_ERROR : status_of(vm);
	finish_output(vm, console_empty);
	chardev_stop(vm->console);
	vm->status = status = status_of_output(vm, status);
	say_end(vm, status);
	finish_output(vm, messages_empty);
	return status;
}
