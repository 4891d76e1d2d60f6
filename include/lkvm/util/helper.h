/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Helper processes: code that takes a guest's data apart, and needs neither the guest's memory nor its
 * disks nor /dev/kvm, runs in a process that has none of them.
 *
 * A small process, the spawner, is forked before lkvm has threads, guest memory or open files. It has no
 * environment and no descriptors but its socket, and forks helpers when asked, which are lkvm's children like itself. So a
 * helper can be replaced at any time, from any thread, without a fork of lkvm itself.
 */
#ifndef LKVM_UTIL_HELPER_H
#define LKVM_UTIL_HELPER_H

#include <stddef.h>
#include "lkvm/util/types.h"

/* What a helper ends with when it would need more memory than it may have. */
#define HELPER_EXIT_MEMORY 100

/* A static object: the spawner finds it at the same address. */
struct helper_kind {
	const char *name; /* one word, for the process's title and messages */
	/*
	 * Runs in the helper: fd is the socket to lkvm, 2 the pipe that lkvm reads messages from (writes to
	 * it never wait); it has no other descriptors, no environment, and signals as they are by default
	 * except for SIGPIPE, which is ignored. Returns the exit status. When the socket ends it must end.
	 */
	int (*main)(int fd);
	u64 data;	      /* bytes of private memory, beyond what it begins with */
	unsigned descriptors; /* most that it may have open */
	bool threads;	      /* it may have some; else neither threads nor processes */
	bool files;	      /* it may write to files, of any size */
	/*
	 * It becomes a program of the user's, with the user's rights: no limit above is there. Standard error is lkvm's,
	 * the process group too, and it goes on when lkvm ends. fd is closed when the program
	 * begins.
	 */
	bool program;
};

/* Zero-initialise, or helper_init. One thread at a time. */
struct helper {
	int fd;	      /* SOCK_SEQPACKET, non-blocking */
	int messages; /* what it writes on stderr; non-blocking; -1 after helper_mute, and of a program */
	int life;  /* becomes readable when it has ended */
	pid_t pid; /* 0: there is none, or helper_status() has told its end */
};

/*
 * Starts the spawner, once, before threads, guest memory and /dev/kvm are there. Logs and returns -errno on failure. It and
 * all helpers end with the thread that called this; helpers_end() ends the spawner alone.
 */
int helpers_begin(void);
void helpers_end(void);

void helper_init(struct helper *helper);
/* Starts one, which takes a fork of the spawner's. Any thread. 0 or -errno. */
int helper_start(struct helper *helper, const struct helper_kind *kind);
/* Makes it end now; `life` tells when it has. */
void helper_kill(struct helper *helper);
/* No more messages are wanted. */
void helper_mute(struct helper *helper);
/* Waits `ms` for its end; -1: as long as it takes. True: it has ended. */
bool helper_wait(struct helper *helper, int ms);
/* Once, when `life` is readable: its wait status. */
int helper_status(struct helper *helper);
/* The words for that follow "the helper": "was ended by signal 11 ...". */
void helper_words(int status, char *words, size_t size);
/* Gives back everything; if it still runs it gets `ms` to finish by itself, and is killed. Also when not started. */
void helper_end(struct helper *helper, int ms);

#endif
