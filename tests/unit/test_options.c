// SPDX-License-Identifier: GPL-2.0-or-later
/* The option table, every way to write an option, and completing the configuration. */
#include <stdlib.h>
#include <unistd.h>
#include "lkvm/arch.h"
#include "lkvm/config/exit-status.h"
#include "run_options.h"

/* ---- the table ---- */

struct table {
	unsigned rows, groups;
	const struct option_row *seen[256];
};

static void collect(struct table *table, const struct option_row *row)
{
	if (row->kind == OPTION_GROUP) {
		assert_non_null(row->help);
		assert_null(row->name);
		table->groups++;
		return;
	}
	assert_true(table->rows < ARRAY_SIZE(table->seen));
	table->seen[table->rows++] = row;
}

static struct table all_rows(void)
{
	struct option_walk walk = { .set = &builtin_run.set };
	struct table table = { .rows = 0 };
	const struct option_row *row;

	while ((row = options_next(&walk)))
		collect(&table, row);
	return table;
}

static bool needs_argument(const struct option_row *row)
{
	return row->kind == OPTION_STRING || row->kind == OPTION_UINT || row->kind == OPTION_U64 ||
	       row->kind == OPTION_GIVEN || row->kind == OPTION_SIZE || row->kind == OPTION_CHOICE;
}

/* Help is one phrase without a full stop, the manual's text are sentences with one. */
static void check_text(const struct option_row *row, const char *text, bool full_stop)
{
	size_t len = strlen(text);

	if (!len || (text[len - 1] == '.') != full_stop)
		fail_msg("--%s: %s", row->name, text);
}

