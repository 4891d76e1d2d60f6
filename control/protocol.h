/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a request line means and what the answer is (Documentation/control.md); no sockets here. */
#ifndef CONTROL_PROTOCOL_H
#define CONTROL_PROTOCOL_H

#include <stdio.h>
#include "lkvm/util/types.h"

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
	CONTROL_GIVEN_UP, /* nobody is left to read it */
	CONTROL_NOT_SNP,
	CONTROL_NO_BUTTON,
	CONTROL_NOT_LISTENING,
	CONTROL_PAUSED,
	CONTROL_NOT_OFFERED,
	CONTROL_FAILED,
};

struct control_request;

/* A line without its end, as a string. */
enum control_error control_parse(const char *line, const struct control_request **request);

/* Can only the main thread do it, in vm->loop? */
bool control_needs_main(const struct control_request *request);

struct control_asker {
	struct vm *vm;
	/* Main thread: has who asked closed his connection? NULL: that does not matter. */
	bool (*gone)(void *arg);
	void *arg;
	bool main_left; /* nothing runs in vm->loop any more: the guest is ending */
};

/*
 * Does what was asked for and writes the answer, a line. On the main thread if control_needs_main(), otherwise on
 * any: then of vm nothing is looked at but what any thread may. True: it is the guest's end, and the
 * connection stays until then. Somebody who gave up his connection while he waited for a pause or a resume
 * gets neither.
 */
bool control_answer(const struct control_asker *asker, const struct control_request *request,
		    FILE *out);

/* The answer that is nothing but an error. */
void control_refuse(enum control_error error, FILE *out);

#endif
