// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "lkvm/config/exit-status.h"
#include "lkvm/guests.h"
#include "lkvm/host/host.h"
#include "lkvm/util/text.h"
#include "lkvm/vm/counters.h"
#include "lkvm/vm/device-kind.h"

/* The longest words for a key. */
#define WORDS_SIZE 64

struct stat_args {
	struct guests_args guests;
	bool memory;
};

static const struct option_row rows[] = {
	OPTION_ROW(
		FLAG, "memory", .offset = offsetof(struct stat_args, memory), .letter = 'm',
		.help = "How guests use their memory, as they tell through their balloon",
		.man = "Only guests with a balloon tell it (lkvm run --balloon). They are asked, and given a second "
		       "to answer; after that the numbers are those of the last answer, and age ms says how "
		       "old they are."),
	OPTION_ROW(FLAG, "host", .offset = offsetof(struct stat_args, guests.host),
		   .help = "The host: kernel, devices, KVM's abilities"),
	{ 0 },
};

static int show_host(bool json)
{
	struct host host;
	int err = host_open(&host), ret;

	if (json)
		host_print_json(&host, stdout);
	else
		host_print(&host, stdout);
	host_close(&host);
	ret = builtin_end_output();
	return ret ?: err ? EXIT_START : 0;
}

/* ---- a guest, for people ---- */

/* How members are shown. */
enum {
	SHOW_ZEROES = 1 << 0, /* numbers that are 0, too */
	SHOW_BLANKS = 1 << 1, /* where a key has '_' */
};

/* What a size's key ends in, of those that have no other words. */
#define BYTES "_bytes"

static bool is_size(const char *key)
{
	size_t len = strlen(key);

	return len > strlen(BYTES) && !strcmp(key + len - strlen(BYTES), BYTES);
}

/* A key's words: those of a table, or its own. */
static void words_for(const char *key, unsigned how, char words[WORDS_SIZE])
{
	static const struct counter_name others[] = {
		{ "pid", "PID" },
		{ "vcpus", "vCPUs" },
	};
	const char *found = NULL;

	for (size_t i = 0; i < COUNTER_NR; i++)
		if (!strcmp(counter_names[i].key, key))
			found = counter_names[i].words;
	for (size_t i = 0; i < COUNTER_WORD_NR; i++)
		if (!strcmp(counter_word_names[i].key, key))
			found = counter_word_names[i].words;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (!strcmp(others[i].key, key))
			found = others[i].words;
	snprintf(words, WORDS_SIZE, "%s", found ?: key);
	text_clean(words);
	if (how & SHOW_BLANKS && is_size(words))
		words[strlen(words) - strlen(BYTES)] = '\0';
	for (char *c = words; how & SHOW_BLANKS && *c; c++)
		if (*c == '_')
			*c = ' ';
}

/* Without a line's end. A guest of root's asking may be anybody's, and so may what it answers. */
static void print_value(const char *key, const json_t *value, unsigned how)
{
	long long number = json_integer_value(value);
	char *text;

	if (json_is_null(value)) {
		printf(" unknown");
	} else if (json_is_string(value)) {
		text = strdup(json_string_value(value));
		if (text)
			text_clean(text);
		printf(" %s", text ?: "?");
		free(text);
	} else if (json_is_boolean(value)) {
		printf(json_is_true(value) ? " yes" : " no");
	} else if (!strcmp(key, "memory")) {
		printf(" %lld MiB", number >> 20);
	} else if (how & SHOW_BLANKS && is_size(key)) {
		bool small = number < (long long)MIB(10);

		printf(small ? " %lld KiB" : " %lld MiB", number >> (small ? 10 : 20));
	} else {
		printf(" %lld", number);
	}
}

