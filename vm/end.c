// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdatomic.h>

#include "lkvm/arch.h"
#include "lkvm/config/exit-status.h"
#include "lkvm/vm/last-words.h"
#include "lkvm/memory/guard.h"
#include "lkvm/util/log.h"
#include "lkvm/util/text.h"
#include "lkvm/vm/vm.h"
#include "lkvm/vm/end.h"

/* What a reader of the console gets when the guest's end does not wait for it. */
#define GRACE_NS    500000000ULL
/* How often it is looked whether all of it has gone. */
#define END_LOOK_NS 20000000ULL

static void log_panic(struct vm *vm)
{
	unsigned timeout = vm->config->timeout;

	if (vm->end == VM_REQUEST_TIMEOUT)
		log_error("Guest %s panicked, and did not end within %u second%s", vm->config->name,
			  timeout, plural(timeout));
	else
		log_error("Guest %s panicked", vm->config->name);
	if (vm->last_words.no_root)
		log_info(
			"It found no root file system with an init: give it an initrd with -i, or a disk "
			"that has one with -d and -p root=/dev/vda");
}

void vm_end_log(struct vm *vm, int status)
{
	const char *name = vm->config->name;
	unsigned timeout = vm->config->timeout;

	if (atomic_exchange(&vm->end_logged, true))
		return;
	memory_guard_log(name);
	if (vm->end == VM_REQUEST_QUIT)
		log_info("Guest %s was ended by Ctrl-A x", name);
	switch (status) {
	case EXIT_READER_GONE:
		log_error(
			"Nobody reads the console of guest %s any more, so it ended; --keep-running lets it go on",
			name);
		break;
	case EXIT_GUEST_PANIC:
		log_panic(vm);
		break;
	case EXIT_TRIPLE_FAULT:
		log_error("Guest %s ended by a triple fault", name);
		break;
	case EXIT_TIMEOUT:
		log_error("Guest %s did not end within %u second%s", name, timeout,
			  plural(timeout));
		break;
	}
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

/* A guest that did well, of whose output not everything arrived. */
static int status_of_output(struct vm *vm, int status)
{
	if (!vm->output_lost || status != EXIT_GUEST_DONE)
		return status;
	return vm->output_lost == EPIPE ? EXIT_READER_GONE : EXIT_HOST_ERROR;
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

/* ---- waiting for readers ---- */

struct drain {
	struct vm *vm;
	struct loop_timer look;
	bool (*empty)(struct vm *vm);
	u64 end; /* clock_now(), if nobody asks for less; 0: never */
	bool done;
};

static bool output_empty(struct vm *vm)
{
	return devices_drained(&vm->devices, &vm->deadline);
}

static bool messages_empty(struct vm *vm)
{
	return log_drain(0);
}

static bool is_over(u64 deadline)
{
	return deadline && clock_now() >= deadline;
}

static void on_end_look(struct loop_timer *timer)
{
	struct drain *drain = CONTAINER_OF(timer, struct drain, look);

	drain->done =
		drain->empty(drain->vm) || is_over(drain->end) || is_over(drain->vm->deadline.end);
	if (drain->done)
		loop_stop(drain->vm->loop);
	else
		loop_timer_set(drain->vm->loop, timer, END_LOOK_NS);
}

/* In the loop: until then the guest still shows up in `lkvm list`, and Ctrl-A x and `lkvm stop` are heard. */
static void wait_until_empty(struct vm *vm, bool (*empty)(struct vm *vm), u64 end)
{
	struct drain drain = { .vm = vm, .look.expired = on_end_look, .empty = empty, .end = end };

	on_end_look(&drain.look);
	/* Any request stops it, as the guest is ending; not every one is a reason to lose output. */
	while (!drain.done && !loop_run(vm->loop))
		;
	loop_timer_cancel(&drain.look);
}

static bool ended_by_itself(struct vm *vm)
{
	return vm->end == VM_REQUEST_REBOOT || vm->end == VM_REQUEST_POWEROFF ||
	       vm->end == VM_REQUEST_PANIC || vm->end == VM_REQUEST_TRIPLE_FAULT;
}

void vm_end_hurry(struct vm *vm)
{
	u64 never = 0;

	atomic_compare_exchange_strong(&vm->deadline.end, &never, clock_now() + GRACE_NS);
}

int vm_end(struct vm *vm, int err)
{
	int status = err ? EXIT_HOST_ERROR : status_of(vm);
	u64 end;

	vm->status = status;
	vm->deadline.grace = clock_now() + GRACE_NS;
	end = !err && ended_by_itself(vm) ? 0 : vm->deadline.grace;
	wait_until_empty(vm, output_empty, end);
	devices_stop(&vm->devices);
	vm->status = status = status_of_output(vm, status);
	vm_end_log(vm, status);
	if (status == EXIT_TIMEOUT)
		show_vcpus(vm);
	/* Not the guest's words: who does not read them must not keep a guest that has ended. */
	wait_until_empty(vm, messages_empty, clock_now() + GRACE_NS);
	return status;
}
