// SPDX-License-Identifier: GPL-2.0-or-later
#include "lkvm/config/exit-status.h"
#include "lkvm/guests.h"

struct stop_args {
	struct guests_args guests;
	bool ask;
};

static const struct option_row rows[] = {
	OPTION_ROW(FLAG, "ask", .offset = offsetof(struct stop_args, ask),
		   .help = "Press the power button, and wait until the guest has shut down"),
	{ 0 },
};

static int stop_main(const struct builtin *command, int argc, char **argv)
{
	struct stop_args args = { .ask = false };
	int status;

	if (!guests_parse(command, argc, argv, &args.guests, &status))
		return status;
	/* A guest that does not answer then gets no SIGTERM, and no message about one. */
	if (args.ask)
		args.guests.flags = GUESTS_NAMES | GUESTS_ASK;
	status = guests_request(&args.guests, args.ask ? "power-button" : "stop");
	guests_release(&args.guests);
	return status;
}

const struct builtin builtin_stop = {
	.set = {
		.command = "stop",
		.usage = "[--ask] NAME...|-n NAME|-a",
		.help = "Ends guests within a second, as SIGTERM does, and returns when they have ended; their lkvm\n"
		"run returns 143. The guest itself is not asked: let it shut down by itself, or use --ask,\n"
		"if it must. What it wrote is brought to the disks as far as that is possible in this time;\n"
		"the host's kernel writes the rest later. A guest that does not answer gets SIGTERM, which\n"
		"is logged.\n"
		"--ask waits as long as the guests take, and sends no signal. Ctrl-C stops the waiting, not\n"
		"the guests.\n",
		.tables = (const struct option_row *const[]){ guests_name_rows, rows, option_help_rows, NULL },
		.word = guests_take_name,
		.statuses = STATUS_OF_COMMANDS | STATUS_OF_GUESTS,
	},
	.help = "End guests",
	.run = stop_main,
	.guests = GUESTS_NAMES | GUESTS_END,
};