static void check_row(const struct option_row *row)
{
	const char *p;

	assert_non_null(row->name);
	assert_true(strlen(row->name) >= 2 && strlen(row->name) < 40);
	for (p = row->name; *p; p++)
		assert_true((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '-');
	check_text(row, row->help, false);
	if (row->man)
		check_text(row, row->man, true);
	if (row->kind != OPTION_DEVICE && row->kind != OPTION_CALL)
		assert_int_equal(!!row->argument, needs_argument(row));
	assert_int_equal(!!row->parse, row->kind == OPTION_CALL);
	assert_true(!row->max || row->min <= row->max);
	assert_true(!row->keys || row->argument);
	assert_true(row->kind != OPTION_CHOICE || row->choices);
	/* The opposites share the names' space. */
	if (!strncmp(row->name, "no-", 3))
		assert_true(row->kind == OPTION_FLAG || row->kind == OPTION_IGNORED);
	assert_true(!row->bare || row->argument);
}

static void test_table_is_sound(void **state)
{
	struct table table = all_rows();
	unsigned i, j;

	assert_true(table.rows >= 18 && table.groups >= 4);
	for (i = 0; i < table.rows; i++) {
		check_row(table.seen[i]);
		for (j = 0; j < i; j++) {
			assert_string_not_equal(table.seen[i]->name, table.seen[j]->name);
			if (table.seen[i]->letter)
				assert_int_not_equal(table.seen[i]->letter, table.seen[j]->letter);
		}
	}
}

/* Nothing is parsed that was never tried: each row's long name with nonsense or without a value. */
static void test_every_row_with_and_without_value(void **state)
{
	struct table table = all_rows();
	char word[80], long_value[80];
	unsigned i;

	for (i = 0; i < table.rows; i++) {
		const struct option_row *row = table.seen[i];

		snprintf(word, sizeof(word), "--%s", row->name);
		snprintf(long_value, sizeof(long_value), "--%s=", row->name);
		if (row->argument) {
			if (row->bare)
				GOOD(word);
			else
				BAD("needs a value", word);
			if (strcmp(row->name, "params"))
				BAD(row->name, long_value);
		} else {
			BAD("takes no value", long_value);
			assert_int_equal(PARSE(word), row->kind == OPTION_HELP ? 1 : 0);
		}
		snprintf(word, sizeof(word), "--no-%s", row->name);
		if (option_can_be_negated(row) && strncmp(row->name, "no-", 3)) {
			GOOD(word);
			snprintf(long_value, sizeof(long_value), "--no-%s=1", row->name);
			BAD("takes no value", long_value);
		} else {
			assert_int_equal(PARSE(word), -EINVAL);
		}
	}
}

/* ---- ways to write ---- */

static void test_values_in_all_spellings(void **state)
{
	GOOD("-c4");
	assert_int_equal(config.cpus, 4);
	GOOD("-c", "5");
	assert_int_equal(config.cpus, 5);
	GOOD("--cpus", "6");
	assert_int_equal(config.cpus, 6);
	GOOD("--cpus=7");
	assert_int_equal(config.cpus, 7);
	GOOD("--timeo=8");
	assert_int_equal(config.timeout, 8);
	GOOD("-c", "1", "--cpus", "2");
	assert_int_equal(config.cpus, 2);
	GOOD("-c3", "--no-cpus");
	assert_int_equal(config.cpus, 0);
}

static void test_abbreviations(void **state)
{
	GOOD("--ker", "x");
	assert_string_equal(config.kernel, "x");
	GOOD("--vir", "mmio");
	assert_int_equal(config.transport, TRANSPORT_MMIO);
	GOOD("--no-rn");
	assert_int_equal(count(&virtio_rng_kind), 0);
	/* A whole name wins over longer ones that begin with it. */
	GOOD("--rng");
	GOOD("--m", "2G", "--mem=1G", "--me", "3G");
	assert_int_equal(config.memory, GIB(3));
	GOOD("--m", "2G", "--no-me");
	assert_int_equal(config.memory, 0);
	GOOD("--mem-b", "memfd");
	BAD("did you mean --virtio-legacy?", "--virtio-legac");
	BAD("--n could be --name, --nodefaults, --network", "--n");
	BAD("--no-disk", "--no-d");
	BAD("--no could be", "--no");
	GOOD("--nod");
	assert_true(config.nodefaults);
}

static void test_unknown(void **state)
{
	BAD("unknown option --netwrk; did you mean --network?", "--netwrk", "x");
	BAD("did you mean --mem?", "--memory=5");
	BAD("did you mean --kernel?", "--kernal", "x");
	BAD("did you mean --no-rng?", "--no-rgn");
	BAD("'lkvm help run'", "--xyzzy");
	BAD("unknown option -z", "-z");
	BAD("unknown option --", "--=");
	BAD("unknown option --", "---");
}

static void test_bare_words(void **state)
{
	GOOD("bzImage");
	assert_string_equal(config.kernel, "bzImage");
	GOOD("-m", "64", "-", "-c1");
	assert_string_equal(config.kernel, "-");
	BAD("'b'", "a", "b");
	BAD("'b'", "-k", "a", "b");
	BAD("empty word", "");
	GOOD("a", "--");
	BAD("-- ls", "a", "--", "ls");
	assert_int_equal(PARSE("-h", "--nonsense"), 1);
	assert_int_equal(PARSE("--help"), 1);
	GOOD("-p", "--help");
	assert_string_equal(config.cmdline, "--help");
}

/* ---- completing the configuration ---- */

static void test_default_memory(void **state)
{
	assert_int_equal(config_default_memory(1, 0), MIB(512));
	assert_int_equal(config_default_memory(5, GIB(64)), MIB(512));
	assert_int_equal(config_default_memory(6, GIB(64)), MIB(576));
	assert_int_equal(config_default_memory(4096, GIB(10)), GIB(8));
	assert_int_equal(config_default_memory(1, MIB(500)), MIB(400));
	assert_int_equal(config_default_memory(1, MIB(1)), CONFIG_MIN_MEMORY);
}

static int finish_quietly(void)
{
	int ret;

	said_begin();
	ret = config_finish(&config);
	said_end();
	return ret;
}

static int check_memory(u64 bytes, u64 ram, u64 swap, bool overcommit)
{
	int ret;

	said_begin();
	ret = config_check_memory(bytes, ram, swap, overcommit);
	said_end();
	return ret;
}

static void test_memory_against_host(void **state)
{
	assert_int_equal(check_memory(GIB(2), 0, 0, false), 0);
	assert_int_equal(check_memory(GIB(2), GIB(2), 0, false), 0);
	assert_string_equal(said, "");
	assert_int_equal(check_memory(GIB(2), GIB(1), GIB(1), false), 0);
	assert_non_null(
		strstr(said, "  Warning: --mem: 2048 MiB is more than this host's 1024 MiB"));
	assert_int_equal(check_memory(GIB(2), GIB(1), MIB(512), false), -E2BIG);
	assert_non_null(strstr(said,
			       "  Fatal: --mem: 2048 MiB is more than this host has, 1024 "
			       "MiB of memory and 512 MiB of swap, and vm.overcommit_memory"));
	assert_int_equal(check_memory(GIB(2), GIB(1), MIB(512), true), 0);
	assert_non_null(strstr(said, "  Warning: --mem: 2048 MiB is more than this host has"));
}

/* Scripts of older tools say which transport in words of their own. */
static void test_older_words_for_transports(void **state)
{
	GOOD("--virtio-legacy", "--no-dhcp", "-k", "x");
	assert_int_equal(finish_quietly(), 0);
	assert_int_equal(config.transport, TRANSPORT_PCI_LEGACY);
	GOOD("--virtio-legacy", "--virtio-transport", "mmio", "-k", "x");
	assert_int_equal(finish_quietly(), 0);
	assert_int_equal(config.transport, TRANSPORT_MMIO_LEGACY);
	GOOD("--virtio-transport", "mmio", "--virtio-legacy", "--force-pci", "-k", "x");
	assert_int_equal(finish_quietly(), 0);
	assert_int_equal(config.transport, TRANSPORT_PCI_LEGACY);
	GOOD("-n", "mode=user,trans=mmio", "--virtio-transport", "mmio-legacy", "-k", "x");
	assert_int_equal(finish_quietly(), 0);
	GOOD("-n", "mode=user,trans=pci", "-n", "mode=user,trans=mmio", "-k", "x");
	assert_int_equal(finish_quietly(), -EINVAL);
	assert_non_null(strstr(said, "--network trans=mmio: all virtio devices are on pci; "
				     "--virtio-transport mmio would work"));
	assert_int_equal(PARSE("--help-all"), 1);
}

/* The architecture's own among them: --flash, --firmware. */
static void try_memory_file(const struct option_row *row, char *path)
{
	char value[64], option[64], expected[128];

	if (row->kind != OPTION_STRING || strcmp(row->argument, "FILE"))
		return;
	snprintf(value, sizeof(value), "file,path=%s", path);
	snprintf(option, sizeof(option), "--%s", row->name);
	GOOD("--mem-backend", value, option, path);
	assert_int_equal(finish_quietly(), -EINVAL);
	snprintf(expected, sizeof(expected), " is --%s too", row->name);
	assert_non_null(strstr(said, expected));
}

/* A slip would cost all that is in it. */
static void test_memory_file_is_nothing_else(void **state)
{
	static const struct {
		const char *option, *other;
	} rows[] = {
		{ "--kernel", NULL },
		{ "--initrd", NULL },
		{ "--disk", NULL },
		{ "--disk", "--disk" },
	};
	char path[] = "/tmp/lkvm-options-XXXXXX", value[64], same[64], expected[128];
	struct table table = all_rows();
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	snprintf(value, sizeof(value), "file,path=%s", path);
	snprintf(same, sizeof(same), "/tmp/./%s", path + strlen("/tmp/"));
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].other)
			GOOD("--mem-backend", value, rows[i].option, same, rows[i].other, "/x");
		else
			GOOD("--mem-backend", value, rows[i].option, same);
		assert_int_equal(finish_quietly(), -EINVAL);
		snprintf(expected, sizeof(expected), "--mem-backend file: %s is %s too", path,
			 rows[i].option);
		assert_non_null(strstr(said, expected));
	}
	for (unsigned i = 0; i < table.rows; i++)
		try_memory_file(table.seen[i], path);
	GOOD("--mem-backend", value, "--disk", "/x", "-k", "/dev/null");
	assert_int_equal(finish_quietly(), 0);
	GOOD("--mem-backend", "file,path=/nonexistent", "--disk", "/nonexistent", "-k",
	     "/dev/null");
	assert_int_equal(finish_quietly(), 0);
	close(fd);
	unlink(path);
}

