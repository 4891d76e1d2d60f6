/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In other processes than the guest's: a connection to a guest's control socket. One thread. */
#ifndef LKVM_CONTROL_CLIENT_H
#define LKVM_CONTROL_CLIENT_H

#include <jansson.h>
#include "lkvm/util/types.h"

/* A connection to a guest. */
struct control_peer {
	int fd;
	pid_t pid;    /* of the process; 0: it is out of our sight, in another container */
	bool foreign; /* another user's guest, and we are root */
	uid_t owner;  /* whose it is */
};

/*
 * Connects to the guest of that name, within `timeout_ms`: one of this user's, or for root also USER/NAME. 0; -ENOENT: there is
 * none; -ETIMEDOUT: it takes no more connections. Other errors: its socket is there but cannot be used. Logs nothing.
 */
int control_connect(const char *name, int timeout_ms, struct control_peer *peer);
void control_disconnect(struct control_peer *peer);

/*
 * Sends the request of that name ("stat") with the members of `args`, which stays the caller's (NULL: none), and waits for the
 * answer: an object, which the caller owns. Its strings are the peer's, who may be another user. 0; -ETIMEDOUT; -EPIPE: the
 * guest ended meanwhile; -EPROTO: that was no answer; -ENOMEM.
 */
int control_ask(struct control_peer *peer, const char *request, json_t *args, int timeout_ms,
		json_t **answer);

/*
 * For a guest that does not answer: sends SIGTERM to the very process that is at the connection's other end, and waits
 * until it has ended. 0; -ETIMEDOUT; -ESRCH: the process is out of sight; other errors: it cannot be sent.
 */
int control_terminate(const struct control_peer *peer, int timeout_ms);

/* After "stop" or "power-button" was answered: until the guest has ended; -1: without a limit. 0 or -ETIMEDOUT. */
int control_wait_end(struct control_peer *peer, int timeout_ms);

#endif
