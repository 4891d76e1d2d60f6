/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a guest's console goes: the terminal (stdin/stdout) or a pty. It is a device on vm->devices, which the guest does
 * not see: raw mode is on from start to stop, drained waits for a slow reader. Made before its front end, so it starts
 * before it and goes after it. The back end reads the host's
 * bytes on the main loop only while the front end has room, so none are lost and none are spun on; a
 * terminal is put into raw mode and always restored, also after a fatal signal.
 */
#ifndef LKVM_CONSOLE_CHARDEV_H
#define LKVM_CONSOLE_CHARDEV_H

#include "lkvm/util/loop.h"

struct vm;
struct chardev;

/* What a front end (uart, virtio-console) gives. Called on the main loop. */
struct chardev_client {
	/* How many bytes may be given now; 0 stops reading until chardev_room_again(). */
	size_t (*room)(void *opaque);
	/* len is at most what room() said just before. */
	void (*receive)(void *opaque, const u8 *data, size_t len);
	/* chardev_try_write() would take more than it did. May be NULL. */
	void (*writable)(void *opaque);
	/* chardev_size() says something new. May be NULL. */
	void (*resized)(void *opaque);
	void *opaque;
};

/*
 * The terminal. Stdin may be closed, a pipe, a file or a terminal. On a terminal Ctrl-A x asks the VM
 * to quit, Ctrl-A ? and Ctrl-A h show help, Ctrl-A Ctrl-A is one Ctrl-A, anything else after Ctrl-A is passed
 * with it; a pipe or a file is passed byte by byte. When the reader of stdout goes (a terminal that hangs up only
 * unless SIGHUP was ignored), VM_REQUEST_READER_GONE is made, unless vm->config->keep_running. In a background process group nothing is read and the terminal is left
 * alone until lkvm is in the foreground. What cannot be written is said in vm->output_lost. NULL with errno. Main
 * thread, before others exist.
 */
struct chardev *chardev_stdio(struct vm *vm);
/*
 * A new pty, for serial port `id`: opened before there is a VM, on the VM's list of devices later. When it starts, its path
 * is printed, as "  Info: Assigned terminal N to pty PATH", and `link` made, a symbolic link to it (NULL: none), which
 * stays until the end. Both log and return NULL with errno; pty_create() takes the pty in any case.
 */
struct pty *pty_open(unsigned id, const char *link);
struct chardev *pty_create(struct pty *pty, struct vm *vm);
/* One that pty_create() has not taken. */
void pty_close(struct pty *pty);

/*
 * For chardev_set_client(), chardev_write() and chardev_room_again() NULL is a chardev too: bytes go nowhere, nothing
 * comes. chardev_set_client() is for the main thread, before the start.
 */
void chardev_set_client(struct chardev *chardev, const struct chardev_client *client);

/*
 * Output of the guest. Any thread; keeps order; a closed or failing reader loses the bytes (vm->output_lost). It
 * is collected and written by the main loop within about a millisecond. On a vCPU thread it blocks
 * while the host's reader is slow, until vCPUs are to be parked or the guest ends: then a few KiB more
 * are kept. On the main loop it never blocks: what does not fit is lost; use chardev_try_write().
 * The bytes have passed the console watch when this returns: vm->last_words is up to date.
 */
void chardev_write(struct chardev *chardev, const u8 *data, size_t len);

/* Any thread. Never blocks: how much was taken. client->writable() tells when to try again. */
size_t chardev_try_write(struct chardev *chardev, const u8 *data, size_t len);

/*
 * For a front end that asks instead of being told (SBI's debug console). Any thread, never blocks: how much there
 * was. From the first call on the host's bytes wait here for the next ones instead of going to the client,
 * until chardev_give_back() (main thread, no vCPU runs), which forgets those that wait.
 */
size_t chardev_read(struct chardev *chardev, u8 *data, size_t len);
void chardev_give_back(struct chardev *chardev);

/* Any thread: room() would say more than before. */
void chardev_room_again(struct chardev *chardev);

/* The size of the terminal behind it, if there is one that knows. Any thread. */
bool chardev_size(struct chardev *chardev, u16 *columns, u16 *rows);

#endif