static void print_member(const char *key, const json_t *value, unsigned how)
{
	char words[WORDS_SIZE];
	json_t *element;
	size_t i;

	words_for(key, how, words);
	printf("  %s:%*s", words, MAX(28 - (int)strlen(words), 0), "");
	if (!json_is_array(value))
		print_value(key, value, how);
	json_array_foreach (value, i, element)
		print_value(key, element, how);
	putchar('\n');
}

/* Plain members, below a heading if there are any. */
static void print_members(const char *heading, json_t *object, unsigned how)
{
	const char *key;
	json_t *value;

	json_object_foreach (object, key, value) {
		if (json_is_object(value) || (!(how & SHOW_ZEROES) && !json_integer_value(value)))
			continue;
		if (heading)
			puts(heading);
		heading = NULL;
		print_member(key, value, how);
	}
}

static void print_devices(json_t *devices)
{
	char heading[WORDS_SIZE];
	const char *name;
	json_t *part;

	json_object_foreach (devices, name, part) {
		snprintf(heading, sizeof(heading), "Device %s", name);
		text_clean(heading);
		print_members(heading, part, SHOW_ZEROES | SHOW_BLANKS);
	}
}

static void print_guest(const char *name, json_t *answer)
{
	/* The first is known, the name stands above, and the protocol's version is no news. */
	static const char *const untold[] = { "ok", "name", "protocol" };

	for (size_t i = 0; i < ARRAY_SIZE(untold); i++)
		json_object_del(answer, untold[i]);
	printf("Guest %s\n", name);
	print_members(NULL, answer, SHOW_ZEROES);
	/* Most of what can be counted never happens to most guests. */
	print_members(NULL, json_object_get(answer, "counters"), 0);
	print_devices(json_object_get(answer, "devices"));
	print_members("Exits", json_object_get(answer, "exits"), SHOW_ZEROES);
	print_members("Exits of each vCPU", json_object_get(answer, "exits_by_vcpu"), SHOW_ZEROES);
}

/* Is a device waiting for the guest to tell it more? Nothing else is said of that. */
static bool is_coming(const struct guests_args *args, json_t *answer)
{
	bool coming = false;
	const char *name;
	json_t *part;

	json_object_foreach (json_object_get(answer, "devices"), name, part) {
		coming |= json_is_true(json_object_get(part, DEVICE_STAT_COMING));
		json_object_del(part, DEVICE_STAT_COMING);
	}
	return coming;
}

static int stat_main(const struct builtin *command, int argc, char **argv)
{
	struct stat_args args = { .memory = false };
	struct guests_show show = {
		.request = "stat",
		.is_coming = is_coming,
		.patience_ms = 1500,
		.print = print_guest,
	};
	int status;

	if (!guests_parse(command, argc, argv, &args.guests, &status))
		return status;
	if (args.memory)
		show.args = show.args_again = json_pack("{s:b}", "memory", 1);
	if (!args.guests.host)
		status = guests_show(&args.guests, &show);
	else if (!args.memory)
		status = show_host(args.guests.json);
	else
		status = guests_error(&args.guests, EXIT_USAGE,
				      "--memory is about guests; leave it out with --host");
	json_decref(show.args);
	guests_release(&args.guests);
	return status;
}

const struct builtin builtin_stat = {
	.set = {
		.command = "stat",
		.usage = "[-m] NAME...|-n NAME|-a [--json]\n       lkvm stat --host [--json]",
		.help = "Shows what guests consist of and what was counted since they started: exits from the\n"
		"guest by reason, and what their memory went through. With --host, shows what this host\n"
		"and its KVM offer of what lkvm can use.\n",
		.tables = (const struct option_row *const[]){ rows, guests_name_rows, guests_json_rows, option_help_rows, NULL },
		.word = guests_take_name,
		.statuses = STATUS_OF_COMMANDS | STATUS_OF_GUESTS | STATUS_OF_HOST,
	},
	.help = "Show what a guest has done, or what this host's KVM offers",
	.run = stat_main,
	.guests = GUESTS_NAMES | GUESTS_HOST | GUESTS_LOOKS,
};
