/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be asked of a guest through its control socket, as rows of tables: the protocol's own (control/requests.c) and those
 * of a kind of device. A row is found by its name; whoever writes one knows nothing of sockets or JSON's bounds.
 */
#ifndef LKVM_CONTROL_REQUEST_H
#define LKVM_CONTROL_REQUEST_H

#include <jansson.h>
#include "lkvm/util/types.h"

struct control_asker;
struct control_call;
struct vm;

struct control_request {
	const char *name; /* NULL ends a table */
	/* Main thread, in vm->loop: it is refused while the guest ends, and waits while it starts. Otherwise any thread. */
	bool needs_main;
	/*
	 * Does what is asked for and adds what the answer shall have beside "ok" to call->answer, or refuses by
	 * control_refuse(). NULL: nothing to do.
	 */
	void (*act)(struct control_call *call);
};

/* One request that is being answered. */
struct control_call {
	struct vm *vm;
	const struct control_request *request;
	const struct control_asker *asker;
	json_t *answer;
	bool refused;
	bool until_end; /* set by act: the connection stays until the guest has ended */
};

/*
 * The answer is a refusal: a code for programs (lower case and '-') and words for people, without a full stop. The first counts.
 */
void control_refuse(struct control_call *call, const char *code, const char *fmt, ...)
	__printf(3, 4);

/* Has who asked closed the connection? Main thread; any for a request that does not need it, and then it is not known: false. */
bool control_asker_gone(const struct control_call *call);

/* Will nothing run in vm->loop any more, since the guest ends? */
bool control_main_left(const struct control_call *call);

#endif
