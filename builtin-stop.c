// SPDX-License-Identifier: GPL-2.0-or-later
#include "lkvm/builtin.h"
#include "lkvm/guests.h"

static const struct guests_command command = {
	.name = "stop",
	.usage = "NAME...|-n NAME|-a",
	.help = "Ends guests as SIGTERM does: their disks' data is brought to stable storage, the\n"
		"guest is not asked. Returns when they have ended; their lkvm run returns 143.\n",
	.options = GUESTS_NAMES,
};

void builtin_stop_help(FILE *out)
{
	guests_print_help(&command, out);
}

int builtin_stop(int argc, char **argv)
{
	return guests_run(&command, "stop", true, argc, argv);
}
