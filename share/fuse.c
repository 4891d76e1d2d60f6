// SPDX-License-Identifier: GPL-2.0-or-later
/* The FUSE server's front: takes requests out of the guest's memory, finds their handlers, and gives answers back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "fuse-private.h"

#define IN_HEADER  ((u32)sizeof(struct fuse_in_header))
#define OUT_HEADER ((u32)sizeof(struct fuse_out_header))

/* Errors that Linux takes from a server. */
#define FUSE_MAX_ERROR 511

/* The request is about a node. */
#define OP_NODE	  BIT(0)
/* Nobody waits for an answer. */
#define OP_SILENT BIT(1)
/* Only the fixed arguments are copied: data, or a list, is left where it is. */
#define OP_FIXED  BIT(2)
/* Arguments may be longer than what is copied. */
#define OP_LONG	  BIT(3)
/* Makes an object, whose owner the caller is. */
#define OP_MAKES  BIT(4)

struct fuse_op {
	fuse_handler handle;
	u32 in;	 /* least bytes of arguments */
	u32 out; /* bytes that the answer may need, unless the handler looks for itself */
	u32 flags;
};

static int fuse_do_nothing(struct fuse_call *call)
{
	return 0;
}

/* Linux stops asking. */
static int fuse_do_unknown(struct fuse_call *call)
{
	return -ENOSYS;
}

static int fuse_do_ioctl(struct fuse_call *call)
{
	return -ENOTTY;
}

#define IN(type)  sizeof(struct fuse_##type##_in)
#define OUT(type) sizeof(struct fuse_##type##_out)

