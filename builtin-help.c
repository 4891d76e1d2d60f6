// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "lkvm/builtin.h"
#include "lkvm/config/exit-status.h"
#include "lkvm/util/log.h"
#include "lkvm/config/nearest.h"

const struct builtin *builtin_find(const char *name)
{
	for (size_t i = 0; builtins[i]; i++)
		if (!strcmp(builtins[i]->name, name))
			return builtins[i];
	return NULL;
}

int builtin_unknown(const char *name)
{
	struct nearest nearest = { .word = name };

	for (size_t i = 0; builtins[i]; i++)
		nearest_try(&nearest, builtins[i]->name);
	if (nearest.best)
		log_error("unknown command '%s'; did you mean 'lkvm %s'?", name, nearest.best);
	else
		log_error("unknown command '%s'; 'lkvm help' shows those there are", name);
	return EXIT_USAGE;
}

/* Scripts look for the words "The most commonly used" to know that this is the right program. */
void builtin_print_usage(FILE *out)
{
	fputs("Usage: lkvm COMMAND [OPTION...]\n"
	      "\nThe most commonly used lkvm commands are:\n",
	      out);
	for (size_t i = 0; builtins[i]; i++)
		fprintf(out, "   %-10s %s\n", builtins[i]->name, builtins[i]->help);
	fputs("\n'lkvm help COMMAND' shows what a command takes.\n", out);
}

static void help_help(FILE *out)
{
	fputs("Usage: lkvm help [COMMAND]\n"
	      "Shows the commands there are, or what COMMAND takes.\n",
	      out);
}

int builtin_end_output(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	log_error("standard output: %s", strerror(errno));
	return EXIT_HOST_ERROR;
}

static int help_main(int argc, char **argv)
{
	const struct builtin *builtin;

	if (argc > 2) {
		log_error("help takes one command, so '%s' has no meaning", argv[2]);
		return EXIT_USAGE;
	}
	if (argc < 2) {
		builtin_print_usage(stdout);
		return builtin_end_output();
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		builtin = builtin_find("help");
	else
		builtin = builtin_find(argv[1]);
	if (!builtin)
		return builtin_unknown(argv[1]);
	builtin->print_help(stdout);
	return builtin_end_output();
}

const struct builtin builtin_help = {
	.name = "help",
	.help = "Show the commands, or the options of one",
	.run = help_main,
	.print_help = help_help,
};
