// SPDX-License-Identifier: GPL-2.0-or-later
/* Counters: names, places that are shared with nobody, and sums that threads add to together. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/vm/counters.h"
#include "test.h"
#include "uapi/kvm.h"

static void test_every_counter_has_a_name(void **state)
{
	for (unsigned i = 0; i < COUNTER_NR; i++) {
		assert_non_null(counter_names[i].key);
		assert_non_null(counter_names[i].words);
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(counter_names[i].key, counter_names[j].key);
	}
	for (unsigned i = 0; i < COUNTER_WORD_NR; i++)
		assert_non_null(counter_word_names[i].key);
}

static void test_reasons(void **state)
{
	char a[EXIT_NAME_SIZE], b[EXIT_NAME_SIZE];

	assert_string_equal(exit_reason_name(KVM_EXIT_IO, a), "io");
	assert_string_equal(exit_reason_name(KVM_EXIT_MEMORY_FAULT, a), "memory_fault");
	assert_string_equal(exit_reason_name(13, a), "reason_13");
	assert_string_equal(exit_reason_name(EXIT_REASON_MAX, a), "other");
	for (unsigned i = 0; i < EXIT_REASONS; i++)
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(exit_reason_name(i, a), exit_reason_name(j, b));
}

static void test_exits(void **state)
{
	struct exit_counters *exits = exit_counters_create(3);

	assert_non_null(exits);
	/* A row of its own for each vCPU, from one cache line's beginning to another's. */
	assert_int_equal((uintptr_t)exits % CACHE_LINE, 0);
	assert_int_equal(sizeof(exits[0]) % CACHE_LINE, 0);
	exit_count(&exits[1], KVM_EXIT_MMIO);
	exit_count(&exits[1], KVM_EXIT_MMIO);
	exit_count(&exits[1], EXIT_REASON_MAX);
	exit_count(&exits[1], EXIT_REASON_MAX + 1);
	exit_count(&exits[1], UINT32_MAX);
	for (unsigned i = 0; i < EXIT_REASONS; i++) {
		assert_int_equal(exit_counter_get(&exits[0], i), 0);
		assert_int_equal(exit_counter_get(&exits[1], i), i == KVM_EXIT_MMIO	? 2
								 : i == EXIT_REASON_MAX ? 3
											: 0);
		assert_int_equal(exit_counter_get(&exits[2], i), 0);
	}
	free(exits);
}

#define THREADS 4
#define ROUNDS	20000

static void *add(void *arg)
{
	for (unsigned i = 0; i < ROUNDS; i++)
		counter_add(arg, COUNTER_CONVERTED_BYTES, 4096);
	return NULL;
}

static void test_threads_add(void **state)
{
	struct counters counters = { 0 };
	pthread_t threads[THREADS];

	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add, &counters), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(counter_get(&counters, COUNTER_CONVERTED_BYTES),
			 4096ULL * ROUNDS * THREADS);
	assert_int_equal(counter_get(&counters, COUNTER_HYPERCALLS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_counter_has_a_name),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_exits),
		cmocka_unit_test(test_threads_add),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
