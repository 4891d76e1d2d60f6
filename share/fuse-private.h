/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the FUSE server's files share among each other. */
#ifndef SHARE_FUSE_PRIVATE_H
#define SHARE_FUSE_PRIVATE_H

#include <pthread.h>
#include <uapi/fuse.h>
#include "lkvm/share/fuse.h"

#define FUSE_SERVER_MINOR     45
#define FUSE_SERVER_MIN_MINOR 31
#define FUSE_MAX_WRITE	      MIB(1)
#define FUSE_MAX_WAITS	      1024 /* requests that wait for a lock */
#define FUSE_STAMPS	      16384
#define FUSE_EARLY_INTERRUPTS 16

/* A request's arguments beyond its header: two names, the target of a link or a security context. */
#define FUSE_ARGS_MAX 8192

struct fuse_handle {
	struct export_file *file; /* NULL: free */
	u32 generation;		  /* of the handle that has this slot, or had it last */
	u32 next_free;		  /* slot + 1 of the next free one; 0: none */
	bool append;
};

/* How a file was when it was opened last: see fuse-stamps.c. */
struct fuse_stamp {
	u64 node; /* 0: nothing */
	u64 size;
	u64 mtime, ctime; /* ns, as they wrap */
};

struct fuse_wait {
	struct fuse_wait *next;
	struct share_request *request;
	u64 unique;
	struct export_file *file; /* counted */
	u64 owner;
	bool flock;
	int err;	   /* when it is over */
	struct flock lock; /* of flock: l_type only */
};

struct fuse {
	struct share_protocol protocol;
	struct export *export;	   /* constant */
	struct fuse_config config; /* constant */

	/* Set by INIT. Atomic: requests of a guest that does not wait for INIT's answer run meanwhile. */
	u64 flags; /* agreed on; 0: no INIT yet */

	pthread_mutex_t handles_lock;
	struct fuse_handle *handles; /* handles_lock, and so the rest */
	u32 nr_slots, nr_handles, free_handle;

	pthread_mutex_t stamps_lock;
	struct fuse_stamp *stamps; /* cache auto only; constant */

	pthread_mutex_t waits_lock;
	pthread_cond_t waits_changed;
	struct fuse_wait *waits, **waits_end; /* waits_lock, and so the rest */
	u32 nr_waits;			      /* atomic: looked at without the lock */
	bool waits_kicked, waits_stop, waits_running;
	u64 early[FUSE_EARLY_INTERRUPTS]; /* of requests that were not there yet */
	u32 next_early;
	pthread_t waits_thread; /* main thread, once it was started */
};

/* A request while it is handled: on the stack of one thread. */
struct fuse_call {
	struct fuse *fuse;
	struct share_request *request;
	struct fuse_in_header header;
	struct export_caller caller;
	struct export_node *node; /* header.nodeid's, counted; only for those that want it */
	u32 len;		  /* bytes of arguments that the guest sent */
	u32 copied;		  /* bytes of them in args */
	u32 capacity;		  /* bytes that the answer may have after its header */
	union {
		struct fuse_forget_in forget;
		struct fuse_batch_forget_in batch_forget;
		struct fuse_getattr_in getattr;
		struct fuse_setattr_in setattr;
		struct fuse_mknod_in mknod;
		struct fuse_mkdir_in mkdir;
		struct fuse_rename_in rename;
		struct fuse_rename2_in rename2;
		struct fuse_link_in link;
		struct fuse_open_in open;
		struct fuse_create_in create;
		struct fuse_read_in read;
		struct fuse_write_in write;
		struct fuse_release_in release;
		struct fuse_flush_in flush;
		struct fuse_fsync_in fsync;
		struct fuse_setxattr_in setxattr;
		struct fuse_getxattr_in getxattr;
		struct fuse_lk_in lk;
		struct fuse_access_in access;
		struct fuse_interrupt_in interrupt;
		struct fuse_fallocate_in fallocate;
		struct fuse_lseek_in lseek;
		struct fuse_copy_file_range_in copy;
		struct fuse_in_statx statx;
		u8 args[FUSE_ARGS_MAX];
	};
};

/*
 * Handlers return how many bytes of the answer they have put after its header, or -errno, or FUSE_LATER: somebody else ends
 * the request, which may be gone already.
 */
#define FUSE_LATER INT_MAX
typedef int (*fuse_handler)(struct fuse_call *call);

/* Puts bytes into the answer, `offset` after its header; there is capacity. Returns their end. */
int fuse_put(struct fuse_call *call, u32 offset, const void *bytes, u32 len);
/* Ends a request: error is 0 or -errno, len the bytes after the header. */
void fuse_end(struct share_request *request, u64 unique, int error, u32 len);
/* The name at *at of the arguments, which becomes the place after it; NULL: none is there. */
const char *fuse_name(const struct fuse_call *call, u32 *at);
static inline bool fuse_agreed(struct fuse *fuse, u64 flag)
{
	return __atomic_load_n(&fuse->flags, __ATOMIC_RELAXED) & flag;
}

