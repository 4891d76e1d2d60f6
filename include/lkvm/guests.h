/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands that talk to guests have in common (guests.c): which guests are
 * meant, and what is said when one is not there or does not answer.
 */
#ifndef LKVM_GUESTS_H
#define LKVM_GUESTS_H

#include "lkvm/builtin.h"
#include "lkvm/control/client.h"
#include "lkvm/control/names.h"
#include "lkvm/util/log.h"

/* What kind of command it is (struct builtin). */
enum {
	GUESTS_NAMES = 1 << 0, /* it is about the guests that are named, one at least */
	GUESTS_HOST = 1 << 1,  /* unless --host is given */
	GUESTS_END = 1 << 2,   /* it is for guests to end, and waits until they have */
	GUESTS_ASK = 1 << 3,   /* the same, but they are asked, however long they take */
	/* It changes nothing, so that --all is other users' guests too, for root. */
	GUESTS_LOOKS = 1 << 4,
};

/* What the command's options fill begins with this one. */
struct guests_args {
	const struct builtin *command;
	unsigned flags;		    /* the command's, unless it changes them */
	struct control_names names; /* of the guests meant, whether they are there or not */
	bool all, json, host;
	unsigned seconds; /* that the wait for an end may take; 0: as the flags have it */
};

/* For a command's tables: --name and --all; --json. And its word(): bare names. */
extern const struct option_row guests_name_rows[];
extern const struct option_row guests_json_rows[];
int guests_take_name(void *base, const char *name);

/* As builtin_parse(); if true, the caller frees args, all zero before, by guests_release(). With -a, names are all there are. */
bool guests_parse(const struct builtin *command, int argc, char **argv, struct guests_args *args,
		  int *status);
void guests_release(struct guests_args *args);

/* Logs "COMMAND: ...". The exit status. */
#define guests_error(args, status, fmt, ...)                                                       \
	({                                                                                         \
		log_error("%s: " fmt, (args)->command->set.command, ##__VA_ARGS__);                \
		status;                                                                            \
	})

#define GUESTS_WORD 16

/*
 * Its state, for a terminal, within twice that time; "": not known. And its process; 0: out of sight. 0, or as control_connect()
 * and control_ask().
 */
int guests_state(const char *name, unsigned ms, pid_t *pid, char state[GUESTS_WORD]);

/*
 * All guests asked one after the other, in the order of their names: those of another user's have, together, about as
 * long as is given for them, so that nobody makes root wait for ever. False from guests_turn(): they have had it.
 */
struct guests_turn {
	char user[40]; /* whose turn it is; "": ours, which has no end */
	bool mark;     /* the caller's; false at a user's first guest */
	u64 spent;     /* ns */
	u64 began;     /* clock_now(); of the one that is being asked */
};
bool guests_turn(struct guests_turn *turn, const char *name, unsigned ms);
void guests_turn_end(struct guests_turn *turn);

/* A command that shows what each guest answers to a request. */
struct guests_show {
	const char *request; /* "stat" */
	/* Its arguments, the caller's; NULL: none. And those of a request made again. */
	json_t *args, *args_again;
	/* Is there more to come, so that the guest is asked again, for as long as that? NULL: no. */
	bool (*is_coming)(const struct guests_args *args, json_t *answer);
	unsigned patience_ms;
	/* For people; answers, which are their owners' words, and may be changed. */
	void (*print)(const char *name, json_t *answer);
};

/* All of it, with --json as one object. The exit status. */
int guests_show(const struct guests_args *args, const struct guests_show *show);

/*
 * Makes the same request to every guest meant, and says "Guest NAME is STATE", or, with GUESTS_END or GUESTS_ASK, that
 * it has ended. The exit status.
 */
int guests_request(const struct guests_args *args, const char *request);
/* The whole of a command that does no more (builtin.run). */
int guests_run(const struct builtin *command, int argc, char **argv);

#endif
