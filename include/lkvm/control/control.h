/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: how `lkvm list`, `stat`, `stop`, `pause` and `resume` reach a guest that runs. A UNIX stream
 * socket NAME.sock for each guest in a folder that only its user may enter; a JSON object a line each way
 * (Documentation/control.md). The guest itself has no way to it.
 */
#ifndef LKVM_CONTROL_CONTROL_H
#define LKVM_CONTROL_CONTROL_H

#include "lkvm/util/types.h"

struct control;
struct vm;

/* ---- in the process of the guest: main thread ---- */

/*
 * Makes the guest's socket, and a thread of its own that serves it until control_destroy(). A socket left behind by
 * a guest that was killed is replaced. 0 with *control NULL: no socket could be made, which is told when the guest
 * was given a name or LKVM_RUNTIME_DIR makes no sense, and no reason not to run. -EEXIST: there is a guest of that
 * name already, said.
 */
int control_create(struct control **control, struct vm *vm);

/*
 * vm->loop does not run any more: what needs the main thread is refused from here on. All else is answered as before.
 * Before vm_destroy(); NULL is fine.
 */
void control_stop(struct control *control);

/* After vm_destroy() and before vm_release(): the socket goes, and who waits for the guest's end sees it. */
void control_destroy(struct control *control);

/* ---- in other processes: one thread ---- */

/* A connection to a guest. */
struct control_peer {
	int fd;
	pid_t pid;    /* of the process; 0: it is out of our sight, in another container */
	bool foreign; /* another user's guest, and we are root */
	uid_t owner;  /* whose it is */
};

/* What LKVM_RUNTIME_DIR says if that is not an absolute path: then there is no folder at all. NULL: it is fine. */
const char *control_bad_folder(void);

/* Warns of each folder that is there and is not looked into, with what to do about it. */
void control_warn_folders(void);

/* Can a guest have that name? It becomes a file's. */
bool control_name_ok(const char *name);

/*
 * Connects to the guest of that name, within `timeout_ms`: one of this user's, or for root also USER/NAME. 0; -ENOENT: there is none; -ETIMEDOUT: it takes no
 * more connections. Other errors: its socket is there but cannot be used. Nothing is said.
 */
int control_connect(const char *name, int timeout_ms, struct control_peer *peer);
void control_disconnect(struct control_peer *peer);

/*
 * Names of the guests that there are, sorted; control_free_names() gives them back. Sockets of this user's guests that were
 * killed are removed on the way. For root other users' guests are among them as USER/NAME, unless LKVM_RUNTIME_DIR is
 * set. -ENOMEM.
 */
int control_names(char ***names, size_t *nr);
/* Other users' alone. */
int control_other_names(char ***names, size_t *nr);
void control_free_names(char **names, size_t nr);

/* Has this user a socket of that name, whoever listens? Nobody is connected to. */
bool control_has_own(const char *name);

/*
 * Sends the request of that name ("stat") and waits for the answer, a line that is well-formed JSON,
 * which the caller frees; another user's has nothing in it that a terminal would take for more than text, but for
 * what is written as an escape. 0; -ETIMEDOUT; -EPIPE: the guest ended meanwhile; -EPROTO: that was no answer.
 */
int control_ask(struct control_peer *peer, const char *request, int timeout_ms, char **answer);

/*
 * For a guest that does not answer: sends SIGTERM to the very process that is at the connection's other end, and waits
 * until it has ended. 0; -ETIMEDOUT; -ESRCH: the process is out of sight; other errors: it cannot be sent.
 */
int control_terminate(const struct control_peer *peer, int timeout_ms);

/* After "stop" or "power-button" was answered: until the guest has ended; -1: without a limit. 0 or -ETIMEDOUT. */
int control_wait_end(struct control_peer *peer, int timeout_ms);

#endif
