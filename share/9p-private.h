/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the 9P server's files share among each other. */
#ifndef SHARE_9P_PRIVATE_H
#define SHARE_9P_PRIVATE_H

#include <pthread.h>
#include "lkvm/share/9p.h"

/* size[4] type[1] tag[2] */
#define P9_HEADER 7u

enum p9_type {
	P9_RLERROR = 7,
	P9_TSTATFS = 8,
	P9_TLOPEN = 12,
	P9_TLCREATE = 14,
	P9_TSYMLINK = 16,
	P9_TMKNOD = 18,
	P9_TRENAME = 20,
	P9_TREADLINK = 22,
	P9_TGETATTR = 24,
	P9_TSETATTR = 26,
	P9_TXATTRWALK = 30,
	P9_TXATTRCREATE = 32,
	P9_TREADDIR = 40,
	P9_TFSYNC = 50,
	P9_TLOCK = 52,
	P9_TGETLOCK = 54,
	P9_TLINK = 70,
	P9_TMKDIR = 72,
	P9_TRENAMEAT = 74,
	P9_TUNLINKAT = 76,
	P9_TVERSION = 100,
	P9_TAUTH = 102,
	P9_TATTACH = 104,
	P9_TFLUSH = 108,
	P9_TWALK = 110,
	P9_TREAD = 116,
	P9_TWRITE = 118,
	P9_TCLUNK = 120,
	P9_TREMOVE = 122,
	P9_NR_TYPES,
};

#define P9_NOFID     0xffffffffu
#define P9_NO_UID    0xffffffffu
#define P9_MAX_WALK  16u
#define P9_QID_BYTES 13u

/* Everything but data: sixteen names, or the target of a link. */
#define P9_BODY_MAX  8192u
/* The longest answer that is made as a whole: a link's target. */
#define P9_REPLY_MAX (PATH_MAX + 64u)

/* ---- 9p-fids.c ---- */

/* An extended attribute under way: read from, or written until the fid is given up. */
struct p9_xattr {
	bool create;
	u32 flags;
	u32 size, written; /* bytes */
	char name[NAME_MAX + 1];
	u8 value[];
};

struct p9_fid {
	struct p9_fid *next; /* of its hash; the server's lock, as the next three */
	u32 number;
	u32 users;  /* calls that have it, and one for the table */
	bool known; /* it is in the table */
	u32 uid;    /* who attached; constant */
	/* The fid's lock: */
	pthread_mutex_t lock;
	struct export_node
		*node; /* counted; never NULL, changes with a walk to itself and a create */
	struct export_node *parent; /* where the last walk found it, and as what; NULL: by none */
	char *name;
	struct export_file *file; /* counted; NULL: not open */
	struct p9_xattr *xattr;	  /* NULL: it is none */
};

struct p9_server;
struct p9_call;

/* The fid for a call, or NULL: the guest has none of that number. */
struct p9_fid *p9_fid_get(struct p9_server *server, u32 number);
/* A new one, with one count for the call, not in the table yet. node is counted for it. NULL: no memory. */
struct p9_fid *p9_fid_new(struct p9_server *server, u32 number, u32 uid, struct export_node *node);
/* Into the table. 0; -EBADF: the guest has one of that number; -ENFILE: it has too many. */
int p9_fid_add(struct p9_server *server, struct p9_fid *fid);
/* Out of the table, once: false, it was out. */
bool p9_fid_remove(struct p9_server *server, struct p9_fid *fid);
void p9_fid_put(struct p9_server *server, struct p9_fid *fid);
void p9_fids_drop(struct p9_server *server);
/* Counted ones of what the fid is now; files: NULL, it is not open. */
struct export_node *p9_fid_node(struct p9_fid *fid);
struct export_file *p9_fid_file(struct p9_fid *fid);
/* For a value of `size` bytes. NULL: too much is under way. */
struct p9_xattr *p9_xattr_new(struct p9_server *server, const char *name, u32 size);

#define P9_HASH 4096u

