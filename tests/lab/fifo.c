// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fifo COMMAND...: runs it with a real-time priority, so that no other program of the host preempts its
 * threads. Debian's busybox has no chrt.
 */
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sched_param param = { .sched_priority = 1 };

	if (argc < 2) {
		fprintf(stderr, "usage: fifo COMMAND...\n");
		return 2;
	}
	if (sched_setscheduler(0, SCHED_FIFO, &param)) {
		perror("fifo");
		return 1;
	}
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 127;
}
