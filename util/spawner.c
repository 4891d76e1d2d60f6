// SPDX-License-Identifier: GPL-2.0-or-later
/* The process that forks helpers, and what it does in each before its work begins. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lkvm/util/pass-fd.h"
#include "spawner.h"

/* Its own end of the one socket, in the spawner and in each helper. */
#define OWN_FD 3

/* What the kernel counts as private data of a process when /proc cannot tell. */
#define DATA_UNKNOWN (64 << 20)

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

static void answer(int fd, int pid)
{
	send(fd, &pid, sizeof(pid), MSG_NOSIGNAL);
}

static void helper_main(const struct helper_kind *kind, pid_t parent, const int fds[SPAWN_FDS])
	__attribute__((noreturn));
static void helper_main(const struct helper_kind *kind, pid_t parent, const int fds[SPAWN_FDS])
{
	sigset_t none;

	answer(fds[0], getpid());
	dup2(fds[1], STDERR_FILENO);
	dup2(fds[0], OWN_FD);
	fcntl(OWN_FD, F_SETFD, FD_CLOEXEC);
	set_title(kind->name);
	close_from(OWN_FD + 1);
	/* A program may ask at the terminal for a password. */
	if (kind->program)
		setpgid(0, getpgid(parent));
	else
		confine(kind, parent);
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
		answer(fds[0], -errno);
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

void spawner_main(int fd, pid_t parent)
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
