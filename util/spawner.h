/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between lkvm's side of helper processes and the spawner's. */
#ifndef LKVM_UTIL_SPAWNER_H
#define LKVM_UTIL_SPAWNER_H

#include "lkvm/util/helper.h"

/*
 * A request is a pointer to the kind, with the helper's socket and the pipe for its messages. On the socket comes the
 * helper's PID, before all that it has to say itself; -errno: it could not be started.
 */
#define SPAWN_FDS 2

/* The spawner's life, after the fork: fd is its end of the socket that requests come by. */
void spawner_main(int fd, pid_t parent) __attribute__((noreturn));

#endif
