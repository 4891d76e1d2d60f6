/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `lkvm run` returns. 0 and 1..191 belong to the guest (powered off, rebooted, or the status
 * of a command run in it) and to signals (128 + n); everything lkvm has to say of its own lies above,
 * so that a script can tell the two apart.
 */
#ifndef LKVM_CONFIG_EXIT_STATUS_H
#define LKVM_CONFIG_EXIT_STATUS_H

enum exit_status {
	EXIT_GUEST_DONE = 0,	   /* the guest powered off or rebooted, or Ctrl-A x was typed */
	EXIT_READER_GONE = 141,	   /* 128 + SIGPIPE: nobody reads the guest's console any more */
	EXIT_USAGE = 240,	   /* the command line does not make sense */
	EXIT_START = 241,	   /* the guest could not be started: file, memory, /dev/kvm ... */
	EXIT_GUEST_PANIC = 242,	   /* the guest's kernel panicked */
	EXIT_TRIPLE_FAULT = 243,   /* the guest's CPU shut down */
	EXIT_INTERNAL_ERROR = 244, /* KVM could not go on; registers were shown */
	EXIT_TIMEOUT = 245,	   /* --timeout was reached */
	EXIT_HOST_ERROR = 246,	   /* something failed on the host, or console output was lost */
	EXIT_NO_GUEST = 247,	   /* list, stat, stop, pause, resume: no guest of that name */
	EXIT_NO_ANSWER = 248,	   /* the same: it does not answer, or refuses */
};

/* Which commands have a status: run; those that talk to guests; of these, those told which guests. */
enum {
	STATUS_OF_RUN = 1 << 0,
	STATUS_OF_COMMANDS = 1 << 1,
	STATUS_OF_GUESTS = 1 << 2,
	STATUS_OF_HOST = 1 << 3,   /* stat --host */
	STATUS_OF_DIGEST = 1 << 4, /* snp-digest */
};

/* The same as a table, for --help, the man pages and the README; ends with a NULL meaning. */
struct exit_status_row {
	unsigned of;
	const char *status;  /* "240", or a range */
	const char *meaning; /* one sentence, no full stop */
};
extern const struct exit_status_row exit_status_rows[];

#endif
