// SPDX-License-Identifier: GPL-2.0-or-later
/* The 9P server's front: takes messages out of the guest's memory, finds their handlers, and gives answers back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "9p-private.h"

/* What the guest may agree on at least. */
#define P9_MIN_MESSAGE 4096u
#define P9_VERSION     "9P2000.L"

/* ---- session ---- */

static int do_version(struct p9_call *call)
{
	struct p9_server *server = call->server;
	u32 msize = p9_u32(call);
	char version[32];
	bool known;

	p9_string(call, version, sizeof(version));
	if (call->bad || msize < P9_MIN_MESSAGE)
		return -EINVAL;
	p9_fids_drop(server);
	known = !strcmp(version, P9_VERSION);
	server->msize = MIN(msize, P9_MAX_MESSAGE);
	p9_put_u32(call, server->msize);
	p9_put_string(call, known ? P9_VERSION : "unknown", strlen(known ? P9_VERSION : "unknown"));
	return 0;
}

static int do_auth(struct p9_call *call)
{
	return -EOPNOTSUPP;
}

/* Answered when the other one is. */
static int do_flush(struct p9_call *call)
{
	struct p9_server *server = call->server;
	u16 tag = p9_u16(call);
	struct p9_call *other;

	if (call->bad)
		return -EINVAL;
	pthread_mutex_lock(&server->lock);
	for (other = server->calls; other; other = other->next)
		if (other != call && other->tag == tag && other->type != P9_TFLUSH)
			break;
	if (other) {
		call->request->unique = call->tag;
		call->request->next = other->flushes;
		other->flushes = call->request;
	}
	pthread_mutex_unlock(&server->lock);
	return other ? P9_LATER : 0;
}

/* ---- messages ---- */

/* Only the fields before the data are read. */
#define OP_FIXED BIT(0)
/* The first field is a fid that the guest has. */
#define OP_FID	 BIT(1)

static const struct p9_op {
	p9_handler handle;
	u32 flags;
	u32 least; /* bytes of the body; of OP_FIXED all that are read */
} p9_ops[P9_NR_TYPES] = {
	[P9_TSTATFS] = { p9_do_statfs, OP_FID, 4 },
	[P9_TLOPEN] = { p9_do_lopen, OP_FID, 8 },
	[P9_TLCREATE] = { p9_do_lcreate, OP_FID, 18 },
	[P9_TSYMLINK] = { p9_do_symlink, OP_FID, 12 },
	[P9_TMKNOD] = { p9_do_mknod, OP_FID, 22 },
	[P9_TRENAME] = { p9_do_rename, OP_FID, 10 },
	[P9_TREADLINK] = { p9_do_readlink, OP_FID, 4 },
	[P9_TGETATTR] = { p9_do_getattr, OP_FID, 12 },
	[P9_TSETATTR] = { p9_do_setattr, OP_FID, 60 },
	[P9_TXATTRWALK] = { p9_do_xattrwalk, OP_FID, 10 },
	[P9_TXATTRCREATE] = { p9_do_xattrcreate, OP_FID, 18 },
	[P9_TREADDIR] = { p9_do_readdir, OP_FID, 16 },
	/* What the text leaves out Linux sends: whether data alone will do. */
	[P9_TFSYNC] = { p9_do_fsync, OP_FID, 4 },
	[P9_TLOCK] = { p9_do_lock, OP_FID, 31 },
	[P9_TGETLOCK] = { p9_do_getlock, OP_FID, 27 },
	[P9_TLINK] = { p9_do_link, OP_FID, 10 },
	[P9_TMKDIR] = { p9_do_mkdir, OP_FID, 14 },
	[P9_TRENAMEAT] = { p9_do_renameat, OP_FID, 12 },
	[P9_TUNLINKAT] = { p9_do_unlinkat, OP_FID, 10 },
	[P9_TVERSION] = { do_version, 0, 6 },
	[P9_TAUTH] = { do_auth, 0, 0 },
	[P9_TATTACH] = { p9_do_attach, 0, 16 },
	[P9_TFLUSH] = { do_flush, 0, 2 },
	[P9_TWALK] = { p9_do_walk, OP_FID, 10 },
	[P9_TREAD] = { p9_do_read, OP_FID, 16 },
	[P9_TWRITE] = { p9_do_write, OP_FID | OP_FIXED, 16 },
	[P9_TCLUNK] = { p9_do_clunk, OP_FID, 4 },
	[P9_TREMOVE] = { p9_do_remove, OP_FID, 4 },
};

static const struct p9_op *find_op(u8 type)
{
	static const struct p9_op unknown = { do_auth, 0, 0 };

	return type < P9_NR_TYPES && p9_ops[type].handle ? &p9_ops[type] : &unknown;
}

static void put_header(u8 header[P9_HEADER], u32 size, u8 type, u16 tag)
{
	size = htole32(size);
	tag = htole16(tag);
	memcpy(header, &size, 4);
	header[4] = type;
	memcpy(header + 5, &tag, 2);
}

