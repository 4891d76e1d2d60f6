// SPDX-License-Identifier: GPL-2.0-or-later
#include "lkvm/builtin.h"
#include "lkvm/guests.h"

static const struct guests_command command = {
	.name = "pause",
	.usage = "NAME...|-n NAME|-a",
	.help = "Lets guests stand still: CPUs stop, devices finish what they were doing.\n",
	.options = GUESTS_NAMES,
};

static void pause_help(FILE *out)
{
	guests_print_help(&command, out);
}

static int pause_main(int argc, char **argv)
{
	return guests_run(&command, "pause", argc, argv);
}

const struct builtin builtin_pause = {
	.name = "pause",
	.help = "Pause guests",
	.run = pause_main,
	.print_help = pause_help,
};
