// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every bound of every table: the least and the most are taken, by the parser and by what looks at the
 * whole configuration; one more or one less is refused in words that say what would work.
 */
#include <inttypes.h>
#include <stdlib.h>
#include "lkvm/arch.h"
#include "run_options.h"

static const char *const bounded_options[] = {
	/* What must be given beside an option, so that the configuration as a whole makes sense. */
	"-k", "/dev/null", "-m", "64", "--nodefaults",
};

struct words {
	const char *list[16];
	unsigned nr;
};

static unsigned tried;

static int parse(const char *option, const char *value)
{
	struct words words = { .nr = 0 };

	for (unsigned i = 0; i < ARRAY_SIZE(bounded_options); i++)
		words.list[words.nr++] = bounded_options[i];
	words.list[words.nr++] = option;
	words.list[words.nr++] = value;
	return parse_words(words.list);
}

static void assert_taken(const char *option, const char *value)
{
	int ret = parse(option, value);

	if (!ret) {
		said_begin();
		ret = config_finish(&config) ?: arch_config_check(&config);
		said_end();
	}
	if (ret)
		fail_msg("%s %s: %d, %s", option, value, ret, said);
	tried++;
}

static void assert_refused(const char *option, const char *value, const char *words)
{
	if (parse(option, value) != -EINVAL || !strstr(said, words))
		fail_msg("%s %s: said '%s', not '%s'", option, value, said, words);
}

static u64 most(const struct key_row *key)
{
	return key->max ?: key->type == KEY_U32 ? UINT32_MAX : UINT64_MAX;
}

/* A value that the key's own check takes, too, as near to the bound as there is one. */
static u64 near(const struct key_row *key, u64 bound)
{
	if (!strcmp(key->name, "policy"))
		return bound | 0x20000;
	if (!strcmp(key->name, "size"))
		return bound == UINT64_MAX ? 1ULL << 63 : bound;
	return bound;
}

/* "anonymous,", "mode=tap,": what makes the key one that is allowed. */
static const char *before(const struct key_row *keys, const struct key_row *key, char text[64])
{
	const struct key_row *selector = keys;

	while (selector->name && !selector->selects)
		selector++;
	*text = '\0';
	if (keys->first && keys->type == KEY_STRING)
		return "/dev/null,";
	if (selector->name)
		snprintf(text, 64, "%s%s%s,", selector->first ? "" : selector->name,
			 selector->first ? "" : "=",
			 selector->choices[key->goes_with ? __builtin_ctz(key->goes_with) : 0]);
	return text;
}

static void try_number(const struct option_row *row, const struct key_row *key)
{
	const u64 min = key->min, max = most(key);
	char option[64], text[64], value[192], bounds[KEY_BOUNDS];
	const char *start = before(row->keys, key, text);

	if (!key_bounds(key, bounds))
		return;
	snprintf(option, sizeof(option), "--%s", row->name);
#define VALUE(n)                                                                                   \
	snprintf(value, sizeof(value), "%s%s%s%" PRIu64 "%s", start, key->first ? "" : key->name,  \
		 key->first ? "" : "=", n, key->type == KEY_SIZE ? "B" : "")
	VALUE(near(key, min));
	assert_taken(option, value);
	VALUE(near(key, max));
	assert_taken(option, value);
	if (min) {
		VALUE(min - 1);
		assert_refused(option, value, bounds);
	}
	if (max != UINT64_MAX) {
		VALUE(max + 1);
		assert_refused(option, value, bounds);
	}
}

static void try_length(const struct option_row *row, const struct key_row *key)
{
	char option[64], text[64], value[300], words[64];
	const char *start = before(row->keys, key, text);
	int len = snprintf(value, sizeof(value), "%s%s=", start, key->name);

	if (!key->max)
		return;
	snprintf(option, sizeof(option), "--%s", row->name);
	snprintf(words, sizeof(words), "%" PRIu64 " to %" PRIu64 " characters", key->min, key->max);
	assert_refused(option, value, words);
	assert_true(len + key->max + 2 < sizeof(value));
	memset(value + len, 'x', key->max + 1);
	value[len + key->max] = '\0';
	assert_taken(option, value);
	value[len + key->min] = '\0';
	assert_taken(option, value);
	value[len + key->min] = 'x';
	value[len + key->max] = 'x';
	value[len + key->max + 1] = '\0';
	assert_refused(option, value, words);
}

