/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages with descriptors, over a SOCK_SEQPACKET socket between processes of ours. Any thread. */
#ifndef LKVM_UTIL_PASS_FD_H
#define LKVM_UTIL_PASS_FD_H

#include <stddef.h>

#define PASS_FDS_MAX 2

/* Sends `len` bytes and `nr` descriptors, which stay open here. Does not wait. 0 or -errno. */
int pass_fds(int socket, const void *data, size_t len, const int *fds, unsigned nr);

/*
 * Takes a message of just so many bytes and descriptors. 0; -EPIPE: the other side has ended, or sent something else, of
 * which descriptors may remain open: the process should end.
 */
int take_fds(int socket, void *data, size_t len, int *fds, unsigned nr);

#endif
