/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the export's files share among each other. */
#ifndef SHARE_EXPORT_PRIVATE_H
#define SHARE_EXPORT_PRIVATE_H

#include <linux/capability.h>
#include <pthread.h>
#include "lkvm/share/export.h"
#include "lkvm/util/list.h"

#define NODE_SLOT_BITS	21
#define NODES_PER_CHUNK 1024u
#define EXPORT_MOUNTS	4096 /* mounted file systems that were seen */
#define EXPORT_PREFIXES                                                                            \
	4096 /* devices, times the values of the upper 16 bits of their inode numbers */
#define EXPORT_MAX_LOCKS 4096 /* owners of record locks */
#define EXPORT_OWNERS	 64

_Static_assert(EXPORT_MAX_NODES == 1u << NODE_SLOT_BITS, "a slot for each node");

/* A mount of a file system. Constant while it has nodes; used for another one when it has none. */
struct export_mount {
	u64 dev, id;
	bool kernels; /* proc, sysfs and the like */
	bool copies;  /* of overlayfs: an object's birth is another's when it is first written to */
	bool renumbers; /* FAT: an object has another number when it is found again, so none is given back */
	bool identities; /* a handle is always the same object's, and an object's handle the same */
	bool handles;	 /* objects are found again by file handle, through fd */
	int fd;		 /* an open folder of it, or -1 */
	u32 nodes;	 /* lock */
};

/* Fields are under the export's lock, but those that say otherwise. */
struct export_node {
	struct export *export;	       /* constant */
	struct export_mount *mount;    /* constant */
	u64 ino, number;	       /* constant while it is used */
	s64 btime;		       /* constant: ns, 0: the file system has none */
	struct export_node *hash_next; /* of a free or dead one: the next one */
	struct export_node *parent;    /* counted; where it was last seen. NULL: the root */
	char *name;		       /* there */
	struct file_handle *handle;    /* set once, when fd is given back for the first time */
	TAILQ_ENTRY(export_node) lru;
	u64 refs, known; /* counts in all; those of them that are the guest's */
	int fd;		 /* O_PATH, or -1: given back */
	int closing;	 /* of a dead one */
	u32 users;	 /* calls that use fd now */
	u32 files;	 /* open files */
	u16 type;	 /* constant: S_IFMT */
	bool hashed, listed /* in lru */, pinned /* has no name, so fd must stay */;
};

TAILQ_HEAD(export_lru, export_node);

struct export_file {
	struct export_node *node; /* counted */
	int fd, flags;
	u32 refs; /* atomic */
	/* Of a folder: what getdents64(2) gave last. */
	pthread_mutex_t lock;
	u8 *entries;	       /* NULL: nothing */
	u32 next, end;	       /* the first entry not given to anybody, the end, in entries */
	u64 cookie, fd_cookie; /* of that entry; where the descriptor is, if that is known */
};

/* Locks of one owner: an open file description of its own. */
struct export_owner {
	struct export_owner *next;
	struct export_node *node; /* counted */
	u64 owner;
	int fd;
	u32 pid; /* the guest's, of the last lock */
	bool writable;
};

/* A file system may take long to answer for one file's locks: others' have other mutexes. */
struct export_owners {
	pthread_mutex_t lock; /* taken before the export's, never after */
	struct export_owner *first;
};

struct export_prefix {
	u64 dev;
	u16 high;
};

struct export
{
	struct export_config config; /* constant */
	int proc_fds;		     /* constant */
	u32 uid, gid;		     /* constant: whose the guest's root is, unless config.root */
	struct __user_cap_data_struct caps[2]; /* constant */
	bool fsetid;			       /* constant: it has CAP_FSETID */

	pthread_mutex_t lock;
	struct export_node *root; /* constant */
	struct export_node **buckets;
	u32 nr_buckets;
	struct export_node *chunks[EXPORT_MAX_NODES / NODES_PER_CHUNK];
	u32 nr_chunks;
	struct export_node *free;
	struct export_node
		*dead; /* nobody's any more, with descriptors that are still to be closed */
	u32 nr_nodes;
	u32 nr_files, max_files; /* with owners of locks */
	u32 nr_fds, max_fds;
	struct export_lru
		lru; /* nodes whose descriptors may be given back, the one unused for longest first */

	struct export_mount *mounts[EXPORT_MOUNTS];
	u32 nr_mounts;

	/* Appended under the lock; read without it up to the number, which is atomic. */
	struct export_prefix prefixes[EXPORT_PREFIXES];
	u32 nr_prefixes;

	struct export_owners owners[EXPORT_OWNERS]; /* by node */
	u32 nr_owners;				    /* atomic */
};

/* What is always asked of statx(2). STATX_MNT_ID is of Linux 5.8. */
#define EXPORT_STATX (STATX_BASIC_STATS | STATX_BTIME | 0x1000u)

/* ---- mounts and numbers (export-mounts.c) ---- */

