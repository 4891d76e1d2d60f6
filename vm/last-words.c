// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdatomic.h>

#include "lkvm/arch.h"
#include "lkvm/vm/last-words.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/vcpu.h"
#include "lkvm/vm/vm.h"

/* From the words to the first look: by then a kernel that halts has mostly done so. */
#define FIRST_LOOK_NS 20000000ULL
/* Between looks, at least; later half as long as the words are old, so an idle guest is left alone. */
#define LOOK_NS	      200000000ULL

/*
 * A kernel that has panicked waits in a delay loop, with interrupts on: most looks find the program counter in
 * that loop, some in an interrupt's handler. So many pairs of looks must find it in the same place, and none
 * between them anything that a kernel which goes on would do: run a program, or wait for an interrupt.
 */
#define STILL_ENOUGH 3
#define SAME_PLACE   256 /* bytes */

bool last_words_panicked(const struct vm *vm)
{
	unsigned words = vm->last_words.last;

	return words == LAST_WORDS_PANIC || words == LAST_WORDS_PANIC_OVER;
}

static bool ask_for_looks(unsigned words)
{
	return words == LAST_WORDS_HALT || words == LAST_WORDS_PANIC_OVER ||
	       words == LAST_WORDS_CONSOLE_LEFT;
}

static void want_looks(struct vm *vm)
{
	vm->last_words.news = true;
	vm_request(vm, VM_REQUEST_NONE);
}

void last_words_set(struct vm *vm, enum last_words words)
{
	vm->last_words.last = words;
	if (ask_for_looks(words))
		want_looks(vm);
}

void last_words_console_left(struct vm *vm)
{
	unsigned none = LAST_WORDS_NONE;

	/* A reset resets the console's driver as well. */
	if (vm_ending(vm))
		return;
	if (atomic_compare_exchange_strong(&vm->last_words.last, &none, LAST_WORDS_CONSOLE_LEFT))
		want_looks(vm);
}

static bool is_near(u64 a, u64 b)
{
	return a - b < SAME_PLACE || b - a < SAME_PLACE;
}

/* All vCPUs are parked. */
static bool has_ended(struct vm *vm)
{
	struct last_words_state *words = &vm->last_words;
	unsigned i, dead = 0, still = 0;
	struct vcpu *vcpu;

	vcpu_for_each (vcpu, vm, i) {
		enum vcpu_activity activity = VCPU_DEAD;
		u64 pc = 0;

		if (!vcpu_is_off(vcpu))
			activity = arch_vcpu_activity(vcpu, &pc);
		if (activity == VCPU_ACTIVE) {
			words->still = 0;
			return false;
		}
		dead += activity == VCPU_DEAD;
		still += activity == VCPU_DEAD || is_near(pc, vcpu->seen_pc);
		vcpu->seen_pc = pc;
	}
	if (dead == vm->nr_vcpus)
		return true;
	words->still += still == vm->nr_vcpus;
	return words->last == LAST_WORDS_PANIC_OVER && words->still >= STILL_ENOUGH;
}

/* False: the guest is ending. */
static bool look_at_vcpus(struct vm *vm)
{
	unsigned words = vm->last_words.last;
	bool ended;

	vcpus_park(vm);
	/* Something else came first: its vCPU must not be started again. */
	if (vm_ending(vm))
		return false;
	ended = has_ended(vm);
	vm->last_words.looked = clock_now();
	if (ended) {
		vm_request(vm,
			   words == LAST_WORDS_PANIC_OVER ? VM_REQUEST_PANIC : VM_REQUEST_POWEROFF);
		return false;
	}
	if (!vcpus_run(vm))
		return true;
	vm_request(vm, VM_REQUEST_HOST_ERROR);
	return false;
}

static void on_look(struct loop_timer *timer)
{
	struct vm *vm = CONTAINER_OF(timer, struct vm, last_words.look);
	struct last_words_state *words = &vm->last_words;
	static const struct deadline any_time;

	if (vm_ending(vm) || !ask_for_looks(words->last))
		return;
	/*
	 * Not before all that was said has been written: a vCPU that waits for a slow reader would lose some of
	 * its output by being parked again and again.
	 */
	if (!vm->paused && devices_drained(&vm->devices, &any_time) && !look_at_vcpus(vm))
		return;
	loop_timer_set(vm->loop, timer, MAX((clock_now() - words->since) / 2, LOOK_NS));
}

void last_words_serve(struct vm *vm)
{
	struct last_words_state *words = &vm->last_words;
	u64 now, next;

	if (!words->news || !atomic_exchange(&words->news, false))
		return;
	now = words->since = clock_now();
	/* However often the guest says so, it is not looked at more often. */
	next = MAX(now + FIRST_LOOK_NS, words->looked + LOOK_NS);
	if (words->look.deadline && words->look.deadline <= next)
		return;
	words->look.expired = on_look;
	loop_timer_set(vm->loop, &words->look, next - now);
}

static void last_words_reset(struct device *device)
{
	struct vm *vm = CONTAINER_OF(device, struct vm, last_words.device);

	loop_timer_cancel(&vm->last_words.look);
	vm->last_words.last = LAST_WORDS_NONE;
	vm->last_words.news = false;
	vm->last_words.still = 0;
}

void last_words_init(struct vm *vm)
{
	static const struct device_ops ops = { .reset = last_words_reset };

	device_init(&vm->last_words.device, &ops, "last-words");
	device_add(&vm->devices, &vm->last_words.device);
}
