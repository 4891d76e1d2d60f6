// SPDX-License-Identifier: GPL-2.0-or-later
#include "lkvm/builtin.h"
#include "lkvm/guests.h"

static const struct guests_command command = {
	.name = "stop",
	.usage = "NAME...|-n NAME|-a",
	.help = "Ends guests within a second, as SIGTERM does. The guest is not asked, so let it shut down\n"
		"by itself if that matters to it. What it wrote to disks is brought to stable storage as\n"
		"far as the host can in that time; the host's kernel has the rest, and writes it later.\n"
		"Returns when the guests have ended; their lkvm run returns 143. One that does not answer is sent\n"
		"SIGTERM, which is told.\n",
	.options = GUESTS_NAMES | GUESTS_END,
};

void builtin_stop_help(FILE *out)
{
	guests_print_help(&command, out);
}

int builtin_stop(int argc, char **argv)
{
	return guests_run(&command, "stop", argc, argv);
}
