// SPDX-License-Identifier: GPL-2.0-or-later
#include "lkvm/builtin.h"
#include "lkvm/guests.h"

static const struct guests_command command = {
	.set = {
		.command = "pause",
		.usage = "NAME...|-n NAME|-a",
		.help = "Pauses guests: their CPUs stop, their devices finish what they were doing.\n",
		.tables = (const struct option_row *const[]){ guests_name_rows, option_help_rows, NULL },
		.word = guests_take_name,
		.guests = true,
		.statuses = guests_statuses,
	},
	.flags = GUESTS_NAMES,
};

static int pause_main(int argc, char **argv)
{
	return guests_run(&command, "pause", argc, argv);
}

const struct builtin builtin_pause = {
	.name = "pause",
	.help = "Pause guests",
	.run = pause_main,
	.options = &command.set,
};
