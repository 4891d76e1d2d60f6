// SPDX-License-Identifier: GPL-2.0-or-later
/* The link to a pty: made, found again after a crash, and nobody else's touched. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "../../console/chardev-backend.h"
#include "said.h"

static char folder[] = "/tmp/lkvm-link-XXXXXX";
static char path[64], elsewhere[64];
static int master = -1;
static char pty[64];

/* A pty that is there, and a name for its link. */
static int setup(void **state)
{
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/link", folder);
	snprintf(elsewhere, sizeof(elsewhere), "%s/moved", folder);
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	return master < 0 || ptsname_r(master, pty, sizeof(pty));
}

static int teardown(void **state)
{
	unlink(path);
	unlink(elsewhere);
	close(master);
	return rmdir(folder);
}

static void leads_to(const char *name, const char *want)
{
	char target[64];
	ssize_t len = readlink(name, target, sizeof(target) - 1);

	if (!want) {
		assert_int_equal(len, -1);
		return;
	}
	assert_true(len > 0);
	target[len] = 0;
	assert_string_equal(target, want);
}

static int make(struct pty_link *link, const char *at)
{
	return pty_link_open(link, at, pty) ?: pty_link_make(link);
}

static void comes_and_goes(void **state)
{
	struct pty_link link = { 0 };

	pty_link_remove(&link);
	assert_int_equal(make(&link, path), 0);
	leads_to(path, pty);
	pty_link_remove(&link);
	leads_to(path, NULL);
	pty_link_remove(&link);
}

static void replaces_what_a_dead_guest_left(void **state)
{
	/* A number that no pty can have; and ours, which a guest had before. */
	const char *const stale[] = { "/dev/pts/2147483647", pty };

	for (unsigned i = 0; i < ARRAY_SIZE(stale); i++) {
		struct pty_link link = { 0 };

		assert_int_equal(symlink(stale[i], path), 0);
		assert_int_equal(make(&link, path), 0);
		leads_to(path, pty);
		pty_link_remove(&link);
		leads_to(path, NULL);
	}
}

static void refuse(const char *words)
{
	struct pty_link link = { 0 };

	said_begin();
	assert_int_equal(make(&link, path), -EEXIST);
	said_end();
	SAID(words);
	pty_link_remove(&link);
}

static void replaces_nothing_else(void **state)
{
	int other = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	char other_pty[64];
	struct stat st;

	assert_int_equal(symlink("/etc/passwd", path), 0);
	refuse("there is a link to something else");
	leads_to(path, "/etc/passwd");
	unlink(path);

	assert_int_equal(symlink("/dev/pts/../../etc/passwd", path), 0);
	refuse("there is a link to something else");
	unlink(path);

	assert_int_equal(ptsname_r(other, other_pty, sizeof(other_pty)), 0);
	assert_int_equal(symlink(other_pty, path), 0);
	refuse("there is a link to a terminal that is in use");
	leads_to(path, other_pty);
	unlink(path);
	close(other);

	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	refuse("there is something else of that name");
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
}

static void leaves_another_users_link(void **state)
{
	if (geteuid())
		skip();
	assert_int_equal(symlink("/dev/pts/2147483647", path), 0);
	assert_int_equal(lchown(path, 12345, 12345), 0);
	refuse("there is a link of another user's");
	leads_to(path, "/dev/pts/2147483647");
}

/* At the end it is not ours any more, or elsewhere. */
static void removes_only_its_own(void **state)
{
	struct pty_link link = { 0 };

	assert_int_equal(make(&link, path), 0);
	assert_int_equal(rename(path, elsewhere), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	pty_link_remove(&link);
	leads_to(path, "/etc/passwd");
	leads_to(elsewhere, pty);
}

static void folder_that_is_missing(void **state)
{
	struct pty_link link = { 0 };

	said_begin();
	assert_int_equal(make(&link, "/nowhere/link"), -ENOENT);
	said_end();
	SAID("Unable to make the link /nowhere/link to /dev/pts/");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(comes_and_goes),	  T(replaces_what_a_dead_guest_left),
		T(replaces_nothing_else), T(leaves_another_users_link),
		T(removes_only_its_own),  T(folder_that_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
