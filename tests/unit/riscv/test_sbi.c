// SPDX-License-Identifier: GPL-2.0-or-later
/* SBI calls as lkvm serves them, above all those with wrong addresses; and what is switched on and off. */
#include "../../../console/chardev-backend.h"
#include "fake_kvm.h"
#include "lkvm/builtin.h"
#include "lkvm/config/options.h"
#include "said.h"
#include "sbi.h"

#define DBCN	   0x4442434e
#define SUSP	   0x53555350
#define WRITE	   0
#define READ	   1
#define WRITE_BYTE 2

#define SUCCESS	      0UL
#define NOT_SUPPORTED (-2UL)
#define INVALID_PARAM (-3UL)

#define RAM	 0x80000000ULL
#define RAM_SIZE 0x10000ULL

static struct vm *vm;
static u8 ram[RAM_SIZE];
static int to_guest[2], from_guest[2];

static ssize_t console_read(struct chardev *c, u8 *data, size_t len)
{
	ssize_t n = read(c->in.fd, data, len);

	return n < 0 ? -errno : n;
}

static ssize_t console_write(struct chardev *c, const u8 *data, size_t len)
{
	ssize_t n = write(c->out_fd, data, len);

	return n < 0 ? -errno : n;
}

static int console_start(struct device *device)
{
	chardev_set_input(vm->console, true);
	return 0;
}

static void console_destroy(struct device *device)
{
	chardev_exit(vm->console);
	free(vm->console);
}

static const struct chardev_ops console_ops = {
	.read = console_read,
	.write = console_write,
};

static const struct device_ops console_device_ops = {
	.start = console_start,
	.destroy = console_destroy,
};

static void host_has(enum riscv_sbi_id id, bool on)
{
	fake_reg(REG_SBI(id), on, false);
}

static u64 sbi_is(enum riscv_sbi_id id)
{
	return fake_find(0, REG_SBI(id))->value;
}

static int prepare(void **state)
{
	vm = fake_guest_create(1);
	assert_int_equal(pipe(to_guest), 0);
	assert_int_equal(pipe(from_guest), 0);
	vm->console = calloc(1, sizeof(*vm->console));
	assert_non_null(vm->console);
	assert_int_equal(chardev_init(vm->console, &console_device_ops, &console_ops, vm, "console",
				      to_guest[0], from_guest[1]),
			 0);
	memset(ram, 0, sizeof(ram));
	return guest_memory_add_buffer(&vm->memory, RAM, ram, sizeof(ram));
}

static int setup(void **state)
{
	prepare(state);
	assert_int_equal(vcpus_create(vm), 0);
	return devices_start(&vm->devices);
}

static int teardown(void **state)
{
	devices_destroy(&vm->devices);
	for (unsigned i = 0; i < 2; i++) {
		close(to_guest[i]);
		close(from_guest[i]);
	}
	fake_guest_destroy();
	return 0;
}

static u64 value;

static u64 call(u64 extension, u64 function, u64 a0, u64 a1, u64 a2)
{
	struct kvm_run *run = vm->vcpus[0]->run;

	run->exit_reason = KVM_EXIT_RISCV_SBI;
	run->riscv_sbi.extension_id = extension;
	run->riscv_sbi.function_id = function;
	run->riscv_sbi.args[0] = a0;
	run->riscv_sbi.args[1] = a1;
	run->riscv_sbi.args[2] = a2;
	run->riscv_sbi.ret[0] = run->riscv_sbi.ret[1] = 0x5555;
	assert_true(sbi_call(vm->vcpus[0]));
	value = run->riscv_sbi.ret[1];
	return run->riscv_sbi.ret[0];
}

static void on_time(struct loop_timer *timer)
{
	loop_stop(timer->loop);
}

/* What waits is done; the host's side has had its time. */
static void turn(void)
{
	struct loop_timer timer = { .expired = on_time };

	loop_timer_set(vm->loop, &timer, 20000000);
	loop_run(vm->loop);
	loop_timer_cancel(&timer);
}

static size_t printed(char *text, size_t size)
{
	ssize_t n;

	turn();
	n = read(from_guest[0], text, size);
	return n < 0 ? 0 : n;
}

