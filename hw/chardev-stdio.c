// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lkvm/vm.h"
#include "chardev-backend.h"

#define CTRL_A		   0x01
#define FOREGROUND_LOOK_NS 250000000ULL

/*
 * Standard descriptors are shared with whoever started us, so O_NONBLOCK on them would change their
 * descriptors too. A terminal or pipe can be opened anew through /proc; a socket has MSG_DONTWAIT;
 * files do not block; what is left is asked with poll() first and touched in small pieces.
 */
enum access { ACCESS_PLAIN, ACCESS_SOCKET, ACCESS_ASK_FIRST };

struct end {
	int fd;
	bool opened; /* ours: to be closed */
	enum access access;
	bool tty;
};

struct stdio {
	struct chardev base;
	struct end in, out;	      /* constant */
	bool escaped;		      /* main loop: Ctrl-A was typed */
	bool ended;		      /* main loop: stdin will never give anything again */
	struct loop_timer foreground; /* main loop: while another process group has the terminal */
	u16 columns, rows;	      /* main loop: what the front end was told last */
	struct sigaction old_ttin;    /* main thread, while started */
};

static void end_init(struct end *end, int fd, int mode)
{
	char path[32];
	struct stat st;
	int own;

	end->fd = fd;
	if (fstat(fd, &st)) {
		end->fd = -1;
		return;
	}
	end->tty = isatty(fd);
	if (S_ISSOCK(st.st_mode)) {
		end->access = ACCESS_SOCKET;
		return;
	}
	if (!end->tty && !S_ISFIFO(st.st_mode))
		return;
	if (fcntl(fd, F_GETFL) & O_NONBLOCK)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (own < 0) {
		end->access = ACCESS_ASK_FIRST;
		return;
	}
	end->fd = own;
	end->opened = true;
}

static void end_exit(struct end *end)
{
	if (end->opened)
		close(end->fd);
}

static bool ready(const struct end *end, short events)
{
	struct pollfd p = { .fd = end->fd, .events = events };

	return poll(&p, 1, 0) > 0;
}

static ssize_t stdio_read(struct chardev *c, u8 *data, size_t len)
{
	struct stdio *s = CONTAINER_OF(c, struct stdio, base);
	ssize_t n;

	if (s->in.access == ACCESS_SOCKET)
		n = recv(s->in.fd, data, len, MSG_DONTWAIT);
	else if (s->in.access == ACCESS_ASK_FIRST && !ready(&s->in, POLLIN))
		return -EAGAIN;
	else
		n = read(s->in.fd, data, len);
	return n < 0 ? -errno : n;
}

