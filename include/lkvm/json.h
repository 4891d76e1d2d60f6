/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes JSON (RFC 8259) to a stream as it is told: no tree is built, nothing can fail but the stream.
 * One thread a writer. Objects are indented with a member a line; a list is one line of plain values.
 */
#ifndef LKVM_JSON_H
#define LKVM_JSON_H

#include <stdio.h>
#include "lkvm/types.h"

struct json {
	FILE *out;
	unsigned depth; /* how many objects are open */
	bool in_list;
	bool more; /* a member or an element has been written where we are */
};

void json_begin(struct json *json, FILE *out);
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

#endif
