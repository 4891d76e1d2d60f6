// SPDX-License-Identifier: GPL-2.0-or-later
#include "lkvm/builtin.h"
#include "lkvm/guests.h"

static const struct guests_command command = {
	.set = {
		.command = "resume",
		.usage = "NAME...|-n NAME|-a",
		.help = "Resumes paused guests.\n",
		.tables = (const struct option_row *const[]){ guests_name_rows, option_help_rows, NULL },
		.word = guests_take_name,
		.guests = true,
		.statuses = guests_statuses,
	},
	.flags = GUESTS_NAMES,
};

static int resume_main(int argc, char **argv)
{
	return guests_run(&command, "resume", argc, argv);
}

const struct builtin builtin_resume = {
	.name = "resume",
	.help = "Resume paused guests",
	.run = resume_main,
	.options = &command.set,
};