static ssize_t stdio_write(struct chardev *c, const u8 *data, size_t len)
{
	struct stdio *s = CONTAINER_OF(c, struct stdio, base);
	ssize_t n;

	if (s->out.fd < 0)
		return len;
	if (s->out.access == ACCESS_ASK_FIRST) {
		if (!ready(&s->out, POLLOUT))
			return -EAGAIN;
		/* A writable pipe takes PIPE_BUF; a terminal promises little. */
		len = MIN(len, s->out.tty ? (size_t)64 : (size_t)PIPE_BUF);
	}
	if (s->out.access == ACCESS_SOCKET)
		n = send(s->out.fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		n = write(s->out.fd, data, len);
	return n < 0 ? -errno : n;
}

/* Only for a terminal: in a pipe Ctrl-A is a byte like any other. */
static size_t stdio_filter(struct chardev *c, const u8 *in, size_t len, u8 *out)
{
	struct stdio *s = CONTAINER_OF(c, struct stdio, base);
	size_t n = 0;

	if (!s->in.tty) {
		memcpy(out, in, len);
		return len;
	}
	for (size_t i = 0; i < len; i++) {
		if (!s->escaped) {
			s->escaped = in[i] == CTRL_A;
			if (!s->escaped)
				out[n++] = in[i];
			continue;
		}
		s->escaped = false;
		if (in[i] == 'x') {
			vm_request(c->vm, VM_REQUEST_QUIT);
			continue;
		}
		out[n++] = CTRL_A;
		if (in[i] != CTRL_A)
			out[n++] = in[i];
	}
	return n;
}

/* Takes the terminal if it is ours to take, else looks again later. */
static void take_terminal(struct stdio *s)
{
	if (!terminal_in_foreground(s->in.fd)) {
		loop_timer_set(s->base.loop, &s->foreground, FOREGROUND_LOOK_NS);
		return;
	}
	if (terminal_set_raw(s->in.fd))
		return; /* it has gone away: there is nobody to type */
	chardev_set_input(&s->base, true);
}

static void on_foreground_timer(struct loop_timer *timer)
{
	take_terminal(CONTAINER_OF(timer, struct stdio, foreground));
}

static void stdio_input_ended(struct chardev *c, int error)
{
	struct stdio *s = CONTAINER_OF(c, struct stdio, base);

	/* Put into the background after we had looked. The shell has set its own mode by now. */
	if (s->in.tty && error == -EIO && !terminal_in_foreground(s->in.fd)) {
		terminal_forget();
		take_terminal(s);
		return;
	}
	s->ended = true;
}

static bool stdio_size(struct chardev *c, u16 *columns, u16 *rows)
{
	struct stdio *s = CONTAINER_OF(c, struct stdio, base);
	struct winsize size;

	if (!s->out.tty || ioctl(s->out.fd, TIOCGWINSZ, &size) || !size.ws_col || !size.ws_row)
		return false;
	*columns = size.ws_col;
	*rows = size.ws_row;
	return true;
}

/* SIGWINCH only wakes the loop; anything else wakes it too, and finds nothing new. */
static void stdio_woken(struct chardev *c)
{
	struct stdio *s = CONTAINER_OF(c, struct stdio, base);
	u16 columns, rows;

	if (!c->client.resized || !terminal_resized())
		return;
	if (!stdio_size(c, &columns, &rows) || (columns == s->columns && rows == s->rows))
		return;
	s->columns = columns;
	s->rows = rows;
	c->client.resized(c->client.opaque);
}

static int stdio_start(struct chardev *c)
{
	struct stdio *s = CONTAINER_OF(c, struct stdio, base);
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	stdio_size(c, &s->columns, &s->rows);
	if (s->out.tty)
		terminal_on_resize(c);
	/* Between asking who has the foreground and reading, that may change: EIO, not a stop. */
	sigaction(SIGTTIN, &ignore, &s->old_ttin);
	if (s->ended || s->in.fd < 0)
		return 0;
	if (s->in.tty)
		take_terminal(s);
	else
		chardev_set_input(c, true);
	return 0;
}

static void stdio_stop(struct chardev *c)
{
	struct stdio *s = CONTAINER_OF(c, struct stdio, base);

	terminal_on_resize(NULL);
	loop_timer_cancel(&s->foreground);
	terminal_restore();
	sigaction(SIGTTIN, &s->old_ttin, NULL);
}

static void stdio_destroy(struct chardev *c)
{
	struct stdio *s = CONTAINER_OF(c, struct stdio, base);

	chardev_exit(c);
	end_exit(&s->in);
	end_exit(&s->out);
	free(s);
}

static const struct chardev_ops stdio_ops = {
	.read = stdio_read,
	.write = stdio_write,
	.filter = stdio_filter,
	.input_ended = stdio_input_ended,
	.woken = stdio_woken,
	.size = stdio_size,
	.start = stdio_start,
	.stop = stdio_stop,
	.destroy = stdio_destroy,
};

struct chardev *chardev_stdio(struct vm *vm)
{
	struct stdio *s = calloc(1, sizeof(*s));
	int error;

	if (!s)
		return NULL;
	/* A reader that goes away is an error of write(2), not the end of the guest. */
	signal(SIGPIPE, SIG_IGN);
	end_init(&s->in, STDIN_FILENO, O_RDONLY);
	end_init(&s->out, STDOUT_FILENO, O_WRONLY);
	s->foreground.expired = on_foreground_timer;
	s->base.in_ahead = s->in.tty;
	error = chardev_init(&s->base, &stdio_ops, vm, s->in.fd, s->out.fd);
	if (error) {
		end_exit(&s->in);
		end_exit(&s->out);
		free(s);
		errno = -error;
		return NULL;
	}
	return &s->base;
}
