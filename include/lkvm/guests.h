/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands that talk to guests have in common (guests.c): which guests are
 * meant, and what is said when one is not there or does not answer.
 */
#ifndef LKVM_GUESTS_H
#define LKVM_GUESTS_H

#include <stdio.h>
#include "lkvm/config/options.h"
#include "lkvm/control/client.h"

/* What kind of command it is. */
enum {
	GUESTS_NAMES = 1 << 0, /* it is about the guests that are named, one at least */
	GUESTS_HOST = 1 << 1,  /* unless --host is given */
	GUESTS_END = 1 << 2,   /* it is for guests to end, and waits until they have */
	GUESTS_ASK = 1 << 3,   /* the same, but they are asked, however long they take */
	/* It changes nothing, so that --all is other users' guests too, for root. */
	GUESTS_LOOKS = 1 << 4,
};

struct guests_command {
	struct option_set set; /* its base is a structure that begins with a struct guests_args */
	unsigned flags;
};

struct guests_args {
	char **names; /* of the guests meant, whether they are there or not */
	size_t nr;
	bool all, json, host;
};

/* For a command's tables: --name and --all; --json. And its word(): bare names. */
extern const struct option_row guests_name_rows[];
extern const struct option_row guests_json_rows[];
int guests_take_name(void *base, const char *name);
/* Its statuses when it takes names. */
extern const struct exit_status_row *const guests_statuses[];

/*
 * 0, and the caller frees args by guests_release(); or, with nothing to free, the exit status to end with plus one:
 * --help was given, or what is wrong has been logged. With -a, names are those of all guests there
 * are. args, all zero
 * before, is the beginning of what the command's options fill.
 */
int guests_parse(const struct guests_command *command, int argc, char **argv,
		 struct guests_args *args);
void guests_release(struct guests_args *args);

/* One request to a guest. */
struct guests_call {
	const char *request; /* "stat" */
	json_t *args;	     /* its arguments, the caller's; NULL: none */
	struct control_peer peer;
	json_t *answer; /* the caller's, if guests_ask() returned 0; its strings are the guest's owner's */
};

/*
 * Connects and asks. 0: call->peer and call->answer are the caller's; or an exit status after logging what is wrong. Logs
 * nothing: -ENOENT: it is gone, and was only meant by -a; -EPIPE: it ended while it was asked to, by a command of
 * GUESTS_END or GUESTS_ASK.
 */
int guests_ask(const struct guests_command *command, const struct guests_args *args,
	       const char *name, struct guests_call *call);

#define GUESTS_WORD 16

/* A member that is a string, for a terminal and cut to `word`, which is returned; "" if there is none. */
const char *guests_word(const json_t *answer, const char *key, char word[GUESTS_WORD]);
/*
 * The guest closed the connection, as one does that ends: what guests_ask() returns for that, -EPIPE for a command of
 * GUESTS_END or GUESTS_ASK if the guest has ended. `pid`: which it was.
 */
int guests_hung_up(const struct guests_command *command, const struct guests_args *args,
		   const char *name, pid_t pid);

/* How long a guest may take, in milliseconds. */
#define GUESTS_PATIENCE_MS 10000
/* The same until one that is to end has answered; then it gets a signal, and the rest of the time. */
#define GUESTS_STOP_MS	   2000

/*
 * All guests asked one after the other, in the order of their names: those of another user's have, together, about as
 * long as is given for them, so that nobody makes root wait for ever. False from guests_turn(): they have had it.
 */
struct guests_turn {
	char user[40]; /* whose turn it is; "": ours, which has no end */
	bool told;     /* the caller's: that it is over */
	u64 spent;     /* ns */
	u64 began;     /* clock_now(); of the one that is being asked */
};
bool guests_turn(struct guests_turn *turn, const char *name, unsigned ms);
void guests_turn_end(struct guests_turn *turn);

/*
 * A command that makes the same request to every guest meant, and says "Guest NAME is STATE", or, with GUESTS_END, that
 * it has ended. Its exit status.
 */
int guests_request(const struct guests_command *command, const struct guests_args *args,
		   const char *request);
/* The whole of such a command. */
int guests_run(const struct guests_command *command, const char *request, int argc, char **argv);

#endif
