/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables describe every option of every command once: parsing, --help, the man pages and shell completion
 * are made from them. Long options may be abbreviated unambiguously, where one that all others begin with
 * comes first; --opt=val and --opt val; --no-opt. All of it is the main thread's, before anything of the
 * guest exists.
 */
#ifndef LKVM_CONFIG_OPTIONS_H
#define LKVM_CONFIG_OPTIONS_H

#include <stdio.h>
#include "lkvm/config/config.h"
#include "lkvm/config/key.h"
#include "lkvm/config/kind.h"

/* What is at a row's offset in the command's structure, and what sets it. */
enum option_kind {
	OPTION_GROUP,  /* not an option: a heading; help is its text */
	OPTION_FLAG,   /* bool; --no-NAME clears it; "no-NAME" itself: --NAME clears it */
	OPTION_STRING, /* const char *, not empty; --no-NAME sets NULL */
	OPTION_UINT,   /* unsigned, min..max; --no-NAME sets 0 */
	OPTION_U64,    /* u64, min..max */
	OPTION_GIVEN,  /* struct given_u64, min..max; --no-NAME: it is not given */
	OPTION_SIZE,   /* u64, bytes, min..max; a number without a letter counts `unit` */
	OPTION_CHOICE, /* unsigned, or an enum without negative values: which of `choices` it is */
	/*
	 * A device of the kind whose rows it is among: adds one, with a record that `keys` fill from the
	 * value if there is one. --no-NAME: there are none, not even by default.
	 */
	OPTION_DEVICE,
	/* parse() is called with the value, "" without an argument; NULL for --no-NAME, see can_clear */
	OPTION_CALL,
	OPTION_IGNORED, /* nothing happens: scripts ask by it for what is so anyway */
	OPTION_HELP,	/* parsing ends here: help is wanted */
};

struct option_row {
	enum option_kind kind;
	char letter; /* 0: none */
	const char
		*name; /* long name; NULL ends the table (kind GROUP has none either: see help) */
	const char *argument; /* "SIZE", for --help; NULL for flags */
	const char *bare;     /* the value when none follows; NULL: it must have one */
	const char *help;     /* one sentence for --help, no full stop */
	const char *man;      /* paragraphs for the man page beyond help; NULL: none */
	size_t offset;	      /* into what the command's words fill: struct vm_config for `run` */
	u64 min, max, unit;   /* as a key's (config/key.h) */
	/* What its value is a list of. A table of one key, which is `first`: no list, but that key's value. NULL: neither. */
	const struct key_row *keys;
	/*
	 * 0, -EINVAL after logging what is wrong with the value and what would work, or -ENOMEM, logs nothing.
	 * `base` is what the command's words fill.
	 */
	int (*parse)(void *base, const struct option_row *row, const char *value);
	/* DEVICE: a last look at the record. 0; 1: none is wanted, as by --no-NAME; or -EINVAL by key_why(). */
	int (*check)(void *record, char why[KEY_WHY]);
	const char *const *choices; /* for completion and messages; NULL-terminated or NULL */
	bool can_clear;		    /* OPTION_CALL: there is a --no-NAME */
	bool by_default;	    /* there without being asked for: completion offers --no-NAME */
	bool exact;		    /* never abbreviated, so that it makes no other name unclear */
	bool repeats;		    /* may be given several times; for the documentation */
};

/* A row of a table: OPTION_ROW(FLAG, "reboot", CONFIG_FIELD(reboot), .help = "..."). */
#define OPTION_ROW(kind_, name_, ...)                                                              \
	{                                                                                          \
		.kind = OPTION_##kind_, .name = name_, __VA_ARGS__                                 \
	}
#define CONFIG_FIELD(member) .offset = offsetof(struct vm_config, member)

/* The headings that kinds of devices put their rows under. */
#define OPTION_GROUP_DISKS   "Disks"
#define OPTION_GROUP_NETWORK "Network"
#define OPTION_GROUP_DEVICES "Console and other devices"

/* All options of one command. */
struct option_set {
	const char *command; /* "run" */
	const char *usage;   /* what follows the command in its usage line; NULL: nothing */
	const char *help;    /* sentences, with line breaks */
	/* Each ends with an empty row; ends with NULL. The headings of the kinds' groups are in the first. */
	const struct option_row *const *tables;
	/* Kinds whose rows are among them; ends with NULL. NULL: none. If there are, base is a struct vm_config. */
	const struct config_kind *const *kinds;
	/* A word without a dash. 0, -EINVAL after logging why not, or -ENOMEM. NULL: none has a meaning. */
	int (*word)(void *base, const char *word);
	const char *const
		*shown; /* the names of those rows that help tells of; ends with NULL. NULL: all */
	unsigned
		statuses; /* what it exits with, for --help: STATUS_OF_... (config/exit-status.h); 0: not told */
};

/* -h, --help: the last table of every command that has no such row of its own. */
extern const struct option_row option_help_rows[];

/* `lkvm run`'s: the common ones, then arch_options. */
extern const struct option_row *const run_tables[];
int run_take_word(void *base, const char *word);

/*
 * Every row, in the order in which they are shown: options_next() gives the next one, until NULL. Zeroed before, but for
 * `set`.
 */
struct option_walk {
	const struct option_set *set;
	const struct config_kind *kind; /* whose row it was; NULL: the command's own */
	/* ---- the walk's own ---- */
	unsigned table, row, nr_kind, kind_row;
	const char *group;
};
const struct option_row *options_next(struct option_walk *walk);

/* Is it one that help, man page and completion show? Without headings if they are not all. */
bool option_is_shown(const struct option_set *set, const struct option_row *row);

/* Is there a --no-NAME for this row? */
bool option_can_be_negated(const struct option_row *row);

/*
 * Fills base from a command's arguments (argv[0] is the command). 0; 1 when --help was met and nothing
 * behind it was looked at; or -EINVAL after one line that says what is wrong, with the nearest real
 * option for an unknown one; -ENOMEM. The arguments must outlive base.
 */
int options_parse(const struct option_set *set, int argc, char **argv, void *base);

/* `lkvm help COMMAND`. */
void options_print_help(const struct option_set *set, FILE *out);

/* Says "--NAME VALUE: ..." at Error level. Returns -EINVAL, so that a parser can end with it. */
int option_error(const struct option_row *row, const char *value, const char *fmt, ...)
	__printf(3, 4);

/*
 * For parsers (.parse) of a list: fills `record` by row->keys. Strings in it are config's. 0, or -EINVAL after
 * saying "--NAME KEY=VALUE: ...", or -ENOMEM, logs nothing.
 */
int option_keys(struct vm_config *config, const struct option_row *row, const char *value,
		void *record);

/* The parsers of options-memory.c, and --mem-backend's keys. */
extern const struct key_row memory_keys[];
int option_parse_memory_backend(void *base, const struct option_row *row, const char *value);
int option_parse_hugetlbfs(void *base, const struct option_row *row, const char *value);
int option_parse_guest_memfd(void *base, const struct option_row *row, const char *value);

#endif