struct p9_server {
	struct share_protocol protocol;
	struct export *export; /* constant */
	_Atomic u32 msize;     /* what was agreed on */
	pthread_mutex_t lock;
	struct p9_fid *fids[P9_HASH]; /* lock */
	u32 nr_fids;		      /* lock */
	u64 xattr_bytes;	      /* lock */
	struct p9_call *calls;	      /* lock: those under way */
};

/* ---- a call ---- */

struct p9_call {
	struct p9_server *server;
	struct share_request *request;
	u8 type;
	u16 tag;
	/* Server's lock. */
	struct p9_call *next;
	struct share_request *flushes; /* that wait for its end */
	/* What the guest sent behind the header, as far as it is no data: read once. */
	u32 size; /* of the whole message, header included */
	u32 body, at;
	bool bad;	    /* something was not there, or was too long */
	u32 reply, most;    /* bytes of the answer behind the header; `most` fit */
	struct p9_fid *fid; /* the first field's; NULL for those that have none */
	u8 in[P9_BODY_MAX];
	u8 out[P9_REPLY_MAX];
};

/* Fields of the body, in order. What is not there is 0, and marks the call as bad. */
u8 p9_u8(struct p9_call *call);
u16 p9_u16(struct p9_call *call);
u32 p9_u32(struct p9_call *call);
u64 p9_u64(struct p9_call *call);
/* A string as a name of at most `size` - 1 bytes; with a zero in it, or a longer one, it marks the call as bad. */
void p9_string(struct p9_call *call, char *text, size_t size);
/* Fields of the answer. */
void p9_put_u8(struct p9_call *call, u8 value);
void p9_put_u16(struct p9_call *call, u16 value);
void p9_put_u32(struct p9_call *call, u32 value);
void p9_put_u64(struct p9_call *call, u64 value);
void p9_put_string(struct p9_call *call, const char *text, size_t len);
void p9_put_qid(struct p9_call *call, const struct export_attr *attr);
u8 p9_qid_type(u32 mode);

/* What qids are made of. */
#define P9_STATX (STATX_TYPE | STATX_INO | STATX_MTIME | STATX_CTIME)

/* On whose behalf; gid as the message has it. */
struct export_caller p9_caller(const struct p9_call *call, const struct p9_fid *fid, u32 gid);

/*
 * Handlers: 0, or -errno, which becomes Rlerror. The answer's body is what they have put, or P9_DATA with `reply` bytes
 * that lie in the guest's buffers already, behind 4 bytes of count.
 */
#define P9_DATA	 1
#define P9_LATER 2 /* somebody else ends the request */

typedef int (*p9_handler)(struct p9_call *call);

/* 9p-names.c */
int p9_do_attach(struct p9_call *call);
int p9_do_walk(struct p9_call *call);
int p9_do_mkdir(struct p9_call *call);
int p9_do_mknod(struct p9_call *call);
int p9_do_symlink(struct p9_call *call);
int p9_do_link(struct p9_call *call);
int p9_do_readlink(struct p9_call *call);
int p9_do_rename(struct p9_call *call);
int p9_do_renameat(struct p9_call *call);
int p9_do_unlinkat(struct p9_call *call);
int p9_do_remove(struct p9_call *call);
int p9_do_clunk(struct p9_call *call);

/* 9p-files.c */
int p9_do_lopen(struct p9_call *call);
int p9_do_lcreate(struct p9_call *call);
int p9_do_read(struct p9_call *call);
int p9_do_write(struct p9_call *call);
int p9_do_readdir(struct p9_call *call);
int p9_do_fsync(struct p9_call *call);
int p9_do_lock(struct p9_call *call);
int p9_do_getlock(struct p9_call *call);

/* 9p-attributes.c */
int p9_do_statfs(struct p9_call *call);
int p9_do_getattr(struct p9_call *call);
int p9_do_setattr(struct p9_call *call);
int p9_do_xattrwalk(struct p9_call *call);
int p9_do_xattrcreate(struct p9_call *call);
/* What was written takes effect: when its fid is given up. */
int p9_xattr_finish(struct p9_call *call, struct p9_fid *fid);

#endif
