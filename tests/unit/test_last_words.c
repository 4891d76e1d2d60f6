// SPDX-License-Identifier: GPL-2.0-or-later
/* When the vCPUs of a guest that has said its last words are looked at, and what is made of it. */
#include <string.h>

#include "test.h"
#include "lkvm/arch.h"
#include "lkvm/vm/last-words.h"

#define CPUS   2
#define SECOND 1000000000ULL
#define CODE   0xffffffff81000000ULL

static struct {
	struct vm vm;
	struct device console;
	struct vcpu vcpu[CPUS], *vcpus[CPUS];
	struct {
		enum vcpu_activity activity;
		u64 pc;
		bool off;
	} cpus[CPUS];
	u64 now;
	unsigned requests; /* bit set of enum vm_request */
	unsigned parks, runs;
	bool undrained;
	enum vm_request while_parking; /* somebody asks for it then */
} test;

/* ---- what vm/ and hw/ give ---- */

u64 clock_now(void)
{
	return test.now;
}

void loop_timer_set(struct loop *loop, struct loop_timer *timer, u64 ns)
{
	timer->deadline = test.now + ns;
}

void loop_timer_cancel(struct loop_timer *timer)
{
	timer->deadline = 0;
}

void vm_request(struct vm *vm, enum vm_request request)
{
	test.requests |= 1u << request;
	if (request != VM_REQUEST_NONE && !vm->end)
		vm->end = request;
}

void vcpus_park(struct vm *vm)
{
	test.parks++;
	if (test.while_parking)
		vm_request(vm, test.while_parking);
}

int vcpus_run(struct vm *vm)
{
	test.runs++;
	return 0;
}

bool vcpu_is_off(struct vcpu *vcpu)
{
	return test.cpus[vcpu->id].off;
}

enum vcpu_activity arch_vcpu_activity(struct vcpu *vcpu, u64 *pc)
{
	*pc = test.cpus[vcpu->id].pc;
	return test.cpus[vcpu->id].activity;
}

static bool is_drained(struct device *device, const struct deadline *deadline)
{
	assert_int_equal(deadline->grace, 0);
	return !test.undrained;
}

static void forget(void)
{
	devices_reset(&test.vm.devices);
}

/* ---- */

static int setup(void **state)
{
	static const struct device_ops ops = { .drained = is_drained };

	memset(&test, 0, sizeof(test));
	test.now = 1000 * SECOND;
	test.vm.vcpus = test.vcpus;
	test.vm.nr_vcpus = CPUS;
	for (unsigned i = 0; i < CPUS; i++) {
		test.vcpus[i] = &test.vcpu[i];
		test.vcpu[i].id = i;
		test.vcpu[i].vm = &test.vm;
	}
	TAILQ_INIT(&test.vm.devices);
	last_words_init(&test.vm);
	device_init(&test.console, &ops, "console");
	device_add(&test.vm.devices, &test.console);
	return devices_start(&test.vm.devices);
}

static void cpu(unsigned i, enum vcpu_activity activity, u64 pc)
{
	test.cpus[i].activity = activity;
	test.cpus[i].pc = pc;
}

static void hear(enum last_words words)
{
	last_words_set(&test.vm, words);
	last_words_serve(&test.vm);
}

/* Lets the time come when they are looked at; false: nobody wants to. */
static bool look(void)
{
	struct loop_timer *timer = &test.vm.last_words.look;
	u64 deadline = timer->deadline;

	if (!deadline)
		return false;
	if (test.now < deadline)
		test.now = deadline;
	timer->deadline = 0;
	timer->expired(timer);
	return true;
}

static void halted_is_ended(void **state)
{
	hear(LAST_WORDS_HALT);
	cpu(0, VCPU_DEAD, 0);
	cpu(1, VCPU_IN_KERNEL, CODE);
	/* A CPU that is at the same place for long, but not dead, is no halted one. */
	for (int i = 0; i < 20; i++)
		assert_true(look());
	assert_int_equal(test.vm.end, VM_REQUEST_NONE);
	assert_int_equal(test.runs, test.parks);
	test.cpus[1].off = true;
	assert_true(look());
	assert_int_equal(test.vm.end, VM_REQUEST_POWEROFF);
	/* They stay parked for the end. */
	assert_int_equal(test.runs, test.parks - 1);
	assert_false(look());
}

