// SPDX-License-Identifier: GPL-2.0-or-later
#include "lkvm/builtin.h"
#include "lkvm/guests.h"

static const struct guests_command command = {
	.name = "resume",
	.usage = "NAME...|-n NAME|-a",
	.help = "Lets paused guests go on.\n",
	.options = GUESTS_NAMES,
};

static void resume_help(FILE *out)
{
	guests_print_help(&command, out);
}

static int resume_main(int argc, char **argv)
{
	return guests_run(&command, "resume", argc, argv);
}

const struct builtin builtin_resume = {
	.name = "resume",
	.help = "Resume paused guests",
	.run = resume_main,
	.print_help = resume_help,
};
