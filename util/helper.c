// SPDX-License-Identifier: GPL-2.0-or-later
/* The process that forks helpers, what it does in each before its work begins, and lkvm's side of both. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lkvm/util/helper.h"
#include "lkvm/util/log.h"
#include "lkvm/util/pass-fd.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* Linux 6.16 */
#endif

/*
 * A request to the spawner is a pointer to the kind, with the helper's socket and the pipe for its messages. On the socket
 * comes the helper's PID, before all that it has to say itself; -errno: it could not be started.
 */
#define SPAWN_FDS 2

/* Its own end of the one socket, in the spawner and in each helper. */
#define OWN_FD 3

/* What the kernel counts as private data of a process when /proc cannot tell. */
#define DATA_UNKNOWN (64 << 20)

/* What the spawner may take for a fork, and a helper that was killed until it has ended. */
#define START_MS 1000
#define END_MS	 200

/* ---- in the spawner and in helpers ---- */

/* The process that started lkvm may have ignored any. */
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
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long data = 0;

	if (file) {
		if (fscanf(file, "%*u %*u %*u %*u %*u %lu", &data) != 1)
			data = 0;
		fclose(file);
	}
	return data ? (u64)data * sysconf(_SC_PAGESIZE) : DATA_UNKNOWN;
}

static void helper_limit(int resource, u64 value)
{
	struct rlimit old, new = { value, value };

	if (!getrlimit(resource, &old) && old.rlim_max < value)
		new.rlim_cur = new.rlim_max = old.rlim_max;
	setrlimit(resource, &new);
}

static void helper_confine(const struct helper_kind *kind, pid_t parent)
{
	die_with(parent);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	helper_limit(RLIMIT_CORE, 0);
	helper_limit(RLIMIT_DATA, private_data() + kind->data);
	helper_limit(RLIMIT_NOFILE, kind->descriptors);
	if (!kind->threads)
		helper_limit(RLIMIT_NPROC, 0);
	if (!kind->files)
		helper_limit(RLIMIT_FSIZE, 0);
}

static void helper_answer(int fd, int pid)
{
	send(fd, &pid, sizeof(pid), MSG_NOSIGNAL);
}

static _Noreturn void helper_main(const struct helper_kind *kind, pid_t parent,
				  const int fds[SPAWN_FDS])
{
	sigset_t none;

	helper_answer(fds[0], getpid());
	dup2(fds[1], STDERR_FILENO);
	dup2(fds[0], OWN_FD);
	fcntl(OWN_FD, F_SETFD, FD_CLOEXEC);
	set_title(kind->name);
	close_from(OWN_FD + 1);
	/* A program may ask at the terminal for a password. */
	if (kind->program)
		setpgid(0, getpgid(parent));
	else
		helper_confine(kind, parent);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	_exit(kind->main(OWN_FD));
}

/* As fork(2) does it, but the child is lkvm's: lkvm hears of its end, and nobody else needs to. */
static void start_helper(const struct helper_kind *kind, pid_t parent, const int fds[SPAWN_FDS])
{
	long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0L, 0L, 0L, 0L);

	if (!pid)
		helper_main(kind, parent, fds);
	if (pid < 0)
		helper_answer(fds[0], -errno);
	for (unsigned i = 0; i < SPAWN_FDS; i++)
		close(fds[i]);
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

static _Noreturn void spawner_main(int fd, pid_t parent)
{
	const struct helper_kind *kind;
	int null = spawner_nothing(), fds[SPAWN_FDS];

	default_signals();
	die_with(parent);
	/* What a terminal sends to lkvm's process group is lkvm's to deal with. */
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
	while (!take_fds(OWN_FD, &kind, sizeof(kind), fds, SPAWN_FDS))
		start_helper(kind, parent, fds);
	/* lkvm has ended, or wants no helpers any more. */
	_exit(0);
}

/* ---- in lkvm ---- */

static int spawner_fd = -1;
static pid_t spawner;

