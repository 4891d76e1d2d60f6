// SPDX-License-Identifier: GPL-2.0-or-later
/* 9P requests about open files: their data, folders' entries, locks. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "9p-private.h"

/*
 * ---- flags: on the wire they are those of Linux on x86, whatever this host's are. Without O_DIRECT: a message's data
 * lie behind its header, at no address that it could take. ----
 */

static const struct {
	u32 wire;
	int flag;
} open_flags[] = {
	{ 01, O_WRONLY },     { 02, O_RDWR },		{ 0200, O_EXCL },
	{ 01000, O_TRUNC },   { 02000, O_APPEND },	{ 04000, O_NONBLOCK },
	{ 010000, O_DSYNC },  { 0200000, O_DIRECTORY }, { 01000000, O_NOATIME },
	{ 04010000, O_SYNC },
};

static int host_flags(u32 wire)
{
	int flags = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(open_flags); i++)
		if ((wire & open_flags[i].wire) == open_flags[i].wire)
			flags |= open_flags[i].flag;
	return flags;
}

/* ---- opening ---- */

static void put_open(struct p9_call *call, const struct export_attr *attr)
{
	p9_put_qid(call, attr);
	p9_put_u32(call, 0); /* pieces as large as a message can have */
}

int p9_do_lopen(struct p9_call *call)
{
	struct p9_fid *fid = call->fid;
	int flags = host_flags(p9_u32(call));
	const struct export_caller caller = p9_caller(call, fid, 0);
	struct export_node *node = p9_fid_node(fid);
	struct export_file *file = NULL;
	struct export_attr attr;
	int err = export_open_file(node, &caller, flags, &file);

	if (!err)
		err = export_getattr(node, file, P9_STATX, &attr);
	pthread_mutex_lock(&fid->lock);
	if (!err && (fid->file || fid->xattr || fid->node != node))
		err = -EBUSY;
	if (!err) {
		fid->file = file;
		file = NULL;
	}
	pthread_mutex_unlock(&fid->lock);
	if (file)
		export_file_put(file);
	export_node_put(node, 1);
	if (!err)
		put_open(call, &attr);
	return err;
}

/* The fid is the new file afterwards. */
static int become_file(struct p9_fid *fid, struct export_node *parent, const char *name,
		       struct export_node *node, struct export_file *file)
{
	char *copy = strdup(name);
	int err = copy ? 0 : -ENOMEM;

	pthread_mutex_lock(&fid->lock);
	if (!err && (fid->file || fid->xattr || fid->node != parent))
		err = -EBUSY;
	if (!err) {
		struct export_node *old = fid->parent;

		fid->parent = parent;
		fid->node = node;
		fid->file = file;
		free(fid->name);
		fid->name = copy;
		parent = old;
	}
	pthread_mutex_unlock(&fid->lock);
	if (parent && !err)
		export_node_put(parent, 1);
	if (err)
		free(copy);
	return err;
}

int p9_do_lcreate(struct p9_call *call)
{
	struct export_node *parent, *node;
	struct export_file *file;
	struct export_attr attr;
	char name[NAME_MAX + 1];
	int err;

	p9_string(call, name, sizeof(name));
	int flags = host_flags(p9_u32(call));
	u32 mode = p9_u32(call);
	const struct export_caller caller = p9_caller(call, call->fid, p9_u32(call));
	if (call->bad)
		return -EINVAL;
	parent = p9_fid_node(call->fid);
	err = export_create(parent, name, &caller, flags | O_CREAT, mode & 07777, &node, &attr,
			    &file);
	if (!err) {
		err = become_file(call->fid, parent, name, node, file);
		if (err) {
			export_file_put(file);
			export_node_put(node, 1);
		}
	}
	export_node_put(parent, 1);
	if (!err)
		put_open(call, &attr);
	return err;
}

/* ---- data ---- */

/* count[4] before it. */
#define DATA_AT (P9_HEADER + 4)

