/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The export: one folder of the host as guests may see it, below both protocols (FUSE, 9P). Objects are held as O_PATH
 * descriptors, never as path strings, and reached one name at a time (openat2 with RESOLVE_BENEATH,
 * RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS). Device nodes, FIFOs and sockets are names only: they are never opened.
 * A read-only export refuses all changes here, with -EROFS.
 *
 * Runs in the share's helper process, on its worker threads: every function may be called by any of them, several at once.
 * All functions return 0 or -errno unless they say otherwise. Names are bytes, NUL-terminated, and are checked here:
 * "", ".", "..", anything with '/' and what is longer than NAME_MAX is refused (-EINVAL, -ENAMETOOLONG).
 *
 * Ids. A helper that is root (config.root) takes the guest's ids as they are: what a call makes belongs to the caller's
 * fsuid and fsgid. Whether a user of the guest's may do it is the guest's kernel's decision (virtio-fs always, and 9P's client,
 * check modes and ACLs there, with groups that are not sent): the helper acts with its own capabilities, but for
 * CAP_FSETID where a change has to clear set-uid bits. Root in the guest is root in the folder.
 * Otherwise the user whose process it is appears as the guest's root, and the guest's root is that user: attributes and
 * ACLs are translated both ways, id 0 of the host appears as 65534, other ids as they are, and what the host refuses (a
 * chown to somebody else) is refused; a chown to that user's number is, too, since it would not appear.
 *
 * File systems of the kernel's own (proc, sysfs, cgroup and the like) that are mounted below are empty folders for the
 * guest: what is in them is refused, -EACCES.
 */
#ifndef LKVM_SHARE_EXPORT_H
#define LKVM_SHARE_EXPORT_H

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <uapi/libc.h>
#include "lkvm/util/iov.h"

struct export;
struct export_node; /* an object of the folder's, counted */
struct export_file; /* an open regular file or folder, counted */

/* Most that a guest can have at once, in all. */
#define EXPORT_MAX_NODES (1u << 21)  /* objects it knows; -ENFILE beyond */
#define EXPORT_MAX_FILES 16384	     /* open files, as far as descriptors last; -EMFILE beyond */
#define EXPORT_MAX_XATTR (64u << 10) /* bytes of a value, or of a list of names */

struct export_config {
	int folder; /* O_PATH | O_DIRECTORY; the export's from here on, if export_open() succeeds */
	/*
	 * O_PATH | O_DIRECTORY of /proc/self/fd, opened by this very process (not before its fork); becomes the export's
	 * too. -1: opened by name here.
	 */
	int proc_fds;
	/*
	 * This process is root. One that cannot take other ids, in a user namespace, counts as an ordinary user. It wants CAP_CHOWN, DAC_OVERRIDE,
	 * DAC_READ_SEARCH, FOWNER, FSETID, SETUID and SETGID; MKNOD for device nodes, SETFCAP for security.capability,
	 * SYS_ADMIN for trusted xattrs and most of security; with SYS_RESOURCE there are no quotas.
	 */
	bool root;
	bool readonly;
	bool submounts; /* objects of file systems mounted below are announced (export_attr.mount) */
	unsigned
		descriptors; /* that it may have open, 64 at least; caches are given back to stay below */
};

/* On whose behalf. */
struct export_caller {
	u32 uid, gid, pid; /* the guest's */
	u32 umask;	   /* ignored when 0; for create, mkdir, mknod without a default ACL */
	/*
	 * Of a write, truncation (O_TRUNC too) or fallocate: the host clears set-uid, set-gid where executable, and file
	 * capabilities, as for a process without CAP_FSETID. Callers whose uid is not 0 have that anyway.
	 */
	bool kill_suidgid;
};

struct export_attr {
	struct statx statx; /* ids as the guest sees them */
	bool mount;	    /* another file system begins here */
};

/*
 * For the process: the umask becomes 0, the working folder config->proc_fds, and with config->root the supplementary
 * groups go. Before the worker threads begin. 0 or -errno, and then nothing was taken.
 */
int export_open(struct export **export, const struct export_config *config);
/* All nodes and files were put. */
void export_close(struct export *export);
bool export_readonly(const struct export *export);

/* ---- nodes ---- */

