// SPDX-License-Identifier: GPL-2.0-or-later
/* A guest from start to end: start, pause, reboot, end. */
#include <stdatomic.h>

#include "lkvm/arch.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/vm.h"
#include "lkvm/vm/end.h"
#include "signals.h"

/*
 * A guest that reboots at once, for ever, shall neither fill the log nor keep a CPU busy: in the long run it boots once in this
 * time, and at any time so many boots more.
 */
#define BOOT_NS	     50000000ULL
#define BOOTS_MORE   100
#define REBOOT_LINES 8

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
	log_info("Guest %s resumed", vm->config->name);
}

static int begin_boot(struct vm *vm)
{
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
	u64 now = clock_now(), saved = MIN(now, BOOTS_MORE * BOOT_NS);

	vm->reboots.due = MAX(vm->reboots.due, now - saved) + BOOT_NS;
	return vm->reboots.due > now ? vm->reboots.due - now : 0;
}

static void log_reboot(struct vm *vm)
{
	const char *name = vm->config->name;

	if (vm->reboots.told < REBOOT_LINES)
		log_info("Guest %s reboots", name);
	else if (vm->reboots.told == REBOOT_LINES)
		log_info("Guest %s reboots; further reboots are logged with --loglevel debug only",
			 name);
	else
		log_debug("Guest %s reboots", name);
	vm->reboots.told += vm->reboots.told <= REBOOT_LINES;
}

/* Boots the same guest again: back ends, disks and the terminal stay as they are. */
static int begin_again(struct vm *vm)
{
	unsigned i, reboot = VM_REQUEST_REBOOT;
	struct vcpu *vcpu;
	u64 rest;
	int err;

	/* Of what its vCPUs were doing nothing is finished. */
	vcpu_for_each (vcpu, vm, i)
		vcpu->repeat_exit = false;
	devices_reset(&vm->devices);
	/* Before loading, which may find a reason to end the new boot, too. */
	atomic_compare_exchange_strong(&vm->end, &reboot, VM_REQUEST_NONE);
	err = guest_memory_clear(&vm->memory);
	if (!err)
		err = arch_load(vm);
	if (!err)
		err = arch_reset(vm);
	if (err)
		return err;
	/* An external request made meanwhile found `end` taken, or no loop running. */
	vm_request(vm, vm->external_request);
	/* Paused while it asked for the reset: the new boot begins when it is resumed. */
	if (vm->paused)
		return 0;
	rest = rest_before_boot(vm);
	if (!rest)
		return begin_boot(vm);
	vm->reboots.rest.expired = on_rested;
	loop_timer_set(vm->loop, &vm->reboots.rest, rest);
	return 0;
}

/* reboot=t: a kernel that says it restarts, and then has no interrupt table any more, does what it said. */
static void understand_fault(struct vm *vm)
{
	unsigned fault = VM_REQUEST_TRIPLE_FAULT;

	if (vm->last_words.last == LAST_WORDS_RESTART)
		atomic_compare_exchange_strong(&vm->end, &fault, VM_REQUEST_REBOOT);
}

/* An external stop beats a reboot, else a reboot loop could never be stopped. */
static bool shall_reboot(struct vm *vm)
{
	if (!vm->config->reboot || vm->end != VM_REQUEST_REBOOT || last_words_panicked(vm))
		return false;
	/* The memory that the guest had is lost to us, and so is what would have to be loaded into it. */
	if (vm->single_boot) {
		log_warning("Guest %s asked for a restart; a protected guest ends instead",
			    vm->config->name);
		return false;
	}
	if (!vm->external_request)
		return true;
	vm->end = vm->external_request;
	return false;
}

int vm_start(struct vm *vm)
{
	int err;

	vm->started = true;
	err = devices_start(&vm->devices);
	if (!err) {
		vm_signals_limit(vm);
		err = vcpus_run(vm);
	}
	if (err)
		devices_stop(&vm->devices);
	return err;
}

int vm_run(struct vm *vm)
{
	int err;

	for (;;) {
		err = loop_run(vm->loop);
		loop_timer_cancel(&vm->reboots.rest);
		vcpus_park(vm);
		devices_quiesce(&vm->devices);
		understand_fault(vm);
		if (err || !shall_reboot(vm))
			break;
		log_reboot(vm);
		err = begin_again(vm);
		if (err)
			break;
	}
	return vm_end(vm, err);
}
