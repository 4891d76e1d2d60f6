/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One table describes every option once: parsing, --help, the man page and shell completion are made
 * from it. Long options may be abbreviated unambiguously, where one that all others begin with comes first; --opt=val and --opt val; --no-opt. All of
 * it is the main thread's, before anything of the guest exists.
 */
#ifndef LKVM_CONFIG_OPTIONS_H
#define LKVM_CONFIG_OPTIONS_H

#include <stdio.h>
#include "lkvm/config/config.h"

enum option_kind {
	OPTION_GROUP,  /* not an option: a heading; help is its text */
	OPTION_FLAG,   /* bool at offset; --no-NAME clears it; "no-NAME" itself: --NAME clears it */
	OPTION_STRING, /* const char * at offset, not empty; --no-NAME sets NULL */
	OPTION_UINT,   /* unsigned at offset, within min..max; --no-NAME sets 0 */
	OPTION_CALL,   /* parse() is called with the value; NULL for --no-NAME, see can_clear */
	OPTION_CALL_FLAG, /* parse() is called; value is NULL, or "" for --no-NAME, see can_clear */
	OPTION_IGNORED,	  /* nothing happens: scripts ask by it for what is so anyway */
	OPTION_HELP,	  /* parsing ends here: help is wanted */
};

struct option_row {
	enum option_kind kind;
	char letter; /* 0: none */
	const char
		*name; /* long name; NULL ends the table (kind GROUP has none either: see help) */
	const char *argument; /* "SIZE", for --help; NULL for flags */
	const char *bare;     /* OPTION_CALL: the value when none follows; NULL: it must have one */
	const char *help;     /* one sentence for --help, no full stop */
	const char *man;      /* paragraphs for the man page beyond help; NULL: none */
	size_t offset;	      /* into struct vm_config */
	unsigned min, max;    /* OPTION_UINT; max 0: no limit */
	/* 0, or -EINVAL after saying what is wrong with the value and what would work. */
	int (*parse)(struct vm_config *config, const struct option_row *row, const char *value);
	const char *const *choices; /* for completion and messages; NULL-terminated or NULL */
	bool can_clear;		    /* OPTION_CALL and OPTION_CALL_FLAG: there is a --no-NAME */
	bool by_default;	    /* there without being asked for: completion offers --no-NAME */
	bool exact;		    /* never abbreviated, so that it makes no other name unclear */
	bool repeats;		    /* may be given several times; for the documentation */
};

/* Every row of `lkvm run`: the common ones, then arch_options. Calls fn for each; non-zero stops. */
int options_for_each(int (*fn)(const struct option_row *row, void *arg), void *arg);

/* Is there a --no-NAME for this row? */
bool option_can_be_negated(const struct option_row *row);

/*
 * Fills config from run's arguments (argv[0] is "run"). The first bare word is the kernel. 0; 1 when
 * --help was met and nothing behind it was looked at; or -EINVAL after one line that says what is
 * wrong, with the nearest real option for an unknown one. The arguments must outlive config.
 */
int options_parse_run(int argc, char **argv, struct vm_config *config);

/* `lkvm help run`. */
void options_print_help(FILE *out);

/*
 * Says "--NAME VALUE: ..." at Error level; with a reason that begins by one of the value's words ("mac=x: ...") only that
 * word. Returns -EINVAL, so that a parser can end with it.
 */
int option_error(const struct option_row *row, const char *value, const char *fmt, ...)
	__printf(3, 4);

/* Which of row->choices value is (an index), or -EINVAL after saying which there are. */
int option_choice(const struct option_row *row, const char *value);

/* For rows (.parse) whose choices are an enum's names in its order: .offset is the enum's. */
int option_parse_choice(struct vm_config *config, const struct option_row *row, const char *value);

/* A number of 64 bits, decimal or with 0x. 0, or -EINVAL after saying what is wrong. */
int option_u64(const struct option_row *row, const char *value, u64 *number);

/*
 * Walks "a,b=c,d": cuts the next item off *cursor, which becomes NULL behind the last one. ",," is a
 * comma inside an item. NULL at the end.
 */
char *option_list_next(char **cursor);

/* The parsers of options-disk.c, options-net.c and options-memory.c. */
int option_parse_disk(struct vm_config *config, const struct option_row *row, const char *value);
int option_parse_net(struct vm_config *config, const struct option_row *row, const char *value);
int option_parse_memory_backend(struct vm_config *config, const struct option_row *row,
				const char *value);
int option_parse_hugetlbfs(struct vm_config *config, const struct option_row *row,
			   const char *value);
int option_parse_guest_memfd(struct vm_config *config, const struct option_row *row,
			     const char *value);

#endif
