// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's end of the socket. All of it is on one loop with a thread of its own, from before the guest is
 * assembled until after its disks are closed, so that nothing that keeps the main thread busy keeps anybody from
 * an answer. What only the main thread can do is a job for its loop.
 *
 * Who connects has the same user and could as well kill lkvm; still nothing he does or fails to do may make the loop
 * wait, or keep others out: nothing blocks, a connection is served one request a round, one on which nothing
 * happens is closed, and the oldest of them makes room for a new one.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
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

/* A request that the main thread answers. */
struct job {
	struct control *control;
	const struct control_request *request; /* NULL: nothing to do here */
	_Atomic bool posted;		       /* it is the main thread's turn */
	struct client *client;		       /* NULL: who asked has gone; control's loop */
	bool gone;			       /* the same, as the main thread was told */
	char *out;			       /* the answer; NULL: out of memory */
	size_t out_len;
};

/* A place for a connection. */
struct client {
	struct control *control;
	struct loop_fd fd; /* fd.fd < 0: it is free */
	int reserved;	   /* then: a descriptor kept for it; -1: none was left */
	u64 active;	   /* clock_now() when it last was told something, or came */
	struct loop_timer patience;
	char in[CONTROL_MAX_REQUEST + 1]; /* with room for a NUL */
	size_t in_len;
	char *out; /* what is being sent; NULL: nothing */
	size_t out_len, out_sent;
	struct job *job; /* the main thread has its request; NULL: none */
	bool no_more;	 /* after what is being sent */
	bool until_end;	 /* waits for the guest's end */
};

struct control {
	struct vm *vm;
	struct loop *loop; /* its own thread's; a test's may be the main one */
	bool main_left;	   /* vm->loop takes no more jobs; main thread while the loop waits */
	struct control_folder folder;
	struct loop_fd listener;
	ino_t inode;		/* the socket's file */
	struct loop_timer rest; /* before accept() is tried again */
	struct loop_fd jobs_fd; /* vm->loop: an eventfd, jobs were posted */
	struct job jobs[MAX_CLIENTS];
	struct client clients[MAX_CLIENTS];
};

static void listen_again(struct control *control);

/* ---- one connection ---- */

/* The place keeps the descriptor's number: whoever comes next shall not find them all taken. */
static void client_close(struct client *client)
{
	int fd = client->fd.fd;

	loop_fd_del(&client->fd);
	loop_timer_cancel(&client->patience);
	if (client->job)
		client->job->client = NULL;
	free(client->out);
	client->reserved = dup3(client->control->jobs_fd.fd, fd, O_CLOEXEC);
	if (client->reserved < 0)
		close(fd);
	client->fd.fd = -1;
}

/* A place has become free. */
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
	if ((client->until_end || client->job) && !client->out)
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

/* False: as many as there can be are under way, of whom some have gone. */
static bool give_to_main(struct client *client, const struct control_request *request)
{
	struct control *control = client->control;

	for (unsigned i = 0; i < MAX_CLIENTS; i++) {
		struct job *job = &control->jobs[i];

		if (job->request)
			continue;
		job->request = request;
		job->client = client;
		client->job = job;
		job->posted = true;
		eventfd_write(control->jobs_fd.fd, 1);
		return true;
	}
	return false;
}

static void answer(struct client *client, const char *line, FILE *out)
{
	struct control *control = client->control;
	const struct control_asker asker = { .vm = control->vm, .main_left = control->main_left };
	const struct control_request *request;
	enum control_error err = control_parse(line, &request);

	if (!err && control_needs_main(request)) {
		err = CONTROL_ENDING;
		if (!control->main_left && give_to_main(client, request))
			return;
		if (!control->main_left)
			err = CONTROL_FAILED;
	}
	if (err)
		control_refuse(err, out);
	else
		client->until_end = control_answer(&asker, request, out);
}

