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

/*
 * Finds the request that a line of `len` bytes is, without its end, and takes its arguments. call->vm and kinds are set, all
 * else is zero. False: it is none; control_answer() gives the refusal all the same.
 */
bool control_parse(struct control_call *call, const char *line, size_t len);

/* Must the main thread answer it? */
bool control_needs_main(const struct control_call *call);

/*
 * Does what was asked for, unless it is refused already. On the main thread if it needs that, otherwise on any. Returns the
 * answer, which the caller owns; NULL: no memory. The call is over, but for until_end. Somebody who closed the connection while
 * waiting for a pause or a resume gets neither.
 */
json_t *control_answer(struct control_call *call);

/* The names of all requests, a list that the caller owns. */
json_t *control_request_names(const struct config_kind *const *kinds);

#endif
