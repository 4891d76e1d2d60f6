/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lkvm adds to jansson (RFC 8259): bounds for text that somebody else wrote, and lines that scripts know. Any thread. */
#ifndef LKVM_UTIL_JSON_H
#define LKVM_UTIL_JSON_H

#include <jansson.h>
#include <stdio.h>
#include "lkvm/util/types.h"

/* How deep objects and lists may be nested in what is read. */
#define JSON_MAX_DEPTH 8

/*
 * Reads one object with blanks around it and nothing else. A NUL, a member given twice, text that is not UTF-8, a whole
 * number outside 64 signed bits and deeper nesting are refused. The caller bounds `len`, and with it the memory. NULL: it is
 * none of that, or no memory. The caller owns the reference.
 */
json_t *json_read(const char *text, size_t len);

/* A string; where `text` is not UTF-8 it is cleaned as for a terminal (text_clean()). NULL: no memory. */
json_t *json_words(const char *text);

/* A whole number, at most 2^63 - 1. */
json_t *json_number(u64 number);

/* One line with its end, of *len bytes, which the caller frees. NULL: no memory, or `value` is NULL. */
char *json_line(const json_t *value, size_t *len);

/*
 * Prints a value. Members of objects have a line each down to `levels` of nesting, all below is on the line of its member.
 * What is not ASCII is escaped, so that nothing a peer wrote reaches a terminal.
 */
void json_print(json_t *value, unsigned levels, FILE *out);

#endif