/* Answers the first line, or has it answered. False: out of memory. */
static bool serve(struct client *client)
{
	char line[CONTROL_MAX_REQUEST];
	size_t len = get_line(client, line);
	FILE *out = open_memstream(&client->out, &client->out_len);

	if (!out)
		return false;
	if (len) {
		drop_line(client, len);
		answer(client, line, out);
	} else {
		control_refuse(CONTROL_TOO_LONG, out);
		client->no_more = true;
	}
	client->out_sent = 0;
	if (fclose(out))
		return false;
	if (client->job) {
		free(client->out);
		client->out = NULL;
	}
	return true;
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
	    (events & EPOLLHUP && (client->out || client->until_end || client->job)))
		return false;
	/* Who has gone without waiting for the answer may have left a request. */
	if (events & (EPOLLIN | EPOLLHUP) && !has_line(client) && !receive(client))
		return false;
	if (!client->out && !client->until_end && !client->job && has_line(client) &&
	    !serve(client))
		return false;
	if (client->out) {
		if (!send_out(client))
			return false;
		client->active = clock_now();
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

/* ---- jobs for the main thread ---- */

/* control's loop */
static void look_whether_gone(void *arg)
{
	struct job *job = arg;
	struct pollfd fd = { .events = 0 };

	if (job->client) {
		fd.fd = job->client->fd.fd;
		if (poll(&fd, 1, 0) > 0 && fd.revents & (POLLHUP | POLLERR))
			client_drop(job->client);
	}
	job->gone = !job->client;
}

static bool has_gone(void *arg)
{
	struct job *job = arg;

	loop_call(job->control->loop, look_whether_gone, job);
	return job->gone;
}

/* control's loop */
static void finish_job(void *arg)
{
	struct job *job = arg;
	struct client *client = job->client;
	char *out = job->out;

	job->request = NULL;
	if (!client) {
		free(out);
		return;
	}
	client->job = NULL;
	client->out = out;
	client->out_len = job->out_len;
	client->out_sent = 0;
	loop_timer_set(client->control->loop, &client->patience, PATIENCE_NS);
	if (out)
		wait_for_next(client);
	else
		client_drop(client);
}

static void do_job(struct job *job)
{
	struct control *control = job->control;
	const struct control_asker asker = {
		.vm = control->vm,
		.gone = has_gone,
		.arg = job,
	};
	FILE *out = open_memstream(&job->out, &job->out_len);

	if (out && control->main_left)
		control_refuse(CONTROL_ENDING, out);
	else if (out)
		control_answer(&asker, job->request, out);
	if (!out || fclose(out))
		job->out = NULL;
	loop_call(control->loop, finish_job, job);
}

/* Not as posted work, which is also done in the middle of a pause and of a reboot. */
static void on_jobs(struct loop_fd *handler, u32 events)
{
	struct control *control = CONTAINER_OF(handler, struct control, jobs_fd);
	eventfd_t count;

	eventfd_read(handler->fd, &count);
	for (unsigned i = 0; i < MAX_CLIENTS; i++)
		if (atomic_exchange(&control->jobs[i].posted, false))
			do_job(&control->jobs[i]);
}

/* ---- connections ---- */

static int client_open(struct client *client, int fd)
{
	struct control *control = client->control;
	int err;

	client->fd.fd = fd;
	client->in_len = 0;
	client->out = NULL;
	client->job = NULL;
	client->no_more = client->until_end = false;
	client->active = clock_now();
	err = loop_fd_add(control->loop, &client->fd, EPOLLIN);
	if (err)
		client->fd.fd = -1;
	else
		loop_timer_set(control->loop, &client->patience, PATIENCE_NS);
	return err;
}

static bool is_waiting(const struct client *client)
{
	return client->job || client->until_end;
}

/*
 * A free place, or that of whoever has been silent for longest; last of all somebody for whom the main thread is
 * busy, or who waits for a guest to end that was only asked to. Who waits for the end of one that is ending keeps his.
 */
static struct client *find_place(struct control *control)
{
	struct client *best = NULL;

	for (unsigned i = 0; i < MAX_CLIENTS; i++) {
		struct client *client = &control->clients[i];

		if (client->fd.fd < 0)
			return client;
		if (client->until_end && vm_ending(control->vm))
			continue;
		if (!best || (is_waiting(best) && !is_waiting(client)) ||
		    (is_waiting(best) == is_waiting(client) && client->active < best->active))
			best = client;
	}
	if (best)
		client_close(best);
	return best;
}

int control_add_client(struct control *control, int fd)
{
	struct client *client = find_place(control);

	return client ? client_open(client, fd) : -EBUSY;
}

/* The folder keeps others out already; this does so too where somebody opened it to them. */
static bool is_ours(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) &&
	       (peer.uid == geteuid() || peer.uid == 0);
}

/* Without room accept() fails at once, again and again. */
static void take_rest(struct control *control)
{
	loop_fd_del(&control->listener);
	loop_timer_set(control->loop, &control->rest, REST_NS);
}

