// SPDX-License-Identifier: GPL-2.0-or-later
/* Memory that cannot be touched, as a protected guest's: here by mprotect(2), whose faults are the same. */
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel_file.h"
#include "lkvm/config.h"
#include "lkvm/vm.h"
#include "test.h"
#include "../../vm/private-memory.h"

#define RAM 0x80000000ULL

static struct vm vm;
static struct vm_config config;

static int setup(void **state)
{
	memset(&vm, 0, sizeof(vm));
	config.name = "test";
	vm.config = &config;
	vm.request_fd.fd = eventfd(0, EFD_CLOEXEC);
	guest_memory_init(&vm.memory);
	assert_int_equal(guest_memory_add_ram(&vm.memory, RAM, MIB(1)), 0);
	return 0;
}

static int teardown(void **state)
{
	close(vm.request_fd.fd);
	guest_memory_destroy(&vm.memory);
	return 0;
}

static void hide(gpa_t gpa, u64 size)
{
	assert_int_equal(mprotect(guest_memory_hva(&vm.memory, gpa, size), size, PROT_NONE), 0);
}

static void guest_ends(void **state)
{
	u64 page = sysconf(_SC_PAGESIZE), value = 1;
	const char *said;
	struct ear ear;

	/* Here, as cmocka has its own handler from a test's beginning to its end. */
	assert_int_equal(private_memory_guard(&vm), 0);
	assert_false(private_memory_say_fault(&vm));
	assert_int_equal(guest_write(&vm.memory, RAM + page - 8, &value, sizeof(value)), 0);
	assert_int_equal(guest_read(&vm.memory, RAM + page, &value, sizeof(value)), 0);
	assert_int_equal(vm.end, VM_REQUEST_NONE);
	hide(RAM + page, 4 * page);
	assert_int_equal(guest_read(&vm.memory, RAM + 2 * page + 24, &value, sizeof(value)), 0);
	assert_int_equal(value, 0);
	assert_int_equal(vm.end, VM_REQUEST_INTERNAL_ERROR);
	/* The other pages are as hidden as before, and what is shared as it was. */
	assert_int_equal(guest_write(&vm.memory, RAM + 3 * page, &value, sizeof(value)), 0);
	assert_int_equal(guest_read(&vm.memory, RAM + page - 8, &value, sizeof(value)), 0);
	assert_int_equal(value, 1);
	ear = listen_to_stderr();
	assert_true(private_memory_say_fault(&vm));
	said = heard(&ear);
	assert_non_null(strstr(said, "Guest test had a device use memory that it does not share"));
}

/* Any other fault is a bug, and ends the program as it should. */
static void other_faults_are_not_hidden(void **state)
{
	pid_t child = fork();
	int status;

	if (!child) {
		int error = private_memory_guard(&vm);
		u8 *nothing = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		*(volatile u8 *)nothing = 1;
		_exit(error);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(guest_ends),
		TEST(other_faults_are_not_hidden),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
