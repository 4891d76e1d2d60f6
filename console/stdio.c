// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lkvm/util/shared-fd.h"
#include "lkvm/vm/vm.h"
#include "chardev-backend.h"

#define CTRL_A		   0x01
#define FOREGROUND_LOOK_NS 250000000ULL

struct stdio {
	struct chardev base;
	struct shared_fd in, out;     /* constant */
	bool escaped;		      /* main loop: Ctrl-A was typed */
	bool ended;		      /* main loop: stdin will never give anything again */
	bool fresh_line;	      /* lock held: what was written last ended a line */
	struct loop_timer foreground; /* main loop: while another process group has the terminal */
	u16 columns, rows;	      /* main loop: what the front end was told last */
	struct sigaction old_ttin;    /* main thread, while started */
};

static ssize_t stdio_read(struct chardev *c, u8 *data, size_t len)
{
	return shared_fd_read(&CONTAINER_OF(c, struct stdio, base)->in, data, len);
}

static ssize_t stdio_write(struct chardev *c, const u8 *data, size_t len)
{
	struct stdio *s = CONTAINER_OF(c, struct stdio, base);
	ssize_t n;

	if (s->out.fd < 0)
		return len;
	n = shared_fd_write(&s->out, data, len);
	if (n > 0)
		s->fresh_line = data[n - 1] == '\n';
	/* It hung up. */
	return n == -EIO && s->out.tty ? -EPIPE : n;
}

/* Written to where the guest's output goes, or else to where the user at the terminal sees it. */
static void show_help(struct stdio *s)
{
	char text[512];

	snprintf(
		text, sizeof(text),
		"\r\nCtrl-A x ends the guest, Ctrl-A Ctrl-A sends one Ctrl-A, Ctrl-A ? shows this.\r\n"
		"From another terminal, 'lkvm stop --name %s' ends it and 'lkvm pause' pauses it.\r\n",
		s->base.vm->config->name);
	if (s->out.tty)
		chardev_tell(&s->base, text);
	else
		log_text(text);
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
		if (in[i] == '?' || in[i] == 'h') {
			show_help(s);
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

static void stdio_input_ended(struct chardev *c, int err)
{
	struct stdio *s = CONTAINER_OF(c, struct stdio, base);

	/* Put into the background after we had looked. The shell has set its own mode by now. */
	if (s->in.tty && err == -EIO && !terminal_in_foreground(s->in.fd)) {
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

static struct stdio *to_stdio(struct device *device)
{
	return CONTAINER_OF(device, struct stdio, base.device);
}

static int stdio_start(struct device *device)
{
	struct stdio *s = to_stdio(device);
	struct chardev *c = &s->base;
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	stdio_size(c, &s->columns, &s->rows);
	if (s->out.tty)
		terminal_on_resize(c);
	/* A console that is elsewhere has no reader here. */
	if (c->client.receive)
		chardev_watch_reader(c);
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

static void stdio_stop(struct device *device)
{
	struct stdio *s = to_stdio(device);
	struct chardev *c = &s->base;

	chardev_stop(c);
	/* What comes next is not the guest's. */
	if (s->out.tty && !s->fresh_line && !c->out_dead)
		stdio_write(c, (const u8 *)"\r\n", 2);
	terminal_on_resize(NULL);
	loop_timer_cancel(&s->foreground);
	terminal_restore();
	sigaction(SIGTTIN, &s->old_ttin, NULL);
}

static void stdio_destroy(struct device *device)
{
	struct stdio *s = to_stdio(device);

	chardev_exit(&s->base);
	shared_fd_exit(&s->in);
	shared_fd_exit(&s->out);
	free(s);
}

static const struct chardev_ops stdio_ops = {
	.read = stdio_read,
	.write = stdio_write,
	.filter = stdio_filter,
	.input_ended = stdio_input_ended,
	.woken = stdio_woken,
	.size = stdio_size,
};

static const struct device_ops stdio_device_ops = {
	.start = stdio_start,
	.drained = chardev_drained,
	.stop = stdio_stop,
	.destroy = stdio_destroy,
};

struct chardev *chardev_stdio(struct vm *vm)
{
	struct stdio *s = calloc(1, sizeof(*s));
	struct sigaction hup;
	int err;

	if (!s)
		return NULL;
	/* A reader that goes away is an error of write(2), not the end of the guest. */
	signal(SIGPIPE, SIG_IGN);
	shared_fd_init(&s->in, STDIN_FILENO, O_RDONLY);
	shared_fd_init(&s->out, STDOUT_FILENO, O_WRONLY);
	s->foreground.expired = on_foreground_timer;
	/* nohup and its like ask to run without the terminal. */
	s->base.reader_may_go =
		vm->config->keep_running ||
		(s->out.tty && !sigaction(SIGHUP, NULL, &hup) && hup.sa_handler == SIG_IGN);
	s->fresh_line = true;
	s->base.in_ahead = s->in.tty;
	err = chardev_init(&s->base, &stdio_device_ops, &stdio_ops, vm, "stdio", s->in.fd,
			   s->out.fd);
	errno = -err;
	return err ? NULL : &s->base;
}
