// SPDX-License-Identifier: GPL-2.0-or-later
#include <limits.h>

#include "lkvm/config/exit-status.h"
#include "lkvm/guests.h"
#include "lkvm/util/json.h"

struct balloon_args {
	struct guests_args guests;
	u64 inflate, deflate, target; /* bytes; 0: not given */
	bool hint, wait;
};

#define BALLOON_SIZE(key)                                                                          \
	.offset = offsetof(struct balloon_args, key), .argument = "SIZE", .min = 4096,             \
	.unit = MIB(1)

static const struct option_row balloon_rows[] = {
	OPTION_ROW(SIZE, "inflate", BALLOON_SIZE(inflate), .letter = 'i',
		   .help = "Take that much more memory from the guest"),
	OPTION_ROW(SIZE, "deflate", BALLOON_SIZE(deflate), .letter = 'd',
		   .help = "Give that much of it back to the guest"),
	OPTION_ROW(SIZE, "target", BALLOON_SIZE(target), .letter = 't',
		   .help = "Leave the guest that much memory in all"),
	OPTION_ROW(FLAG, "hint", .offset = offsetof(struct balloon_args, hint),
		   .help = "Ask the guest which of its pages are free",
		   .man = "They are counted, and nothing is taken away."),
	OPTION_ROW(FLAG, "wait", .offset = offsetof(struct balloon_args, wait), .letter = 'w',
		   .help = "Wait until the guest has done it",
		   .man = "There is no limit; Ctrl-C ends the waiting alone."),
	{ 0 },
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

/* With --wait, until nothing is left to be done. */
static bool balloon_is_coming(const struct guests_args *args, json_t *answer)
{
	json_object_del(answer, "ok");
	return ((const struct balloon_args *)args)->wait &&
	       (json_integer_value(json_object_get(answer, "target_bytes")) !=
			json_integer_value(json_object_get(answer, "actual_bytes")) ||
		json_is_true(json_object_get(answer, "hinting")));
}

static void balloon_print(const char *name, json_t *answer)
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

static int balloon_main(const struct builtin *command, int argc, char **argv)
{
	struct balloon_args args = { .hint = false };
	struct guests_show show = {
		.request = "balloon",
		.is_coming = balloon_is_coming,
		.patience_ms = UINT_MAX,
		.print = balloon_print,
	};
	int status;

	if (!guests_parse(command, argc, argv, &args.guests, &status))
		return status;
	if (!!args.inflate + !!args.deflate + !!args.target + args.hint > 1) {
		status = guests_error(&args.guests, EXIT_USAGE,
				      "--inflate, --deflate, --target and --hint: one at a time");
	} else {
		show.args = balloon_request(&args);
		status = guests_show(&args.guests, &show);
		json_decref(show.args);
	}
	guests_release(&args.guests);
	return status;
}

const struct builtin builtin_balloon = {
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
		.statuses = STATUS_OF_COMMANDS | STATUS_OF_GUESTS,
	},
	.help = "Take memory from guests, or give it back",
	.run = balloon_main,
	.guests = GUESTS_NAMES,
};
