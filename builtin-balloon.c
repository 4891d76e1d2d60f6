// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <time.h>

#include "lkvm/builtin.h"
#include "lkvm/config/exit-status.h"
#include "lkvm/guests.h"
#include "lkvm/util/json.h"
#include "lkvm/util/log.h"

#define BALLOON_LOOK_NS 100000000

struct balloon_args {
	struct guests_args guests;
	u64 inflate, deflate, target; /* bytes; 0: not given */
	bool hint, wait;
};

#define BALLOON_SIZE(key, short_name, words)                                                       \
	{                                                                                          \
		.kind = OPTION_SIZE, .letter = (short_name), .name = #key, .argument = "SIZE",     \
		.help = (words), .offset = offsetof(struct balloon_args, key), .min = 4096,        \
		.unit = MIB(1)                                                                     \
	}

static const struct option_row balloon_rows[] = {
	BALLOON_SIZE(inflate, 'i', "Take that much more memory from the guest"),
	BALLOON_SIZE(deflate, 'd', "Give that much of it back to the guest"),
	BALLOON_SIZE(target, 't', "Leave the guest that much memory in all"),
	{ .kind = OPTION_FLAG,
	  .name = "hint",
	  .help = "Ask the guest which of its pages are free",
	  .offset = offsetof(struct balloon_args, hint) },
	{ .kind = OPTION_FLAG,
	  .letter = 'w',
	  .name = "wait",
	  .help = "Wait until the guest has done it",
	  .offset = offsetof(struct balloon_args, wait) },
	{ 0 },
};

static const struct guests_command command = {
	.set = {
		.command = "balloon",
		.usage = "[--inflate SIZE|--deflate SIZE|--target SIZE|--hint] [--wait] [--json]\n"
			 "                    NAME...|-n NAME|-a",
		.help = "Has guests with a balloon ('lkvm run --balloon') give memory to the host or take it\n"
			"back, and shows how much they have. A SIZE without a unit counts MiB. Without --wait\n"
			"it returns at once; a guest gives what it can do without, as fast as it can.\n",
		.tables = (const struct option_row *const[]){ balloon_rows, guests_name_rows,
							      guests_json_rows, option_help_rows,
							      NULL },
		.word = guests_take_name,
		.guests = true,
		.statuses = guests_statuses,
	},
	.flags = GUESTS_NAMES,
};

static json_t *balloon_request(const struct balloon_args *args)
{
	json_t *request = json_object();

	if (args->inflate)
		json_object_set_new(request, "inflate", json_number(args->inflate));
	if (args->deflate)
		json_object_set_new(request, "deflate", json_number(args->deflate));
	if (args->target)
		json_object_set_new(request, "target", json_number(args->target));
	if (args->hint)
		json_object_set_new(request, "hint", json_true());
	return request;
}

static long long balloon_mib(const json_t *answer, const char *key)
{
	return json_integer_value(json_object_get(answer, key)) >> 20;
}

static bool balloon_is_settled(const json_t *answer)
{
	return json_integer_value(json_object_get(answer, "target_bytes")) ==
		       json_integer_value(json_object_get(answer, "actual_bytes")) &&
	       !json_is_true(json_object_get(answer, "hinting"));
}

static void balloon_print(const char *name, const json_t *answer)
{
	printf("Guest %s has %lld of %lld MiB of memory", name, balloon_mib(answer, "actual_bytes"),
	       balloon_mib(answer, "memory_bytes"));
	if (balloon_mib(answer, "actual_bytes") != balloon_mib(answer, "target_bytes"))
		printf("; its target is %lld MiB", balloon_mib(answer, "target_bytes"));
	if (json_is_true(json_object_get(answer, "hinting")))
		printf("; it is listing its free pages");
	else if (json_integer_value(json_object_get(answer, "hinted_bytes")))
		printf("; it listed %lld MiB of free pages", balloon_mib(answer, "hinted_bytes"));
	putchar('\n');
}

/* Asks, and with --wait asks again until nothing is left to be done. As guests_ask(). */
static int balloon_ask(const struct balloon_args *args, const char *name, json_t **answer)
{
	const struct timespec pause = { .tv_nsec = BALLOON_LOOK_NS };
	struct guests_call call = { .request = "balloon", .args = balloon_request(args) };
	int ret = guests_ask(&command, &args->guests, name, &call);

	json_decref(call.args);
	call.args = NULL;
	while (!ret) {
		*answer = call.answer;
		control_disconnect(&call.peer);
		if (!args->wait || balloon_is_settled(*answer))
			break;
		json_decref(call.answer);
		nanosleep(&pause, NULL);
		ret = guests_ask(&command, &args->guests, name, &call);
	}
	return ret;
}

static int balloon_show(const struct balloon_args *args)
{
	json_t *guests = json_object(), *answer;
	int status = 0, ret;

	for (size_t i = 0; i < args->guests.nr; i++) {
		const char *name = args->guests.names[i];

		ret = balloon_ask(args, name, &answer);
		if (ret > 0 && !status)
			status = ret;
		if (ret)
			continue;
		if (args->guests.json) {
			json_object_del(answer, "ok");
			json_object_set(guests, name, answer);
		} else {
			balloon_print(name, answer);
		}
		json_decref(answer);
	}
	if (args->guests.json)
		json_print(guests, 1, stdout);
	json_decref(guests);
	ret = builtin_end_output();
	return status ?: ret;
}

static int balloon_main(int argc, char **argv)
{
	struct balloon_args args = { .hint = false };
	int ret = guests_parse(&command, argc, argv, &args.guests);

	if (ret)
		return ret - 1;
	if (!!args.inflate + !!args.deflate + !!args.target + args.hint > 1) {
		log_error("balloon: --inflate, --deflate, --target and --hint: one at a time");
		ret = EXIT_USAGE;
	} else {
		ret = balloon_show(&args);
	}
	guests_release(&args.guests);
	return ret;
}

const struct builtin builtin_balloon = {
	.name = "balloon",
	.help = "Take memory from guests, or give it back",
	.run = balloon_main,
	.options = &command.set,
};
