// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's end of the socket. All of it is on one loop: at first one with a thread of its own, while the main thread
 * assembles the guest, and then the main loop. Who connects has the same user and could as well kill
 * lkvm; still nothing he does or fails to do may make the loop wait: nothing blocks, a connection is
 * served one request a round, and one on which nothing happens is closed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "lkvm/control.h"
#include "lkvm/log.h"
#include "lkvm/vm.h"
#include "protocol.h"
#include "server.h"

#define MAX_CLIENTS 16
#define BACKLOG	    16
#define PATIENCE_NS (10 * 1000000000ULL)
#define HEAP_PIECE  16384
#define REST_NS	    1000000000ULL

struct client {
	TAILQ_ENTRY(client) link;
	struct control *control;
	struct loop_fd fd;
	struct loop_timer patience;
	char in[CONTROL_MAX_REQUEST + 1]; /* with room for a NUL */
	size_t in_len;
	char *out; /* what is being sent; NULL: nothing */
	size_t out_len, out_sent;
	bool no_more; /* after what is being sent */
	bool waits; /* for the guest to run: the first line is a request that only then can be served */
	bool until_end; /* waits for the guest's end */
};

struct control {
	struct vm *vm;
	struct loop *loop;     /* that serves now */
	struct loop *starting; /* with a thread of its own, until vm->loop runs; then NULL */
	bool stopped;
	struct control_folder folder;
	struct loop_fd listener;
	ino_t inode;		/* the socket's file */
	struct loop_timer rest; /* before accept() is tried again */
	TAILQ_HEAD(, client) clients;
	unsigned nr_clients;
};

static void listen_again(struct control *control);

/* ---- one connection ---- */

static void client_close(struct client *client)
{
	struct control *control = client->control;

	loop_fd_del(&client->fd);
	loop_timer_cancel(&client->patience);
	close(client->fd.fd);
	TAILQ_REMOVE(&control->clients, client, link);
	control->nr_clients--;
	free(client->out);
	free(client);
}

/* While the loop is ours; a place has become free. */
static void client_drop(struct client *client)
{
	struct control *control = client->control;

	client_close(client);
	listen_again(control);
}

static void on_patience_over(struct loop_timer *timer)
{
	client_drop(CONTAINER_OF(timer, struct client, patience));
}

static bool has_line(const struct client *client)
{
	return memchr(client->in, '\n', client->in_len) || client->in_len == CONTROL_MAX_REQUEST;
}

/* What to wait for: room for the answer, the next round for a line that is there already, or the peer. */
static u32 next_events(const struct client *client)
{
	if ((client->until_end || client->waits) && !client->out)
		return 0;
	return client->out || has_line(client) ? EPOLLOUT : EPOLLIN;
}

static void wait_for_next(struct client *client)
{
	u32 events = next_events(client);

	/* He waits for us, and that he goes is told all the same. */
	if (!events)
		loop_timer_cancel(&client->patience);
	loop_fd_mod(&client->fd, events);
}

/* The first line, without its end, as a string. Its length with the end; 0: it has none. */
static size_t get_line(const struct client *client, char line[CONTROL_MAX_REQUEST])
{
	char *end = memchr(client->in, '\n', client->in_len);
	size_t len;

	if (!end)
		return 0;
	len = end - client->in;
	memcpy(line, client->in, len);
	line[len] = '\0';
	/* Cut short by a NUL it might mean something after all. */
	if (strlen(line) != len)
		line[0] = '\0';
	return len + 1;
}

static void drop_line(struct client *client, size_t len)
{
	client->in_len -= len;
	memmove(client->in, client->in + len, client->in_len);
}

/* Answers the first line, if it can be answered now. False: out of memory. */
static bool serve(struct client *client)
{
	struct control *control = client->control;
	const struct control_asker asker = {
		.vm = control->vm,
		.fd = client->fd.fd,
		.starting = control->starting,
	};
	char line[CONTROL_MAX_REQUEST];
	size_t len = get_line(client, line);
	FILE *out;

	client->waits = len && asker.starting && control_must_wait(line);
	if (client->waits)
		return true;
	out = open_memstream(&client->out, &client->out_len);
	if (!out)
		return false;
	if (len) {
		drop_line(client, len);
		client->until_end = control_answer(&asker, line, out);
	} else {
		control_refuse(CONTROL_TOO_LONG, out);
		client->no_more = true;
	}
	client->out_sent = 0;
	return !fclose(out);
}