static void words_alone_end_nothing(void **state)
{
	unsigned looks = 0;

	cpu(0, VCPU_DEAD, 0);
	cpu(1, VCPU_ACTIVE, 0);
	hear(LAST_WORDS_HALT);
	assert_true(test.vm.last_words.look.deadline - test.now < SECOND / 10);
	for (u64 end = test.now + 3600 * SECOND; test.now < end; looks++)
		assert_true(look());
	assert_int_equal(test.vm.end, VM_REQUEST_NONE);
	/* An hour of a guest that only printed them costs next to nothing. */
	assert_in_range(looks, 5, 40);
	/* Who goes on printing is left alone at the next look. */
	hear(LAST_WORDS_NONE);
	look();
	assert_false(look());
	assert_int_equal(test.parks, looks);
}

/* Only of a kernel that has said nothing: it may have panicked, and its kdump kernel takes the console over. */
static void a_lost_console_is_looked_into(void **state)
{
	hear(LAST_WORDS_PANIC);
	last_words_console_left(&test.vm);
	assert_true(last_words_panicked(&test.vm));
	last_words_serve(&test.vm);
	assert_false(look());
	forget();
	last_words_console_left(&test.vm);
	last_words_serve(&test.vm);
	cpu(0, VCPU_DEAD, 0);
	cpu(1, VCPU_IN_KERNEL, CODE);
	for (int i = 0; i < 10; i++)
		assert_true(look());
	assert_int_equal(test.vm.end, VM_REQUEST_NONE);
	cpu(1, VCPU_DEAD, 0);
	assert_true(look());
	assert_int_equal(test.vm.end, VM_REQUEST_POWEROFF);
}

static void other_words_ask_for_no_look(void **state)
{
	cpu(0, VCPU_DEAD, 0);
	cpu(1, VCPU_DEAD, 0);
	hear(LAST_WORDS_PANIC);
	assert_true(last_words_panicked(&test.vm));
	hear(LAST_WORDS_RESTART);
	assert_false(last_words_panicked(&test.vm));
	assert_int_equal(test.requests, 0);
	assert_false(look());
}

/* A guest that says so all the time is looked at a few times a second. */
static void repetition_is_bounded(void **state)
{
	u64 end = test.now + 10 * SECOND;

	cpu(1, VCPU_ACTIVE, 0);
	while (test.now < end) {
		hear(LAST_WORDS_HALT);
		test.now += 1000;
		/* Taken back, and said once more. */
		hear(LAST_WORDS_NONE);
		hear(LAST_WORDS_HALT);
		test.now += 1000;
		if (test.now >= test.vm.last_words.look.deadline)
			look();
	}
	assert_in_range(test.parks, 10, 52);
	/* And the end is seen soon after. */
	cpu(0, VCPU_DEAD, 0);
	cpu(1, VCPU_DEAD, 0);
	hear(LAST_WORDS_HALT);
	look();
	assert_int_equal(test.vm.end, VM_REQUEST_POWEROFF);
	assert_true(test.now < end + SECOND);
}

static void panic_that_stays_is_ended(void **state)
{
	u64 begin = test.now;

	cpu(0, VCPU_IN_KERNEL, CODE);
	cpu(1, VCPU_DEAD, 0);
	hear(LAST_WORDS_PANIC_OVER);
	assert_true(last_words_panicked(&test.vm));
	/* Sometimes it is in an interrupt's handler. */
	assert_true(look());
	cpu(0, VCPU_IN_KERNEL, CODE + 0x4000);
	assert_true(look());
	cpu(0, VCPU_IN_KERNEL, CODE + 10);
	assert_true(look());
	for (int i = 0; i < 2; i++) {
		assert_int_equal(test.vm.end, VM_REQUEST_NONE);
		cpu(0, VCPU_IN_KERNEL, CODE + 20 * i);
		assert_true(look());
	}
	assert_int_equal(test.vm.end, VM_REQUEST_NONE);
	assert_true(look());
	assert_int_equal(test.vm.end, VM_REQUEST_PANIC);
	assert_true(test.now - begin < 3 * SECOND);
}