static void test_finish(void **state)
{
	char expected[32];

	GOOD("some-kernel");
	assert_int_equal(finish_quietly(), 0);
	snprintf(expected, sizeof(expected), "guest-%d", getpid());
	assert_string_equal(config.name, expected);
	assert_int_equal(config.cpus, sysconf(_SC_NPROCESSORS_ONLN));
	assert_true(config.memory >= CONFIG_MIN_MEMORY && count(&virtio_rng_kind) == 1);
	assert_string_equal(config.kernel, "some-kernel");
	GOOD("k", "--nodefaults");
	assert_int_equal(finish_quietly(), 0);
	assert_true(!count(&virtio_rng_kind) && !count(&virtio_net_kind) &&
		    !count(&virtio_blk_kind));
	GOOD("k", "--rng", "--nodefaults");
	assert_int_equal(finish_quietly(), 0);
	assert_int_equal(count(&virtio_rng_kind), 1);
	GOOD("k", "--no-rng", "-n", "none", "--name=n", "-c1");
	assert_int_equal(finish_quietly(), 0);
	assert_true(!count(&virtio_rng_kind) && !count(&virtio_net_kind));
	assert_string_equal(config.name, "n");
	assert_int_equal(config.cpus, 1);
}

/* In an empty folder nothing but the host's own kernel can be found. */
static void test_kernel_in_current_folder(void **state)
{
	char folder[] = "/tmp/lkvm-test-XXXXXX", here[4096];
	FILE *file;

	assert_non_null(getcwd(here, sizeof(here)));
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	GOOD("-c1");
	if (finish_quietly() == -ENOENT)
		assert_non_null(strstr(said, "  Fatal: no kernel: give one with --kernel; "));
	else
		assert_int_equal(config.kernel[0], '/');
	GOOD("-c1");
	file = fopen(arch_kernel_paths[0], "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(finish_quietly(), 0);
	assert_string_equal(config.kernel, arch_kernel_paths[0]);
	unlink(arch_kernel_paths[0]);
	assert_int_equal(chdir(here), 0);
	rmdir(folder);
}

static void test_exit_status_rows(void **state)
{
	const struct exit_status_row *row;
	unsigned rows = 0, last = 0;

	for (row = exit_status_rows; row->meaning; row++, rows++) {
		/* Help lists them as they stand here. */
		assert_in_range(atoi(row->status), last, 255);
		last = atoi(row->status);
		assert_int_not_equal(row->of, 0);
		assert_int_not_equal(row->meaning[strlen(row->meaning) - 1], '.');
	}
	assert_int_equal(rows, 19);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_table_is_sound),
		TEST(test_every_row_with_and_without_value),
		TEST(test_values_in_all_spellings),
		TEST(test_abbreviations),
		TEST(test_unknown),
		TEST(test_bare_words),
		TEST(test_default_memory),
		TEST(test_memory_against_host),
		TEST(test_older_words_for_transports),
		TEST(test_memory_file_is_nothing_else),
		TEST(test_finish),
		TEST(test_kernel_in_current_folder),
		TEST(test_exit_status_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
