// SPDX-License-Identifier: GPL-2.0-or-later
/* Which of a host's performance monitors a guest gets. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pmu.h"
#include "test.h"

static char folder[64];
static struct host_pmu pmu;

static int setup(void **state)
{
	strcpy(folder, "/tmp/pmu.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	return system(command);
}

static void put(const char *name, const char *file, const char *text)
{
	char path[256];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%s/%s", folder, name, file);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static int choose(const char *list)
{
	cpu_set_t wanted;

	assert_int_equal(cpulist_parse(list, strlen(list), &wanted), 0);
	return pmu_choose(folder, &wanted, &pmu);
}

/* Other sources of events have no "cpus"; a name alone says nothing. */
static void put_others(void)
{
	put("tracepoint", "type", "2\n");
	put("arm_spe_0", "type", "9\n");
	put("arm_spe_0", "cpumask", "0-5\n");
	put("broken", "cpus", "garbage\n");
	put("broken", "type", "12\n");
}

static void one_kind(void **state)
{
	put_others();
	assert_int_equal(choose("0"), 0);
	put("armv8_pmuv3", "cpus", "0-3\n");
	put("armv8_pmuv3", "type", "10\n");
	assert_int_equal(choose("0-3"), 0);
	/* A CPU that has none is KVM's to refuse. */
	assert_int_equal(choose("7"), 0);
}

static void several_kinds(void **state)
{
	put_others();
	put("armv8_cortex_a53", "cpus", "0,3-5\n");
	put("armv8_cortex_a53", "type", "8\n");
	put("armv8_cortex_a72", "cpus", "1-2\n");
	put("armv8_cortex_a72", "type", "11\n");
	assert_int_equal(choose("4"), 1);
	assert_string_equal(pmu.name, "armv8_cortex_a53");
	assert_int_equal(pmu.type, 8);
	assert_int_equal(CPU_COUNT(&pmu.cpus), 4);
	assert_int_equal(choose("1-2"), 1);
	assert_int_equal(pmu.type, 11);
	assert_int_equal(choose("2-3"), -EINVAL);
	assert_int_equal(choose("0-5"), -EINVAL);
	assert_int_equal(choose("6"), -EINVAL);
}

static void no_folder(void **state)
{
	cpu_set_t wanted;

	CPU_ZERO(&wanted);
	assert_int_equal(pmu_choose("/nonexistent", &wanted, &pmu), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_kind),
		TEST(several_kinds),
		cmocka_unit_test(no_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
