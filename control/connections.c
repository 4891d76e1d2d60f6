// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A client has the same user and could as well kill lkvm; still nothing it does may make the loop wait or
 * keep other clients out: nothing blocks, a connection is served one request a round, an idle one is
 * closed, and the one idle for longest makes space for a new one. What only the main thread can do is a job
 * for its loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connections.h"
#include "lkvm/util/json.h"
#include "lkvm/vm/vm.h"
#include "protocol.h"

#define PATIENCE_NS (10 * 1000000000ULL)
#define REST_NS	    1000000000ULL

static void listen_again(struct connections *connections);

/* ---- one connection ---- */

/* Nobody waits for it any more: it is not done, unless the main thread has begun. */
static void job_give_up(struct job *job)
{
	job->client = NULL;
	if (!atomic_exchange(&job->posted, false))
		return;
	json_decref(job->call.line);
	job->call.request = NULL;
}

/* The slot keeps the descriptor's number, so that the next client does not find all of them in use. */
static void client_close(struct client *client)
{
	int fd = client->fd.fd;

	loop_fd_del(&client->fd);
	loop_timer_cancel(&client->patience);
	if (client->job)
		job_give_up(client->job);
	free(client->out);
	client->reserved = dup3(client->connections->jobs_fd.fd, fd, O_CLOEXEC);
	if (client->reserved < 0)
		close(fd);
	client->fd.fd = -1;
}

/* A place has become free. */
static void client_drop(struct client *client)
{
	struct connections *connections = client->connections;

	client_close(client);
	listen_again(connections);
}

static void on_patience_over(struct loop_timer *timer)
{
	client_drop(CONTAINER_OF(timer, struct client, patience));
}

static bool has_line(const struct client *client)
{
	return memchr(client->in, '\n', client->in_len) || client->in_len == CONTROL_MAX_REQUEST;
}

/* What to wait for: space for the answer, the next round for a line that is there already, or the peer. */
static u32 next_events(const struct client *client)
{
	if ((client->until_end || client->job) && !client->out)
		return 0;
	return client->out || has_line(client) ? EPOLLOUT : EPOLLIN;
}

static void wait_for_next(struct client *client)
{
	u32 events = next_events(client);

	/* The client waits for us; epoll reports its hang-up without any mask. */
	if (!events)
		loop_timer_cancel(&client->patience);
	loop_fd_mod(&client->fd, events);
}

/* The first line's length with its end; 0: it has none. */
static size_t line_len(const struct client *client)
{
	const char *end = memchr(client->in, '\n', client->in_len);

	return end ? end - client->in + 1 : 0;
}

static void drop_line(struct client *client, size_t len)
{
	client->in_len -= len;
	memmove(client->in, client->in + len, client->in_len);
}

/* False: as many as there can be are under way, of whom some have gone. */
static bool give_to_main(struct client *client, const struct control_call *call)
{
	struct connections *connections = client->connections;

	for (unsigned i = 0; i < MAX_JOBS; i++) {
		struct job *job = &connections->jobs[i];

		if (job->call.request)
			continue;
		job->call = *call;
		job->client = client;
		client->job = job;
		job->posted = true;
		eventfd_write(connections->jobs_fd.fd, 1);
		return true;
	}
	return false;
}

/* The answer to a line of that length without its end, or NULL with client->job: the main thread has it. */
static json_t *answer_line(struct client *client, size_t len)
{
	struct connections *connections = client->connections;
	struct control_call call = {
		.vm = connections->vm,
		.kinds = connections->kinds,
		.main_left = connections->main_left,
	};
	json_t *answer;

	if (control_parse(&call, client->in, len) && control_needs_main(&call) && !call.main_left) {
		if (give_to_main(client, &call))
			return NULL;
		control_refuse(&call, "failed", "too many requests wait for the guest already");
	}
	answer = control_answer(&call);
	client->until_end = call.until_end;
	return answer;
}