static const struct fuse_op fuse_ops[] = {
	[FUSE_LOOKUP] = { fuse_do_lookup, 2, OUT(entry), OP_NODE },
	[FUSE_FORGET] = { fuse_do_forget, IN(forget), 0, OP_SILENT },
	[FUSE_GETATTR] = { fuse_do_getattr, IN(getattr), OUT(attr), OP_NODE },
	[FUSE_SETATTR] = { fuse_do_setattr, IN(setattr), OUT(attr), OP_NODE },
	[FUSE_READLINK] = { fuse_do_readlink, 0, 0, OP_NODE },
	[FUSE_SYMLINK] = { fuse_do_symlink, 4, OUT(entry), OP_NODE | OP_MAKES },
	[FUSE_MKNOD] = { fuse_do_mknod, IN(mknod) + 2, OUT(entry), OP_NODE | OP_MAKES },
	[FUSE_MKDIR] = { fuse_do_mkdir, IN(mkdir) + 2, OUT(entry), OP_NODE | OP_MAKES },
	[FUSE_UNLINK] = { fuse_do_unlink, 2, 0, OP_NODE },
	[FUSE_RMDIR] = { fuse_do_rmdir, 2, 0, OP_NODE },
	[FUSE_RENAME] = { fuse_do_rename, IN(rename) + 4, 0, OP_NODE },
	[FUSE_LINK] = { fuse_do_link, IN(link) + 2, OUT(entry), OP_NODE },
	[FUSE_OPEN] = { fuse_do_open, IN(open), OUT(open), OP_NODE },
	[FUSE_READ] = { fuse_do_read, IN(read), 0, 0 },
	[FUSE_WRITE] = { fuse_do_write, IN(write), OUT(write), OP_FIXED },
	[FUSE_STATFS] = { fuse_do_statfs, 0, OUT(statfs), OP_NODE },
	[FUSE_RELEASE] = { fuse_do_release, IN(release), 0, 0 },
	[FUSE_FSYNC] = { fuse_do_fsync, IN(fsync), 0, 0 },
	[FUSE_SETXATTR] = { fuse_do_setxattr, FUSE_COMPAT_SETXATTR_IN_SIZE + 2, 0,
			    OP_NODE | OP_LONG },
	[FUSE_GETXATTR] = { fuse_do_getxattr, IN(getxattr) + 2, 0, OP_NODE },
	[FUSE_LISTXATTR] = { fuse_do_listxattr, IN(getxattr), 0, OP_NODE },
	[FUSE_REMOVEXATTR] = { fuse_do_removexattr, 2, 0, OP_NODE },
	[FUSE_FLUSH] = { fuse_do_flush, IN(flush), 0, 0 },
	[FUSE_INIT] = { fuse_do_init, 16, OUT(init), 0 },
	[FUSE_OPENDIR] = { fuse_do_opendir, IN(open), OUT(open), OP_NODE },
	[FUSE_READDIR] = { fuse_do_readdir, IN(read), 0, 0 },
	[FUSE_RELEASEDIR] = { fuse_do_releasedir, IN(release), 0, 0 },
	[FUSE_FSYNCDIR] = { fuse_do_fsync, IN(fsync), 0, 0 },
	[FUSE_GETLK] = { fuse_do_getlk, IN(lk), OUT(lk), 0 },
	[FUSE_SETLK] = { fuse_do_setlk, IN(lk), 0, 0 },
	[FUSE_SETLKW] = { fuse_do_setlkw, IN(lk), 0, 0 },
	[FUSE_ACCESS] = { fuse_do_access, IN(access), 0, OP_NODE },
	[FUSE_CREATE] = { fuse_do_create, IN(create) + 2, OUT(entry) + OUT(open),
			  OP_NODE | OP_MAKES },
	[FUSE_INTERRUPT] = { fuse_do_interrupt, IN(interrupt), 0, OP_SILENT },
	[FUSE_BMAP] = { fuse_do_unknown, 0, 0, 0 },
	[FUSE_DESTROY] = { fuse_do_destroy, 0, 0, 0 },
	[FUSE_IOCTL] = { fuse_do_ioctl, 0, 0, OP_LONG },
	[FUSE_POLL] = { fuse_do_unknown, 0, 0, 0 },
	[FUSE_NOTIFY_REPLY] = { fuse_do_nothing, 0, 0, OP_SILENT | OP_LONG },
	[FUSE_BATCH_FORGET] = { fuse_do_batch_forget, IN(batch_forget), 0, OP_SILENT | OP_FIXED },
	[FUSE_FALLOCATE] = { fuse_do_fallocate, IN(fallocate), 0, 0 },
	[FUSE_READDIRPLUS] = { fuse_do_readdirplus, IN(read), 0, 0 },
	[FUSE_RENAME2] = { fuse_do_rename2, IN(rename2) + 4, 0, OP_NODE },
	[FUSE_LSEEK] = { fuse_do_lseek, IN(lseek), OUT(lseek), 0 },
	[FUSE_COPY_FILE_RANGE] = { fuse_do_copy, IN(copy_file_range), OUT(write), 0 },
	[FUSE_SETUPMAPPING] = { fuse_do_unknown, 0, 0, 0 },
	[FUSE_REMOVEMAPPING] = { fuse_do_unknown, 0, 0, OP_LONG },
	[FUSE_SYNCFS] = { fuse_do_syncfs, IN(syncfs), 0, OP_NODE },
	[FUSE_TMPFILE] = { fuse_do_tmpfile, IN(create), OUT(entry) + OUT(open),
			   OP_NODE | OP_MAKES },
	[FUSE_OP_STATX] = { fuse_do_statx, sizeof(struct fuse_in_statx),
			    sizeof(struct fuse_out_statx) + sizeof(struct statx), OP_NODE },
	[FUSE_OP_COPY_FILE_RANGE_64] = { fuse_do_copy_64, IN(copy_file_range),
					 sizeof(struct fuse_out_copy_file_range_64), 0 },
};

/* ---- what handlers use ---- */

int fuse_put(struct fuse_call *call, u32 offset, const void *bytes, u32 len)
{
	struct share_request *request = call->request;

	return offset + iov_write(request->in, request->nr_in, OUT_HEADER + offset, bytes, len);
}

void fuse_end(struct share_request *request, u64 unique, int error, u32 len)
{
	struct fuse_out_header header = { .unique = unique };

	if (request->in_len < OUT_HEADER) {
		request->done(request, 0);
		return;
	}
	if (error < -FUSE_MAX_ERROR)
		error = -EIO;
	header.error = error;
	header.len = OUT_HEADER + (error ? 0 : len);
	iov_write(request->in, request->nr_in, 0, &header, sizeof(header));
	request->done(request, header.len);
}

const char *fuse_name(const struct fuse_call *call, u32 *at)
{
	const char *name = (const char *)call->args + *at;

	if (*at >= call->copied)
		return NULL;
	const char *end = memchr(name, 0, call->copied - *at);
	if (!end)
		return NULL;
	*at += end - name + 1;
	return name;
}

/* ---- a request ---- */

static const struct fuse_op *fuse_find_op(u32 opcode)
{
	static const struct fuse_op unknown = { fuse_do_unknown, 0, 0, OP_LONG };

	return opcode < ARRAY_SIZE(fuse_ops) && fuse_ops[opcode].handle ? &fuse_ops[opcode]
									: &unknown;
}