/* fuse-init.c */
int fuse_do_init(struct fuse_call *call);
int fuse_do_destroy(struct fuse_call *call);

/* fuse-names.c */
int fuse_do_lookup(struct fuse_call *call);
int fuse_do_forget(struct fuse_call *call);
int fuse_do_batch_forget(struct fuse_call *call);
int fuse_do_mknod(struct fuse_call *call);
int fuse_do_mkdir(struct fuse_call *call);
int fuse_do_symlink(struct fuse_call *call);
int fuse_do_link(struct fuse_call *call);
int fuse_do_unlink(struct fuse_call *call);
int fuse_do_rmdir(struct fuse_call *call);
int fuse_do_rename(struct fuse_call *call);
int fuse_do_rename2(struct fuse_call *call);
int fuse_do_readlink(struct fuse_call *call);
int fuse_do_create(struct fuse_call *call);
int fuse_do_tmpfile(struct fuse_call *call);

/* fuse-extensions.c: the request's tail, from `at` of its arguments on, applied to what was made. 0 or -errno. */
int fuse_label(struct fuse_call *call, u32 at, struct export_node *node);

/* fuse-files.c */
int fuse_do_open(struct fuse_call *call);
int fuse_do_read(struct fuse_call *call);
int fuse_do_write(struct fuse_call *call);
int fuse_do_release(struct fuse_call *call);
int fuse_do_flush(struct fuse_call *call);
int fuse_do_fsync(struct fuse_call *call);
int fuse_do_fallocate(struct fuse_call *call);
int fuse_do_lseek(struct fuse_call *call);
int fuse_do_copy(struct fuse_call *call);
int fuse_do_copy_64(struct fuse_call *call);
/* This host's flags for those of a guest's open. */
int fuse_host_flags(struct fuse *fuse, u32 flags);
/* Makes a handle of an open file, which becomes its own: 0 or -errno. */
int fuse_add_handle(struct fuse *fuse, struct export_file *file, bool append, u64 *fh);
/* What it stands for, counted, if it is the node's; NULL: no such handle. append may be NULL. */
struct export_file *fuse_get_handle(struct fuse *fuse, u64 node, u64 fh, bool *append);
/* The same, and the handle is gone. */
struct export_file *fuse_take_handle(struct fuse *fuse, u64 node, u64 fh);
void fuse_drop_handles(struct fuse *fuse);
/* What a guest is told of a regular file that it opens; NULL: a new one. */
u32 fuse_open_flags(struct fuse *fuse, struct export_file *file);

/* fuse-stamps.c: is the file as it was when it was opened last? Remembers how it is. */
bool fuse_unchanged(struct fuse *fuse, struct export_file *file);

/* fuse-directories.c */
int fuse_do_opendir(struct fuse_call *call);
int fuse_do_readdir(struct fuse_call *call);
int fuse_do_readdirplus(struct fuse_call *call);
int fuse_do_releasedir(struct fuse_call *call);

/* fuse-attributes.c */
int fuse_do_getattr(struct fuse_call *call);
int fuse_do_setattr(struct fuse_call *call);
int fuse_do_statx(struct fuse_call *call);
int fuse_do_access(struct fuse_call *call);
int fuse_do_statfs(struct fuse_call *call);
int fuse_do_syncfs(struct fuse_call *call);
/* node: counted once by the caller; that count becomes the guest's. */
void fuse_fill_entry(struct fuse *fuse, struct export_node *node, const struct export_attr *attr,
		     struct fuse_entry_out *out);
/* Seconds for which the guest may believe names and attributes. */
u64 fuse_valid(const struct fuse *fuse);

/* fuse-xattr.c */
int fuse_do_setxattr(struct fuse_call *call);
int fuse_do_getxattr(struct fuse_call *call);
int fuse_do_listxattr(struct fuse_call *call);
int fuse_do_removexattr(struct fuse_call *call);

/* fuse-locks.c */
int fuse_do_getlk(struct fuse_call *call);
int fuse_do_setlk(struct fuse_call *call);
int fuse_do_setlkw(struct fuse_call *call);
int fuse_do_interrupt(struct fuse_call *call);
int fuse_waits_init(struct fuse *fuse);
/* Something was unlocked: try those that wait. */
void fuse_kick_waits(struct fuse *fuse);
/* Ends all of them: -EINTR. */
void fuse_end_waits(struct fuse *fuse);
/* No handle() runs. */
void fuse_stop_waits(struct fuse *fuse);

#endif
