// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest memory that is taken away: a file made shorter, a file system that is full, an error of the host's memory
 * (sent as the kernel would), and a protected guest's (here by mprotect(2), whose faults are the same).
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lkvm/config/config.h"
#include "lkvm/memory/guard.h"
#include "lkvm/vm/vm.h"
#include "guarded_vm.h"
#include "said.h"

#define RAM  0x80000000ULL
#define SIZE (MIB(1) + 0ULL)

static struct vm vm;
static struct vm_config config;
static struct memory_config backend;
static char folder[] = "/tmp/lkvm-guard-XXXXXX", path[64];

static int setup(void **state)
{
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/ram", folder);
	memset(&vm, 0, sizeof(vm));
	config.name = "test";
	vm.config = &config;
	vm.request_fd.fd = eventfd(0, EFD_CLOEXEC);
	guest_memory_init(&vm.memory);
	return 0;
}

static int teardown(void **state)
{
	memory_guard_disarm();
	close(vm.request_fd.fd);
	guest_memory_destroy(&vm.memory);
	unlink(path);
	umount2(folder, MNT_DETACH);
	rmdir(folder);
	return 0;
}

/* In a test itself, as cmocka has its own handlers from its beginning to its end. */
static void make(enum memory_kind kind)
{
	backend = (struct memory_config){ .kind = kind, .path = path };
	assert_int_equal(guest_memory_use(&vm.memory, &backend, SIZE), 0);
	assert_int_equal(guest_memory_add_ram(&vm.memory, RAM, SIZE), 0);
	assert_int_equal(guarded_begin(&vm), 0);
	assert_false(memory_guard_tripped());
}

static u64 page(void)
{
	return sysconf(_SC_PAGESIZE);
}

static void put(gpa_t gpa, u64 value)
{
	assert_int_equal(guest_write(&vm.memory, gpa, &value, sizeof(value)), 0);
}

static u64 get(gpa_t gpa)
{
	u64 value = 5;

	assert_int_equal(guest_read(&vm.memory, gpa, &value, sizeof(value)), 0);
	return value;
}

static void shorten(u64 size)
{
	assert_int_equal(truncate(path, size), 0);
}

static void *hva(gpa_t gpa)
{
	return guest_memory_hva(&vm.memory, gpa, 1);
}

static void expect(const char *words)
{
	assert_true(memory_guard_tripped());
	said_begin();
	memory_guard_log("test");
	said_end();
	SAID(words);
}

/* ---- a file ---- */

static void file_made_shorter(void **state)
{
	make(MEMORY_FILE);
	put(RAM + SIZE / 2 - 8, 1);
	put(RAM + SIZE - 8, 2);
	shorten(SIZE / 2);
	assert_int_equal(get(RAM + SIZE / 2 - 8), 1);
	assert_int_equal(vm.end, VM_REQUEST_NONE);
	/* Both go on, and may be done again. */
	assert_int_equal(get(RAM + SIZE - 8), 0);
	put(RAM + SIZE / 2, 3);
	assert_int_equal(get(RAM + SIZE / 2), 3);
	assert_int_equal(vm.end, VM_REQUEST_HOST_ERROR);
	/* The first one counts. */
	expect("Guest test: --mem-backend file: memory at 0x800ff000 is lost: ");
	assert_non_null(strstr(said, "/ram was made shorter, to 512 KiB of 1024; "));
}

