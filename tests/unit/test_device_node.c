// SPDX-License-Identifier: GPL-2.0-or-later
/* What is advised about /dev/kvm, for each way in which it cannot be opened: what would help, and nothing unsafe. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lkvm/host/device-node.h"
#include "test.h"

static char text[600];

static struct node_seen node(unsigned mode, gid_t gid, const char *group)
{
	struct node_seen seen = {
		.path = "/dev/kvm",
		.error = EACCES,
		.found = true,
		.mode = S_IFCHR | mode,
		.gid = gid,
		.kvm_group = true,
	};

	snprintf(seen.group, sizeof(seen.group), "%s", group);
	return seen;
}

static void explain(const struct node_seen *seen)
{
	node_explain(seen, "load it", "in a guest more", text, sizeof(text));
	assert_null(strchr(text, '\n'));
}

static void has(const char *words)
{
	if (!strstr(text, words)) {
		print_error("said '%s', not '%s'\n", text, words);
		fail();
	}
}

static void has_not(const char *words)
{
	if (strstr(text, words)) {
		print_error("said '%s', with '%s'\n", text, words);
		fail();
	}
}

static void a_group_that_may(void **state)
{
	struct node_seen seen = node(0660, 104, "kvm");

	explain(&seen);
	has("No permission to open /dev/kvm (mode 0660, group kvm): become a member of its group 'kvm'");
	has("usermod -aG kvm USER");
	seen.is_member = true;
	explain(&seen);
	has("since you logged in; log in again");
	has_not("usermod");
}

/* The group has nothing from it, or is one that gives far more than a device. */
static void a_group_that_is_no_help(void **state)
{
	static const struct {
		unsigned mode;
		gid_t gid;
		const char *group;
	} nodes[] = {
		{ 0600, 0, "root" },   { 0660, 0, "root" },	{ 0600, 104, "kvm" },
		{ 0640, 104, "kvm" },  { 0620, 104, "kvm" },	{ 0660, 27, "sudo" },
		{ 0660, 10, "wheel" }, { 0660, 6, "disk" },	{ 0660, 42, "shadow" },
		{ 0660, 0, "0" },      { 0660, 999, "docker" }, { 0660, 1234, "1234" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(nodes); i++) {
		struct node_seen seen = node(nodes[i].mode, nodes[i].gid, nodes[i].group);

		explain(&seen);
		has_not("member");
		has_not("usermod");
		has("root can give it to group kvm ('chgrp kvm /dev/kvm && chmod 660 /dev/kvm'");
		has("KERNEL==\"kvm\", GROUP=\"kvm\", MODE=\"0660\"");
		has_not("groupadd");
		seen.kvm_group = false;
		explain(&seen);
		has("'groupadd -r kvm'");
	}
}

/* The host's group of a node that was given to a container, whose /etc/group does not know it. */
static void a_group_without_a_name(void **state)
{
	struct node_seen seen = node(0660, 108, "108");

	seen.in_container = true;
	explain(&seen);
	has("start it with '--group-add 108'");
	has_not("usermod");
	seen = node(0660, 0, "0");
	seen.in_container = true;
	explain(&seen);
	has_not("--group-add");
}

static void a_mode_that_allows_it(void **state)
{
	struct node_seen seen = node(0600, 0, "root");

	seen.root = true;
	seen.error = EPERM;
	explain(&seen);
	has("a device cgroup or a security module");
	seen.in_container = true;
	explain(&seen);
	has("'--device /dev/kvm'");
	seen = node(0660, 104, "kvm");
	seen.has_group = true;
	explain(&seen);
	has("a device cgroup or a security module");
	seen = node(0666, 0, "root");
	explain(&seen);
	has("a device cgroup or a security module");
	/* What a container without that group shows of it. */
	seen = node(0660, 65534, "nogroup");
	seen.in_container = true;
	explain(&seen);
	has("outside this container");
	has_not("nogroup'");
}

static void none_there(void **state)
{
	static const int errors[] = { ENOENT, ENXIO, ENODEV };

	for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
		struct node_seen seen = { .path = "/dev/kvm", .error = errors[i] };

		explain(&seen);
		has("No /dev/kvm (");
		has("): load it");
		has_not("guest");
		seen.in_guest = true;
		explain(&seen);
		has("): load it; in a guest more");
		node_explain(&seen, "load it", NULL, text, sizeof(text));
		has("): load it");
		has_not(";");
		seen.in_container = true;
		explain(&seen);
		has("this is a container; start it with '--device /dev/kvm'");
		has_not("load it");
	}
}

static void other_errors(void **state)
{
	struct node_seen seen = node(0660, 104, "kvm");

	seen.error = EMFILE;
	explain(&seen);
	assert_string_equal(text, "Unable to open /dev/kvm: Too many open files");
	/* The folder cannot be searched. */
	seen = (struct node_seen){ .path = "/dev/kvm", .error = EACCES };
	explain(&seen);
	assert_string_equal(text, "No permission to open /dev/kvm: Permission denied");
}

/* What is seen of a node is what is there. */
static void looking(void **state)
{
	struct node_seen seen;
	struct stat st;

	assert_int_equal(stat("/dev/null", &st), 0);
	node_look(&seen, "/dev/null", EACCES);
	assert_string_equal(seen.path, "/dev/null");
	assert_int_equal(seen.error, EACCES);
	assert_true(seen.found);
	assert_int_equal(seen.mode, st.st_mode);
	assert_int_equal(seen.gid, st.st_gid);
	assert_true(seen.group[0]);
	assert_int_equal(seen.root, geteuid() == 0);
	node_look(&seen, "/dev/nowhere", ENOENT);
	assert_false(seen.found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_that_may),
		cmocka_unit_test(a_group_that_is_no_help),
		cmocka_unit_test(a_group_without_a_name),
		cmocka_unit_test(a_mode_that_allows_it),
		cmocka_unit_test(none_there),
		cmocka_unit_test(other_errors),
		cmocka_unit_test(looking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
