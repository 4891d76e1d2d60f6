// SPDX-License-Identifier: GPL-2.0-or-later
#include "lkvm/config/exit-status.h"
#include "lkvm/guests.h"

const struct builtin builtin_resume = {
	.set = {
		.command = "resume",
		.usage = "NAME...|-n NAME|-a",
		.help = "Resumes paused guests.\n",
		.tables = (const struct option_row *const[]){ guests_name_rows, option_help_rows, NULL },
		.word = guests_take_name,
		.statuses = STATUS_OF_COMMANDS | STATUS_OF_GUESTS,
	},
	.help = "Resume paused guests",
	.run = guests_run,
	.guests = GUESTS_NAMES,
	.request = "resume",
};
