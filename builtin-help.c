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
		if (!strcmp(builtins[i]->set.command, name))
			return builtins[i];
	return NULL;
}

int builtin_unknown(const char *name)
{
	struct nearest nearest = { .word = name };

	for (size_t i = 0; builtins[i]; i++)
		nearest_try(&nearest, builtins[i]->set.command);
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
		fprintf(out, "   %-10s %s\n", builtins[i]->set.command, builtins[i]->help);
	fputs("\n'lkvm help COMMAND' shows a command's options.\n", out);
}

int builtin_end_output(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	log_error("standard output: %s", strerror(errno));
	return EXIT_HOST_ERROR;
}

bool builtin_parse(const struct option_set *set, int argc, char **argv, void *base, int *status)
{
	int ret = options_parse(set, argc, argv, base);

	if (ret > 0) {
		options_print_help(set, stdout);
		*status = builtin_end_output();
	} else if (ret < 0) {
		*status = ret == -EINVAL ? EXIT_USAGE : set->kinds ? EXIT_START : EXIT_HOST_ERROR;
	}
	return !ret;
}

static int take_command(void *base, const char *word)
{
	const char **command = base;

	if (*command) {
		log_error("help takes one command; '%s' is one too many", word);
		return -EINVAL;
	}
	*command = word;
	return 0;
}

static int help_main(const struct builtin *help, int argc, char **argv)
{
	const struct builtin *builtin;
	const char *command = NULL;
	int status;

	if (!builtin_parse(&help->set, argc, argv, &command, &status))
		return status;
	builtin = command ? builtin_find(command) : NULL;
	if (builtin)
		options_print_help(&builtin->set, stdout);
	else if (command)
		return builtin_unknown(command);
	else
		builtin_print_usage(stdout);
	return builtin_end_output();
}

const struct builtin builtin_help = {
	.set = {
		.command = "help",
		.usage = "[COMMAND]",
		.help = "Shows the commands there are, or what COMMAND takes.\n",
		.tables = (const struct option_row *const[]){ option_help_rows, NULL },
		.word = take_command,
	},
	.help = "Show the commands, or the options of one",
	.run = help_main,
};
