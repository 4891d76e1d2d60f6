// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes, cut anywhere, through a connection to the control socket's server: it answers with lines that are JSON,
 * as many as there were lines, and ends when its peer does. The guest is about to end, so that nothing is
 * paused here.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fuzz.h"
#include "lkvm/config/key.h"
#include "lkvm/vm/counters.h"
#include "lkvm/util/json.h"
#include "lkvm/vm/device-kind.h"
#include "lkvm/vm/vm.h"
#include "../../control/connections.h"
#include "../../control/protocol.h"

struct args {
	bool flag;
	u32 u32;
	u64 u64, size;
	const char *string;
	unsigned choice;
	u8 hex[4], mac[6];
};

static const char *const choices[] = { "a", "b", NULL };

#define KEY(n, t, field, ...)                                                                      \
	{                                                                                          \
		.name = n, .type = t, .offset = offsetof(struct args, field), __VA_ARGS__          \
	}
static const struct key_row keys[] = {
	KEY("f", KEY_FLAG, flag),
	KEY("n", KEY_U32, u32, .min = 3, .max = 9),
	KEY("m", KEY_U64, u64),
	KEY("s", KEY_SIZE, size, .min = 512, .max = MIB(1)),
	KEY("t", KEY_STRING, string, .min = 1, .max = 4),
	KEY("c", KEY_CHOICE, choice, .choices = choices),
	KEY("h", KEY_HEX, hex, .max = 4),
	KEY("a", KEY_MAC, mac),
	{ 0 },
};

/* No bound is passed, and no string is another's. */
static void act(struct control_call *call)
{
	const struct args *args = (const void *)call->args;

	if (args->u32 > 9 || args->size > MIB(1) || args->choice > 1 ||
	    (args->string && strlen(args->string) > 4))
		abort();
	json_object_set_new(call->answer, "t", json_string(args->string ?: ""));
}

static const struct control_request requests[] = { { .name = "k", .act = act, .args = keys },
						   { 0 } };
static const struct device_kind kind = { .config = { .name = "k", .max = 1 },
					 .requests = requests };
static const struct config_kind *const kinds[] = { &kind.config, NULL };
static const struct device_ops no_ops;
static struct device device;

static struct vm vm;
static struct vm_config config = { .name = "fuzz", .cpus = 1 };

struct peer {
	struct loop_fd fd;
	struct fuzz input;
	size_t line; /* bytes sent since the last line's end */
	unsigned expected, answered;
	bool too_long; /* nothing behind it is answered */
	char answer[4096];
	size_t len;
};

int LLVMFuzzerInitialize(int *argc, char ***argv);

/* "stop": the connection stays until the guest's end, and nothing more is answered. */
static void on_request(struct loop_fd *handler, u32 events)
{
	u64 count;

	if (read(handler->fd, &count, sizeof(count)) != sizeof(count) || !vm.signal)
		abort();
	loop_stop(vm.loop);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	vm.config = &config;
	vm.loop = loop_create("fuzz");
	vm.exits = exit_counters_create(1);
	TAILQ_INIT(&vm.devices);
	device_init(&device, &no_ops, "k0");
	device.kind = &kind;
	device_add(&vm.devices, &device);
	vm.status = -1;
	vm.request_fd.fd = eventfd(0, EFD_NONBLOCK);
	vm.request_fd.ready = on_request;
	if (!vm.loop || !vm.exits || vm.request_fd.fd < 0 ||
	    loop_fd_add(vm.loop, &vm.request_fd, EPOLLIN))
		abort();
	exit_count(&vm.exits[0], 2);
	return 0;
}

static void check_answer(struct peer *peer)
{
	json_t *answer = json_read(peer->answer, peer->len);

	if (!json_is_boolean(json_object_get(answer, "ok")))
		abort();
	json_decref(answer);
	peer->answered++;
	peer->len = 0;
}

static void receive(struct peer *peer)
{
	char buffer[4096];
	ssize_t n = recv(peer->fd.fd, buffer, sizeof(buffer), MSG_DONTWAIT);

	if (n <= 0) {
		loop_stop(vm.loop);
		return;
	}
	for (ssize_t i = 0; i < n; i++) {
		if (peer->len == sizeof(peer->answer))
			abort();
		peer->answer[peer->len++] = buffer[i];
		if (buffer[i] == '\n')
			check_answer(peer);
	}
}

static void count_lines(struct peer *peer, const u8 *bytes, size_t size)
{
	for (size_t i = 0; i < size && !peer->too_long; i++) {
		peer->line++;
		if (bytes[i] != '\n' && peer->line < CONTROL_MAX_REQUEST)
			continue;
		peer->too_long = bytes[i] != '\n';
		peer->expected++;
		peer->line = 0;
	}
}

static void on_peer(struct loop_fd *handler, u32 events)
{
	struct peer *peer = CONTAINER_OF(handler, struct peer, fd);
	u8 bytes[256];
	size_t size = fuzz8(&peer->input);

	if (events & (EPOLLIN | EPOLLHUP))
		receive(peer);
	if (!(events & EPOLLOUT))
		return;
	if (!peer->input.left) {
		shutdown(handler->fd, SHUT_WR);
		loop_fd_mod(handler, EPOLLIN);
		return;
	}
	size = MIN(size, peer->input.left);
	fuzz_bytes(&peer->input, bytes, size);
	if (size && send(handler->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size)
		count_lines(peer, bytes, size);
}

/* By a listener that has a name of the kernel's choice. 0: connected. */
static int connect_peer(struct connections *connections, struct peer *peer)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t size = sizeof(address.sun_family);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	peer->fd.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	connections->listener.fd = listener;
	if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 1) ||
	    connections_listen(connections))
		return -1;
	size = sizeof(address);
	return getsockname(listener, (struct sockaddr *)&address, &size)
		       ?: connect(peer->fd.fd, (struct sockaddr *)&address, size);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct peer peer = { .input = { data, size }, .fd.ready = on_peer };
	static struct connections connections;

	vm.end = VM_REQUEST_POWEROFF;
	vm.signal = 0;
	memset(&connections, 0, sizeof(connections));
	if (connections_init(&connections, &vm, kinds, vm.loop) ||
	    connect_peer(&connections, &peer))
		abort();
	if (loop_fd_add(vm.loop, &peer.fd, EPOLLIN | EPOLLOUT))
		abort();
	if (loop_run(vm.loop))
		abort();
	if (!vm.signal && peer.answered != peer.expected)
		abort();
	loop_fd_del(&peer.fd);
	connections_leave_main(&connections);
	connections_end(&connections);
	close(peer.fd.fd);
	return 0;
}