/* The folder itself. Counted like all others. */
struct export_node *export_root(struct export *export);
void export_node_get(struct export_node *node);
/* Drops `nr` counts. The last one forgets the object. */
void export_node_put(struct export_node *node, u64 nr);
/*
 * Same object, same node, whatever its name: nodes are found by device and inode number. This number is the node's as long
 * as the node is known, and no other node of this export ever has it. The root's is 1, none has 0. It is not the inode
 * number, which is in the attributes.
 */
u64 export_node_number(const struct export_node *node);
/*
 * For a protocol whose guest counts what it knows (FUSE: nodeid = export_node_number(), generation 0):
 * export_remember() makes the caller's count one of the guest's. export_find() gives a node that the guest knows,
 * counted once more for the caller, or NULL: a forged number, or forgotten. export_forget() takes back `nr`, or as many as
 * the guest has. export_forget_all() is a reset's. The root is always known, and never forgotten.
 */
void export_remember(struct export_node *node);
struct export_node *export_find(struct export *export, u64 number);
void export_forget(struct export *export, u64 number, u64 nr);
void export_forget_all(struct export *export);
/* mode & S_IFMT; an object never changes it. */
u32 export_node_type(const struct export_node *node);
/* The node of that name, counted once more. attr: filled unless NULL. ".." is export_parent(). */
int export_lookup(struct export_node *parent, const char *name, const struct export_caller *caller,
		  struct export_node **node, struct export_attr *attr);
/* Of the root its own. */
int export_parent(struct export_node *node, struct export_node **parent, struct export_attr *attr);

/* file: an open file of the node's, or NULL. mask: STATX_... */
int export_getattr(struct export_node *node, struct export_file *file, u32 mask,
		   struct export_attr *attr);

#define EXPORT_SET_MODE	     BIT(0)
#define EXPORT_SET_UID	     BIT(1)
#define EXPORT_SET_GID	     BIT(2)
#define EXPORT_SET_SIZE	     BIT(3)
#define EXPORT_SET_ATIME     BIT(4)
#define EXPORT_SET_MTIME     BIT(5)
#define EXPORT_SET_ATIME_NOW BIT(6)
#define EXPORT_SET_MTIME_NOW BIT(7)
#define EXPORT_KILL_SUIDGID  BIT(8) /* of EXPORT_SET_SIZE: as export_caller.kill_suidgid */

struct export_change {
	u32 valid; /* EXPORT_SET_... */
	u32 mode, uid, gid;
	u64 size;
	struct timespec atime, mtime;
};

int export_setattr(struct export_node *node, struct export_file *file,
		   const struct export_caller *caller, const struct export_change *change);
int export_access(struct export_node *node, const struct export_caller *caller, u32 mask);
/* Bytes without NUL, at most `size`: returns how many, or -errno. */
ssize_t export_readlink(struct export_node *node, char *target, size_t size);

/* ---- names; a new object's node is counted once for the caller, attr filled unless NULL ---- */

int export_mknod(struct export_node *parent, const char *name, const struct export_caller *caller,
		 u32 mode, u64 device, struct export_node **node, struct export_attr *attr);
int export_mkdir(struct export_node *parent, const char *name, const struct export_caller *caller,
		 u32 mode, struct export_node **node, struct export_attr *attr);
int export_symlink(struct export_node *parent, const char *name, const struct export_caller *caller,
		   const char *target, struct export_node **node, struct export_attr *attr);
int export_link(struct export_node *node, struct export_node *parent, const char *name,
		const struct export_caller *caller, struct export_attr *attr);
/* folder: rmdir, else unlink. */
int export_unlink(struct export_node *parent, const char *name, const struct export_caller *caller,
		  bool folder);
/* flags: RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT; others -EINVAL. */
int export_rename(struct export_node *parent, const char *name, struct export_node *new_parent,
		  const char *new_name, const struct export_caller *caller, u32 flags);

/* ---- open files. flags: this host's O_..., of which only those that make sense are used ---- */

int export_open_file(struct export_node *node, const struct export_caller *caller, int flags,
		     struct export_file **file);
int export_create(struct export_node *parent, const char *name, const struct export_caller *caller,
		  int flags, u32 mode, struct export_node **node, struct export_attr *attr,
		  struct export_file **file);
