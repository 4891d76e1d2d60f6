/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be asked of a guest through its control socket, as rows of tables: the protocol's own (control/requests.c) and those
 * of each kind of device (device_kind.requests). A row is found by its name, and what comes with it is checked against
 * its table of keys: whoever writes one knows nothing of sockets.
 */
#ifndef LKVM_CONTROL_REQUEST_H
#define LKVM_CONTROL_REQUEST_H

#include <jansson.h>
#include <stddef.h>
#include "lkvm/util/types.h"

struct config_kind;
struct control_call;
struct device;
struct key_row;
struct vm;

struct control_request {
	const char *name; /* "balloon", unlike any other's; NULL ends a table */
	/*
	 * Only the main thread can do it, in vm->loop: it waits while the guest starts, and is refused while it ends.
	 * Otherwise any thread. Those of a kind of device are all done on the main thread.
	 */
	bool needs_main;
	/*
	 * Does what is asked for and adds what the answer shall have beside "ok" to call->answer, or refuses by
	 * control_refuse(). NULL: there is nothing to do.
	 */
	void (*act)(struct control_call *call);
	/*
	 * The members that a request may have. In JSON a flag is true or false, a number and a size are whole numbers (a size in
	 * bytes; "512M" is one, too), all else is a string. NULL: none.
	 */
	const struct key_row *args;
};

#define CONTROL_MAX_ARGS 256

/* One request that is being answered. */
struct control_call {
	struct vm *vm;
	struct device *device; /* of a kind's request: the one that was meant; it is there */
	/* The record that request->args fill, of at most CONTROL_MAX_ARGS bytes; zero where nothing was said. */
	_Alignas(max_align_t) char args[CONTROL_MAX_ARGS];
	json_t *answer;
	bool until_end; /* set by act: the connection stays until the guest has ended */

	/* ---- control's own ---- */
	const struct control_request *request;	/* NULL: none was found */
	const struct config_kind *kind;		/* whose it is; NULL: the protocol's own */
	const struct config_kind *const *kinds; /* there are, and NULL; or NULL */
	json_t *line;				/* what strings in args are parts of */
	/* Main thread: has who asked closed the connection? NULL: that does not matter. */
	bool (*gone)(void *arg);
	void *gone_arg;
	bool main_left; /* nothing runs in vm->loop any more: the guest is ending */
	bool refused;
	json_t *refusal; /* answers instead, if refused */
};

/*
 * The answer is a refusal: a code for programs (lower case and '-') and words for people, without a full stop. The first counts,
 * and call->answer does not.
 */
void control_refuse(struct control_call *call, const char *code, const char *fmt, ...)
	__printf(3, 4);

#endif
