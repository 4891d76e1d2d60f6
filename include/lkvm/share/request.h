/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One request of a guest to a shared folder, as a queue's server hands it to a protocol (share/fuse.h, share/9p.h) and gets
 * it back. The buffers are guest memory, which the guest may change at any moment: what is looked at is copied first.
 */
#ifndef LKVM_SHARE_REQUEST_H
#define LKVM_SHARE_REQUEST_H

#include "lkvm/util/iov.h"

struct share_request {
	/* The server's: what the guest sent, and where the answer goes; may be cut up by the protocol (iov_skip). */
	struct iovec *out, *in;
	unsigned nr_out, nr_in;
	u32 out_len, in_len; /* bytes in each */
	unsigned queue;	     /* which of the device's it came by */
	/*
	 * Ends the request: `written` bytes of `in` were filled; 0: there is no answer. Once for each, by any thread of
	 * the helper, in any order, during handle() or later. The request is gone then.
	 */
	void (*done)(struct share_request *request, u32 written);
	/* The protocol's, zero at first: for requests that wait (a lock), and for finding one to interrupt. */
	u64 unique;
	struct share_request *next;
	bool interrupted;
};

struct share_protocol;

/* What a protocol is for the server. */
struct share_protocol_ops {
	/*
	 * Answers a request, now or later. Called by several worker threads at once; may take as long as the host's file
	 * system takes, but must not wait for anything that another request of the guest does: a lock is tried, and parked.
	 */
	void (*handle)(struct share_protocol *protocol, struct share_request *request);
	/*
	 * The device is reset: when this returns every parked request was ended and nothing of the guest's is left, no
	 * handle, no lock, no count. No handle() runs meanwhile.
	 */
	void (*reset)(struct share_protocol *protocol);
	/* After reset. */
	void (*destroy)(struct share_protocol *protocol);
};

struct share_protocol {
	const struct share_protocol_ops *ops;
};

#endif
