/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libslirp, loaded by whoever needs it: lkvm itself is not linked with it, nor with the libraries that it
 * needs, which read their settings from the environment when they are loaded.
 */
#ifndef LKVM_NET_LIBSLIRP_H
#define LKVM_NET_LIBSLIRP_H

#include <slirp/libslirp.h>
#include "lkvm/util/types.h"

struct libslirp {
	__typeof__(slirp_version_string) *version_string;
	__typeof__(slirp_new) *new;
	__typeof__(slirp_input) *input;
	/* Spelled out: 4.9's header calls it deprecated for Windows' sake. */
	void (*pollfds_fill)(Slirp *slirp, u32 *ms, SlirpAddPollCb add, void *opaque);
	__typeof__(slirp_pollfds_poll) *pollfds_poll;
	__typeof__(slirp_add_hostxfwd) *add_hostxfwd;
};

/* Main thread of a process with one thread. NULL, or why not: valid until the next dlopen. */
const char *libslirp_load(struct libslirp *lib);

#endif
