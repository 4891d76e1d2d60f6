// SPDX-License-Identifier: GPL-2.0-or-later
/* The process that forks helpers, and what it does in each before its work begins. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "spawner.h"

/* Networks and whatever comes later; those that wait to be reaped included. */
#define HELPERS_MAX 64

/* Its own end of the one socket, in the spawner and in each helper. */
#define OWN_FD 3

/* What the kernel counts as private data of a process when /proc cannot tell. */
#define DATA_UNKNOWN (64 << 20)

struct child {
	pid_t pid; /* 0: a free slot */
	int life;
	bool program;
	bool killed; /* or let go, and not reaped yet */
};

static struct child children[HELPERS_MAX];
static pid_t lkvm_group;

/* The process that started lkvm may have ignored any. Above all SIGCHLD: nobody would hear of a helper's end. */
static void default_signals(void)
{
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
}

static void die_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
}

static void close_from(unsigned first)
{
	if (!syscall(SYS_close_range, first, ~0u, 0))
		return;
	for (int fd = first; fd < getdtablesize(); fd++)
		close(fd);
}

/* Where ps finds the arguments: the environment, which is gone by now, begins behind them. */
static void set_title(const char *name)
{
	char *title = program_invocation_name, line[4096];
	ssize_t size;
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);

	size = fd < 0 ? 0 : read(fd, line, sizeof(line));
	if (fd >= 0)
		close(fd);
	prctl(PR_SET_NAME, name);
	if (size > 0 && !strncmp(title, line, size)) {
		memset(title, 0, size);
		snprintf(title, size, "%s", name);
	}
}

static u64 private_data(void)
{
	unsigned long data = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (!file)
		return DATA_UNKNOWN;
	if (fscanf(file, "%*u %*u %*u %*u %*u %lu", &data) != 1)
		data = 0;
	fclose(file);
	return data ? (u64)data * sysconf(_SC_PAGESIZE) : DATA_UNKNOWN;
}

static void limit(int resource, u64 value)
{
	struct rlimit old, new = { value, value };

	if (!getrlimit(resource, &old) && old.rlim_max < value)
		new.rlim_cur = new.rlim_max = old.rlim_max;
	setrlimit(resource, &new);
}

static void confine(const struct helper_kind *kind, pid_t parent)
{
	die_with(parent);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_DATA, private_data() + kind->data);
	limit(RLIMIT_NOFILE, kind->descriptors);
	limit(RLIMIT_NPROC, 0);
	limit(RLIMIT_FSIZE, 0);
}

static void helper_main(const struct helper_kind *kind, pid_t parent, int data, int messages)
	__attribute__((noreturn));
static void helper_main(const struct helper_kind *kind, pid_t parent, int data, int messages)
{
	sigset_t none;

	dup2(messages, STDERR_FILENO);
	dup2(data, OWN_FD);
	fcntl(OWN_FD, F_SETFD, FD_CLOEXEC);
	set_title(kind->name);
	close_from(OWN_FD + 1);
	if (kind->program)
		setpgid(0, lkvm_group);
	else
		confine(kind, parent);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	_exit(kind->main(OWN_FD));
}

