/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One writer or many readers of a file that a guest uses, and who it is if there is one already. Nothing
 * is said here. Any thread.
 */
#ifndef LKVM_FILE_LOCK_H
#define LKVM_FILE_LOCK_H

#include "lkvm/types.h"

struct stat;

struct file_holder {
	pid_t pid;
	char name[32]; /* of the process */
};

/*
 * Locks the file until the descriptor is closed; `writing` asks for the exclusive lock. -EBUSY: somebody
 * else has it. Other errors: its file system has no locks.
 */
int file_lock(int fd, bool writing);

/* A process that has the file open, and, if `locked`, holds a lock on it. False: none was found. */
bool file_find_holder(const struct stat *st, bool locked, struct file_holder *holder);

/* "another lkvm (PID 7)", "qemu-system-x86 (PID 8)". */
void file_holder_text(const struct file_holder *holder, char *text, size_t size);

#endif
