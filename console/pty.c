// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "lkvm/util/log.h"
#include "lkvm/vm/vm.h"
#include "chardev-backend.h"

/* While no program has the slave open, we look this often whether one has opened it. */
#define LOOK_NS 250000000ULL

struct pty {
	struct chardev base;
	unsigned id;		  /* constant, as is: */
	char path[64];		  /* of the slave */
	struct pty_link link;	  /* main thread: --tty ID=LINK */
	_Atomic bool connected;	  /* somebody has the slave open; any thread */
	struct loop_timer looker; /* main loop: while nobody has */
};

/* While the slave is closed the master reports a hang-up for ever: nothing to wait for with epoll. */
static bool hung_up(struct pty *p)
{
	struct pollfd pfd = { .fd = p->base.in.fd };

	return poll(&pfd, 1, 0) > 0 && (pfd.revents & POLLHUP);
}

static void pty_look(struct pty *p)
{
	if (hung_up(p)) {
		loop_timer_set(p->base.loop, &p->looker, LOOK_NS);
		return;
	}
	p->connected = true;
	chardev_set_input(&p->base, true);
}

static void on_looker(struct loop_timer *timer)
{
	pty_look(CONTAINER_OF(timer, struct pty, looker));
}

static ssize_t pty_read(struct chardev *c, u8 *data, size_t len)
{
	ssize_t n = read(c->in.fd, data, len);

	return n < 0 ? -errno : n;
}

/* With nobody there the bytes go nowhere, as on a serial line without a cable. */
static ssize_t pty_write(struct chardev *c, const u8 *data, size_t len)
{
	struct pty *p = CONTAINER_OF(c, struct pty, base);
	ssize_t n;

	if (!p->connected || hung_up(p))
		return len;
	n = write(c->out_fd, data, len);
	if (n >= 0)
		return n ? n : -EAGAIN;
	return errno == EIO ? (ssize_t)len : -errno;
}

/* What the last user typed has been read by now: EIO comes after the data. */
static void pty_input_ended(struct chardev *c, int err)
{
	struct pty *p = CONTAINER_OF(c, struct pty, base);

	p->connected = false;
	loop_timer_set(c->loop, &p->looker, LOOK_NS);
}

static struct pty *to_pty(struct device *device)
{
	return CONTAINER_OF(device, struct pty, base.device);
}

/* Only now: nobody should wait at the pty of a guest that could not be started. */
static int pty_start(struct device *device)
{
	struct pty *p = to_pty(device);
	int err = pty_link_make(&p->link);
	char text[128];

	if (err)
		return err;
	/* No mere information: without it --tty would be of no use. */
	snprintf(text, sizeof(text), "  Info: Assigned terminal %u to pty %s\n", p->id, p->path);
	log_text(text);
	pty_look(p);
	return 0;
}

/*
 * Closing the master throws away what the reader has not read yet, which may be why the guest panicked. Only the slave
 * tells how much that is. A worker of the kernel's takes it there, on a busy host not at once: poll() of an
 * empty slave waits for that worker.
 */
static bool is_read(struct pty *p)
{
	int slave = ioctl(p->base.in.fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct pollfd pfd = { .fd = slave, .events = POLLIN };
	int left = 0;

	if (slave < 0)
		return true;
	poll(&pfd, 1, 0);
	if (ioctl(slave, FIONREAD, &left))
		left = 0;
	close(slave);
	return !left;
}

/* Who has the pty open need not be reading it, and may keep it open for ever. */
static bool pty_drained(struct device *device, const struct deadline *deadline)
{
	struct pty *p = to_pty(device);
	bool written = chardev_drained(device, deadline);

	if (!p->connected || hung_up(p) || clock_now() >= deadline->grace)
		return true;
	return written && is_read(p);
}

static void pty_stop(struct device *device)
{
	struct pty *p = to_pty(device);

	chardev_stop(&p->base);
	loop_timer_cancel(&p->looker);
	p->connected = false;
}

void pty_close(struct pty *p)
{
	pty_link_remove(&p->link);
	if (p->base.in.fd >= 0)
		close(p->base.in.fd);
	if (p->base.out_fd >= 0)
		close(p->base.out_fd);
	free(p);
}

static void pty_destroy(struct device *device)
{
	chardev_exit(&to_pty(device)->base);
	pty_close(to_pty(device));
}

static const struct chardev_ops pty_ops = {
	.read = pty_read,
	.write = pty_write,
	.input_ended = pty_input_ended,
};

static const struct device_ops pty_device_ops = {
	.start = pty_start,
	.stop = pty_stop,
	.drained = pty_drained,
	.destroy = pty_destroy,
};

/* A slave that is opened and closed once: its mode stays while the master is open. */
static int prepare_slave(int master, char *path, size_t size)
{
	struct termios mode;
	int slave, err = 0;

	if (grantpt(master) || unlockpt(master) || ptsname_r(master, path, size))
		return -errno;
	slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return -errno;
	if (tcgetattr(slave, &mode)) {
		err = -errno;
	} else {
		/* The guest's own terminal echoes and edits lines. */
		cfmakeraw(&mode);
		if (tcsetattr(slave, TCSANOW, &mode))
			err = -errno;
	}
	close(slave);
	return err;
}

static int pty_failed(const struct pty *p, int err)
{
	log_fatal("Unable to open a terminal for serial port %u: %s", p->id, strerror(-err));
	return err;
}

static int open_master(struct pty *p)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC), err;

	p->base.in.fd = fd;
	err = fd < 0 ? -errno : prepare_slave(fd, p->path, sizeof(p->path));
	if (err)
		return pty_failed(p, err);
	/* A descriptor can be in an epoll set once: input and output wait independently. */
	p->base.out_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return p->base.out_fd < 0 ? pty_failed(p, -errno) : 0;
}

struct pty *pty_open(unsigned id, const char *link)
{
	struct pty *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return NULL;
	p->id = id;
	p->looker.expired = on_looker;
	p->base.in.fd = p->base.out_fd = -1;
	err = open_master(p);
	if (!err && link)
		err = pty_link_open(&p->link, link, p->path);
	if (!err)
		return p;
	pty_close(p);
	errno = -err;
	return NULL;
}

struct chardev *pty_create(struct pty *p, struct vm *vm)
{
	char name[16];
	int err;

	snprintf(name, sizeof(name), "pty%u", p->id);
	err = chardev_init(&p->base, &pty_device_ops, &pty_ops, vm, name, p->base.in.fd,
			   p->base.out_fd);
	if (!err)
		return &p->base;
	errno = -pty_failed(p, err);
	return NULL;
}
