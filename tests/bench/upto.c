// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * upto [-k] MARKER COMMAND [ARGUMENT...]: runs the command with its stdout in a pipe, and prints the
 * microseconds from just before it was started until MARKER appeared there. Then it is killed, or with
 * -k (keep) its process id is printed too and it is left running, its output thrown away by nobody:
 * for looking at its memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

static pid_t start(char **argv, int *output)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return -1;
	fcntl(fds[0], F_SETPIPE_SZ, 1 << 20);
	pid = fork();
	if (!pid) {
		dup2(open("/dev/null", O_RDONLY), 0);
		dup2(fds[1], 1);
		execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	close(fds[1]);
	*output = fds[0];
	return pid;
}

/* True when the marker came, however it was cut into pieces. */
static bool wait_for(int fd, const char *marker)
{
	size_t len = strlen(marker), have = 0;
	char buffer[65536 + 256];

	for (;;) {
		ssize_t n = read(fd, buffer + have, 65536);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		have += n;
		if (memmem(buffer, have, marker, len))
			return true;
		if (have > len) {
			memmove(buffer, buffer + have - len, len);
			have = len;
		}
	}
}

int main(int argc, char **argv)
{
	bool keep = argc > 1 && !strcmp(argv[1], "-k");
	int first = 1 + keep, output, status;
	long long began;
	pid_t pid;

	if (argc < first + 2 || strlen(argv[first]) > 255) {
		fprintf(stderr, "usage: upto [-k] MARKER COMMAND [ARGUMENT...]\n");
		return 2;
	}
	began = now_us();
	pid = start(argv + first + 1, &output);
	if (pid < 0 || !wait_for(output, argv[first])) {
		fprintf(stderr, "upto: %s ended without '%s'\n", argv[first + 1], argv[first]);
		return 1;
	}
	printf("%lld", now_us() - began);
	if (keep) {
		printf(" %d\n", pid);
		return 0;
	}
	printf("\n");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return 0;
}
