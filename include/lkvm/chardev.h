/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a guest's console goes: the terminal (stdin/stdout) or a pty. The back end reads the host's
 * bytes on the main loop only while the front end has room, so none are lost and none are spun on; a
 * terminal is put into raw mode and always restored, also after a fatal signal.
 */
#ifndef LKVM_CHARDEV_H
#define LKVM_CHARDEV_H

#include "lkvm/loop.h"

struct vm;
struct chardev;

/* What a front end (uart, virtio-console) gives. Called on the main loop. */
struct chardev_client {
	/* How many bytes may be given now; 0 stops reading until chardev_room_again(). */
	size_t (*room)(void *opaque);
	void (*receive)(void *opaque, const u8 *data, size_t len);
	void *opaque;
};

/*
 * The terminal. Ctrl-A x asks the VM to quit, Ctrl-A Ctrl-A is one Ctrl-A, anything else after Ctrl-A
 * is passed with it. Stdin may be closed, a pipe, a file or a terminal. NULL with errno.
 */
struct chardev *chardev_stdio(struct vm *vm);
/* A new pty; its path is printed at Info level as "  Info: Assigned terminal N to pty PATH". */
struct chardev *chardev_pty(struct vm *vm, unsigned id);
/* Bytes go nowhere, nothing comes. */
struct chardev *chardev_null(void);
void chardev_destroy(struct chardev *chardev);

void chardev_set_client(struct chardev *chardev, const struct chardev_client *client);

/*
 * Output of the guest. Any thread; keeps order; a closed or failing reader loses the bytes quietly. It
 * may block while the host's reader is slow, for the terminal at most until a stop is asked for.
 * The bytes pass the console watch (console_watch) on their way.
 */
void chardev_write(struct chardev *chardev, const u8 *data, size_t len);

/* Any thread: room() would say more than before. */
void chardev_room_again(struct chardev *chardev);

/* Main thread, before vCPUs run / when lkvm pauses or ends: raw mode on and off, input on and off. */
int chardev_start(struct chardev *chardev);
void chardev_stop(struct chardev *chardev);

/* Signal handlers: puts the terminal back as it was found. Nothing when it was never touched. */
void chardev_emergency_restore(void);

/*
 * Finds "Kernel panic - not syncing" in console output, as the guest's kernel prints it, however it is
 * cut into pieces; "reboot: " lines after it take it back. Pure: no I/O.
 */
struct console_watch {
	bool panicked;
	unsigned line_len;
	char line[96]; /* the current line's beginning */
};
void console_watch_feed(struct console_watch *watch, const u8 *data, size_t len);

#endif