static json_t *refuse_too_long(void)
{
	struct control_call call = { .line = NULL };

	_Static_assert(CONTROL_MAX_REQUEST == 4096, "the words below say this number");
	control_refuse(&call, "too-long", "the request has more than 4095 bytes");
	return control_answer(&call);
}

/* Takes over the answer. False: out of memory. */
static bool begin_to_send(struct client *client, json_t *answer)
{
	client->out = json_line(answer, &client->out_len);
	client->out_sent = 0;
	json_decref(answer);
	return client->out;
}

/* Answers the first line, or has it answered. False: out of memory. */
static bool connection_serve(struct client *client)
{
	size_t len = line_len(client);
	json_t *answer;

	if (len) {
		answer = answer_line(client, len - 1);
		drop_line(client, len);
	} else {
		answer = refuse_too_long();
		client->no_more = true;
	}
	return client->job || begin_to_send(client, answer);
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
static bool connection_receive(struct client *client)
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
	/* A client that hung up without waiting for the answer may have left a request. */
	if (events & (EPOLLIN | EPOLLHUP) && !has_line(client) && !connection_receive(client))
		return false;
	if (!client->out && !client->until_end && !client->job && has_line(client) &&
	    !connection_serve(client))
		return false;
	if (client->out) {
		if (!send_out(client))
			return false;
		client->active = clock_now();
		loop_timer_set(client->connections->loop, &client->patience, PATIENCE_NS);
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

/* Their loop. */
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

	loop_call(job->connections->loop, look_whether_gone, job);
	return job->gone;
}

/* Their loop. */
static void finish_job(void *arg)
{
	struct job *job = arg;
	struct client *client = job->client;

	job->call.request = NULL;
	if (!client) {
		json_decref(job->answer);
		return;
	}
	client->job = NULL;
	client->until_end = job->call.until_end;
	loop_timer_set(client->connections->loop, &client->patience, PATIENCE_NS);
	if (begin_to_send(client, job->answer))
		wait_for_next(client);
	else
		client_drop(client);
}

static void do_job(struct job *job)
{
	job->call.gone = has_gone;
	job->call.gone_arg = job;
	job->call.main_left = job->connections->main_left;
	job->answer = control_answer(&job->call);
	loop_call(job->connections->loop, finish_job, job);
}

/* Not as posted work, which is also done in the middle of a pause and of a reboot. */
static void on_jobs(struct loop_fd *handler, u32 events)
{
	struct connections *connections = CONTAINER_OF(handler, struct connections, jobs_fd);
	eventfd_t count;

	eventfd_read(handler->fd, &count);
	for (unsigned i = 0; i < MAX_JOBS; i++)
		if (atomic_exchange(&connections->jobs[i].posted, false))
			do_job(&connections->jobs[i]);
}

/* ---- connections ---- */

static int client_open(struct client *client, int fd)
{
	struct connections *connections = client->connections;
	int err;

	client->fd.fd = fd;
	client->in_len = 0;
	client->out = NULL;
	client->job = NULL;
	client->no_more = client->until_end = false;
	client->active = clock_now();
	err = loop_fd_add(connections->loop, &client->fd, EPOLLIN);
	if (err)
		client->fd.fd = -1;
	else
		loop_timer_set(connections->loop, &client->patience, PATIENCE_NS);
	return err;
}

static bool is_waiting(const struct client *client)
{
	return client->job || client->until_end;
}

/*
 * A free slot, or that of the client idle for longest; last of all one for which the main thread is busy, or
 * one that waits for a guest only asked to end. A client that waits for a guest that is ending keeps its slot.
 */
static struct client *find_place(struct connections *connections)
{
	struct client *best = NULL;

	for (unsigned i = 0; i < MAX_CLIENTS; i++) {
		struct client *client = &connections->places[i];

		if (client->fd.fd < 0)
			return client;
		if (client->until_end && vm_ending(connections->vm))
			continue;
		if (!best || (is_waiting(best) && !is_waiting(client)) ||
		    (is_waiting(best) == is_waiting(client) && client->active < best->active))
			best = client;
	}
	if (best)
		client_close(best);
	return best;
}

/* The folder keeps others out already; this does so too where somebody opened it to them. */
static bool is_ours(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) &&
	       (peer.uid == geteuid() || peer.uid == 0);
}