static void test_write(void **state)
{
	char text[16];

	memcpy(ram + 8, "hello", 5);
	assert_int_equal(call(DBCN, WRITE, 5, RAM + 8, 0), SUCCESS);
	assert_int_equal(value, 5);
	assert_int_equal(call(DBCN, WRITE_BYTE, 0x121, 0, 0), SUCCESS);
	assert_int_equal(value, 0);
	assert_int_equal(printed(text, sizeof(text)), 6);
	assert_memory_equal(text, "hello!", 6);
}

static void test_write_in_parts(void **state)
{
	static char text[RAM_SIZE];

	memset(ram, 'x', sizeof(ram));
	assert_int_equal(call(DBCN, WRITE, RAM_SIZE, RAM, 0), SUCCESS);
	assert_true(value > 0 && value <= RAM_SIZE);
	assert_int_equal(printed(text, sizeof(text)), value);
}

static void test_wrong_addresses(void **state)
{
	static const u64 wrong[][3] = {
		{ 1, 0, 0 },
		{ 1, RAM - 1, 0 },
		{ 2, RAM + RAM_SIZE - 1, 0 },
		{ RAM_SIZE + 1, RAM, 0 },
		{ ~0ULL, RAM, 0 },
		{ 1, ~0ULL, 0 },
		{ 1ULL << 63, 1ULL << 63, 0 },
		{ 1, RAM, 1 },
		{ 0, RAM, 1 },
		{ -RAM, RAM, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(call(DBCN, WRITE, wrong[i][0], wrong[i][1], wrong[i][2]),
				 INVALID_PARAM);
		assert_int_equal(call(DBCN, READ, wrong[i][0], wrong[i][1], wrong[i][2]),
				 INVALID_PARAM);
	}
	assert_int_equal(call(DBCN, WRITE, 0, 0, 0), SUCCESS);
	assert_int_equal(value, 0);
}

static void test_read(void **state)
{
	assert_int_equal(call(DBCN, READ, 16, RAM, 0), SUCCESS);
	assert_int_equal(value, 0);
	assert_int_equal(write(to_guest[1], "abcdef", 6), 6);
	turn();
	assert_int_equal(call(DBCN, READ, 4, RAM, 0), SUCCESS);
	assert_int_equal(value, 4);
	assert_memory_equal(ram, "abcd\0", 5);
	assert_int_equal(call(DBCN, READ, 4, RAM, 0), SUCCESS);
	assert_int_equal(value, 2);
	assert_memory_equal(ram, "efcd", 4);
	assert_int_equal(call(DBCN, READ, 4, RAM, 0), SUCCESS);
	assert_int_equal(value, 0);
}

/* More than waits at once is not lost. */
static void test_read_much(void **state)
{
	u8 bytes[1000];
	size_t done = 0;

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = i * 7;
	call(DBCN, READ, 1, RAM, 0);
	assert_int_equal(write(to_guest[1], bytes, sizeof(bytes)), sizeof(bytes));
	for (unsigned i = 0; i < 50 && done < sizeof(bytes); i++) {
		turn();
		assert_int_equal(call(DBCN, READ, RAM_SIZE - done, RAM + done, 0), SUCCESS);
		done += value;
	}
	assert_int_equal(done, sizeof(bytes));
	assert_memory_equal(ram, bytes, sizeof(bytes));
}

static void test_version_01(void **state)
{
	char text[4];

	assert_int_equal(call(1, 0, 'z', 0, 0), SUCCESS);
	assert_int_equal(printed(text, sizeof(text)), 1);
	assert_int_equal(text[0], 'z');
	assert_int_equal(call(2, 0, 0, 0, 0), -1UL);
	assert_int_equal(write(to_guest[1], "q", 1), 1);
	turn();
	assert_int_equal(call(2, 0, 0, 0, 0), 'q');
}

static void test_unknown(void **state)
{
	assert_int_equal(call(0x08000000, 0, 1, 2, 3), NOT_SUPPORTED);
	assert_int_equal(value, 0);
	assert_int_equal(call(DBCN, 3, 1, RAM, 0), NOT_SUPPORTED);
	assert_int_equal(call(SUSP, 1, 0, 0, 0), NOT_SUPPORTED);
}

static void test_suspend(void **state)
{
	struct vcpu *vcpu = vm->vcpus[0];

	guest.config.arch.sbi.suspend_seconds = 1;
	vcpu->run->riscv_sbi.extension_id = SUSP;
	vcpu->run->riscv_sbi.function_id = 0;
	assert_false(sbi_call(vcpu));
	assert_int_equal(vcpu->run->riscv_sbi.ret[0], SUCCESS);
	assert_true(vcpu_is_off(vcpu));
	turn();
	assert_true(vcpu_is_off(vcpu));
	while (vcpu_is_off(vcpu))
		turn();
}

/* A reset wakes it, and no timer is left that could do so later. */
static void test_reset_while_suspended(void **state)
{
	struct vcpu *vcpu = vm->vcpus[0];

	vcpu->run->riscv_sbi.extension_id = SUSP;
	vcpu->run->riscv_sbi.function_id = 0;
	assert_false(sbi_call(vcpu));
	turn();
	assert_int_not_equal(vcpu->arch.sleep.timer.deadline, 0);
	sbi_reset(vm);
	assert_false(vcpu_is_off(vcpu));
	assert_int_equal(vcpu->arch.sleep.timer.deadline, 0);
}

static void test_switches(void **state)
{
	host_has(SBI_dbcn, false);
	host_has(SBI_susp, false);
	host_has(SBI_sta, true);
	host_has(SBI_pmu, true);
	host_has(SBI_mpxy, false);
	guest.config.arch.sbi.disabled[SBI_sta] = true;
	said_begin();
	assert_int_equal(vcpus_create(vm), 0);
	said_end();
	SAID(NULL);
	assert_int_equal(sbi_is(SBI_dbcn), 1);
	assert_int_equal(sbi_is(SBI_susp), 1);
	assert_int_equal(sbi_is(SBI_sta), 0);
	assert_int_equal(sbi_is(SBI_pmu), 1);
	assert_int_equal(sbi_is(SBI_mpxy), 0);
}

static void test_unknown_switch(void **state)
{
	guest.config.arch.sbi.disabled[SBI_hsm] = true;
	said_begin();
	assert_int_equal(vcpus_create(vm), 0);
	said_end();
	SAID("--disable-sbi-hsm");
}

static void test_ids(void **state)
{
	char *argv[] = { "run", "--custom-mvendorid", "0x5b7",
			 "--custom-mimpid=18446744073709551615" };

	fake_reg(REG_CONFIG(mvendorid), 1, false);
	fake_reg(REG_CONFIG(marchid), 2, false);
	fake_reg(REG_CONFIG(mimpid), 3, false);
	assert_int_equal(options_parse(&builtin_run.set, ARRAY_SIZE(argv), argv, &guest.config), 0);
	guest.config.cpus = 1;
	assert_int_equal(vcpus_create(vm), 0);
	assert_int_equal(fake_find(0, REG_CONFIG(mvendorid))->value, 0x5b7);
	assert_int_equal(fake_find(0, REG_CONFIG(marchid))->value, 2);
	assert_int_equal(fake_find(0, REG_CONFIG(mimpid))->value, ~0ULL);
}

static void test_wrong_ids(void **state)
{
	static const char *const wrong[] = { "x", "-1", "0x", "1k", "18446744073709551616" };

	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		char *argv[] = { "run", "--custom-marchid", (char *)wrong[i] };

		said_begin();
		assert_int_equal(options_parse(&builtin_run.set, 3, argv, &guest.config), -EINVAL);
		said_end();
		SAID("--custom-marchid");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_write, setup, teardown),
		cmocka_unit_test_setup_teardown(test_write_in_parts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_much, setup, teardown),
		cmocka_unit_test_setup_teardown(test_version_01, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_suspend, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reset_while_suspended, setup, teardown),
		cmocka_unit_test_setup_teardown(test_switches, prepare, teardown),
		cmocka_unit_test_setup_teardown(test_unknown_switch, prepare, teardown),
		cmocka_unit_test_setup_teardown(test_ids, prepare, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_ids, prepare, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
