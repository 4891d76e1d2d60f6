/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON (RFC 8259). The writer writes to a stream as it is told: no tree is built, nothing can fail but the
 * stream. Objects are indented with a member a line, or all is one line; a list is one line of plain values.
 * The reader tells what it meets, and builds no tree either. One thread each.
 */
#ifndef LKVM_UTIL_JSON_H
#define LKVM_UTIL_JSON_H

#include <stdio.h>
#include "lkvm/util/types.h"

struct json {
	FILE *out;
	unsigned depth; /* how many objects are open */
	bool one_line;
	bool in_list;
	bool more; /* a member or an element has been written where we are */
};

void json_begin(struct json *json, FILE *out);
/* The same without a line break before the last one. */
void json_begin_line(struct json *json, FILE *out);
/* After the outermost object: the last line's end. */
void json_end(struct json *json);

/* `key` is NULL for the outermost object and in lists. Nothing but plain values goes into a list. */
void json_object(struct json *json, const char *key);
void json_object_end(struct json *json);
void json_list(struct json *json, const char *key);
void json_list_end(struct json *json);

/* Bytes that are no UTF-8 come out as U+FFFD, so that the result always is. */
void json_string(struct json *json, const char *key, const char *text);
void json_number(struct json *json, const char *key, u64 number);
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);
/* What is JSON already. */
void json_raw(struct json *json, const char *key, const char *text);

/* ---- reading ---- */

enum json_kind {
	JSON_STRING,
	JSON_NUMBER, /* whole, 0 to 2^64 - 1 */
	JSON_OTHER_NUMBER,
	JSON_BOOL,
	JSON_NULL,
	JSON_OBJECT, /* its members follow */
	JSON_LIST,   /* its elements follow */
};

/* The longest path with its NUL; how deep objects and lists may be nested. A string may be as long as the text. */
#define JSON_MAX_PATH  256
#define JSON_MAX_DEPTH 8

struct json_value {
	const char *
		path; /* "exits.io" is a member's, "exits.io[]" its elements'; "" the outermost's */
	enum json_kind kind;
	const char *text; /* JSON_STRING: without escapes, well-formed UTF-8 */
	u64 number;	  /* JSON_NUMBER; JSON_BOOL: 0 or 1 */
};

/*
 * `text` is to be one JSON value, with blanks around it and nothing else. Calls fn for each value in it, in
 * order, the outermost included; what is not 0 stops and is returned. 0; -ENOMEM; or -EINVAL: it is no JSON, has a
 * NUL character in a string, or is above one of the limits; fn may have been called by then. Paths are not unique:
 * a member named "" has that of the object that it is in, and who must know the outermost value takes the first.
 */
int json_read(const char *text, int (*fn)(const struct json_value *value, void *arg), void *arg);

#endif
