/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One writer or many readers of a file that a guest uses, and who it is if there is one already. Nothing
 * is said here. Any thread.
 */
#ifndef LKVM_UTIL_FILE_LOCK_H
#define LKVM_UTIL_FILE_LOCK_H

#include "lkvm/util/types.h"

struct stat;

struct file_holder {
	pid_t pid;     /* 0: it was not found */
	char name[32]; /* of the process */
};

/*
 * Locks the file until the descriptor is closed; `writing` asks for the exclusive lock. 0; 1: it is locked, though programs
 * of other users have locked it for reading, who cannot write it and shall not keep its owner out; -EBUSY: somebody else has
 * it, see *holder. Other errors: its file system has no locks.
 */
int file_lock(int fd, bool writing, struct file_holder *holder);

/* A process that has the file open. False: none was found. */
bool file_find_holder(const struct stat *st, struct file_holder *holder);

/* "another lkvm (PID 7)", "qemu-system-x86 (PID 8)", "another option of this guest", "another process". */
void file_holder_text(const struct file_holder *holder, char *text, size_t size);

#endif
