/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a request line means and what the answer is (Documentation/control.md); no sockets here. */
#ifndef CONTROL_PROTOCOL_H
#define CONTROL_PROTOCOL_H

#include "lkvm/control/request.h"

/* Changes when something that was there means another thing, or is no more. */
#define CONTROL_PROTOCOL 1

/* With its line's end. */
#define CONTROL_MAX_REQUEST 4096

/* The requests that every guest answers. */
extern const struct control_request control_requests[];

struct control_asker {
	struct vm *vm;
	/* Main thread: has who asked closed the connection? NULL: that does not matter. */
	bool (*gone)(void *arg);
	void *arg;
	bool main_left; /* nothing runs in vm->loop any more: the guest is ending */
};

/*
 * Which request a line of `len` bytes is, without its end. NULL: none, and *refusal is the answer to it, which the caller owns;
 * NULL there: no memory.
 */
const struct control_request *control_parse(const char *line, size_t len, json_t **refusal);

/*
 * Does what was asked for. On the main thread if the request needs it, otherwise on any. Returns the answer, which the caller
 * owns; NULL: no memory. *until_end: the connection stays until the guest has ended. Somebody who closed the connection while
 * waiting for a pause or a resume gets neither.
 */
json_t *control_answer(const struct control_asker *asker, const struct control_request *request,
		       bool *until_end);

/* Answers of the connection's own. NULL: no memory. */
json_t *control_too_long(void);
json_t *control_ending(void);
json_t *control_too_many(void);

#endif
