// SPDX-License-Identifier: GPL-2.0-or-later
#include "lkvm/config/exit-status.h"
#include "lkvm/guests.h"

struct wait_args {
	struct guests_args guests;
	unsigned timeout;
};

static const struct option_row rows[] = {
	OPTION_ROW(UINT, "timeout", .offset = offsetof(struct wait_args, timeout),
		   .argument = "SECONDS", .max = 86400 * 365,
		   .help = "Wait so many seconds at most, then end with status 248 (0: for ever)"),
	{ 0 },
};

static int wait_main(const struct builtin *command, int argc, char **argv)
{
	struct wait_args args = { .timeout = 0 };
	int status;

	if (!guests_parse(command, argc, argv, &args.guests, &status))
		return status;
	args.guests.seconds = args.timeout;
	status = guests_request(&args.guests, "wait");
	guests_release(&args.guests);
	return status;
}

const struct builtin builtin_wait = {
	.set = {
		.command = "wait",
		.usage = "[--timeout SECONDS] NAME...|-n NAME|-a",
		.help = "Waits until guests have ended, by themselves or because something ends them, and returns 0 then,\n"
		"however they ended. It asks nothing of them, and Ctrl-C stops the waiting alone.\n",
		.tables = (const struct option_row *const[]){ guests_name_rows, rows, option_help_rows, NULL },
		.word = guests_take_name,
		.statuses = STATUS_OF_COMMANDS | STATUS_OF_GUESTS,
	},
	.help = "Wait until guests have ended",
	.run = wait_main,
	.guests = GUESTS_NAMES | GUESTS_ASK,
};
