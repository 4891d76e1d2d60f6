// SPDX-License-Identifier: GPL-2.0-or-later
/* The other end of the socket. Every wait has a limit: a guest's main loop may be stuck, or stopped. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "folder.h"
#include "lkvm/control.h"
#include "lkvm/json.h"
#include "lkvm/loop.h"

#define MS	   1000000ULL
#define RETRY_US   20000
#define MAX_ANSWER MIB(4)

/* ---- connecting ---- */

/* A guest of ours, by the kernel's word, and which process. */
static int identify(struct control_peer *peer)
{
	struct ucred cred;
	socklen_t size = sizeof(cred);

	if (getsockopt(peer->fd, SOL_SOCKET, SO_PEERCRED, &cred, &size))
		return -errno;
	if (cred.uid != geteuid() && cred.uid != 0)
		return -EPERM;
	peer->pid = cred.pid;
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

/* Is the error that of a guest which is not there? */
static bool is_absent(int error)
{
	return error == -ENOENT || error == -ECONNREFUSED;
}

int control_connect(const char *name, int timeout_ms, struct control_peer *peer)
{
	u64 end = clock_now() + timeout_ms * MS;
	char path[PATH_MAX];
	int error = -ENOENT;

	*peer = (struct control_peer){ .fd = -1 };
	if (!control_name_ok(name))
		return -ENOENT;
	for (unsigned i = 0; is_absent(error) && control_folder_path(i, path); i++) {
		struct control_folder folder;

		/* No guest of ours has its socket where it could not have made one. */
		if (control_folder_open(&folder, path, false))
			continue;
		error = connect_until(&folder, name, end);
		control_folder_close(&folder);
		if (error < 0)
			continue;
		peer->fd = error;
		error = identify(peer);
		if (error)
			control_disconnect(peer);
		return error;
	}
	return is_absent(error) ? -ENOENT : error;
}

void control_disconnect(struct control_peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	peer->fd = -1;
}

/* ---- looking round ---- */

struct names {
	char **list;
	size_t nr;
};

static int add_name(struct names *names, const char *name)
{
	char **list;

	for (size_t i = 0; i < names->nr; i++)
		if (!strcmp(names->list[i], name))
			return 0;
	list = realloc(names->list, (names->nr + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	names->list = list;
	list[names->nr] = strdup(name);
	return list[names->nr++] ? 0 : -ENOMEM;
}

/* Cuts the ending off; false: that is no guest's socket. */
static bool name_of_file(char *file)
{
	size_t len = strlen(file), ending = strlen(CONTROL_SUFFIX);

	if (len <= ending || strcmp(file + len - ending, CONTROL_SUFFIX))
		return false;
	file[len - ending] = '\0';
	return control_name_ok(file);
}

/* What a guest that was killed left behind goes, if nobody is just making it anew. */
static void clean_up(struct control_folder *folder, const char *name)
{
	if (control_folder_lock(folder))
		return;
	control_folder_remove_stale(folder, name);
	control_folder_unlock(folder);
}

static int look_at(struct control_folder *folder, char *file, struct names *names)
{
	int fd;

	if (!name_of_file(file))
		return 0;
	fd = control_folder_connect(folder, file);
	if (fd == -ECONNREFUSED)
		clean_up(folder, file);
	if (fd < 0 && fd != -EAGAIN)
		return 0;
	if (fd >= 0)
		close(fd);
	return add_name(names, file);
}

static int look_into(struct control_folder *folder, struct names *names)
{
	/* A description of its own, as closedir() closes it. */
	DIR *dir = fdopendir(openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *entry;
	int error = 0;

	if (!dir)
		return 0;
	while (!error && (entry = readdir(dir)))
		error = look_at(folder, entry->d_name, names);
	closedir(dir);
	return error;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void control_free_names(char **names, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		free(names[i]);
	free(names);
}

int control_names(char ***list, size_t *nr)
{
	struct names names = { 0 };
	struct control_folder folder;
	char path[PATH_MAX];
	int error = 0;

	for (unsigned i = 0; !error && control_folder_path(i, path); i++) {
		if (control_folder_open(&folder, path, false))
			continue;
		error = look_into(&folder, &names);
		control_folder_close(&folder);
	}
	if (error) {
		control_free_names(names.list, names.nr);
		return error;
	}
	if (names.nr)
		qsort(names.list, names.nr, sizeof(*names.list), compare);
	*list = names.list;
	*nr = names.nr;
	return 0;
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
		n = poll(&fd, 1, (int)((end - now) / MS) + 1);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

static int send_all(struct control_peer *peer, const char *text, u64 end)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t n = send(peer->fd, text, left, MSG_NOSIGNAL | MSG_DONTWAIT);
		int error;

		if (n >= 0) {
			text += n;
			left -= n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -EPIPE;
		error = wait_for(peer, POLLOUT, end);
		if (error)
			return error;
	}
	return 0;
}

/* At most `size` bytes; 0 at the end. */
static ssize_t receive(struct control_peer *peer, char *buffer, size_t size, u64 end)
{
	for (;;) {
		int error = wait_for(peer, POLLIN, end);
		ssize_t n;

		if (error)
			return error;
		n = recv(peer->fd, buffer, size, MSG_DONTWAIT);
		if (n >= 0)
			return n;
		if (errno == ECONNRESET)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
}

static int receive_line(struct control_peer *peer, FILE *out, u64 end)
{
	size_t len = 0;

	for (;;) {
		char buffer[4096], *line_end;
		ssize_t n = receive(peer, buffer, sizeof(buffer), end);

		if (n <= 0)
			return n ? n : -EPIPE;
		line_end = memchr(buffer, '\n', n);
		if (line_end && line_end != buffer + n - 1)
			return -EPROTO;
		len += n;
		if (len > MAX_ANSWER || memchr(buffer, '\0', n))
			return -EPROTO;
		fwrite(buffer, 1, line_end ? n - 1 : n, out);
		if (line_end)
			return 0;
	}
}

static int any_value(const struct json_value *value, void *arg)
{
	return !*value->path && value->kind != JSON_OBJECT ? -EPROTO : 0;
}

int control_ask(struct control_peer *peer, const char *request, int timeout_ms, char **answer)
{
	u64 end = clock_now() + timeout_ms * MS;
	char line[128];
	size_t size;
	FILE *out;
	int error;

	*answer = NULL;
	out = open_memstream(answer, &size);
	if (!out)
		return -ENOMEM;
	snprintf(line, sizeof(line), "{\"request\": \"%s\"}\n", request);
	error = send_all(peer, line, end);
	if (!error)
		error = receive_line(peer, out, end);
	if (fclose(out) && !error)
		error = -ENOMEM;
	if (!error && json_read(*answer, any_value, NULL))
		error = -EPROTO;
	if (error) {
		free(*answer);
		*answer = NULL;
	}
	return error;
}

int control_wait_end(struct control_peer *peer, int timeout_ms)
{
	u64 end = clock_now() + timeout_ms * MS;
	char buffer[256];
	ssize_t n;

	do {
		n = receive(peer, buffer, sizeof(buffer), end);
	} while (n > 0);
	return n == -ETIMEDOUT ? -ETIMEDOUT : 0;
}
