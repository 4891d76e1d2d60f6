// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "lkvm/builtin.h"
#include "lkvm/config/exit-status.h"
#include "lkvm/util/log.h"
#include "lkvm/config/nearest.h"

const struct builtin builtins[] = {
	{ "run", "Boot a kernel as a guest", builtin_run, builtin_run_help },
	{ "list", "Show the guests that run", builtin_list, builtin_list_help },
	{ "stat", "Show what a guest has done, or what this host's KVM offers", builtin_stat,
	  builtin_stat_help },
	{ "stop", "End guests in an orderly way", builtin_stop, builtin_stop_help },
	{ "pause", "Let guests stand still", builtin_pause, builtin_pause_help },
	{ "resume", "Let paused guests go on", builtin_resume, builtin_resume_help },
	{ "version", "Show the version and what was built in", builtin_version,
	  builtin_version_help },
	{ "help", "Show the commands, or the options of one", builtin_help, builtin_help_help },
	{ NULL, NULL, NULL, NULL },
};

const struct builtin *builtin_next(const struct builtin *builtin)
{
	bool common =
		!builtin || (builtin >= builtins && builtin < builtins + ARRAY_SIZE(builtins));

	builtin = builtin ? builtin + 1 : builtins;
	if (common && !builtin->name)
		builtin = arch_builtins;
	return builtin->name ? builtin : NULL;
}

const struct builtin *builtin_find(const char *name)
{
	const struct builtin *builtin = builtin_next(NULL);

	while (builtin && strcmp(builtin->name, name))
		builtin = builtin_next(builtin);
	return builtin;
}

int builtin_unknown(const char *name)
{
	struct nearest nearest = { .word = name };
	const struct builtin *builtin;

	for (builtin = builtin_next(NULL); builtin; builtin = builtin_next(builtin))
		nearest_try(&nearest, builtin->name);
	if (nearest.best)
		log_error("unknown command '%s'; did you mean 'lkvm %s'?", name, nearest.best);
	else
		log_error("unknown command '%s'; 'lkvm help' shows those there are", name);
	return EXIT_USAGE;
}

/* Scripts look for the words "The most commonly used" to know that this is the right program. */
void builtin_print_usage(FILE *out)
{
	const struct builtin *builtin;

	fputs("Usage: lkvm COMMAND [OPTION...]\n"
	      "\nThe most commonly used lkvm commands are:\n",
	      out);
	for (builtin = builtin_next(NULL); builtin; builtin = builtin_next(builtin))
		fprintf(out, "   %-10s %s\n", builtin->name, builtin->help);
	fputs("\n'lkvm help COMMAND' shows what a command takes.\n", out);
}

void builtin_help_help(FILE *out)
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

int builtin_help(int argc, char **argv)
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