static void put_count(struct p9_call *call, u32 count)
{
	const le32 wire = htole32(count);

	iov_write(call->request->in, call->request->nr_in, P9_HEADER, &wire, sizeof(wire));
	call->reply = 4 + count;
}

static u32 data_room(const struct p9_call *call, u32 count)
{
	return call->most > 4 ? MIN(count, call->most - 4) : 0;
}

/* What was loaded for a fid stays as long as that. */
static int read_xattr(struct p9_call *call, u64 offset, u32 count)
{
	const struct p9_xattr *xattr;
	u32 len;

	pthread_mutex_lock(&call->fid->lock);
	xattr = call->fid->xattr;
	pthread_mutex_unlock(&call->fid->lock);
	if (!xattr || xattr->create)
		return -EBADF;
	len = offset < xattr->written ? MIN(count, xattr->written - (u32)offset) : 0;
	iov_write(call->request->in, call->request->nr_in, DATA_AT, xattr->value + offset, len);
	put_count(call, len);
	return P9_DATA;
}

int p9_do_read(struct p9_call *call)
{
	struct share_request *request = call->request;
	u64 offset = p9_u64(call);
	u32 count = data_room(call, p9_u32(call));
	struct export_file *file = p9_fid_file(call->fid);
	/* The window cuts buffers before the data as well: the header's are needed whole. */
	struct iovec head[DATA_AT];
	unsigned nr_head = MIN(request->nr_in, DATA_AT);
	struct iov_window window;
	ssize_t len;

	if (!file)
		return read_xattr(call, offset, count);
	memcpy(head, request->in, nr_head * sizeof(head[0]));
	iov_window_open(&window, request->in, request->nr_in, DATA_AT, count);
	len = export_read(file, window.iov, window.nr, offset);
	export_file_put(file);
	memcpy(request->in, head, nr_head * sizeof(head[0]));
	if (len < 0)
		return len;
	put_count(call, len);
	return P9_DATA;
}

static int write_xattr(struct p9_call *call, u64 offset, u32 count)
{
	const struct share_request *request = call->request;
	struct p9_fid *fid = call->fid;
	struct p9_xattr *xattr;
	int err = 0;

	pthread_mutex_lock(&fid->lock);
	xattr = fid->xattr;
	if (!xattr || !xattr->create)
		err = -EBADF;
	else if (offset > xattr->size || count > xattr->size - offset)
		err = -ENOSPC;
	if (!err) {
		iov_read(request->out, request->nr_out, P9_HEADER + 16, xattr->value + offset,
			 count);
		xattr->written = MAX(xattr->written, (u32)offset + count);
	}
	pthread_mutex_unlock(&fid->lock);
	if (!err)
		p9_put_u32(call, count);
	return err;
}

int p9_do_write(struct p9_call *call)
{
	struct share_request *request = call->request;
	u64 offset = p9_u64(call);
	u32 count = p9_u32(call);
	const struct export_caller caller = p9_caller(call, call->fid, 0);
	struct export_file *file;
	struct iov_window window;
	ssize_t len;

	if (count > call->size - P9_HEADER - 16)
		return -EINVAL;
	file = p9_fid_file(call->fid);
	if (!file)
		return write_xattr(call, offset, count);
	iov_window_open(&window, request->out, request->nr_out, P9_HEADER + 16, count);
	len = export_write(file, &caller, window.iov, window.nr, offset, 0);
	export_file_put(file);
	if (len < 0)
		return len;
	p9_put_u32(call, len);
	return 0;
}

int p9_do_fsync(struct p9_call *call)
{
	struct export_file *file = p9_fid_file(call->fid);
	int err;

	if (!file)
		return -EBADF;
	err = export_fsync(file, call->body > call->at && p9_u32(call));
	export_file_put(file);
	return err;
}

/* ---- folders ---- */

struct entries {
	struct p9_call *call;
	u32 at, most; /* bytes of the answer's data */
};