static void try_option(const struct option_row *row)
{
	const struct key_row as_key = { .name = row->name,
					.type = row->kind == OPTION_UINT   ? KEY_U32
						: row->kind != OPTION_SIZE ? KEY_U64
									   : KEY_SIZE,
					.min = row->min,
					.max = row->max };
	char option[64], value[32], bounds[KEY_BOUNDS];

	if (!key_bounds(&as_key, bounds))
		return;
	snprintf(option, sizeof(option), "--%s", row->name);
	snprintf(value, sizeof(value), "%" PRIu64, row->min);
	assert_taken(option, value);
	snprintf(value, sizeof(value), "%" PRIu64, most(&as_key));
	assert_taken(option, value);
	if (row->min) {
		snprintf(value, sizeof(value), "%" PRIu64, row->min - 1);
		assert_refused(option, value, bounds);
	}
	if (most(&as_key) != UINT64_MAX) {
		snprintf(value, sizeof(value), "%" PRIu64, most(&as_key) + 1);
		assert_refused(option, value, bounds);
	}
}

static void try_row(const struct option_row *row)
{
	if (row->kind == OPTION_UINT || row->kind == OPTION_U64 || row->kind == OPTION_GIVEN ||
	    row->kind == OPTION_SIZE)
		try_option(row);
	for (const struct key_row *key = row->keys; key && key->name; key++) {
		if (key->type == KEY_STRING && !key->first)
			try_length(row, key);
		else
			try_number(row, key);
	}
}

static void every_bound(void **state)
{
	struct option_walk walk = { .set = &builtin_run.set };
	const struct option_row *row;

	while ((row = options_next(&walk)))
		try_row(row);
	/* cpus, timeout, queues twice, fd, size, serial, tapif: a walk that finds nothing would be content. */
	assert_true(tried >= 16);
}

/* An option that asks for one device of a kind. */
static void ask_for_one(const struct option_row *row, char *text, size_t size)
{
	const struct key_row *key = row->keys;

	if (!row->argument)
		snprintf(text, size, "--%s", row->name);
	else if (row->bare || !key || key->first)
		snprintf(text, size, "--%s=%s", row->name,
			 row->bare
				 ?: key && key->type == KEY_CALL ? key->argument
								 : "/x");
	else
		snprintf(text, size, "--%s=%s=%" PRIu64, row->name, key->name, key->min);
}

/* As many devices as a kind may have, and one more. */
static void every_kind(void **state)
{
	const struct config_kind *const *kind;
	unsigned many = 0;

	for (kind = builtin_run.set.kinds; *kind; kind++) {
		const struct option_row *row = (*kind)->rows;
		const char *words[64] = { NULL };
		char option[64];
		unsigned i;

		if (!row || row->kind != OPTION_DEVICE || (*kind)->max < 2)
			continue;
		ask_for_one(row, option, sizeof(option));
		assert_true((*kind)->max < ARRAY_SIZE(words) - 1);
		for (i = 0; i < (*kind)->max; i++)
			words[i] = option;
		good_(__FILE__, __LINE__, parse_words(words));
		assert_int_equal(config_count(&config, *kind), (*kind)->max);
		words[i] = option;
		snprintf(option + 40, 24, "one too many; %u work", (*kind)->max);
		bad_(__FILE__, __LINE__, parse_words(words), option + 40);
		many++;
	}
	assert_true(many >= 2);
}

struct toy {
	u32 level;
};

static int key_of(const struct option_row *row, const char *value, struct toy *toy)
{
	int err;

	said_begin();
	err = option_keys(&config, row, value, toy);
	said_end();
	return err;
}

/* A device may have a single key, and that has a name all the same; a FILE alone is no list. */
static void a_table_of_one_key(void **state)
{
	static const struct key_row level[] = {
		KEY_ROW(U32, "level", .offset = offsetof(struct toy, level), .max = 9),
		{ 0 },
	};
	static const struct key_row first[] = {
		KEY_ROW(U32, "N", .offset = offsetof(struct toy, level), .max = 9, .first = true),
		{ 0 },
	};
	const struct option_row row =
		OPTION_ROW(DEVICE, "toy", .argument = "level=N", .keys = level);
	const struct option_row alone = OPTION_ROW(DEVICE, "toy", .argument = "N", .keys = first);
	struct toy toy = { 0 };

	assert_int_equal(key_of(&row, "level=7", &toy), 0);
	assert_int_equal(toy.level, 7);
	assert_int_equal(key_of(&row, "7", &toy), -EINVAL);
	assert_int_equal(key_of(&alone, "5", &toy), 0);
	assert_int_equal(toy.level, 5);
}

/* Rows of a kind are shown, and found, under their heading only. */
static void every_group(void **state)
{
	const struct config_kind *const *kind;

	for (kind = builtin_run.set.kinds; *kind; kind++) {
		struct option_walk walk = { .set = &builtin_run.set };

		while (options_next(&walk) && walk.kind != *kind)
			;
		if ((*kind)->rows && walk.kind != *kind)
			fail_msg("%s: there is no heading %s", (*kind)->name, (*kind)->group);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_bound),
		TEST(every_kind),
		TEST(a_table_of_one_key),
		TEST(every_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