static int fuse_take_args(struct fuse_call *call, const struct fuse_op *op)
{
	struct share_request *request = call->request;

	if (call->header.len > request->out_len || call->len < op->in)
		return -EINVAL;
	call->copied = op->flags & OP_FIXED ? op->in : MIN(call->len, (u32)sizeof(call->args));
	if (call->len > call->copied && !(op->flags & (OP_FIXED | OP_LONG)))
		return -E2BIG;
	/* What was promised may not be there in fact. */
	if (iov_read(request->out, request->nr_out, IN_HEADER, call->args, call->copied) !=
	    call->copied)
		return -EINVAL;
	return 0;
}

/* Ids that a mount of the guest's could not translate are nobody's; only what makes an object needs them. */
static int fuse_take_caller(struct fuse_call *call, const struct fuse_op *op)
{
	const struct fuse_in_header *header = &call->header;
	bool ids = header->uid != (u32)-1 && header->gid != (u32)-1;

	call->caller = (struct export_caller){
		.uid = ids ? header->uid : 0,
		.gid = ids ? header->gid : 0,
		.pid = header->pid,
	};
	return ids || !(op->flags & OP_MAKES) ? 0 : -EOVERFLOW;
}

static int fuse_run(struct fuse_call *call, const struct fuse_op *op)
{
	int err = fuse_take_args(call, op) ?: fuse_take_caller(call, op);

	if (err)
		return err;
	if (call->capacity < op->out)
		return -EINVAL;
	if (!__atomic_load_n(&call->fuse->flags, __ATOMIC_ACQUIRE) &&
	    call->header.opcode != FUSE_INIT)
		return -EIO;
	if (!(op->flags & OP_NODE))
		return op->handle(call);

	call->node = export_find(call->fuse->export, call->header.nodeid);
	if (!call->node)
		return -ESTALE;
	int ret = op->handle(call);
	export_node_put(call->node, 1);
	return ret;
}

static void fuse_handle(struct share_protocol *protocol, struct share_request *request)
{
	struct fuse_call call;
	const struct fuse_op *op;

	call.fuse = CONTAINER_OF(protocol, struct fuse, protocol);
	call.request = request;
	if (iov_read(request->out, request->nr_out, 0, &call.header, IN_HEADER) != IN_HEADER) {
		request->done(request, 0);
		return;
	}
	op = fuse_find_op(call.header.opcode);
	/* Nothing is done whose result cannot be told. */
	if (request->in_len < OUT_HEADER && !(op->flags & OP_SILENT)) {
		request->done(request, 0);
		return;
	}
	call.len = call.header.len < IN_HEADER ? 0 : call.header.len - IN_HEADER;
	call.capacity = request->in_len < OUT_HEADER ? 0 : request->in_len - OUT_HEADER;

	int ret = fuse_run(&call, op);
	if (ret == FUSE_LATER)
		return;
	fuse_end(request, call.header.unique, MIN(ret, 0), MAX(ret, 0));
}

/* ---- the server ---- */

static void fuse_reset(struct share_protocol *protocol)
{
	struct fuse *fuse = CONTAINER_OF(protocol, struct fuse, protocol);

	fuse_stop_waits(fuse);
	fuse_drop_handles(fuse);
	export_forget_all(fuse->export);
	fuse->flags = 0;
}

static void fuse_destroy(struct share_protocol *protocol)
{
	struct fuse *fuse = CONTAINER_OF(protocol, struct fuse, protocol);

	fuse_reset(protocol);
	pthread_cond_destroy(&fuse->waits_changed);
	free(fuse->handles);
	free(fuse->stamps);
	free(fuse);
}

static const struct share_protocol_ops fuse_protocol = {
	.handle = fuse_handle,
	.reset = fuse_reset,
	.destroy = fuse_destroy,
};

struct share_protocol *fuse_create(struct export *export, const struct fuse_config *config)
{
	struct fuse *fuse = calloc(1, sizeof(*fuse));

	if (!fuse)
		return NULL;
	fuse->protocol.ops = &fuse_protocol;
	fuse->export = export;
	fuse->config = *config;
	pthread_mutex_init(&fuse->handles_lock, NULL);
	pthread_mutex_init(&fuse->stamps_lock, NULL);
	if (config->cache == FUSE_CACHE_AUTO)
		fuse->stamps = calloc(FUSE_STAMPS, sizeof(*fuse->stamps));
	if (fuse_waits_init(fuse) || (config->cache == FUSE_CACHE_AUTO && !fuse->stamps)) {
		free(fuse->stamps);
		free(fuse);
		return NULL;
	}
	return &fuse->protocol;
}
