/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The subcommands, one file each: builtin-NAME.c, here or in the architecture's folder, defines builtin_NAME (with '_' for
 * '-'). The Makefile makes the table from the files there are; nothing else names one.
 */
#ifndef LKVM_BUILTIN_H
#define LKVM_BUILTIN_H

#include <stdio.h>
#include "lkvm/config/options.h"

struct builtin {
	struct option_set set; /* what it takes; set.command is its name */
	const char *help;      /* one line for `lkvm help`, no full stop */
	/* argv[0] is the name; returns lkvm's exit status */
	int (*run)(const struct builtin *builtin, int argc, char **argv);
	/* Of those that talk to guests (guests.h): which kind it is, and what guests_run() asks for. */
	unsigned guests;
	const char *request;
};

/* All of them in the order of their names; ends with NULL. */
extern const struct builtin *const builtins[];

extern const struct builtin builtin_run;

const struct builtin *builtin_find(const char *name);
/* Says that there is no such command, with the nearest one. Returns EXIT_USAGE. */
int builtin_unknown(const char *name);

/* `lkvm help`: usage and the list of commands. */
void builtin_print_usage(FILE *out);

/*
 * Parses a command's words: true, or false with *status to exit with: help was wanted and printed, or the words are
 * wrong, which was logged.
 */
bool builtin_parse(const struct option_set *set, int argc, char **argv, void *base, int *status);

/*
 * The same for one that takes the words of `lkvm run`: initializes `config`, which config_release() frees in any case,
 * and sets the log level.
 */
bool builtin_parse_run(const struct option_set *set, int argc, char **argv,
		       struct vm_config *config, int *status);

/* What was printed must have arrived: 0, or EXIT_HOST_ERROR after logging that it did not. */
int builtin_end_output(void);

#endif
