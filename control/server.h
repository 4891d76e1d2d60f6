/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A server without its socket, for tests and fuzzers. */
#ifndef CONTROL_SERVER_H
#define CONTROL_SERVER_H

struct control;
struct loop;
struct vm;

/*
 * Listens nowhere. `loop` serves it, and is destroyed with it unless it is vm->loop. Ended by control_stop() and
 * control_destroy(). NULL: no memory, or no descriptor.
 */
struct control *control_new(struct vm *vm, struct loop *loop);

/* On its loop: serves that connection as if it had been accepted; it is control's then. -errno: it is not. */
int control_add_client(struct control *control, int fd);

#endif