/* With the lock: the mount of an object, NULL if no node is of it. */
struct export_mount *export_mount_find(struct export *export, const struct statx *stx);
/*
 * look, without the lock: what is to be known of fd's mount, or NULL: no memory. add, with the lock: one without nodes, which
 * is the export's from here on; false: too many. discard, without the lock: one that was not added; NULL does nothing.
 */
struct export_mount *export_mount_look(struct export *export, int fd, const struct statx *stx);
bool export_mount_add(struct export *export, struct export_mount *mount);
void export_mount_discard(struct export *export, struct export_mount *mount);
bool export_mount_is(const struct export_mount *mount, const struct statx *stx);
/* Its inode number for the guest, unique over devices. */
u64 export_number(struct export *export, u64 dev, u64 ino);
u64 export_statx_dev(const struct statx *stx);

/* ---- nodes (export-nodes.c) ---- */

int export_nodes_init(struct export *export, int fd);
void export_nodes_destroy(struct export *export);
/* Room for one more descriptor: 0, or -EMFILE. unreserve: it was closed. */
int export_reserve_fd(struct export *export);
void export_unreserve_fd(struct export *export);
/* Its descriptor, good until export_unuse(); or -errno: -ESTALE when the object is not found again. */
int export_use(struct export_node *node);
void export_unuse(struct export_node *node);
/*
 * The node of an object, counted once more. fd: O_PATH of it, reserved; it is taken or closed in any case. parent: a folder,
 * where it has that name; NULL: the root.
 */
int export_node_obtain(struct export *export, struct export_node *parent, const char *name, int fd,
		       const struct statx *stx, struct export_node **node);
/* One that is known and has its descriptor, counted once more, seen at that place now; or NULL. */
struct export_node *export_node_known(struct export *export, struct export_node *parent,
				      const char *name, const struct statx *stx);
/* The same, or one that has to be found again, and used; NULL: unknown. It is not seen anywhere. */
struct export_node *export_node_use_known(struct export *export, const struct statx *stx);
/* It has that name there from now on. */
void export_node_moved(struct export_node *node, struct export_node *parent, const char *name);
/* It has that name no more, and if it has others they are not known. */
void export_node_lost(struct export_node *node, struct export_node *parent, const char *name);
/* Opens one name below an O_PATH folder: O_PATH, reserved by the caller. */
int export_openat(int folder, const char *name);
int export_statx(int fd, const char *name, struct statx *stx);

/* ---- ids (export-ids.c) ---- */

/* A call's state that has to be put back; a new one is zeroed. */
struct export_ids {
	bool uid, gid, caps;
};

int export_ids_init(struct export *export);
/* The caller's ids; kill: without CAP_FSETID where export_caller wants that. caller may be NULL. 0 or -EPERM. */
int export_enter(struct export *export, const struct export_caller *caller, bool kill,
		 struct export_ids *ids);
/* The same for what changes anything: -EROFS on a read-only export. */
int export_enter_change(struct export *export, const struct export_caller *caller, bool kill,
			struct export_ids *ids);
/* For a change of the data of fd's file: read-only exports refuse, CAP_FSETID goes where the caller has none. */
int export_enter_write(struct export *export, int fd, const struct export_caller *caller,
		       struct export_ids *ids);
/* Keeps errno. */
void export_leave(struct export *export, struct export_ids *ids);
/* -EPERM: no id of the guest's stands for it. */
int export_id_to_host(const struct export *export, bool group, u32 id, u32 *host);
u32 export_id_to_guest(const struct export *export, bool group, u32 id);

/* ---- attributes (export-attributes.c) ---- */

void export_fill_attr(struct export_node *node, const struct statx *stx, struct export_attr *attr);

/* ---- files (export-files.c) ---- */

/* Opens a regular file or folder once more: a reserved descriptor or -errno. */
int export_reopen(struct export_node *node, int flags);
/* The caller has reserved it, and takes that back if it fails. */
int export_reopen_reserved(struct export_node *node, int flags);
/* Room for an open file's descriptor, or an owner's of locks, of which there are fewer: 0, or -EMFILE. */
int export_reserve_file(struct export *export);
void export_unreserve_file(struct export *export);

/* ---- locks (export-locks.c) ---- */

void export_unlock_node(struct export_node *node);

/* ---- names (export-names.c) ---- */

int export_check_name(const char *name);
/* Of an object just made or opened there; parent's fd is used by the caller. */
int export_lookup_at(struct export_node *parent, int folder, const char *name,
		     struct export_node **node, struct export_attr *attr);
/*
 * One change of a name: checks it, and that the parent may be changed, takes the parent's descriptor and the caller's ids
 * (NULL: none are assigned).
 */
struct export_naming {
	struct export_node *parent;
	int folder;
	struct export_ids ids;
};

int export_naming_begin(struct export_naming *naming, struct export_node *parent, const char *name,
			const struct export_caller *caller);
void export_naming_end(struct export_naming *naming);
/* The mode of a new object, after the caller's umask unless the folder has a default ACL. */
u32 export_new_mode(struct export_node *parent, const struct export_caller *caller, u32 mode);

#endif
