// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/builtin.h"
#include "lkvm/vm/counters.h"
#include "lkvm/config/exit-status.h"
#include "lkvm/guests.h"
#include "lkvm/host/host.h"
#include "lkvm/util/json.h"
#include "lkvm/util/log.h"
#include "lkvm/util/text.h"

/* The longest words for a key. */
#define WORDS_SIZE 64

static const struct option_row rows[] = {
	{ .kind = OPTION_FLAG,
	  .name = "host",
	  .help = "The host: kernel, devices, KVM's abilities",
	  .offset = offsetof(struct guests_args, host) },
	{ 0 },
};

static const struct exit_status_row statuses[] = {
	{ "241", "With --host: /dev/kvm cannot be used; what can be told without it is told" },
	{ NULL, NULL },
};

static const struct guests_command command = {
	.set = {
		.command = "stat",
		.usage = "NAME...|-n NAME|-a [--json]\n       lkvm stat --host [--json]",
		.help = "Shows what guests consist of and what was counted since they started: exits from the\n"
		"guest by reason, and what their memory went through. With --host, shows what this host\n"
		"and its KVM offer of what lkvm can use.\n",
		.tables = (const struct option_row *const[]){ rows, guests_name_rows, guests_json_rows, option_help_rows, NULL },
		.word = guests_take_name,
		.guests = true,
		.statuses = (const struct exit_status_row *const[]){ exit_status_command_rows, exit_status_guests_rows, statuses, NULL },
	},
	.flags = GUESTS_NAMES | GUESTS_HOST | GUESTS_LOOKS,
};

static int show_host(bool json)
{
	struct host host;
	int error = host_open(&host), ret;

	if (json)
		host_print_json(&host, stdout);
	else
		host_print(&host, stdout);
	host_close(&host);
	ret = builtin_end_output();
	return ret ? ret : error ? EXIT_START : 0;
}

/* ---- a guest, for people ---- */

/* How members are shown. */
enum {
	SHOW_ZEROES = 1 << 0, /* numbers that are 0, too */
	SHOW_BLANKS = 1 << 1, /* where a key has '_' */
};

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
	for (char *c = words; how & SHOW_BLANKS && *c; c++)
		if (*c == '_')
			*c = ' ';
}

/* Without a line's end. A guest of root's asking may be anybody's, and so may what it answers. */
static void print_value(const char *key, const json_t *value)
{
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
		printf(" %lld MiB", json_integer_value(value) >> 20);
	} else {
		printf(" %lld", json_integer_value(value));
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
		print_value(key, value);
	json_array_foreach (value, i, element)
		print_value(key, element);
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

/* ---- all of them ---- */

static int show_one(const struct guests_args *args, const char *name, json_t *guests)
{
	struct guests_call call = { .request = "stat" };
	int ret = guests_ask(&command, args, name, &call);
	json_t *key;

	if (ret)
		return ret;
	if (args->json) {
		key = json_words(name);
		json_object_set(guests, json_string_value(key), call.answer);
		json_decref(key);
	} else {
		print_guest(name, call.answer);
	}
	json_decref(call.answer);
	control_disconnect(&call.peer);
	return 0;
}

/* Those of another user's who take too long are left out, which is told once. */
static int show_in_turn(const struct guests_args *args, size_t i, struct guests_turn *turn,
			json_t *guests)
{
	const char *name = args->names[i];
	int ret;

	if (!args->all)
		return show_one(args, name, guests);
	if (!guests_turn(turn, name, GUESTS_PATIENCE_MS)) {
		if (!turn->told)
			log_error(
				"stat: the guests of user %s take too long to answer; the others of that "
				"user's are not asked",
				turn->user);
		turn->told = true;
		return EXIT_NO_ANSWER;
	}
	ret = show_one(args, name, guests);
	guests_turn_end(turn);
	return ret;
}

static int show_guests(const struct guests_args *args)
{
	struct guests_turn turn = { 0 };
	json_t *guests = json_object();
	int status = 0, ret;

	for (size_t i = 0; i < args->nr; i++) {
		ret = show_in_turn(args, i, &turn, guests);
		if (ret > 0 && !status)
			status = ret;
	}
	if (args->json)
		json_print(guests, 1, stdout);
	json_decref(guests);
	ret = builtin_end_output();
	return status ?: ret;
}

static int stat_main(int argc, char **argv)
{
	struct guests_args args = { 0 };
	int ret = guests_parse(&command, argc, argv, &args);

	if (ret)
		return ret - 1;
	ret = args.host ? show_host(args.json) : show_guests(&args);
	guests_release(&args);
	return ret;
}

const struct builtin builtin_stat = {
	.name = "stat",
	.help = "Show what a guest has done, or what this host's KVM offers",
	.run = stat_main,
	.options = &command.set,
};
