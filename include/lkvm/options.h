/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One table describes every option once: parsing, --help, the man page and shell completion are made
 * from it. Long options may be abbreviated unambiguously; --opt=val and --opt val; --no-opt.
 */
#ifndef LKVM_OPTIONS_H
#define LKVM_OPTIONS_H

#include <stdio.h>
#include "lkvm/config.h"

enum option_kind {
	OPTION_GROUP,	  /* not an option: a heading; help is its text */
	OPTION_FLAG,	  /* bool at offset; --no-NAME clears it */
	OPTION_STRING,	  /* const char * at offset; --no-NAME sets NULL */
	OPTION_UINT,	  /* unsigned at offset, within min..max */
	OPTION_CALL,	  /* parse() is called with the value */
	OPTION_CALL_FLAG, /* parse() is called; value is NULL, or "" for --no-NAME */
};

struct option_row {
	enum option_kind kind;
	char letter; /* 0: none */
	const char
		*name; /* long name; NULL ends the table (kind GROUP has none either: see help) */
	const char *argument; /* "SIZE", for --help; NULL for flags */
	const char *help;     /* one sentence for --help, no full stop */
	const char *man;      /* paragraphs for the man page beyond help; NULL: none */
	size_t offset;	      /* into struct vm_config */
	unsigned min, max;    /* OPTION_UINT; max 0: no limit */
	/* 0, or -EINVAL after saying what is wrong with the value and what would work. */
	int (*parse)(struct vm_config *config, const struct option_row *row, const char *value);
	const char *const *choices; /* for completion and messages; NULL-terminated or NULL */
};

/* Every row of `lkvm run`: the common ones, then arch_options. Calls fn for each; non-zero stops. */
int options_for_each(int (*fn)(const struct option_row *row, void *arg), void *arg);

/*
 * Fills config from run's arguments (argv[0] is "run"). The first bare word is the kernel. 0, or
 * -EINVAL after one line that says what is wrong, with the nearest real option for an unknown one.
 */
int options_parse_run(int argc, char **argv, struct vm_config *config);

/* Printers, to `out`. */
void options_print_help(FILE *out);
void options_print_man(FILE *out);	  /* roff, the OPTIONS section of lkvm-run(1) */
void options_print_completion(FILE *out); /* bash */

/*
 * "512" (MiB), "512M", "2G", "1T", "4096K", "1048576B". 0 or -EINVAL; nothing is said. `rest`, if not
 * NULL, gets what follows the number and unit, else anything after it is an error.
 */
int parse_size(const char *text, u64 default_unit, u64 *bytes, const char **rest);

#endif
