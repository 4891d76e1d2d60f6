// SPDX-License-Identifier: GPL-2.0-or-later
/* Both sides of a shared folder's helper process, before requests come: lkvm's, which starts it, and its own main. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lkvm/util/helper.h"
#include "lkvm/util/log.h"
#include "lkvm/util/pass-fd.h"
#include "share-helper.h"
#include "share-jail.h"
#include "vhost-user-server.h"

/* Threads: enough that some may wait for a slow file. */
#define SHARE_WORKERS	  8
/* What it may take to start. */
#define SHARE_BEGIN_MS	  10000
/* What requests that are under way get at the end. */
#define SHARE_END_MS	  1000
#define SHARE_DESCRIPTORS 65536
/* Objects that the guest knows, requests and threads' stacks. */
#define SHARE_MEMORY	  GIB(1)

/* What the helper is told, with the folder and its end of the connection. */
struct share_setup {
	u32 kind;
	u32 cache;
	u32 queues, queue_size;
	u8 readonly, submounts;
	u8 unused[2];
};
_Static_assert(sizeof(struct share_setup) == 20, "no padding");

/* What it answers. */
struct share_ready {
	int err;
	u32 jail; /* SHARE_JAIL_... */
};

struct share {
	struct helper helper;
	u32 jail; /* constant */
};

/* ---- in the helper ---- */

/* What the export may have: queues' eventfds, memory and a message's descriptors are there besides. */
static unsigned descriptor_limit(const struct share_setup *setup)
{
	const rlim_t own = 64 + 3 * setup->queues;
	struct rlimit limit = { SHARE_DESCRIPTORS, SHARE_DESCRIPTORS };

	getrlimit(RLIMIT_NOFILE, &limit);
	return MIN(limit.rlim_cur, (rlim_t)SHARE_DESCRIPTORS) - MIN(limit.rlim_cur, own);
}

static int read_setup(int fd, struct share_setup *setup, int fds[2])
{
	struct pollfd first = { fd, POLLIN, 0 };

	poll(&first, 1, -1);
	return take_fds(fd, setup, sizeof(*setup), fds, 2);
}

static struct share_protocol *create_protocol(const struct share_setup *setup,
					      struct export *export)
{
	const struct fuse_config fuse = { .cache = setup->cache, .submounts = setup->submounts };

	return setup->kind == SHARE_FUSE ? fuse_create(export, &fuse) : p9_create(export);
}

static struct share_protocol *begin_share(const struct share_setup *setup, int folder,
					  struct export **export, struct share_ready *ready)
{
	struct export_config config = {
		.folder = folder,
		.readonly = setup->readonly,
		.submounts = setup->submounts,
		.root = !geteuid(),
		.descriptors = descriptor_limit(setup),
	};
	struct share_protocol *protocol;
	int jail;

	/* Found no more from inside. */
	config.proc_fds = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (config.proc_fds < 0) {
		ready->err = -errno;
		return NULL;
	}
	jail = share_jail(&config.folder);
	ready->jail = MAX(jail, 0);
	ready->err = jail < 0 ? jail : export_open(export, &config);
	if (ready->err)
		return NULL;
	protocol = create_protocol(setup, *export);
	ready->err = protocol ? 0 : -ENOMEM;
	return protocol;
}

static int share_main(int fd)
{
	struct share_ready ready = { .err = 0 };
	struct vhost_user_server_want want;
	struct share_protocol *protocol;
	struct export *export = NULL;
	struct share_setup setup;
	int fds[2];

	if (read_setup(fd, &setup, fds))
		return 0;
	protocol = begin_share(&setup, fds[0], &export, &ready);
	if (send(fd, &ready, sizeof(ready), MSG_NOSIGNAL) < 0 || ready.err)
		return 0;
	want = (struct vhost_user_server_want){ .protocol = protocol,
						.queues = setup.queues,
						.queue_size = setup.queue_size,
						.workers = SHARE_WORKERS };
	ready.err = vhost_user_server_run(&want, fds[1]);
	protocol->ops->destroy(protocol);
	export_close(export);
	return ready.err ? 1 : 0;
}

static const struct helper_kind share_helper_kind = {
	.name = "lkvm-share",
	.main = share_main,
	.data = SHARE_MEMORY,
	.descriptors = SHARE_DESCRIPTORS,
	.threads = true,
	.files = true,
};

/* ---- in lkvm ---- */

/* The folder and the helper's end of the connection go to it; *socket is ours. */
static int share_tell(struct share *share, const struct share_want *want, int folder, int *socket)
{
	const struct share_setup setup = {
		.kind = want->kind,
		.cache = want->cache,
		.queues = want->queues,
		.queue_size = want->queue_size,
		.readonly = want->readonly,
		.submounts = want->submounts,
	};
	int ends[2], err;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -errno;
	err = pass_fds(share->helper.fd, &setup, sizeof(setup), (int[]){ folder, ends[1] }, 2);
	close(ends[1]);
	if (err)
		close(ends[0]);
	else
		*socket = ends[0];
	return err;
}

static int share_wait(struct share *share)
{
	struct pollfd answer = { share->helper.fd, POLLIN, 0 };
	struct share_ready ready;

	while (poll(&answer, 1, SHARE_BEGIN_MS) < 0 && errno == EINTR)
		;
	if (recv(share->helper.fd, &ready, sizeof(ready), MSG_DONTWAIT) != sizeof(ready))
		return -EIO;
	share->jail = ready.jail;
	return ready.err;
}

static int share_begin(struct share *share, const struct share_want *want, int *socket)
{
	int folder = open(want->folder, O_PATH | O_DIRECTORY | O_CLOEXEC), err;

	if (folder < 0) {
		err = -errno;
		log_fatal("%s%s: %s", want->words, want->folder, strerror(-err));
		return err;
	}
	err = helper_start(&share->helper, &share_helper_kind);
	helper_mute(&share->helper);
	if (!err)
		err = share_tell(share, want, folder, socket);
	close(folder);
	if (!err) {
		err = share_wait(share);
		if (err)
			close(*socket);
	}
	if (err)
		log_fatal("%s%s: its process could not start: %s", want->words, want->folder,
			  strerror(-err));
	return err;
}

int share_open(struct share **out, const struct share_want *want, int *socket)
{
	struct share *share = calloc(1, sizeof(*share));
	int err;

	if (!share)
		return -ENOMEM;
	helper_init(&share->helper);
	err = share_begin(share, want, socket);
	if (err)
		share_close(share);
	else
		*out = share;
	return err;
}

void share_kill(void *opaque)
{
	struct share *share = opaque;

	helper_kill(&share->helper);
}

void share_close(struct share *share)
{
	if (!share)
		return;
	helper_end(&share->helper, SHARE_END_MS);
	free(share);
}

void share_stat(const struct share *share, json_t *part)
{
	json_object_set_new(part, "root_is_folder", json_boolean(share->jail & SHARE_JAIL_ROOT));
	json_object_set_new(part, "landlock", json_boolean(share->jail & SHARE_JAIL_LANDLOCK));
	json_object_set_new(part, "own_network", json_boolean(share->jail & SHARE_JAIL_NETWORK));
}
