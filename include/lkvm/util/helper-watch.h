/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps a helper on an event loop: hands on what comes from it, replaces one that died or does not read any more, and logs
 * what it prints, all within bounds. What helper and owner have to say to each other is the owner's.
 *
 * Everything is called on the loop's thread, or before the loop runs.
 */
#ifndef LKVM_UTIL_HELPER_WATCH_H
#define LKVM_UTIL_HELPER_WATCH_H

#include "lkvm/util/helper.h"
#include "lkvm/util/log.h"
#include "lkvm/util/loop.h"

struct helper_watch;

struct helper_watch_ops {
	const struct helper_kind *kind;
	/* For messages. */
	const char *what;      /* "User-mode network" */
	const char *meanwhile; /* "the guest's link is down until the next one is there" */
	const char *prints;    /* whose words its messages are: "libslirp" */
	/* A helper has been started: tell it what to do. 0 or -errno. */
	int (*begin)(struct helper_watch *watch);
	/* The socket has its first message: is the helper to be used? False: it is killed. */
	bool (*ready)(struct helper_watch *watch);
	/* The socket has more. */
	void (*received)(struct helper_watch *watch);
	/* There is no helper now; was it used? */
	void (*lost)(struct helper_watch *watch, bool was_up);
};

enum helper_state {
	HELPER_NONE,	 /* the next one comes after a while */
	HELPER_STARTING, /* it has been told what to do, and is not ready */
	HELPER_UP,
};

struct helper_watch {
	const struct helper_watch_ops *ops; /* constant */
	/* To be read: */
	enum helper_state state;
	struct helper
		helper; /* helper_kill() when it is not to be trusted any more; ops->lost comes later */
	struct log_limit lines; /* about helpers, in all */
	/* helper-watch.c's: */
	struct loop *loop; /* NULL until on */
	struct loop_fd socket, messages, life;
	struct log_limit printed;
	struct loop_timer look;
	unsigned looks; /* in vain, one after the other */
	int unread;	/* bytes that it had not read when last looked */
	size_t sent;	/* since */
	bool active;	/* so was its owner */
	struct loop_timer again;
	u64 started, pause; /* ns: when the last one was, and how long to wait for the next */
};

/* Nothing is started. helper_watch_end() is right from here on. */
void helper_watch_init(struct helper_watch *watch, const struct helper_watch_ops *ops);

/* Starts the first helper, which calls ops->begin. 0 or -errno. */
int helper_watch_begin(struct helper_watch *watch);
/* Waits until that has something to say, or has ended, at most `ms`: true: it has; false: why not, as helper_words(). */
bool helper_watch_wait(struct helper_watch *watch, int ms, char *words, size_t size);
/* It is used from now on. */
void helper_watch_up(struct helper_watch *watch);

/* Watches it on the loop, and no longer. 0 or -errno. */
int helper_watch_on(struct helper_watch *watch, struct loop *loop);
void helper_watch_off(struct helper_watch *watch);

/* Wakes the helper: a byte on its socket. */
void helper_watch_kick(struct helper_watch *watch);
/* There is traffic: whether the helper reads is looked at more often. */
void helper_watch_active(struct helper_watch *watch);

/* Gives back everything; a helper that is used gets `ms` to finish by itself. */
void helper_watch_end(struct helper_watch *watch, int ms);

#endif