static void tell_end(int life, int status)
{
	if (send(life, &status, sizeof(status), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		status = 0; /* who asked for it does not want to know any more */
	close(life);
}

static void start_helper(const struct helper_kind *kind, const int fds[SPAWN_FDS])
{
	pid_t self = getpid(), pid = -1;
	struct child *child = NULL;

	errno = EAGAIN;
	for (unsigned i = 0; i < HELPERS_MAX && !child; i++)
		if (!children[i].pid)
			child = &children[i];
	if (child)
		pid = fork();
	if (!pid)
		helper_main(kind, self, fds[0], fds[1]);
	if (pid < 0) {
		tell_end(fds[2], -errno);
	} else {
		child->pid = pid;
		child->program = kind->program;
		child->life = fds[2];
		child->killed = false;
	}
	close(fds[0]);
	close(fds[1]);
}

/* Whoever inherits them may not reap what it did not start. Programs go on. */
static void end_all(void) __attribute__((noreturn));
static void end_all(void)
{
	for (unsigned i = 0; i < HELPERS_MAX; i++)
		if (children[i].pid && !children[i].program)
			kill(children[i].pid, SIGKILL);
	for (unsigned i = 0; i < HELPERS_MAX; i++)
		if (children[i].pid && !children[i].program)
			waitpid(children[i].pid, NULL, 0);
	_exit(0);
}

static void take_request(int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(SPAWN_FDS * sizeof(int))];
	} control;
	const struct helper_kind *kind;
	struct iovec iov = { &kind, sizeof(kind) };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control.space) };
	struct cmsghdr *header;
	int fds[SPAWN_FDS];
	unsigned nr;

	/* lkvm has ended, or wants no helpers any more. */
	if (recvmsg(fd, &message, MSG_CMSG_CLOEXEC) != sizeof(kind))
		end_all();
	header = CMSG_FIRSTHDR(&message);
	if (!header)
		return;
	nr = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(header), nr * sizeof(int));
	if (nr == SPAWN_FDS)
		start_helper(kind, fds);
	/* No space for another child: closing its `life` tells lkvm. */
	for (unsigned i = 0; i < nr && nr < SPAWN_FDS; i++)
		close(fds[i]);
}

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (unsigned i = 0; i < HELPERS_MAX; i++) {
			if (children[i].pid != pid)
				continue;
			tell_end(children[i].life, status);
			children[i].pid = 0;
		}
	}
}

/* Its end of `life` says so, or has ended: with lkvm, maybe, which no program ends for. */
static void let_go(struct child *child)
{
	char byte;
	bool asked = recv(child->life, &byte, sizeof(byte), MSG_DONTWAIT) > 0;

	if (asked || !child->program)
		kill(child->pid, SIGKILL);
	child->killed = true;
}

static void run_spawner(int fd, int reaper)
{
	struct pollfd fds[2 + HELPERS_MAX] = { { fd, POLLIN, 0 }, { reaper, POLLIN, 0 } };
	struct child *asked[2 + HELPERS_MAX];
	struct signalfd_siginfo info;
	unsigned nr = 2;

	/* No more than there are: the kernel refuses more of them than descriptors may be open. */
	for (unsigned i = 0; i < HELPERS_MAX; i++) {
		if (!children[i].pid || children[i].killed)
			continue;
		asked[nr] = &children[i];
		fds[nr++] = (struct pollfd){ children[i].life, POLLIN, 0 };
	}
	if (poll(fds, nr, -1) < 0)
		return;
	for (unsigned i = 2; i < nr; i++)
		if (fds[i].revents)
			let_go(asked[i]);
	if (fds[1].revents && read(reaper, &info, sizeof(info)) > 0)
		reap();
	if (fds[0].revents)
		take_request(fd);
}

/* /dev/null; in a container that has none, what is always at its end and takes nothing. */
static int spawner_nothing(void)
{
	int ends[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0)
		return null;
	if (pipe2(ends, O_CLOEXEC))
		return -1;
	close(ends[1]);
	return ends[0];
}

void spawner_main(int fd, pid_t parent)
{
	int null = spawner_nothing(), reaper;
	sigset_t child;

	default_signals();
	die_with(parent);
	/* What a terminal sends to lkvm's process group is lkvm's to deal with. But a program may ask there for a password. */
	lkvm_group = getpgrp();
	setpgid(0, 0);
	clearenv();
	if (null < 0)
		_exit(1);
	for (int i = 0; i <= STDERR_FILENO; i++)
		dup2(null, i);
	if (fd != OWN_FD)
		dup2(fd, OWN_FD);
	close_from(OWN_FD + 1);
	prctl(PR_SET_DUMPABLE, 0);
	set_title("lkvm-helpers");
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_SETMASK, &child, NULL);
	reaper = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (reaper < 0)
		_exit(1);
	for (;;)
		run_spawner(OWN_FD, reaper);
}