static void panic_with_all_cpus_stopped_is_ended(void **state)
{
	cpu(0, VCPU_DEAD, 0);
	cpu(1, VCPU_DEAD, 0);
	hear(LAST_WORDS_PANIC_OVER);
	assert_true(look());
	assert_int_equal(test.vm.end, VM_REQUEST_PANIC);
}

/* `grep panic log`: now and then a program runs, or the kernel waits. */
static void panic_of_a_log_is_none(void **state)
{
	cpu(1, VCPU_DEAD, 0);
	hear(LAST_WORDS_PANIC_OVER);
	for (int i = 0; i < 30; i++) {
		cpu(0, i % 3 == 2 ? VCPU_ACTIVE : VCPU_IN_KERNEL, CODE);
		assert_true(look());
	}
	/* Busy with all kinds of things */
	for (int i = 0; i < 30; i++) {
		cpu(0, VCPU_IN_KERNEL, CODE + 0x1000 * i);
		assert_true(look());
	}
	assert_int_equal(test.vm.end, VM_REQUEST_NONE);
}

static void unwritten_output_and_pauses_come_first(void **state)
{
	cpu(0, VCPU_DEAD, 0);
	cpu(1, VCPU_DEAD, 0);
	test.undrained = true;
	hear(LAST_WORDS_HALT);
	assert_true(look());
	assert_int_equal(test.parks, 0);
	test.undrained = false;
	test.vm.paused = true;
	assert_true(look());
	assert_int_equal(test.parks, 0);
	assert_int_equal(test.vm.end, VM_REQUEST_NONE);
	test.vm.paused = false;
	assert_true(look());
	assert_int_equal(test.vm.end, VM_REQUEST_POWEROFF);
}

/* A vCPU that asked for the end while it was being parked must not run again. */
static void other_ends_win(void **state)
{
	cpu(0, VCPU_DEAD, 0);
	cpu(1, VCPU_DEAD, 0);
	hear(LAST_WORDS_HALT);
	test.while_parking = VM_REQUEST_REBOOT;
	assert_true(look());
	assert_int_equal(test.vm.end, VM_REQUEST_REBOOT);
	assert_int_equal(test.runs, 0);
	assert_false(look());
}

static void another_life_knows_nothing(void **state)
{
	hear(LAST_WORDS_PANIC_OVER);
	forget();
	assert_false(last_words_panicked(&test.vm));
	last_words_serve(&test.vm);
	assert_false(look());
	hear(LAST_WORDS_HALT);
	forget();
	assert_false(look());
	/* A reset resets the console's driver, which is nothing that a kernel did. */
	test.vm.end = VM_REQUEST_REBOOT;
	last_words_console_left(&test.vm);
	assert_int_equal(test.vm.last_words.last, LAST_WORDS_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(halted_is_ended, setup),
		cmocka_unit_test_setup(words_alone_end_nothing, setup),
		cmocka_unit_test_setup(a_lost_console_is_looked_into, setup),
		cmocka_unit_test_setup(other_words_ask_for_no_look, setup),
		cmocka_unit_test_setup(repetition_is_bounded, setup),
		cmocka_unit_test_setup(panic_that_stays_is_ended, setup),
		cmocka_unit_test_setup(panic_with_all_cpus_stopped_is_ended, setup),
		cmocka_unit_test_setup(panic_of_a_log_is_none, setup),
		cmocka_unit_test_setup(unwritten_output_and_pauses_come_first, setup),
		cmocka_unit_test_setup(other_ends_win, setup),
		cmocka_unit_test_setup(another_life_knows_nothing, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
