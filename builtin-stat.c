// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lkvm/builtin.h"
#include "lkvm/vm/counters.h"
#include "lkvm/config/exit-status.h"
#include "lkvm/guests.h"
#include "lkvm/host/host.h"
#include "lkvm/util/json.h"
#include "lkvm/util/log.h"
#include "lkvm/util/loop.h"
#include "lkvm/util/text.h"
#include "lkvm/vm/device-kind.h"

/* The longest words for a key. */
#define WORDS_SIZE 64

/* How often, and for how long, a guest is asked that is about to tell more. */
#define LOOK_NS	    20000000
#define PATIENCE_NS 1500000000ULL

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

static const struct exit_status_row statuses[] = {
	{ "241", "With --host: /dev/kvm cannot be used; only what needs no KVM is shown" },
	{ NULL, NULL },
};

static const struct guests_command command = {
	.set = {
		.command = "stat",
		.usage = "[-m] NAME...|-n NAME|-a [--json]\n       lkvm stat --host [--json]",
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
	int err = host_open(&host), ret;

	if (json)
		host_print_json(&host, stdout);
	else
		host_print(&host, stdout);
	host_close(&host);
	ret = builtin_end_output();
	return ret ? ret : err ? EXIT_START : 0;
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

/* ---- all of them ---- */

/* Is a device waiting for the guest to tell it more? Nothing else is said of that. */
static bool is_coming(json_t *answer)
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

/* As guests_ask(), until the guest has told what it was asked, or does not. */
static int ask_stat(const struct stat_args *args, const char *name, struct guests_call *call)
{
	const struct timespec pause = { .tv_nsec = LOOK_NS };
	u64 end = clock_now() + PATIENCE_NS;
	int ret;

	for (;;) {
		ret = guests_ask(&command, &args->guests, name, call);
		if (ret || !is_coming(call->answer) || clock_now() >= end)
			return ret;
		json_decref(call->answer);
		control_disconnect(&call->peer);
		nanosleep(&pause, NULL);
	}
}

static int show_one(const struct stat_args *args, const char *name, json_t *guests)
{
	struct guests_call call = {
		.request = "stat",
		.args = args->memory ? json_pack("{s:b}", "memory", 1) : NULL,
	};
	int ret = ask_stat(args, name, &call);
	json_t *key;

	json_decref(call.args);
	if (ret)
		return ret;
	if (args->guests.json) {
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
static int show_in_turn(const struct stat_args *args, size_t i, struct guests_turn *turn,
			json_t *guests)
{
	const char *name = args->guests.names[i];
	int ret;

	if (!args->guests.all)
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

static int show_guests(const struct stat_args *args)
{
	struct guests_turn turn = { 0 };
	json_t *guests = json_object();
	int status = 0, ret;

	for (size_t i = 0; i < args->guests.nr; i++) {
		ret = show_in_turn(args, i, &turn, guests);
		if (ret > 0 && !status)
			status = ret;
	}
	if (args->guests.json)
		json_print(guests, 1, stdout);
	json_decref(guests);
	ret = builtin_end_output();
	return status ?: ret;
}

static int stat_main(int argc, char **argv)
{
	struct stat_args args = { .memory = false };
	int ret = guests_parse(&command, argc, argv, &args.guests);

	if (ret)
		return ret - 1;
	if (args.guests.host && args.memory) {
		log_error("stat: --memory is about guests; leave it out with --host");
		guests_release(&args.guests);
		return EXIT_USAGE;
	}
	ret = args.guests.host ? show_host(args.guests.json) : show_guests(&args);
	guests_release(&args.guests);
	return ret;
}

const struct builtin builtin_stat = {
	.name = "stat",
	.help = "Show what a guest has done, or what this host's KVM offers",
	.run = stat_main,
	.options = &command.set,
};
