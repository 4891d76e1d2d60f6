/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "KEY=VALUE,KEY,...", described by a table: parsing, --help, the man page and what the control socket
 * takes are made from it. A bound is written once, in the key's row: what does not parse nobody else
 * has to refuse. Nothing here logs, opens or allocates anything.
 */
#ifndef LKVM_CONFIG_KEY_H
#define LKVM_CONFIG_KEY_H

#include <stddef.h>
#include "lkvm/util/types.h"

/* What is at the row's offset, and how its value is written. */
enum key_type {
	KEY_FLAG,   /* bool: KEY alone, KEY=on or KEY=off */
	KEY_STRING, /* const char *: min to max characters, never empty; max 0: any length */
	KEY_U32,    /* u32, unsigned or int: decimal, with 0x, or octal with a leading 0 */
	KEY_U64,    /* the same, u64 */
	KEY_SIZE, /* u64, bytes: a number and one of B, K, M, G, T, P; without a letter it counts `unit` */
	KEY_CHOICE, /* unsigned, or an enum without negative values: which of `choices` it is */
	KEY_HEX,    /* u8 []: `max` bytes, two hexadecimal digits each */
	KEY_IPV4,   /* const char *: the text of an IPv4 address; max 32: with "/BITS" perhaps */
	KEY_MAC,    /* u8 [6]: the address of one network card */
	KEY_CALL,   /* nothing: check() takes the value */
};

/* Bytes for the reason why a value is refused. */
#define KEY_WHY 640

/* A number that has no value of its own for "not given". */
struct given_u64 {
	bool given;
	u64 value;
};

struct key_row {
	const char *name;  /* NULL ends the table */
	const char *alias; /* another name for it in older command lines; NULL: none */
	enum key_type type;
	size_t offset; /* into the record */
	/* The least and the greatest value: of U32, U64, SIZE (bytes); STRING: characters. max 0: what the type holds. */
	u64 min, max;
	u64 unit;		    /* SIZE: bytes that a number without a letter counts; 0: 1 */
	const char *const *choices; /* CHOICE: in the enum's order, ends with NULL */
	bool first;		    /* it is the first item, without "NAME=": a disk's FILE */
	/* CHOICE: a choice alone, without "NAME=", is enough. STRING: so is a word that is no key's name. */
	bool bare;
	bool selects; /* CHOICE: other keys belong to some of its choices: see goes_with */
	unsigned
		goes_with; /* the BIT()s of the selecting key's choices that it belongs to; 0: all */
	/* Checks a value that was read, and may cut it up. 0, or -EINVAL by key_why(). NULL: nothing to check. */
	int (*check)(void *record, char *value, char why[KEY_WHY]);
	const char *argument; /* "N", for documentation; NULL: made from the type */
	const char *help;     /* a phrase for the man page, no full stop; NULL: shown nowhere */
};

/* A row of a table: KEY_ROW(U32, "queues", .offset = ..., .min = 1, .max = 8, .help = "..."). */
#define KEY_ROW(type_, name_, ...)                                                                 \
	{                                                                                          \
		.name = name_, .type = KEY_##type_, __VA_ARGS__                                    \
	}

/* Where a list was wrong. */
struct key_error {
	char item[128]; /* "queues=0", perhaps cut off */
	char why[KEY_WHY];
};

/*
 * Fills the record from "a,b=c,d"; ",," is a comma in a value. `text` is cut up, and must live as long as
 * the record: strings in it are parts of it. What is not named keeps its value; of a key given twice the
 * second counts. 0, or -EINVAL with *error filled.
 */
int keys_parse(const struct key_row *rows, void *record, char *text, struct key_error *error);

/* One value of one key; NULL for a flag's name alone. 0, or -EINVAL with the reason in `why`. */
int key_store(const struct key_row *row, void *record, char *value, char why[KEY_WHY]);

/* Fills `why`, a phrase with what would work; returns -EINVAL. */
int key_why(char why[KEY_WHY], const char *fmt, ...) __printf(2, 3);

/* "1 to 8", "at least 4K": NULL for a row without bounds. In `text`. */
#define KEY_BOUNDS 80
const char *key_bounds(const struct key_row *row, char text[KEY_BOUNDS]);

/* "a, b or c": those names whose bit is set in `which`. */
const char *key_names(char *text, size_t size, const char *const *names, unsigned which);

/* What is written behind "NAME=": "N", "user|tap|none"; NULL for a flag. In `text`, or the row's own. */
const char *key_argument(const struct key_row *row, char text[128]);

/*
 * Cuts the next item off *cursor, which becomes NULL behind the last one; ",," is a comma inside an item.
 * NULL at the end.
 */
char *key_list_next(char **cursor);

#endif