/* qid[13] offset[8] type[1] name[s] */
static bool emit_entry(void *opaque, const struct export_entry *entry)
{
	struct entries *entries = opaque;
	const struct share_request *request = entries->call->request;
	u32 len = strlen(entry->name), size = P9_QID_BYTES + 8 + 1 + 2 + len;
	u8 wire[P9_QID_BYTES + 8 + 1 + 2 + NAME_MAX];
	const le64 ino = htole64(entry->ino), next = htole64(entry->next);

	if (len > NAME_MAX || size > entries->most - entries->at)
		return false;
	memset(wire, 0, P9_QID_BYTES);
	wire[0] = p9_qid_type(DTTOIF(entry->type));
	memcpy(wire + 5, &ino, 8);
	memcpy(wire + P9_QID_BYTES, &next, 8);
	wire[P9_QID_BYTES + 8] = entry->type;
	wire[P9_QID_BYTES + 9] = len & 0xff;
	wire[P9_QID_BYTES + 10] = len >> 8;
	memcpy(wire + P9_QID_BYTES + 11, entry->name, len);
	iov_write(request->in, request->nr_in, DATA_AT + entries->at, wire, size);
	entries->at += size;
	return true;
}

int p9_do_readdir(struct p9_call *call)
{
	struct entries entries = { .call = call };
	u64 cookie = p9_u64(call);
	struct export_file *folder;
	int err;

	entries.most = data_room(call, p9_u32(call));
	folder = p9_fid_file(call->fid);
	if (!folder)
		return -EBADF;
	err = export_readdir(folder, cookie, emit_entry, &entries);
	export_file_put(folder);
	if (err)
		return err;
	put_count(call, entries.at);
	return P9_DATA;
}

/* ---- locks ---- */

enum { P9_LOCK_READ, P9_LOCK_WRITE, P9_LOCK_UNLOCK };
enum { P9_LOCK_SUCCESS, P9_LOCK_BLOCKED };

static int read_range(struct p9_call *call, u8 type, struct flock *lock)
{
	static const short types[] = { F_RDLCK, F_WRLCK, F_UNLCK };
	u64 start = p9_u64(call), len = p9_u64(call);

	if (type >= ARRAY_SIZE(types) || start > INT64_MAX || len > INT64_MAX)
		return -EINVAL;
	*lock = (struct flock){
		.l_type = types[type], .l_whence = SEEK_SET, .l_start = start, .l_len = len
	};
	lock->l_pid = p9_u32(call);
	return call->bad ? -EINVAL : 0;
}

int p9_do_lock(struct p9_call *call)
{
	u8 type = p9_u8(call);
	struct export_file *file;
	struct flock lock;
	int err;

	p9_u32(call); /* whether it would wait: nobody does here */
	err = read_range(call, type, &lock);
	if (err)
		return err;
	file = p9_fid_file(call->fid);
	if (!file)
		return -EBADF;
	err = export_lock(file, (u32)lock.l_pid, &lock);
	export_file_put(file);
	if (err && err != -EAGAIN)
		return err;
	p9_put_u8(call, err ? P9_LOCK_BLOCKED : P9_LOCK_SUCCESS);
	return 0;
}

int p9_do_getlock(struct p9_call *call)
{
	u8 type = p9_u8(call);
	char client[NAME_MAX + 1];
	struct export_file *file;
	struct flock lock;
	int err = read_range(call, type, &lock);

	if (err)
		return err;
	p9_string(call, client, sizeof(client));
	file = call->bad ? NULL : p9_fid_file(call->fid);
	if (!file)
		return -EBADF;
	err = export_getlock(file, (u32)lock.l_pid, &lock);
	export_file_put(file);
	if (err)
		return err;
	p9_put_u8(call, lock.l_type == F_UNLCK	 ? P9_LOCK_UNLOCK
			: lock.l_type == F_RDLCK ? P9_LOCK_READ
						 : P9_LOCK_WRITE);
	p9_put_u64(call, lock.l_start);
	p9_put_u64(call, lock.l_len);
	p9_put_u32(call, lock.l_pid);
	p9_put_string(call, client, strlen(client));
	return 0;
}
