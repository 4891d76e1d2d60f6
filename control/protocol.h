/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a request line means and what the answer is (Documentation/control.md); no sockets here. */
#ifndef CONTROL_PROTOCOL_H
#define CONTROL_PROTOCOL_H

#include <stdio.h>
#include "lkvm/types.h"

struct vm;

/* Changes when something that was there means another thing, or is no more. */
#define CONTROL_PROTOCOL 1

/* With its line's end. */
#define CONTROL_MAX_REQUEST 4096

enum control_error {
	CONTROL_OK,
	CONTROL_TOO_LONG,
	CONTROL_MALFORMED,
	CONTROL_UNKNOWN_MEMBER,
	CONTROL_UNKNOWN_REQUEST,
	CONTROL_ENDING,
	CONTROL_NOT_SNP,
	CONTROL_NOT_OFFERED,
	CONTROL_FAILED,
};

struct control_request;

/* A line without its end, as a string. */
enum control_error control_parse(const char *line, const struct control_request **request);

/*
 * Main thread: does what the line asks for and writes the answer, a line. True: it is the guest's end, and
 * the connection stays until then.
 */
bool control_answer(struct vm *vm, const char *line, FILE *out);

/* The answer that is nothing but an error. */
void control_refuse(enum control_error error, FILE *out);

#endif
