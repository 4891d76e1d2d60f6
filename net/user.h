/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between lkvm's side of the user-mode network and the helper that runs libslirp. Frames go in two rings
 * (ring.h) in memory that lkvm made. What else there is to tell goes on one SOCK_SEQPACKET socket. The
 * first message from lkvm is a struct user_setup, with the descriptor of that memory, the first from the
 * helper a struct user_ready. Every other one, either way, means: look at the rings.
 */
#ifndef LKVM_NET_USER_H
#define LKVM_NET_USER_H

#include <netinet/in.h>

#include "lkvm/config/config.h"
#include "lkvm/net/backend.h"

/* After as many bytes it is looked whether the other side sleeps; at the end of a row anyway. */
#define USER_UNTOLD (16 << 10)

/* The default MTU of libslirp and the Ethernet header. It never sends more. */
#define USER_FRAME_MAX (NET_DEFAULT_MTU + 14)

union user_address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct user_forward {
	union user_address from, to;
	bool udp;
};

struct user_setup {
	struct in_addr host, guest, dns; /* of one /24 */
	bool refuse_loopback;
	unsigned nr_forwards;
	struct user_forward forwards[NET_MAX_FORWARDS];
};

struct user_ready {
	int err;     /* 0 or -errno */
	int forward; /* whose it is: the network is there without this one; -1: there is none */
	char library[128]; /* libslirp's version, or why it could not be had */
};

/* Everything into `setup`. Main thread, before the guest runs. Logs and returns -EINVAL on failure. */
int user_configure(const struct net_config *config, struct user_setup *setup);
/* Says that and why the forward cannot be. */
void user_forward_failed(const struct net_forward *forward, int err);

/* The helper's life, a struct helper_kind's main. */
int user_helper_main(int fd);

#endif