static void reserve(struct client *client)
{
	if (client->reserved < 0)
		client->reserved = fcntl(client->control->jobs_fd.fd, F_DUPFD_CLOEXEC, 0);
}

static int accept_client(struct control *control, struct client *client)
{
	int fd, err;

	if (client->reserved >= 0)
		close(client->reserved);
	client->reserved = -1;
	fd = accept4(control->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	err = fd < 0 ? -errno : 0;
	if (!err && !is_ours(fd))
		err = -ECONNABORTED;
	if (!err)
		err = client_open(client, fd);
	if (!err)
		return 0;
	if (fd >= 0)
		close(fd);
	reserve(client);
	return err;
}

static void on_connect(struct loop_fd *handler, u32 events)
{
	struct control *control = CONTAINER_OF(handler, struct control, listener);
	struct client *client = find_place(control);
	int err;

	/* The others wait in the kernel until somebody leaves. */
	if (!client) {
		loop_fd_del(handler);
		return;
	}
	err = accept_client(control, client);
	if (err && err != -EAGAIN && err != -EINTR && err != -ECONNABORTED)
		take_rest(control);
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

/* ---- the socket ---- */

struct control *control_new(struct vm *vm, struct loop *loop)
{
	struct control *control = calloc(1, sizeof(*control));

	if (!control)
		return NULL;
	control->vm = vm;
	control->loop = loop;
	control->folder.fd = -1;
	control->listener.fd = -1;
	control->listener.ready = on_connect;
	control->rest.expired = on_rested;
	control->jobs_fd.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	control->jobs_fd.ready = on_jobs;
	for (unsigned i = 0; i < MAX_CLIENTS; i++) {
		struct client *client = &control->clients[i];

		client->control = control;
		client->fd.fd = client->reserved = -1;
		client->fd.ready = on_client;
		client->patience.expired = on_patience_over;
		control->jobs[i].control = control;
	}
	if (control->jobs_fd.fd >= 0 && !loop_fd_add(vm->loop, &control->jobs_fd, EPOLLIN))
		return control;
	if (control->jobs_fd.fd >= 0)
		close(control->jobs_fd.fd);
	free(control);
	return NULL;
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
 * heap is made beforehand, with room for a few answers.
 */
static void make_heap(void *arg)
{
	void *pieces[4];

	for (unsigned i = 0; i < ARRAY_SIZE(pieces); i++)
		pieces[i] = malloc(HEAP_PIECE);
	for (unsigned i = 0; i < ARRAY_SIZE(pieces); i++)
		free(pieces[i]);
}

static int start_thread(struct control *control)
{
	int err = loop_fd_add(control->loop, &control->listener, EPOLLIN);

	for (unsigned i = 0; i < MAX_CLIENTS; i++)
		reserve(&control->clients[i]);
	if (!err)
		err = loop_start_thread(control->loop);
	if (!err)
		loop_call(control->loop, make_heap, NULL);
	return err;
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
	struct loop *loop;
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
	loop = loop_create("control");
	control = loop ? control_new(vm, loop) : NULL;
	if (!control) {
		loop_destroy(loop);
		return -ENOMEM;
	}
	error = make_socket(control);
	if (!error)
		error = start_thread(control);
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

static void leave_main(void *arg)
{
	((struct control *)arg)->main_left = true;
}

void control_stop(struct control *control)
{
	if (!control)
		return;
	loop_call(control->loop, leave_main, control);
	/* No others are posted now, and those that are there are refused. */
	on_jobs(&control->jobs_fd, EPOLLIN);
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

static void end_client(struct client *client)
{
	if (client->fd.fd >= 0) {
		/* A last answer that is still here may be that of a `stop`. */
		if (client->out)
			send_out(client);
		client_close(client);
	}
	if (client->reserved >= 0)
		close(client->reserved);
}

void control_destroy(struct control *control)
{
	if (!control)
		return;
	loop_stop_thread(control->loop);
	loop_fd_del(&control->listener);
	loop_timer_cancel(&control->rest);
	if (control->listener.fd >= 0) {
		remove_socket(control);
		close(control->listener.fd);
	}
	for (unsigned i = 0; i < MAX_CLIENTS; i++)
		end_client(&control->clients[i]);
	loop_fd_del(&control->jobs_fd);
	if (control->jobs_fd.fd >= 0)
		close(control->jobs_fd.fd);
	if (control->folder.fd >= 0)
		control_folder_close(&control->folder);
	if (control->loop != control->vm->loop)
		loop_destroy(control->loop);
	free(control);
}
