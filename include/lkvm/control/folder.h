/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where sockets are: the first of these folders that can be used for a new one, and all of them to look for
 * those there are. $LKVM_RUNTIME_DIR, alone if it is set (none, if it is set to a relative path); /run/lkvm for root; $XDG_RUNTIME_DIR/lkvm;
 * /tmp/lkvm-UID.
 */
#ifndef LKVM_CONTROL_FOLDER_H
#define LKVM_CONTROL_FOLDER_H

#include <limits.h>
#include <sys/un.h>
#include "lkvm/util/types.h"

/* The ending of a socket's file. */
#define CONTROL_SUFFIX ".sock"

struct control_folder {
	char path[PATH_MAX];
	int fd;
	uid_t owner;
	bool foreign; /* another user's, which root looks into (others.h) */
};

/* What LKVM_RUNTIME_DIR says; NULL: nothing. */
const char *control_chosen_folder(void);
/* The same if that is not an absolute path: then there is no folder at all. NULL: it is fine. */
const char *control_bad_folder(void);

/* The path of the n-th; false: there is none of that number. */
bool control_folder_path(unsigned n, char path[PATH_MAX]);

/*
 * Opens it; `make`: to put a socket there; it is made if it is not there. It must be ours alone to write to. 0, or
 * -errno: -EPERM: somebody else could put sockets there; with `make`, -EROFS or -EACCES: we cannot.
 */
int control_folder_open(struct control_folder *folder, const char *path, bool make);
/*
 * The first of our folders that is there and that control_folder_open() does not take: what is wrong with it and what to do
 * about it, half a sentence. False: there is none.
 */
bool control_folder_trouble(char *text, size_t size);
void control_folder_close(struct control_folder *folder);

/* Excludes other processes that make or remove sockets there, until unlocked or closed. -EBUSY: not within a second. */
int control_folder_lock(struct control_folder *folder);
void control_folder_unlock(struct control_folder *folder);

/* NAME.sock in it, also when the path is longer than an address can be. -ENAMETOOLONG. */
int control_folder_address(const struct control_folder *folder, const char *name,
			   struct sockaddr_un *address);

/* The inode's number of NAME.sock; 0: there is none. */
ino_t control_folder_inode(const struct control_folder *folder, const char *name);
/* Removes NAME.sock, whatever it is, by the folder that was opened. 0 or -errno. */
int control_folder_remove(const struct control_folder *folder, const char *name);

/*
 * A connection, not blocking, or -errno: -ECONNREFUSED: a guest that is no more left its socket behind. -EAGAIN:
 * the guest is there, but too many wait for it. -ENOENT: there is none, or what has its name in another user's folder
 * is not that user's socket.
 */
int control_folder_connect(const struct control_folder *folder, const char *name);

/*
 * Removes a socket of a guest that is no more, if there is one; the folder is locked. 0; -EEXIST: the guest
 * lives; -ENOTSOCK: another kind of file has that name.
 */
int control_folder_remove_stale(struct control_folder *folder, const char *name);

#endif