/* False: the peer is no more. */
static bool send_out(struct client *client)
{
	ssize_t n = send(client->fd.fd, client->out + client->out_sent,
			 client->out_len - client->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	client->out_sent += n;
	if (client->out_sent == client->out_len) {
		free(client->out);
		client->out = NULL;
	}
	return true;
}

/* False: there will be no more. */
static bool receive(struct client *client)
{
	ssize_t n = recv(client->fd.fd, client->in + client->in_len,
			 CONTROL_MAX_REQUEST - client->in_len, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	client->in_len += n;
	return n > 0;
}

/* One step. False: close it. */
static bool client_step(struct client *client, u32 events)
{
	if (events & EPOLLERR ||
	    (events & EPOLLHUP && (client->out || client->until_end || client->waits)))
		return false;
	/* Who has gone without waiting for the answer may have left a request. */
	if (events & (EPOLLIN | EPOLLHUP) && !has_line(client) && !receive(client))
		return false;
	if (!client->out && !client->until_end && has_line(client) && !serve(client))
		return false;
	if (client->out) {
		if (!send_out(client))
			return false;
		loop_timer_set(client->control->loop, &client->patience, PATIENCE_NS);
	}
	return client->out || !client->no_more;
}

static void on_client(struct loop_fd *handler, u32 events)
{
	struct client *client = CONTAINER_OF(handler, struct client, fd);

	if (client_step(client, events))
		wait_for_next(client);
	else
		client_drop(client);
}

/* ---- connections ---- */

int control_add_client(struct control *control, int fd)
{
	struct client *client = calloc(1, sizeof(*client));
	int error;

	if (!client)
		return -ENOMEM;
	client->control = control;
	client->fd.fd = fd;
	client->fd.ready = on_client;
	client->patience.expired = on_patience_over;
	error = loop_fd_add(control->loop, &client->fd, EPOLLIN);
	if (error) {
		free(client);
		return error;
	}
	loop_timer_set(control->loop, &client->patience, PATIENCE_NS);
	TAILQ_INSERT_TAIL(&control->clients, client, link);
	control->nr_clients++;
	return 0;
}

/* The folder keeps others out already; this does so too where somebody opened it to them. */
static bool is_ours(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) &&
	       (peer.uid == geteuid() || peer.uid == 0);
}

/* With no descriptor left accept() fails at once, again and again. */
static void take_rest(struct control *control)
{
	loop_fd_del(&control->listener);
	loop_timer_set(control->loop, &control->rest, REST_NS);
}

static void on_connect(struct loop_fd *handler, u32 events)
{
	struct control *control = CONTAINER_OF(handler, struct control, listener);
	int fd = accept4(handler->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			take_rest(control);
		return;
	}
	if (!is_ours(fd) || control_add_client(control, fd)) {
		close(fd);
		return;
	}
	/* The others wait in the kernel until somebody leaves. */
	if (control->nr_clients == MAX_CLIENTS)
		loop_fd_del(&control->listener);
}

static void listen_again(struct control *control)
{
	if (control->listener.fd < 0 || control->listener.loop || control->rest.deadline)
		return;
	if (loop_fd_add(control->loop, &control->listener, EPOLLIN))
		loop_timer_set(control->loop, &control->rest, REST_NS);
}

static void on_rested(struct loop_timer *timer)
{
	listen_again(CONTAINER_OF(timer, struct control, rest));
}

/* ---- from one loop to the other ---- */

static void move_client(struct client *client)
{
	struct control *control = client->control;

	loop_timer_cancel(&client->patience);
	loop_fd_del(&client->fd);
	client->waits = false;
	/* Without it he could neither be served nor be seen to go. */
	if (loop_fd_add(control->loop, &client->fd, next_events(client)))
		client_close(client);
	else if (!client->until_end || client->out)
		loop_timer_set(control->loop, &client->patience, PATIENCE_NS);
}

/* Main thread. Nobody is served any more, nor will be if nothing else is done. */
static void end_start(struct control *control)
{
	if (control->starting)
		loop_stop_thread(control->starting);
}

/* The main loop, in its first round. */
static void take_over(void *arg)
{
	struct control *control = arg;
	struct client *client, *next;

	if (control->stopped)
		return;
	end_start(control);
	control->loop = control->vm->loop;
	for (client = TAILQ_FIRST(&control->clients); client; client = next) {
		next = TAILQ_NEXT(client, link);
		move_client(client);
	}
	loop_timer_cancel(&control->rest);
	loop_fd_del(&control->listener);
	loop_destroy(control->starting);
	control->starting = NULL;
	if (control->nr_clients < MAX_CLIENTS)
		listen_again(control);
}

/* ---- the socket ---- */

struct control *control_new(struct vm *vm)
{
	struct control *control = calloc(1, sizeof(*control));

	if (!control)
		return NULL;
	control->vm = vm;
	control->loop = vm->loop;
	control->folder.fd = -1;
	control->listener.fd = -1;
	control->listener.ready = on_connect;
	control->rest.expired = on_rested;
	TAILQ_INIT(&control->clients);
	return control;
}

static int name_is_taken(const char *name)
{
	struct control_peer peer;
	int error = control_connect(name, 0, &peer);

	if (error && error != -ETIMEDOUT)
		return 0;
	if (!error && peer.pid)
		log_fatal("--name %s: a guest of that name runs already, PID %d", name, peer.pid);
	else
		log_fatal("--name %s: a guest of that name runs already", name);
	if (!error)
		control_disconnect(&peer);
	return -EEXIST;
}

/* In the first folder that can be used. */
static int open_folder(struct control *control)
{
	char path[PATH_MAX];
	int error = -ENOENT;

	for (unsigned i = 0; control_folder_path(i, path); i++) {
		error = control_folder_open(&control->folder, path, true);
		if (!error)
			return 0;
		log_debug("control socket: %s: %s", path, strerror(-error));
	}
	return error;
}

/* The folder is locked from before bind() until after listen(): in between it looks like a dead guest's. */
static int bind_socket(struct control *control, int fd)
{
	const char *name = control->vm->config->name;
	struct sockaddr_un address;
	struct stat st;
	int error = control_folder_remove_stale(&control->folder, name);

	if (!error)
		error = control_folder_address(&control->folder, name, &address);
	if (error)
		return error;
	/* The file gets the socket's mode. */
	if (fchmod(fd, 0600) || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	if (!listen(fd, BACKLOG) && !stat(address.sun_path, &st)) {
		control->inode = st.st_ino;
		return 0;
	}
	error = -errno;
	unlink(address.sun_path);
	return error;
}

static int make_socket(struct control *control)
{
	int error = open_folder(control), fd;

	if (!error)
		error = control_folder_lock(&control->folder);
	if (error)
		return error;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	error = bind_socket(control, fd);
	control_folder_unlock(&control->folder);
	if (error) {
		close(fd);
		return error;
	}
	control->listener.fd = fd;
	return 0;
}

/*
 * The C library gives each thread a heap of its own at its first allocation, and the kernel makes and grows that only
 * between two pieces of guest memory which another thread is making: for seconds nobody would be served. So the
 * heap is made beforehand, with room for a few connections and answers.
 */
static void make_heap(void *arg)
{
	void *pieces[4];

	for (unsigned i = 0; i < ARRAY_SIZE(pieces); i++)
		pieces[i] = malloc(HEAP_PIECE);
	for (unsigned i = 0; i < ARRAY_SIZE(pieces); i++)
		free(pieces[i]);
}

/* Serves until the main loop runs. */
static int begin_start(struct control *control)
{
	int error;

	control->loop = control->starting = loop_create("control");
	if (!control->starting)
		return -errno;
	error = loop_fd_add(control->loop, &control->listener, EPOLLIN);
	if (!error)
		error = loop_start_thread(control->starting);
	if (!error)
		loop_call(control->starting, make_heap, NULL);
	if (!error)
		error = loop_post(control->vm->loop, take_over, control);
	return error;
}

static void say_no_socket(const struct vm_config *config, int error)
{
	char why[PATH_MAX + 200] = "";
	bool trouble = control_folder_trouble(why, sizeof(why));
	/* Who gave no name is not going to ask for the guest by its name; but a folder that is not ours is no chance. */
	void (*say)(const char *fmt, ...) = config->named || trouble ? log_warning : log_debug;

	say("Guest %s has no control socket (%s): 'lkvm list' and its like will not find it",
	    config->name, trouble ? why : strerror(-error));
}

int control_create(struct control **out, struct vm *vm)
{
	const struct vm_config *config = vm->config;
	struct control *control;
	int error;

	*out = NULL;
	if (control_bad_folder()) {
		log_warning(
			"LKVM_RUNTIME_DIR is '%s', which is not an absolute path: guest %s has no control socket, and 'lkvm list' and its like will not find it",
			control_bad_folder(), config->name);
		return 0;
	}
	/* Two processes can have the same number, in two containers: nobody asked for their names. */
	error = config->named ? name_is_taken(config->name) : 0;
	if (error)
		return error;
	control = control_new(vm);
	if (!control)
		return -ENOMEM;
	error = make_socket(control);
	if (!error)
		error = begin_start(control);
	if (error) {
		control_destroy(control);
		/* Since it was looked for, just now. */
		if (error == -EEXIST && config->named && name_is_taken(config->name))
			return -EEXIST;
		say_no_socket(config, error);
		return 0;
	}
	*out = control;
	return 0;
}

void control_stop(struct control *control)
{
	struct client *client, *next;

	if (!control)
		return;
	control->stopped = true;
	end_start(control);
	loop_fd_del(&control->listener);
	loop_timer_cancel(&control->rest);
	for (client = TAILQ_FIRST(&control->clients); client; client = next) {
		next = TAILQ_NEXT(client, link);
		loop_fd_del(&client->fd);
		loop_timer_cancel(&client->patience);
		/* A last answer that is still here may be that of a `stop`. */
		if (client->out)
			send_out(client);
	}
}

/* Unless somebody removed it and another guest has made its own. */
static void remove_socket(struct control *control)
{
	struct sockaddr_un address;
	struct stat st;

	if (!control_folder_address(&control->folder, control->vm->config->name, &address) &&
	    !stat(address.sun_path, &st) && st.st_ino == control->inode)
		unlink(address.sun_path);
}

void control_destroy(struct control *control)
{
	if (!control)
		return;
	control_stop(control);
	if (control->listener.fd >= 0) {
		remove_socket(control);
		close(control->listener.fd);
	}
	while (!TAILQ_EMPTY(&control->clients))
		client_close(TAILQ_FIRST(&control->clients));
	if (control->folder.fd >= 0)
		control_folder_close(&control->folder);
	loop_destroy(control->starting);
	free(control);
}
