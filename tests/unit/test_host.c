// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of facts, what answers look like, and a host without KVM: everything is told, nothing made up. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lkvm/host/host.h"
#include "test.h"

static char *text;
static size_t size;

static FILE *begin(void)
{
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	return out;
}

/* ---- the table ---- */

struct table {
	unsigned rows;
	const struct host_fact *seen[128];
};

static int collect(const struct host_fact *fact, void *arg)
{
	struct table *table = arg;

	assert_true(table->rows < ARRAY_SIZE(table->seen));
	table->seen[table->rows++] = fact;
	return 0;
}

static void check_row(const struct host_fact *fact)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	size_t words = strlen(fact->words);

	assert_int_equal(strspn(fact->key, letters), strlen(fact->key));
	assert_non_null(fact->ask);
	/* So that a blank is left before the values' column. */
	assert_true(words >= 3 && words <= 28);
	assert_null(strpbrk(fact->words, ":\n"));
	assert_int_equal(!!fact->path, fact->ask == host_ask_node);
	if (fact->ask == host_ask_cap_bits)
		assert_non_null(fact->bits);
	if (fact->ask == host_ask_cap || fact->ask == host_ask_cap_number ||
	    fact->ask == host_ask_cap_bits)
		assert_true(fact->cap > 0);
}

static void test_table_is_sound(void **state)
{
	struct table table = { .rows = 0 };

	assert_int_equal(host_for_each_fact(collect, &table), 0);
	assert_true(table.rows >= 30);
	for (unsigned i = 0; i < table.rows; i++) {
		check_row(table.seen[i]);
		if (i)
			assert_true(table.seen[i]->group >= table.seen[i - 1]->group);
		for (unsigned j = 0; j < i; j++) {
			if (table.seen[i]->group != table.seen[j]->group)
				continue;
			assert_string_not_equal(table.seen[i]->key, table.seen[j]->key);
			assert_string_not_equal(table.seen[i]->words, table.seen[j]->words);
		}
	}
}

static int stop_at_third(const struct host_fact *fact, void *arg)
{
	return ++*(int *)arg == 3 ? 42 : 0;
}

static void test_walk_can_be_stopped(void **state)
{
	int calls = 0;

	assert_int_equal(host_for_each_fact(stop_at_third, &calls), 42);
	assert_int_equal(calls, 3);
}

/* ---- answers for people ---- */

static void shown(const struct host_answer *answer, const char *unit, const char *expected)
{
	struct host_fact fact = { .words = "a fact", .unit = unit };
	FILE *out = begin();

	host_print_answer(&fact, answer, out);
	assert_int_equal(fclose(out), 0);
	assert_true(size > 33);
	assert_memory_equal(text, "  a fact:                       ", 32);
	assert_int_equal(text[size - 1], '\n');
	text[size - 1] = '\0';
	assert_string_equal(text + 32, expected);
	free(text);
}

static void test_plain_answers(void **state)
{
	struct host_answer answer = { .kind = HOST_UNKNOWN };

	shown(&answer, NULL, "unknown");
	host_say(&answer, true);
	shown(&answer, NULL, "yes");
	host_because(&answer, "VMX");
	shown(&answer, NULL, "yes (VMX)");
	host_say(&answer, false);
	host_because(&answer, "needs Linux %d.%d", 6, 16);
	shown(&answer, NULL, "no (needs Linux 6.16)");
	answer.why[0] = '\0';
	host_say_text(&answer, "%u.%u", 1, 3);
	shown(&answer, NULL, "1.3");
	host_say_number(&answer, 48);
	shown(&answer, NULL, "48");
	shown(&answer, "bits", "48 bits");
}

static void test_bytes(void **state)
{
	struct host_answer answer = { .kind = HOST_UNKNOWN };

	host_say_number(&answer, 0);
	shown(&answer, "B", "0 bytes");
	host_say_number(&answer, 1023);
	shown(&answer, "B", "1023 bytes");
	host_say_number(&answer, 4096);
	shown(&answer, "B", "4 KiB");
	host_say_number(&answer, KIB(64));
	shown(&answer, "B", "64 KiB");
	host_say_number(&answer, GIB(23) + GIB(1) / 2);
	shown(&answer, "B", "23.5 GiB");
	host_say_number(&answer, GIB(1) - 1);
	shown(&answer, "B", "1023.9 MiB");
	host_say_number(&answer, GIB(1024) * 6000);
	shown(&answer, "B", "6000 TiB");
}