/* Without a descriptor accept() fails at once, again and again. */
static void take_rest(struct connections *connections)
{
	loop_fd_del(&connections->listener);
	loop_timer_set(connections->loop, &connections->rest, REST_NS);
}

static void connection_reserve(struct client *client)
{
	if (client->reserved < 0)
		client->reserved = fcntl(client->connections->jobs_fd.fd, F_DUPFD_CLOEXEC, 0);
}

static int accept_client(struct connections *connections, struct client *client)
{
	int fd, err;

	if (client->reserved >= 0)
		close(client->reserved);
	client->reserved = -1;
	fd = accept4(connections->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	err = fd < 0 ? -errno : 0;
	if (!err && !is_ours(fd))
		err = -ECONNABORTED;
	if (!err)
		err = client_open(client, fd);
	if (!err)
		return 0;
	if (fd >= 0)
		close(fd);
	connection_reserve(client);
	return err;
}

static void on_connect(struct loop_fd *handler, u32 events)
{
	struct connections *connections = CONTAINER_OF(handler, struct connections, listener);
	struct client *client = find_place(connections);
	int err;

	/* Further clients wait in the kernel until one leaves. */
	if (!client) {
		loop_fd_del(handler);
		return;
	}
	err = accept_client(connections, client);
	if (err && err != -EAGAIN && err != -EINTR && err != -ECONNABORTED)
		take_rest(connections);
}

static void listen_again(struct connections *connections)
{
	if (connections->listener.fd < 0 || connections->listener.loop ||
	    connections->rest.deadline)
		return;
	if (loop_fd_add(connections->loop, &connections->listener, EPOLLIN))
		loop_timer_set(connections->loop, &connections->rest, REST_NS);
}

static void on_rested(struct loop_timer *timer)
{
	listen_again(CONTAINER_OF(timer, struct connections, rest));
}

/* ---- all of them ---- */

int connections_init(struct connections *connections, struct vm *vm,
		     const struct config_kind *const *kinds, struct loop *loop)
{
	int err;

	connections->vm = vm;
	connections->kinds = kinds;
	connections->loop = loop;
	connections->listener.fd = -1;
	connections->listener.ready = on_connect;
	connections->rest.expired = on_rested;
	connections->jobs_fd.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	connections->jobs_fd.ready = on_jobs;
	for (unsigned i = 0; i < MAX_CLIENTS; i++) {
		struct client *client = &connections->places[i];

		client->connections = connections;
		client->fd.fd = client->reserved = -1;
		client->fd.ready = on_client;
		client->patience.expired = on_patience_over;
	}
	for (unsigned i = 0; i < MAX_JOBS; i++)
		connections->jobs[i].connections = connections;
	if (connections->jobs_fd.fd < 0)
		return -errno;
	err = loop_fd_add(vm->loop, &connections->jobs_fd, EPOLLIN);
	if (err)
		close(connections->jobs_fd.fd);
	return err;
}

int connections_listen(struct connections *connections)
{
	for (unsigned i = 0; i < MAX_CLIENTS; i++)
		connection_reserve(&connections->places[i]);
	return loop_fd_add(connections->loop, &connections->listener, EPOLLIN);
}

static void leave_main(void *arg)
{
	((struct connections *)arg)->main_left = true;
}

void connections_leave_main(struct connections *connections)
{
	loop_call(connections->loop, leave_main, connections);
	/* No others are posted now, and those that are there are refused. */
	on_jobs(&connections->jobs_fd, EPOLLIN);
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

void connections_end(struct connections *connections)
{
	loop_fd_del(&connections->listener);
	loop_timer_cancel(&connections->rest);
	if (connections->listener.fd >= 0)
		close(connections->listener.fd);
	for (unsigned i = 0; i < MAX_CLIENTS; i++)
		end_client(&connections->places[i]);
	loop_fd_del(&connections->jobs_fd);
	close(connections->jobs_fd.fd);
}
