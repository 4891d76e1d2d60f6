// SPDX-License-Identifier: GPL-2.0-or-later
/* Which of a host's performance monitors a guest gets. */
#include <errno.h>

#include "folder.h"
#include "pmu.h"

static struct host_pmu pmu;

static int choose_of(const char *list, const char *all)
{
	cpu_set_t wanted, allowed;

	assert_int_equal(cpulist_parse(list, &wanted), 0);
	assert_int_equal(cpulist_parse(all, &allowed), 0);
	return pmu_choose(folder, &wanted, &allowed, &pmu);
}

static int choose(const char *list)
{
	return choose_of(list, "0-63");
}

/* Other sources of events have no "cpus"; a name alone says nothing. */
static void put_others(void)
{
	folder_put("tracepoint", "type", "2\n");
	folder_put("arm_spe_0", "type", "9\n");
	folder_put("arm_spe_0", "cpumask", "0-5\n");
	folder_put("broken", "cpus", "garbage\n");
	folder_put("broken", "type", "12\n");
}

static void one_kind(void **state)
{
	put_others();
	assert_int_equal(choose("0"), 0);
	folder_put("armv8_pmuv3", "cpus", "0-3\n");
	folder_put("armv8_pmuv3", "type", "10\n");
	assert_int_equal(choose("0-3"), 0);
	/* A CPU that has none is KVM's to refuse. */
	assert_int_equal(choose("7"), 0);
}

static void several_kinds(void **state)
{
	put_others();
	folder_put("armv8_cortex_a53", "cpus", "0,3-5\n");
	folder_put("armv8_cortex_a53", "type", "8\n");
	folder_put("armv8_cortex_a72", "cpus", "1-2\n");
	folder_put("armv8_cortex_a72", "type", "11\n");
	assert_int_equal(choose("4"), 1);
	assert_string_equal(pmu.name, "armv8_cortex_a53");
	assert_int_equal(pmu.type, 8);
	assert_int_equal(CPU_COUNT(&pmu.cpus), 4);
	assert_int_equal(choose("1-2"), 1);
	assert_int_equal(pmu.type, 11);
	assert_int_equal(choose("2-3"), -EINVAL);
	assert_int_equal(choose("0-5"), -EINVAL);
	assert_int_equal(choose("6"), -EINVAL);
	/* Of a kind's CPUs a process may be kept from some. */
	assert_int_equal(choose_of("4", "1-4"), 1);
	assert_int_equal(CPU_COUNT(&pmu.cpus), 2);
	assert_true(CPU_ISSET(3, &pmu.cpus) && CPU_ISSET(4, &pmu.cpus));
}

static void no_folder(void **state)
{
	cpu_set_t wanted;

	CPU_ZERO(&wanted);
	assert_int_equal(pmu_choose("/nonexistent", &wanted, &wanted, &pmu), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_make, folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_kind),
		TEST(several_kinds),
		cmocka_unit_test(no_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
