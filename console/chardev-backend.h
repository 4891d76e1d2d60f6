/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What chardev.c does for every back end, and what a back end gives it. Only for console/.
 */
#ifndef CONSOLE_CHARDEV_BACKEND_H
#define CONSOLE_CHARDEV_BACKEND_H

#include <pthread.h>
#include "lkvm/console/chardev.h"
#include "lkvm/console/console-watch.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/device.h"

#define CHARDEV_IN_CHUNK    256
#define CHARDEV_IN_AHEAD    4096
#define CHARDEV_OUT_SIZE    8192 /* writers wait when this much is queued */
#define CHARDEV_OUT_RESERVE 8192 /* for those that may not wait any more */

struct chardev_ops {
	/* Main loop. Never blocks. Bytes, 0 at the end of input, -EAGAIN or -errno. */
	ssize_t (*read)(struct chardev *chardev, u8 *data, size_t len);
	/* Any thread, lock held. Never blocks. Bytes taken, -EAGAIN or -errno. */
	ssize_t (*write)(struct chardev *chardev, const u8 *data, size_t len);
	/* Main loop: what the guest gets of `len` bytes; `out` has room for len + 1. NULL: all of them. */
	size_t (*filter)(struct chardev *chardev, const u8 *in, size_t len, u8 *out);
	/* Main loop: read() said 0 or an error, input has been switched off. May be NULL. */
	void (*input_ended)(struct chardev *chardev, int err);
	/* Main loop, after every wake-up. May be NULL. */
	void (*woken)(struct chardev *chardev);
	/* As chardev_size(). NULL: there is no terminal. */
	bool (*size)(struct chardev *chardev, u16 *columns, u16 *rows);
};

struct chardev {
	struct device device;
	const struct chardev_ops *ops;
	struct vm *vm;
	struct loop *loop;
	struct chardev_client client;
	bool reader_may_go;  /* constant: that is no reason to end, and no loss */
	struct loop_fd wake; /* an eventfd; any thread writes to it */

	/* Input: main loop, but for `paused`. */
	struct loop_fd in;
	bool input_on;
	bool in_unpollable; /* a regular file: always readable, epoll does not take it */
	/*
	 * Read although the front end has no room: a guest that hangs with its FIFO full must not keep a
	 * terminal's Ctrl-A x from being seen.
	 */
	bool in_ahead;
	_Atomic bool input_paused; /* the front end had no room; any thread */
	u8 pending[CHARDEV_IN_AHEAD + 1];
	unsigned pending_at, pending_len;

	struct loop_fd
		out_ready; /* main loop: output waits for the reader, or the reader is watched */
	bool out_armed;	   /* main loop: the former */
	bool watched;	   /* main loop: the latter is wanted */
	struct loop_timer flusher; /* main loop */
	struct log_limit lost;

	pthread_mutex_t lock; /* everything below; never held while blocking */
	int out_fd;
	bool out_dead;	    /* nobody reads any more */
	bool flush_pending; /* the main loop knows that there is something to write */
	bool writable_wanted;
	bool polled; /* somebody asks for input: the client gets none */
	unsigned in_len;
	u8 waiting[CHARDEV_IN_CHUNK]; /* input that nobody has asked for yet */
	unsigned out_len;
	struct console_watch watch;
	u8 out[CHARDEV_OUT_SIZE + CHARDEV_OUT_RESERVE];
};

/*
 * Puts it on vm's list of devices, under `name`, where it is also after an error. in_fd and out_fd may be -1 and are closed
 * by the back end. Its `start` switches input on (chardev_set_input), its `destroy` calls chardev_exit(). 0 or -errno.
 */
int chardev_init(struct chardev *chardev, const struct device_ops *device_ops,
		 const struct chardev_ops *ops, struct vm *vm, const char *name, int in_fd,
		 int out_fd);
/* What is common to the device functions of that name. */
bool chardev_drained(struct device *device, const struct deadline *deadline);
void chardev_stop(struct chardev *chardev);
void chardev_exit(struct chardev *chardev);

/* Main loop. */
void chardev_set_input(struct chardev *chardev, bool on);
/* Main loop, until it is stopped: VM_REQUEST_READER_GONE is made also while there is no output. */
void chardev_watch_reader(struct chardev *chardev);
/* Main loop. Never blocks: puts words of our own between the guest's output, without any watching. */
void chardev_tell(struct chardev *chardev, const char *text);
/* Any thread, signal handlers. */
void chardev_wake(struct chardev *chardev);

/* console/pty-link.c. Zero-initialise. Main thread. */
struct pty_link {
	bool opened, made;
	int folder;	  /* it stays the same one, whatever becomes of its path */
	const char *path; /* the caller's, must outlive it */
	const char *name; /* in the folder */
	char target[64];
};
/* Prepares a link at `path` to the pty `target`: finds the folder, and removes what a dead guest left. Logs and returns -errno. */
int pty_link_open(struct pty_link *link, const char *path, const char *target);
/* Makes it, if one was prepared. Looks up no path. Logs and returns -errno. */
int pty_link_make(struct pty_link *link);
/* Removes it, if it is still that link. Also when it was not opened. */
void pty_link_remove(struct pty_link *link);

/* console/terminal.c: the one terminal that is put into raw mode. */
bool terminal_in_foreground(int fd);
/* Returns 0 or -errno. Whatever ends the process restores it from now on (util/fatal.h). */
int terminal_set_raw(int fd);
/* Puts the terminal back as it was found; nothing if it was never touched. Any thread, signal handlers. */
void terminal_restore(void);
/* Somebody else has given it a mode of their own: nothing is ours to restore. */
void terminal_forget(void);
/* SIGWINCH wakes this chardev from now on; NULL: none. */
void terminal_on_resize(struct chardev *chardev);
/* Main loop: was there a SIGWINCH since the last call? */
bool terminal_resized(void);

#endif