int helpers_begin(void)
{
	pid_t self = getpid(), pid;
	int ends[2], err;

	/* The process that started lkvm may ignore it: then nobody would hear of a helper's end. */
	signal(SIGCHLD, SIG_DFL);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) {
		err = -errno;
		goto fail;
	}
	pid = fork();
	err = -errno;
	if (!pid) {
		close(ends[0]);
		spawner_main(ends[1], self);
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		goto fail;
	}
	spawner_fd = ends[0];
	spawner = pid;
	return 0;

fail:
	log_fatal("Unable to start the process that starts helpers: %s", strerror(-err));
	return err;
}

void helpers_end(void)
{
	if (spawner_fd < 0)
		return;
	close(spawner_fd);
	spawner_fd = -1;
	kill(spawner, SIGKILL);
	waitpid(spawner, NULL, 0);
}

void helper_init(struct helper *helper)
{
	*helper = (struct helper){ .fd = -1, .messages = -1, .life = -1 };
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/*
 * We take no passed descriptors, but the kernel would close them on the thread that reads, which takes as
 * long as their maker wants. Older kernels cannot refuse them.
 */
static void refuse_descriptors(int fd)
{
	int off = 0;

	setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off));
}

static bool wait_for(int fd, int ms)
{
	struct pollfd one = { fd, POLLIN, 0 };
	int got;

	do {
		got = poll(&one, 1, ms);
	} while (got < 0 && errno == EINTR);
	return got > 0;
}

/* Its PID, as the spawner or the helper itself tells it, which is still ours then. */
static int read_pid(struct helper *helper)
{
	int pid;

	wait_for(helper->fd, START_MS);
	if (recv(helper->fd, &pid, sizeof(pid), 0) != sizeof(pid))
		return -ECHILD;
	if (pid < 0)
		return pid;
	helper->pid = pid;
	helper->life = syscall(SYS_pidfd_open, pid, 0);
	return helper->life < 0 ? -errno : 0;
}

int helper_start(struct helper *helper, const struct helper_kind *kind)
{
	int data[2] = { -1, -1 }, messages[2] = { -1, -1 };
	int buffer = 256 << 10, err = 0;

	helper_init(helper);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, data) ||
	    pipe2(messages, O_CLOEXEC | O_NONBLOCK))
		err = -errno;
	helper->fd = data[0];
	helper->messages = messages[0];
	if (!err) {
		for (unsigned i = 0; i < 2; i++)
			setsockopt(data[i], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
		refuse_descriptors(data[0]);
		err = pass_fds(spawner_fd, &kind, sizeof(kind),
			       (int[]){ data[1], kind->program ? STDERR_FILENO : messages[1] },
			       SPAWN_FDS);
	}
	close_fd(&data[1]);
	close_fd(&messages[1]);
	if (kind->program)
		helper_mute(helper);
	if (!err)
		err = read_pid(helper);
	if (err)
		helper_end(helper, 0);
	return err;
}

void helper_kill(struct helper *helper)
{
	if (helper->pid)
		kill(helper->pid, SIGKILL);
}

void helper_mute(struct helper *helper)
{
	close_fd(&helper->messages);
}

int helper_status(struct helper *helper)
{
	int status = 0;

	if (waitpid(helper->pid, &status, WNOHANG) == helper->pid)
		helper->pid = 0;
	return status;
}

void helper_words(int status, char *words, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(words, size, "was ended by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == HELPER_EXIT_MEMORY)
		snprintf(words, size, "needed more memory than it may have");
	else
		snprintf(words, size, "ended with status %d", WEXITSTATUS(status));
}

bool helper_wait(struct helper *helper, int ms)
{
	return wait_for(helper->life, ms);
}

void helper_end(struct helper *helper, int ms)
{
	if (helper->pid && ms) {
		shutdown(helper->fd, SHUT_WR);
		helper_wait(helper, ms);
	}
	close_fd(&helper->fd);
	close_fd(&helper->messages);
	if (helper->pid) {
		/* Whoever inherits it may not reap what it did not start. */
		helper_kill(helper);
		helper_wait(helper, END_MS);
		helper_status(helper);
	}
	close_fd(&helper->life);
}