/* Writes the answer, or of an error its number; 0: the guest has left no room for it. */
static u32 write_answer(struct p9_call *call, int ret)
{
	const struct share_request *request = call->request;
	u8 header[P9_HEADER];
	u32 size;

	if (ret >= 0 && call->reply > call->most)
		ret = -EMSGSIZE;
	if (ret < 0) {
		call->reply = 0;
		p9_put_u32(call, -ret);
	}
	size = P9_HEADER + call->reply;
	if (size > request->in_len)
		return 0;
	put_header(header, size, ret < 0 ? P9_RLERROR : call->type + 1, call->tag);
	iov_write(request->in, request->nr_in, 0, header, sizeof(header));
	if (ret != P9_DATA)
		iov_write(request->in, request->nr_in, P9_HEADER, call->out, call->reply);
	return size;
}

/* All that has waited for this one: their tags were kept in the requests. */
static void answer_flushes(struct share_request *flushes)
{
	while (flushes) {
		struct share_request *request = flushes;
		u8 header[P9_HEADER];

		flushes = request->next;
		put_header(header, P9_HEADER, P9_TFLUSH + 1, request->unique);
		iov_write(request->in, request->nr_in, 0, header, sizeof(header));
		request->done(request, P9_HEADER);
	}
}

static void call_begin(struct p9_call *call)
{
	struct p9_server *server = call->server;

	call->flushes = NULL;
	pthread_mutex_lock(&server->lock);
	call->next = server->calls;
	server->calls = call;
	pthread_mutex_unlock(&server->lock);
}

static struct share_request *call_end(struct p9_call *call)
{
	struct p9_server *server = call->server;
	struct p9_call **place = &server->calls;

	pthread_mutex_lock(&server->lock);
	while (*place != call)
		place = &(*place)->next;
	*place = call->next;
	pthread_mutex_unlock(&server->lock);
	return call->flushes;
}

static int read_body(struct p9_call *call, const struct p9_op *op)
{
	const struct share_request *request = call->request;
	u32 len;

	if (call->size < P9_HEADER || call->size > request->out_len || call->size > P9_MAX_MESSAGE)
		return -EINVAL;
	len = call->size - P9_HEADER;
	if (len < op->least)
		return -EINVAL;
	call->body = op->flags & OP_FIXED ? op->least : len;
	if (call->body > sizeof(call->in))
		return -E2BIG;
	if (iov_read(request->out, request->nr_out, P9_HEADER, call->in, call->body) != call->body)
		return -EINVAL;
	return 0;
}

static int run_op(struct p9_call *call, const struct p9_op *op)
{
	int ret = read_body(call, op);

	if (ret)
		return ret;
	if (!call->server->msize && call->type != P9_TVERSION)
		return -EPROTO;
	if (!(op->flags & OP_FID))
		return op->handle(call);
	call->fid = p9_fid_get(call->server, p9_u32(call));
	if (!call->fid)
		return -EBADF;
	ret = op->handle(call);
	p9_fid_put(call->server, call->fid);
	return ret;
}

static void p9_handle(struct share_protocol *protocol, struct share_request *request)
{
	u8 header[P9_HEADER];
	struct p9_call call;
	int ret;

	call.server = CONTAINER_OF(protocol, struct p9_server, protocol);
	call.request = request;
	if (iov_read(request->out, request->nr_out, 0, header, P9_HEADER) != P9_HEADER ||
	    request->in_len < P9_HEADER + 4) {
		request->done(request, 0);
		return;
	}
	memcpy(&call.size, header, 4);
	memcpy(&call.tag, header + 5, 2);
	call.size = le32toh(call.size);
	call.tag = le16toh(call.tag);
	call.type = header[4];
	call.body = call.at = call.reply = 0;
	call.bad = false;
	call.fid = NULL;
	call.most = MIN(request->in_len, call.server->msize ?: P9_MIN_MESSAGE) - P9_HEADER;
	call_begin(&call);
	ret = run_op(&call, find_op(call.type));
	if (ret == P9_LATER) {
		answer_flushes(call_end(&call));
		return;
	}
	/* What waits for this answer must not be answered before it. */
	request->done(request, write_answer(&call, ret));
	answer_flushes(call_end(&call));
}

struct export_caller p9_caller(const struct p9_call *call, const struct p9_fid *fid, u32 gid)
{
	/* One attach for all (access=any): the guest's kernel decides, as root. */
	return (struct export_caller){
		.uid = fid->uid == P9_NO_UID ? 0 : fid->uid,
		.gid = gid == P9_NO_UID ? 0 : gid,
	};
}

/* ---- the server ---- */

static void p9_reset(struct share_protocol *protocol)
{
	struct p9_server *server = CONTAINER_OF(protocol, struct p9_server, protocol);

	p9_fids_drop(server);
	server->msize = 0;
}

static void p9_destroy(struct share_protocol *protocol)
{
	struct p9_server *server = CONTAINER_OF(protocol, struct p9_server, protocol);

	p9_reset(protocol);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

static const struct share_protocol_ops p9_protocol = {
	.handle = p9_handle,
	.reset = p9_reset,
	.destroy = p9_destroy,
};

struct share_protocol *p9_create(struct export *export)
{
	struct p9_server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	server->protocol.ops = &p9_protocol;
	server->export = export;
	pthread_mutex_init(&server->lock, NULL);
	return &server->protocol;
}
