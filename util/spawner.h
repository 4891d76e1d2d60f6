/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between lkvm's side of helper processes and the spawner's. */
#ifndef LKVM_UTIL_SPAWNER_H
#define LKVM_UTIL_SPAWNER_H

#include <fcntl.h>
#include <sys/wait.h>

#include "lkvm/util/helper.h"

/*
 * A request is a pointer to the kind, with the helper's socket, the pipe for its messages, and the
 * spawner's end of `life`. On that one the spawner sends the helper's wait status when it has ended, or
 * -errno when it could not be started; its end means that the helper must go.
 */
#define SPAWN_FDS 3

/* The spawner's life, after the fork: fd is its end of the socket that requests come by. */
void spawner_main(int fd, pid_t parent) __attribute__((noreturn));

#endif