static void test_lists(void **state)
{
	struct host_answer names = { .kind = HOST_NAMES }, numbers = { .kind = HOST_NUMBERS };
	struct host_answer counts = { .kind = HOST_COUNTS };

	shown(&names, "bits", "none");
	host_add_name(&names, "kernel");
	shown(&names, NULL, "kernel");
	host_add_name(&names, "split");
	shown(&names, NULL, "kernel, split");
	host_because(&names, "why not");
	shown(&names, NULL, "kernel, split (why not)");
	shown(&counts, NULL, "none");
	host_add_count(&counts, "2M", 0);
	host_add_count(&counts, "1G", 7);
	shown(&counts, NULL, "2M: 0, 1G: 7");
	for (unsigned i = 1; i <= 4; i++)
		host_add_number(&numbers, i * 128);
	shown(&numbers, "bits", "128, 256, 384, 512 bits");
	host_add_number(&numbers, 640);
	shown(&numbers, "bits", "128, 256, ..., 640 bits");
	/* A gap is worth telling. */
	host_add_number(&numbers, 1024);
	shown(&numbers, NULL, "128, 256, 384, 512, 640, 1024");
}

static void test_bits(void **state)
{
	static const struct host_bit bits[] = { { 0, "mmap" }, { 3, "private" }, { 0, NULL } };
	struct host_answer answer = { .kind = HOST_UNKNOWN };

	host_say_bits(&answer, 0, bits);
	shown(&answer, NULL, "none");
	host_say_bits(&answer, BIT(0) | BIT(3) | BIT(5) | BIT(63), bits);
	shown(&answer, NULL, "mmap, private, bit 5, bit 63");
}

static void test_what_does_not_fit_is_left_out(void **state)
{
	static const struct host_bit none[] = { { 0, NULL } };
	struct host_answer answer = { .kind = HOST_UNKNOWN };
	char word[512];

	host_say_bits(&answer, UINT64_MAX, none);
	assert_int_equal(answer.nr_items, HOST_MAX_ITEMS);
	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	answer.nr_items = 0;
	host_add_name(&answer, word);
	assert_int_equal(strlen(answer.items[0].name), sizeof(answer.items[0].name) - 1);
	host_say_text(&answer, "%s", word);
	assert_int_equal(strlen(answer.text), sizeof(answer.text) - 1);
	host_because(&answer, "%s", word);
	assert_int_equal(strlen(answer.why), sizeof(answer.why) - 1);
}

/* ---- a host without /dev/kvm ---- */

static struct host no_kvm = { .kvm_fd = -1, .vm_fd = -1 };

static void test_people_are_spared_what_nobody_knows(void **state)
{
	FILE *out = begin();

	host_print(&no_kvm, out);
	assert_int_equal(fclose(out), 0);
	assert_non_null(strstr(text, "\n  page size:                    "));
	assert_non_null(strstr(text, "\n  /dev/kvm:"));
	assert_null(strstr(text, "\nKVM\n"));
	assert_null(strstr(text, "irqfd"));
	free(text);
}

/* Without /dev/kvm a yes, a no or a number about it would be made up. */
static int check_unknown(const struct host_fact *fact, void *arg)
{
	struct host_answer answer = { .kind = HOST_UNKNOWN };
	unsigned *asked = arg;

	fact->ask(&no_kvm, fact, &answer);
	if (fact->group < HOST_KVM) {
		if (answer.kind == HOST_UNKNOWN)
			fail_msg("%s is not known", fact->key);
		return 0;
	}
	/* What /sys tells of the modules is no answer of KVM's. */
	if (strcmp(fact->key, "module") && strcmp(fact->key, "tdp") && answer.kind != HOST_UNKNOWN)
		fail_msg("%s was answered without KVM", fact->key);
	++*asked;
	return 0;
}

static void test_nothing_is_made_up(void **state)
{
	unsigned asked = 0;

	host_for_each_fact(check_unknown, &asked);
	assert_true(asked > 20);
}

static void test_programs_find_every_key(void **state)
{
	struct table table = { .rows = 0 };
	FILE *out = begin();
	char key[64];

	host_print_json(&no_kvm, out);
	assert_int_equal(fclose(out), 0);
	assert_non_null(strstr(text, "\"api_version\": null"));
	assert_non_null(strstr(text, "\"guest_memfd_flags\": null"));
	host_for_each_fact(collect, &table);
	for (unsigned i = 0; i < table.rows; i++) {
		snprintf(key, sizeof(key), "\n    \"%s\": ", table.seen[i]->key);
		if (!strstr(text, key))
			fail_msg("no %s in %s", key, text);
	}
	free(text);
}