int export_tmpfile(struct export_node *parent, const struct export_caller *caller, int flags,
		   u32 mode, struct export_node **node, struct export_attr *attr,
		   struct export_file **file);
void export_file_get(struct export_file *file);
/* The last one closes it. */
void export_file_put(struct export_file *file);
struct export_node *export_file_node(struct export_file *file); /* not counted */

/*
 * Between the file and the guest's buffers, without a copy of ours. Bytes, or -errno. flags of write: RWF_DSYNC, RWF_SYNC,
 * RWF_APPEND; others are ignored. A write to a file opened with O_APPEND goes to its end. More than IOV_MAX buffers: those
 * beyond are left alone, so that fewer bytes are done.
 */
ssize_t export_read(struct export_file *file, struct iovec *iov, unsigned nr, u64 offset);
ssize_t export_write(struct export_file *file, const struct export_caller *caller,
		     struct iovec *iov, unsigned nr, u64 offset, int flags);
int export_fsync(struct export_file *file, bool data_only);
/* What a close(2) of the guest's may have to report. */
int export_flush(struct export_file *file);
int export_fallocate(struct export_file *file, const struct export_caller *caller, int mode,
		     u64 offset, u64 length);
/* SEEK_DATA, SEEK_HOLE. */
ssize_t export_lseek(struct export_file *file, u64 offset, int whence);
ssize_t export_copy_range(struct export_file *from, u64 from_offset, struct export_file *to,
			  u64 to_offset, u64 length, const struct export_caller *caller);
int export_statfs(struct export_node *node, struct statvfs *statvfs);
int export_syncfs(struct export_node *node);

/*
 * The entries of an open folder, from a cookie on (0: the first). emit() gets each, with the cookie of what follows it; true: it
 * was taken, go on. Entries are as the host's file system gives them while others change it: none that
 * was there all the time is left out or comes twice. "." and ".." come too. Any number of readers at once.
 */
struct export_entry {
	const char *name;
	u64 ino;  /* as in export_attr */
	u32 type; /* DT_... */
	u64 next; /* cookie */
};
int export_readdir(struct export_file *folder, u64 cookie,
		   bool (*emit)(void *opaque, const struct export_entry *entry), void *opaque);

/* ---- locks. Never wait: -EAGAIN when another has it, on the host or in this guest ---- */

/*
 * POSIX record locks, of an owner that the guest names (its files do not matter), and whole-file locks (flock), which are the
 * export_file's whoever owns it: F_RDLCK, F_WRLCK, F_UNLCK in lock->l_type, l_whence SEEK_SET, l_pid the guest's. Owners of
 * one guest exclude each other, and exclude the host's processes. -ENOLCK: too many owners. The last close of a file
 * drops all locks on it.
 */
int export_lock(struct export_file *file, u64 owner, const struct flock *lock);
/* What stands in the way of such a lock; l_type F_UNLCK: nothing. l_pid is the guest's, or 0 for the host's. */
int export_getlock(struct export_file *file, u64 owner, struct flock *lock);
int export_flock(struct export_file *file, u64 owner, int operation);
/* All POSIX locks of the owner on this file. */
void export_unlock_owner(struct export_file *file, u64 owner);

/*
 * ---- extended attributes ----
 *
 * user.*, security.*, trusted.* and system.posix_acl_access, _default go to the host's file system as they are (ids in
 * ACLs translated), which decides: trusted.* wants CAP_SYS_ADMIN of the helper, so do most of security.*, security.capability
 * CAP_SETFCAP. A label that the guest sets is a label on the host. Other system.*: -EOPNOTSUPP. Symbolic links have none:
 * -EOPNOTSUPP, an empty list.
 */

/* size 0: how many bytes it has. Bytes or -errno (-ERANGE: too small a buffer). */
ssize_t export_getxattr(struct export_node *node, const struct export_caller *caller,
			const char *name, void *value, size_t size);
ssize_t export_listxattr(struct export_node *node, const struct export_caller *caller, char *names,
			 size_t size);
/* flags: XATTR_CREATE, XATTR_REPLACE. */
int export_setxattr(struct export_node *node, const struct export_caller *caller, const char *name,
		    const void *value, size_t size, int flags);
int export_removexattr(struct export_node *node, const struct export_caller *caller,
		       const char *name);

#endif
