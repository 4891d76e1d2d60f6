// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's end of the socket. All of it is on one loop with a thread of its own, from before the guest is
 * assembled until after its disks are closed, so that nothing that keeps the main thread busy keeps anybody from
 * an answer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connections.h"
#include "lkvm/control/client.h"
#include "lkvm/control/folder.h"
#include "lkvm/control/server.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/vm.h"

#define BACKLOG	   16
#define HEAP_PIECE 16384

struct control {
	struct vm *vm;
	struct loop *loop; /* its own thread's */
	struct control_folder folder;
	ino_t inode; /* the socket's file */
	struct connections connections;
};

/* ---- the socket ---- */

static struct control *create_control(struct vm *vm, const struct config_kind *const *kinds)
{
	struct control *control = calloc(1, sizeof(*control));

	if (!control)
		return NULL;
	control->vm = vm;
	control->loop = loop_create("control");
	control->folder.fd = -1;
	if (control->loop && !connections_init(&control->connections, vm, kinds, control->loop))
		return control;
	loop_destroy(control->loop);
	free(control);
	return NULL;
}

static int name_is_taken(const char *name)
{
	char process[32] = "";
	struct control_peer peer;
	int err = control_connect(name, 0, &peer);

	if (err && err != -ETIMEDOUT)
		return 0;
	if (peer.pid)
		snprintf(process, sizeof(process), ", PID %d", peer.pid);
	log_fatal("--name %s: a guest of that name runs already%s", name, process);
	control_disconnect(&peer);
	return -EEXIST;
}

/* In the first folder that can be used. */
static int open_folder(struct control *control)
{
	char path[PATH_MAX];
	int err = -ENOENT;

	for (unsigned i = 0; control_folder_path(i, path); i++) {
		err = control_folder_open(&control->folder, path, true);
		if (!err)
			return 0;
		log_debug("control socket: %s: %s", path, strerror(-err));
	}
	return err;
}

/* The folder is locked from before bind() until after listen(): in between it looks like a dead guest's. */
static int bind_socket(struct control *control, int fd)
{
	const char *name = control->vm->config->name;
	struct sockaddr_un address;
	int err = control_folder_remove_stale(&control->folder, name);

	if (!err)
		err = control_folder_address(&control->folder, name, &address);
	if (err)
		return err;
	/* The file gets the socket's mode. */
	if (fchmod(fd, 0600) || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	if (!listen(fd, BACKLOG)) {
		control->inode = control_folder_inode(&control->folder, name);
		return 0;
	}
	err = -errno;
	control_folder_remove(&control->folder, name);
	return err;
}

static int make_socket(struct control *control)
{
	int err = open_folder(control), fd;

	if (!err)
		err = control_folder_lock(&control->folder);
	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	err = bind_socket(control, fd);
	control_folder_unlock(&control->folder);
	if (err) {
		close(fd);
		return err;
	}
	control->connections.listener.fd = fd;
	return 0;
}

/*
 * The C library gives each thread a heap of its own at its first allocation, and the kernel makes and grows that only
 * between two pieces of guest memory which another thread is making: for seconds nobody would be served. So the
 * heap is made beforehand, large enough for a few answers.
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
	int err = connections_listen(&control->connections);

	if (!err)
		err = loop_start_thread(control->loop);
	if (!err)
		loop_call(control->loop, make_heap, NULL);
	return err;
}

static void say_no_socket(const struct vm_config *config, int err)
{
	char why[PATH_MAX + 200] = "";
	bool trouble = control_folder_trouble(why, sizeof(why));
	/* Without --name nobody will ask for the guest by name; but a folder that is not ours is no accident. */
	void (*say)(const char *fmt, ...) = config->named || trouble ? log_warning : log_debug;

	say("Guest %s has no control socket (%s): 'lkvm list' and its like will not find it",
	    config->name, trouble ? why : strerror(-err));
}

int control_create(struct control **out, struct vm *vm, const struct config_kind *const *kinds)
{
	const struct vm_config *config = vm->config;
	struct control *control;
	int err;

	*out = NULL;
	if (control_bad_folder()) {
		log_warning(
			"LKVM_RUNTIME_DIR is '%s', which is not an absolute path: guest %s has no control socket, and 'lkvm list' and its like will not find it",
			control_bad_folder(), config->name);
		return 0;
	}
	/* Two processes can have the same number, in two containers: nobody asked for their names. */
	err = config->named ? name_is_taken(config->name) : 0;
	if (err)
		return err;
	/* Else jansson opens /dev/urandom when it makes its first object, while the guest runs. */
	json_object_seed(0);
	control = create_control(vm, kinds);
	if (!control)
		return -ENOMEM;
	err = make_socket(control);
	if (!err)
		err = start_thread(control);
	if (err) {
		control_destroy(control);
		/* Since it was looked for, just now. */
		if (err == -EEXIST && config->named && name_is_taken(config->name))
			return -EEXIST;
		say_no_socket(config, err);
		return 0;
	}
	*out = control;
	return 0;
}

void control_stop(struct control *control)
{
	if (control)
		connections_leave_main(&control->connections);
}

/* Unless somebody removed it and another guest has made its own. */
static void remove_socket(struct control *control)
{
	const char *name = control->vm->config->name;

	if (control_folder_inode(&control->folder, name) == control->inode)
		control_folder_remove(&control->folder, name);
}

void control_destroy(struct control *control)
{
	if (!control)
		return;
	loop_stop_thread(control->loop);
	if (control->connections.listener.fd >= 0)
		remove_socket(control);
	connections_end(&control->connections);
	if (control->folder.fd >= 0)
		control_folder_close(&control->folder);
	loop_destroy(control->loop);
	free(control);
}