/* ---- nodes and files ---- */

static void test_nodes(void **state)
{
	struct host_fact fact = { .path = "/dev/null", .module = "null" };
	struct host_answer answer = { .kind = HOST_UNKNOWN };

	host_ask_node(&no_kvm, &fact, &answer);
	assert_int_equal(answer.kind, HOST_YES);
	assert_string_equal(answer.why, "");
	fact.path = "/dev/no-such-node";
	host_ask_node(&no_kvm, &fact, &answer);
	assert_int_equal(answer.kind, HOST_NO);
	assert_string_equal(answer.why, "not there; made by module null");
	fact.module = NULL;
	host_ask_node(&no_kvm, &fact, &answer);
	assert_string_equal(answer.why, strerror(ENOENT));
	fact.path = "/dev";
	host_ask_node(&no_kvm, &fact, &answer);
	assert_int_equal(answer.kind, HOST_NO);
	assert_string_equal(answer.why, strerror(EISDIR));
}

static void test_first_line(void **state)
{
	char path[] = "/tmp/test_host.XXXXXX", line[8] = "old";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(host_read_line(path, line, sizeof(line)), -EIO);
	assert_string_equal(line, "");
	assert_int_equal(write(fd, "one\ntwo\n", 8), 8);
	assert_int_equal(host_read_line(path, line, sizeof(line)), 0);
	assert_string_equal(line, "one");
	assert_int_equal(pwrite(fd, "much too long", 13, 0), 13);
	assert_int_equal(host_read_line(path, line, sizeof(line)), 0);
	assert_string_equal(line, "much to");
	close(fd);
	unlink(path);
	assert_int_equal(host_read_line(path, line, sizeof(line)), -ENOENT);
	assert_string_equal(line, "");
	assert_int_equal(host_module_parameter("no_such", "module", line, sizeof(line)), -ENOENT);
}

/* ---- what explains a no ---- */

static void parameter(const char *cmdline, const char *expected)
{
	char value[32] = "old";

	assert_int_equal(host_kernel_parameter(cmdline, "kvm-arm.mode", value, sizeof(value)),
			 expected != NULL);
	assert_string_equal(value, expected ? expected : "");
}

static void test_kernel_parameter(void **state)
{
	parameter("", NULL);
	parameter("quiet", NULL);
	parameter("kvm-arm.mode=nested", "nested");
	parameter("quiet kvm-arm.mode=nested ro", "nested");
	parameter("quiet\tkvm-arm.mode=nested\n", "nested");
	parameter("kvm_arm.mode=nested", "nested");
	parameter("kvm-arm.mode=nested kvm-arm.mode=nvhe", "nvhe");
	parameter("kvm-arm.mode=", "");
	parameter("kvm-arm.mode", NULL);
	parameter("kvm-arm.model=nested xkvm-arm.mode=nested", NULL);
	parameter("ro -- kvm-arm.mode=nested", NULL);
	parameter("kvm-arm.mode=protected --quiet -- kvm-arm.mode=nested", "protected");
	parameter("kvm-arm.mode=0123456789012345678901234567890123456789",
		  "0123456789012345678901234567890");
}

static void test_release(void **state)
{
	assert_true(host_release_at_least("6.16.0", 6, 16));
	assert_true(host_release_at_least("6.16", 6, 16));
	assert_true(host_release_at_least("6.18.44-fc", 6, 16));
	assert_true(host_release_at_least("7.0.0-rc1+deb14-arm64", 6, 16));
	assert_false(host_release_at_least("6.15.12", 6, 16));
	assert_false(host_release_at_least("6.2.0", 6, 16));
	assert_false(host_release_at_least("5.99", 6, 16));
	assert_false(host_release_at_least("", 0, 0));
	assert_false(host_release_at_least("next", 0, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_is_sound),
		cmocka_unit_test(test_walk_can_be_stopped),
		cmocka_unit_test(test_plain_answers),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_what_does_not_fit_is_left_out),
		cmocka_unit_test(test_people_are_spared_what_nobody_knows),
		cmocka_unit_test(test_nothing_is_made_up),
		cmocka_unit_test(test_programs_find_every_key),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_first_line),
		cmocka_unit_test(test_kernel_parameter),
		cmocka_unit_test(test_release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
