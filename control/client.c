// SPDX-License-Identifier: GPL-2.0-or-later
/* The other end of the socket. Every wait has a limit: a guest's main loop may be stuck, or stopped. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lkvm/config/config.h"
#include "lkvm/control/client.h"
#include "lkvm/control/folder.h"
#include "lkvm/util/json.h"
#include "lkvm/util/loop.h"
#include "others.h"

/* Younger than the oldest supported headers. */
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

#define MS	   1000000ULL
#define NEVER	   UINT64_MAX
#define RETRY_US   20000
#define MAX_ANSWER MIB(1)

/* ---- connecting ---- */

/* A guest of the folder's owner, by the kernel's word, and which process. */
static int client_identify(struct control_peer *peer, const struct control_folder *folder)
{
	struct ucred cred;
	socklen_t size = sizeof(cred);

	if (getsockopt(peer->fd, SOL_SOCKET, SO_PEERCRED, &cred, &size))
		return -errno;
	if (cred.uid != folder->owner && (cred.uid != 0 || folder->foreign))
		return -EPERM;
	peer->pid = cred.pid;
	peer->foreign = folder->foreign;
	peer->owner = folder->owner;
	return 0;
}

static int connect_until(const struct control_folder *folder, const char *name, u64 end)
{
	for (;;) {
		int fd = control_folder_connect(folder, name);

		if (fd != -EAGAIN)
			return fd;
		if (clock_now() >= end)
			return -ETIMEDOUT;
		usleep(RETRY_US);
	}
}

/* A guest that is wanted. */
struct wanted {
	char user[CONTROL_MAX_USER + 1]; /* whose; "": ours */
	const char *name;
	u64 end;
	struct control_peer *peer;
	int err;
};

static int connect_in(const struct control_folder *folder, const struct wanted *wanted)
{
	int fd = connect_until(folder, wanted->name, wanted->end), err;

	/* A guest that is no more left its socket behind. */
	if (fd < 0)
		return fd == -ECONNREFUSED ? -ENOENT : fd;
	wanted->peer->fd = fd;
	err = client_identify(wanted->peer, folder);
	if (err)
		control_disconnect(wanted->peer);
	return err;
}

static int try_folder(struct control_folder *folder, void *arg)
{
	char user[CONTROL_MAX_USER + 1] = "";
	struct wanted *wanted = arg;

	if (folder->foreign)
		control_user_name(folder->owner, user);
	if (!strcmp(user, wanted->user))
		wanted->err = connect_in(folder, wanted);
	/* Ours are the first. */
	return wanted->err != -ENOENT || (folder->foreign && !*wanted->user);
}

int control_connect(const char *name, int timeout_ms, struct control_peer *peer)
{
	const char *slash = strchr(name, '/');
	struct wanted wanted = {
		.name = slash ? slash + 1 : name,
		.end = clock_now() + timeout_ms * MS,
		.peer = peer,
		.err = -ENOENT,
	};
	size_t len = slash ? slash - name : 0;

	*peer = (struct control_peer){ .fd = -1 };
	if (slash == name || len > CONTROL_MAX_USER || config_name_fault(wanted.name))
		return -ENOENT;
	memcpy(wanted.user, name, len);
	control_folders_each(try_folder, &wanted);
	return wanted.err;
}

void control_disconnect(struct control_peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	peer->fd = -1;
}

/* ---- asking ---- */

