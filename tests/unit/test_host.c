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

static struct table collect(void)
{
	const struct host_fact *fact;
	struct table table = { .rows = 0 };

	while ((fact = host_fact(table.rows))) {
		assert_true(table.rows < ARRAY_SIZE(table.seen));
		table.seen[table.rows++] = fact;
	}
	return table;
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
	struct table table = collect();

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

/* ---- answers for people ---- */

/* Takes the reference. */
static void shown_because(json_t *answer, const char *unit, const char *why, const char *expected)
{
	struct host_fact fact = { .words = "a fact", .unit = unit };
	FILE *out = begin();

	host_print_answer(&fact, answer, why, out);
	json_decref(answer);
	assert_int_equal(fclose(out), 0);
	assert_true(size > 33);
	assert_memory_equal(text, "  a fact:                       ", 32);
	assert_int_equal(text[size - 1], '\n');
	text[size - 1] = '\0';
	assert_string_equal(text + 32, expected);
	free(text);
}

static void shown(json_t *answer, const char *unit, const char *expected)
{
	shown_because(answer, unit, "", expected);
}

static void test_plain_answers(void **state)
{
	shown(NULL, NULL, "unknown");
	shown(json_true(), NULL, "yes");
	shown_because(json_true(), NULL, "VMX", "yes (VMX)");
	shown_because(json_false(), NULL, "needs Linux 6.16", "no (needs Linux 6.16)");
	shown(json_string("1.3"), NULL, "1.3");
	shown(json_integer(48), NULL, "48");
	shown(json_integer(48), "bits", "48 bits");
}

static void test_bytes(void **state)
{
	shown(json_integer(0), "B", "0 bytes");
	shown(json_integer(1023), "B", "1023 bytes");
	shown(json_integer(4096), "B", "4 KiB");
	shown(json_integer(KIB(64)), "B", "64 KiB");
	shown(json_integer(GIB(23) + GIB(1) / 2), "B", "23.5 GiB");
	shown(json_integer(GIB(1) - 1), "B", "1023.9 MiB");
	shown(json_integer(GIB(1024) * 6000), "B", "6000 TiB");
}

static void test_lists(void **state)
{
	shown(json_array(), "bits", "none");
	shown(json_pack("[s]", "kernel"), NULL, "kernel");
	shown(json_pack("[s, s]", "kernel", "split"), NULL, "kernel, split");
	shown_because(json_pack("[s, s]", "kernel", "split"), NULL, "why not",
		      "kernel, split (why not)");
	shown(json_pack("[s, s, s, s, s]", "a", "b", "c", "d", "e"), NULL, "a, b, c, d, e");
	shown(json_object(), NULL, "none");
	shown(json_pack("{s: i, s: i}", "2M", 0, "1G", 7), NULL, "2M: 0, 1G: 7");
	shown(json_pack("[i, i, i, i]", 128, 256, 384, 512), "bits", "128, 256, 384, 512 bits");
	shown(json_pack("[i, i, i, i, i]", 128, 256, 384, 512, 640), "bits",
	      "128, 256, ..., 640 bits");
	/* A gap is worth telling. */
	shown(json_pack("[i, i, i, i, i]", 128, 256, 384, 512, 1024), NULL,
	      "128, 256, 384, 512, 1024");
}

static void test_bits(void **state)
{
	static const struct host_bit bits[] = { { 0, "mmap" }, { 3, "private" }, { 0, NULL } };

	shown(host_names(0, bits), NULL, "none");
	shown(host_names(BIT(0) | BIT(3) | BIT(5) | BIT(63), bits), NULL,
	      "mmap, private, bit 5, bit 63");
}

static void test_long_reasons_are_cut(void **state)
{
	struct host host = { .kvm_fd = -1 };
	char word[512];

	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	host_because(&host, "%s", word);
	assert_int_equal(strlen(host.why), sizeof(host.why) - 1);
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
static void test_nothing_is_made_up(void **state)
{
	const struct host_fact *fact;
	unsigned i;

	for (i = 0; (fact = host_fact(i)); i++) {
		json_t *answer = fact->ask(&no_kvm, fact);

		if (fact->group < HOST_KVM && !answer)
			fail_msg("%s is not known", fact->key);
		/* What /sys tells of the modules is no answer of KVM's. */
		if (fact->group >= HOST_KVM && strcmp(fact->key, "module") &&
		    strcmp(fact->key, "tdp") && answer)
			fail_msg("%s was answered without KVM", fact->key);
		json_decref(answer);
	}
	assert_true(i > 30);
}

static void test_programs_find_every_key(void **state)
{
	struct table table = collect();
	FILE *out = begin();
	char key[64];

	host_print_json(&no_kvm, out);
	assert_int_equal(fclose(out), 0);
	assert_non_null(strstr(text, "\"api_version\": null"));
	assert_non_null(strstr(text, "\"guest_memfd_flags\": null"));
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
	struct host host = { .kvm_fd = -1 };

	assert_true(json_is_true(host_ask_node(&host, &fact)));
	assert_string_equal(host.why, "");
	fact.path = "/dev/no-such-node";
	assert_true(json_is_false(host_ask_node(&host, &fact)));
	assert_string_equal(host.why, "not there; made by module null");
	fact.module = NULL;
	assert_true(json_is_false(host_ask_node(&host, &fact)));
	assert_string_equal(host.why, strerror(ENOENT));
	fact.path = "/dev";
	assert_true(json_is_false(host_ask_node(&host, &fact)));
	assert_string_equal(host.why, strerror(EISDIR));
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
		cmocka_unit_test(test_plain_answers),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_long_reasons_are_cut),
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