/* Nobody was there to be sent a signal. */
static void system_call_on_a_file_made_shorter(void **state)
{
	u64 bytes[2] = { 7, 7 };
	int pipes[2];

	make(MEMORY_FILE);
	shorten(SIZE / 2);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(write(pipes[1], bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(read(pipes[0], hva(RAM + 2 * page()), 8), 8);
	assert_false(memory_guard_check(hva(RAM + 2 * page()), 8));
	assert_false(memory_guard_check(bytes, sizeof(bytes)));
	assert_int_equal(read(pipes[0], hva(RAM + SIZE / 2 + page()), 8), -1);
	assert_false(memory_guard_tripped());
	assert_int_equal(get(RAM + 2 * page()), 7);
	if (madvise(hva(RAM), page(), 23 /* MADV_POPULATE_WRITE */))
		skip();
	struct iovec iov[] = { { bytes, 16 },
			       { hva(RAM + 2 * page()), 8 },
			       { hva(RAM + SIZE / 2 + page()) - 8, 16 } };
	assert_true(memory_guard_check_iov(iov, ARRAY_SIZE(iov)));
	assert_int_equal(vm.end, VM_REQUEST_HOST_ERROR);
	expect("memory at 0x80080000 is lost: ");
	close(pipes[0]);
	close(pipes[1]);
}

/* KVM_RUN says no more than EFAULT. */
static void search_in_a_file_made_shorter(void **state)
{
	make(MEMORY_FILE);
	assert_false(memory_guard_search());
	shorten(SIZE / 2 + 1);
	assert_true(memory_guard_search());
	assert_int_equal(vm.end, VM_REQUEST_HOST_ERROR);
	expect("memory at 0x80081000 is lost: ");
}

/* A file system of its own, which is as large as half of the guest's memory. */
static void make_in_little_room(void)
{
	char options[32];
	int fd;

	if (geteuid() || unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		skip();
	snprintf(options, sizeof(options), "size=%lluk", SIZE / KIB(2));
	if (mount("lkvm", folder, "tmpfs", 0, options))
		skip();
	fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_int_equal(ftruncate(fd, SIZE), 0);
	close(fd);
	make(MEMORY_FILE);
}

static void file_system_is_full(void **state)
{
	gpa_t gpa = RAM;

	make_in_little_room();
	while (!memory_guard_tripped() && gpa < RAM + SIZE) {
		put(gpa, gpa);
		gpa += page();
	}
	assert_in_range(gpa, RAM + SIZE / 4, RAM + SIZE / 2 + page());
	assert_int_equal(get(RAM), RAM);
	assert_int_equal(vm.end, VM_REQUEST_HOST_ERROR);
	expect("/ram has no space for it, 0 KiB are left; free some there, or add ,prealloc");
}

static void search_in_a_full_file_system(void **state)
{
	static u8 bytes[SIZE];
	int fd;

	make_in_little_room();
	assert_false(memory_guard_search());
	fd = open(path, O_WRONLY);
	assert_true(write(fd, bytes, sizeof(bytes)) < (ssize_t)sizeof(bytes));
	close(fd);
	assert_true(memory_guard_search());
	assert_int_equal(vm.end, VM_REQUEST_HOST_ERROR);
	expect("/ram has no space for it, 0 KiB are left");
}

/* ---- other memory ---- */

/* As KVM and the kernel's page faults send it for broken memory, here by hand. */
static void send_sigbus(int code, void *address)
{
	siginfo_t info = { .si_code = code };

	info.si_addr = address;
	assert_int_equal(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGBUS, &info), 0);
}

static void memory_is_broken(void **state)
{
	make(MEMORY_ANONYMOUS);
	put(RAM + page(), 1);
	put(RAM + 2 * page(), 2);
	send_sigbus(BUS_MCEERR_AR, hva(RAM + page() + 24));
	assert_int_equal(get(RAM + page()), 0);
	assert_int_equal(get(RAM + 2 * page()), 2);
	assert_int_equal(vm.end, VM_REQUEST_HOST_ERROR);
	expect("Guest test: --mem-backend anonymous: memory at 0x80001000 is lost: the host's "
	       "memory there is broken");
}

static void kvm_tells_of_broken_memory(void **state)
{
	make(MEMORY_MEMFD);
	assert_false(memory_guard_report(RAM - 1, true));
	assert_false(memory_guard_report(RAM + SIZE, true));
	assert_false(memory_guard_tripped());
	assert_true(memory_guard_report(RAM + SIZE - 1, true));
	assert_int_equal(vm.end, VM_REQUEST_HOST_ERROR);
	expect("memory at 0x800ff000 is lost: the host's memory there is broken");
}

static void hide(gpa_t gpa, u64 size)
{
	assert_int_equal(mprotect(hva(gpa), size, PROT_NONE), 0);
}

static void memory_is_not_shared(void **state)
{
	vm.private_memory = true;
	make(MEMORY_ANONYMOUS);
	put(RAM + page() - 8, 1);
	assert_int_equal(get(RAM + page()), 0);
	assert_int_equal(vm.end, VM_REQUEST_NONE);
	hide(RAM + page(), 4 * page());
	assert_int_equal(get(RAM + 2 * page() + 24), 0);
	assert_int_equal(vm.end, VM_REQUEST_INTERNAL_ERROR);
	/* The other pages are as hidden as before, and what is shared as it was. */
	put(RAM + 3 * page(), 1);
	assert_int_equal(get(RAM + page() - 8), 1);
	expect("Guest test had a device use memory that it does not share, at 0x80002000");
}

/* ---- what is none of ours ---- */

/* The signal that ends a process which does that; 0: none. */
static int signal_of(void (*what)(void))
{
	pid_t child = fork();
	int status;

	if (!child) {
		what();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static u8 *nothing;

static void touch_nothing(void)
{
	*(volatile u8 *)nothing = 1;
}

static void kill_with_sigbus(void)
{
	raise(SIGBUS);
}

static void send_address_of_guest(void)
{
	siginfo_t info = { .si_code = SI_QUEUE };

	info.si_addr = hva(RAM);
	syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGBUS, &info);
}

static void other_signals_have_their_action(void **state)
{
	int fd = memfd_create("nothing", 0);

	signal(SIGBUS, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	make(MEMORY_MEMFD);
	/* A file without a page, that is not the guest's. */
	nothing = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_int_equal(signal_of(touch_nothing), SIGBUS);
	assert_int_equal(signal_of(kill_with_sigbus), SIGBUS);
	assert_int_equal(signal_of(send_address_of_guest), SIGBUS);
	munmap(nothing, page());
	close(fd);
	/* No guest's but a protected one's memory refuses itself. */
	hide(RAM, page());
	nothing = vm.memory.regions[0].hva;
	assert_int_equal(signal_of(touch_nothing), SIGSEGV);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(file_made_shorter),
		TEST(system_call_on_a_file_made_shorter),
		TEST(search_in_a_file_made_shorter),
		TEST(file_system_is_full),
		TEST(search_in_a_full_file_system),
		TEST(memory_is_broken),
		TEST(kvm_tells_of_broken_memory),
		TEST(memory_is_not_shared),
		TEST(other_signals_have_their_action),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
