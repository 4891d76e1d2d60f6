// SPDX-License-Identifier: GPL-2.0-or-later
/* Hop limits that are set again: whether the kernel is asked shows in one that was set behind setsockopt's back. */
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "test.h"
#include "lkvm/util/hops.h"
#include "lkvm/util/types.h"

#define BEHIND 77

struct option {
	int family, level, name;
};

static const struct option ip4 = { AF_INET, IPPROTO_IP, IP_TTL };
static const struct option ip6 = { AF_INET6, IPPROTO_IPV6, IPV6_UNICAST_HOPS };

static int make_socket(const struct option *option)
{
	int fd = socket(option->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		skip();
	return fd;
}

static int limit_of(int fd, const struct option *option)
{
	int limit = -1;
	socklen_t len = sizeof(limit);

	assert_int_equal(getsockopt(fd, option->level, option->name, &limit, &len), 0);
	return limit;
}

static void set(int fd, const struct option *option, int limit)
{
	assert_int_equal(setsockopt(fd, option->level, option->name, &limit, sizeof(limit)), 0);
}

static void set_behind(int fd, const struct option *option)
{
	int limit = BEHIND;

	assert_int_equal(
		syscall(SYS_setsockopt, fd, option->level, option->name, &limit, sizeof(limit)), 0);
}

/* What is there already is set once more: whether the kernel hears of it. */
static bool reaches_kernel(int fd, const struct option *option, int limit)
{
	set_behind(fd, option);
	set(fd, option, limit);
	if (limit_of(fd, option) == limit)
		return true;
	assert_int_equal(limit_of(fd, option), BEHIND);
	return false;
}

static void check_remembered(const struct option *option)
{
	int fd = make_socket(option);

	hops_remember(fd);
	assert_true(reaches_kernel(fd, option, 63));
	assert_false(reaches_kernel(fd, option, 63));
	assert_true(reaches_kernel(fd, option, 10));
	assert_true(reaches_kernel(fd, option, 63));
	assert_false(reaches_kernel(fd, option, 63));
	hops_forget(fd);
	assert_true(reaches_kernel(fd, option, 63));
	assert_true(reaches_kernel(fd, option, 63));
	close(fd);
}

static void remembered(void **state)
{
	check_remembered(&ip4);
}

static void remembered_ip6(void **state)
{
	check_remembered(&ip6);
}

/* The number is another socket's now, whether its old owner was forgotten or not. */
static void number_again(void **state)
{
	int fd = make_socket(&ip4), other = make_socket(&ip4);

	for (unsigned i = 0; i < 2; i++) {
		hops_remember(fd);
		set(fd, &ip4, 63);
		assert_false(reaches_kernel(fd, &ip4, 63));
		if (i)
			hops_forget(fd);
		assert_int_equal(dup2(other, fd), fd);
		hops_remember(fd);
		assert_true(reaches_kernel(fd, &ip4, 63));
	}
	hops_forget(fd);
	close(fd);
	close(other);
}

static void other_options(void **state)
{
	int fd = make_socket(&ip4), size = 8192, old, tos = 63;
	socklen_t len = sizeof(old);

	hops_remember(fd);
	set(fd, &ip4, 63);
	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos)), 0);
	assert_false(reaches_kernel(fd, &ip4, 63));
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &old, &len), 0);
	assert_int_equal(old, 2 * size);
	hops_forget(fd);
	close(fd);
}

/* Each has a limit of its own, also when both are set on one socket. */
static void both_families(void **state)
{
	int fd = make_socket(&ip6);

	hops_remember(fd);
	set(fd, &ip4, 20);
	set(fd, &ip6, 20);
	assert_int_equal(limit_of(fd, &ip4), 20);
	assert_int_equal(limit_of(fd, &ip6), 20);
	set(fd, &ip4, 30);
	set(fd, &ip6, 20);
	assert_int_equal(limit_of(fd, &ip4), 30);
	assert_int_equal(limit_of(fd, &ip6), 20);
	hops_forget(fd);
	close(fd);
}

static void refused(void **state)
{
	int fd = make_socket(&ip4), wrong = 1000;

	hops_remember(fd);
	set(fd, &ip4, 63);
	for (unsigned i = 0; i < 2; i++) {
		errno = 0;
		assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_TTL, &wrong, sizeof(wrong)), -1);
		assert_int_equal(errno, EINVAL);
	}
	assert_int_equal(limit_of(fd, &ip4), 63);
	hops_forget(fd);
	close(fd);
}

/* Numbers that are nobody's, or too high, are the kernel's to judge. */
static void no_socket(void **state)
{
	static const int numbers[] = { -1, HOPS_SOCKETS, 1 << 30 };
	int limit = 63;

	for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
		hops_remember(numbers[i]);
		errno = 0;
		assert_int_equal(setsockopt(numbers[i], IPPROTO_IP, IP_TTL, &limit, sizeof(limit)),
				 -1);
		assert_int_equal(errno, EBADF);
		hops_forget(numbers[i]);
	}
}

/* What the dynamic linker gives to a library that is loaded. */
static void found_by_libraries(void **state)
{
	assert_ptr_equal(dlsym(RTLD_DEFAULT, "setsockopt"), setsockopt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remembered),	 cmocka_unit_test(remembered_ip6),
		cmocka_unit_test(number_again),	 cmocka_unit_test(other_options),
		cmocka_unit_test(both_families), cmocka_unit_test(refused),
		cmocka_unit_test(no_socket),	 cmocka_unit_test(found_by_libraries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
