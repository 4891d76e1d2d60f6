// SPDX-License-Identifier: GPL-2.0-or-later
/* Programs that script= and downscript= name: what they get, what is told of their end, and one that does not end. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../net/script.h"
#include "lkvm/util/helper.h"
#include "said.h"

static char folder[] = "/tmp/lkvm-script-XXXXXX";
static char path[64], seen[64];

static void write_script(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fprintf(file, "%s\n", text);
	fclose(file);
	assert_int_equal(chmod(path, 0755), 0);
}

static void see(const char *want)
{
	FILE *file = fopen(seen, "r");
	char line[64] = "";

	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	assert_string_equal(line, want);
	unlink(seen);
}

static int run(int ms)
{
	int err;

	said_begin();
	err = net_run_script("script", path, "tap7", ms);
	said_end();
	return err;
}

static void what_it_gets(void **state)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "#!/bin/sh\necho \"$# $1 $SECRET $(readlink /proc/self/fd/0)\" >%s; echo told",
		 seen);
	write_script(text);
	assert_int_equal(run(-1), 0);
	see("1 tap7  /dev/null\n");
	SAID("told");
	/* No limit of a helper's is there. */
	snprintf(text, sizeof(text), "#!/bin/sh\n(ulimit -f; ulimit -d) | sort -u >%s", seen);
	write_script(text);
	assert_int_equal(run(-1), 0);
	see("unlimited\n");
}

static void how_it_ended(void **state)
{
	write_script("#!/bin/sh\nexit 3");
	assert_int_equal(run(-1), -EIO);
	SAID("--network script=");
	SAID("run with tap7, it ended with status 3");
	write_script("#!/bin/sh\nkill -9 $$");
	assert_int_equal(run(-1), -EIO);
	SAID("it was ended by signal 9");
	write_script("#!/nowhere/sh");
	assert_int_equal(run(-1), -ENOENT);
	SAID("cannot be run: No such file or directory");
	said_begin();
	assert_int_equal(net_check_script("downscript", "/nowhere/x"), -ENOENT);
	said_end();
	SAID("--network downscript=/nowhere/x: cannot be run: No such file or directory");
}

static void one_that_hangs(void **state)
{
	char text[128];
	FILE *file;
	int pid;

	snprintf(text, sizeof(text), "#!/bin/sh\necho $$ >%s; exec sleep 1000", seen);
	write_script(text);
	/* That it has begun is in the file: it is not, now and then, on a busy machine. */
	for (int ms = 100;; ms *= 2) {
		assert_int_equal(run(ms), -EIO);
		file = fopen(seen, "r");
		if (file && fscanf(file, "%d", &pid) == 1)
			break;
		if (file)
			fclose(file);
	}
	fclose(file);
	unlink(seen);
	SAID("had not ended after 0 s, and was killed");
	while (!kill(pid, 0))
		usleep(1000);
	assert_int_equal(errno, ESRCH);
}

static void names_that_are_none(void **state)
{
	assert_null(net_script(NULL));
	assert_null(net_script(""));
	assert_null(net_script("no"));
	assert_null(net_script("none"));
	assert_string_equal(net_script("nothing"), "nothing");
}

static int setup(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/script", folder);
	snprintf(seen, sizeof(seen), "%s/seen", folder);
	setenv("SECRET", "told", 1);
	return helpers_begin();
}

static int teardown(void **state)
{
	helpers_end();
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_gets),
		cmocka_unit_test(how_it_ended),
		cmocka_unit_test(one_that_hangs),
		cmocka_unit_test(names_that_are_none),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
