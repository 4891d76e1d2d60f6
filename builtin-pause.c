// SPDX-License-Identifier: GPL-2.0-or-later
#include "lkvm/config/exit-status.h"
#include "lkvm/guests.h"

const struct builtin builtin_pause = {
	.set = {
		.command = "pause",
		.usage = "NAME...|-n NAME|-a",
		.help = "Pauses guests: their CPUs stop, their devices finish what they were doing.\n",
		.tables = (const struct option_row *const[]){ guests_name_rows, option_help_rows, NULL },
		.word = guests_take_name,
		.statuses = STATUS_OF_COMMANDS | STATUS_OF_GUESTS,
	},
	.help = "Pause guests",
	.run = guests_run,
	.guests = GUESTS_NAMES,
	.request = "pause",
};