/* 0 or -ETIMEDOUT. */
static int wait_for(struct control_peer *peer, short events, u64 end)
{
	struct pollfd fd = { .fd = peer->fd, .events = events };

	for (;;) {
		u64 now = clock_now();
		int n;

		if (now >= end)
			return -ETIMEDOUT;
		n = poll(&fd, 1, end == NEVER ? -1 : (int)((end - now) / MS) + 1);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

/* At most `size` bytes; 0 at the end. */
static ssize_t client_receive(struct control_peer *peer, char *buffer, size_t size, u64 end)
{
	for (;;) {
		int err = wait_for(peer, POLLIN, end);
		ssize_t n;

		if (err)
			return err;
		n = recv(peer->fd, buffer, size, MSG_DONTWAIT);
		if (n >= 0)
			return n;
		if (errno == ECONNRESET)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
}

static int receive_line(struct control_peer *peer, char *line, size_t *len, u64 end)
{
	*len = 0;
	for (;;) {
		ssize_t n = client_receive(peer, line + *len, MAX_ANSWER - *len, end);
		char *line_end;

		if (n <= 0)
			return n ?: -EPIPE;
		line_end = memchr(line + *len, '\n', n);
		*len += n;
		if (line_end)
			return line_end == line + *len - 1 ? 0 : -EPROTO;
		if (*len == MAX_ANSWER)
			return -EPROTO;
	}
}

/* *answer is the caller's, if 0 is returned. */
static int client_exchange(struct control_peer *peer, const char *question, size_t size, u64 end,
			   json_t **answer)
{
	char *line = malloc(MAX_ANSWER);
	size_t len;
	int err = line ? 0 : -ENOMEM;

	/* A new connection takes all of a request at once. */
	if (!err && send(peer->fd, question, size, MSG_NOSIGNAL) != (ssize_t)size)
		err = -EPIPE;
	if (!err)
		err = receive_line(peer, line, &len, end);
	if (!err) {
		*answer = json_read(line, len);
		err = *answer ? 0 : -EPROTO;
	}
	free(line);
	return err;
}

int control_ask(struct control_peer *peer, const char *request, json_t *args, int timeout_ms,
		json_t **answer)
{
	u64 end = clock_now() + timeout_ms * MS;
	json_t *object = json_pack("{s:s}", "request", request);
	char *question = NULL;
	int err = -ENOMEM;
	size_t len;

	*answer = NULL;
	if (object && (!args || !json_object_update(object, args)))
		question = json_line(object, &len);
	if (question)
		err = client_exchange(peer, question, len, end, answer);
	json_decref(object);
	free(question);
	return err;
}

int control_wait_end(struct control_peer *peer, int timeout_ms)
{
	u64 end = timeout_ms < 0 ? NEVER : clock_now() + timeout_ms * MS;
	char buffer[256];
	ssize_t n;

	do {
		n = client_receive(peer, buffer, sizeof(buffer), end);
	} while (n > 0);
	return n == -ETIMEDOUT ? -ETIMEDOUT : 0;
}

/* ---- without an answer ---- */

/* Does the process have only that user's ids? One that listened and then executed su has root's. */
static bool is_process_of(pid_t pid, uid_t uid)
{
	unsigned real = 0, effective = 0, saved = 0;
	char path[32], line[256];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "Uid: %u %u %u", &real, &effective, &saved) == 3;
	fclose(file);
	return found && real == uid && effective == uid && saved == uid;
}

/*
 * As long as the connection has another end its process is there, so the number was still its own when the
 * descriptor was made. Linux 6.5 gives the descriptor itself.
 */
static int open_process(const struct control_peer *peer)
{
	struct pollfd fd = { .fd = peer->fd };
	socklen_t size;
	int pidfd;

	size = sizeof(pidfd);
	if (!getsockopt(peer->fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size))
		return pidfd;
	/*
	 * A user can hand the socket on to another process and end the first, whose number may then be anybody's: root
	 * does not send signals to that.
	 */
	if (peer->foreign)
		return -EPERM;
	if (!peer->pid)
		return -ESRCH;
	pidfd = syscall(SYS_pidfd_open, peer->pid, 0);
	if (pidfd < 0)
		return -errno;
	if (!poll(&fd, 1, 0) || !(fd.revents & (POLLHUP | POLLERR)))
		return pidfd;
	close(pidfd);
	return -ESRCH;
}

int control_terminate(const struct control_peer *peer, int timeout_ms)
{
	int pidfd = open_process(peer), err = 0;
	struct control_peer process = { .fd = pidfd };

	if (pidfd < 0)
		return pidfd;
	/* The descriptor keeps the number from becoming another process's, and a signal to one that has ended fails. */
	if (peer->foreign && !is_process_of(peer->pid, peer->owner))
		err = -EPERM;
	if (!err && syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0))
		err = -errno;
	if (!err)
		err = wait_for(&process, POLLIN, clock_now() + timeout_ms * MS);
	close(pidfd);
	return err == -ESRCH ? 0 : err;
}
