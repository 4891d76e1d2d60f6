/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's side of FUSE: requests, in buffers cut up as a queue's may be, and their answers, which are checked for form. */
#ifndef TEST_FUSE_GUEST_H
#define TEST_FUSE_GUEST_H

#include <semaphore.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include "export_folder.h"
#include "lkvm/share/fuse.h"
#include "../../share/fuse-private.h"

#define GUEST_BUFFER (FUSE_MAX_WRITE + 4096)

struct guest_request {
	struct share_request request;
	struct iovec out[40], in[40];
	u8 *sent, *answer;
	u32 written;
	bool ended;
	sem_t over;
};

static struct share_protocol *protocol;
static struct fuse *server;
static __thread struct guest_request guest;
static __thread u64 last_unique;
/* Bytes of the first buffers of a request; 0: one buffer. */
static u32 guest_cut = sizeof(struct fuse_in_header);
static u32 guest_uid, guest_gid;

static inline void guest_done(struct share_request *request, u32 written)
{
	struct guest_request *r = CONTAINER_OF(request, struct guest_request, request);

	assert_false(r->ended);
	r->ended = true;
	r->written = written;
	sem_post(&r->over);
}

static inline unsigned guest_iovecs(struct iovec *iov, u8 *bytes, u32 len)
{
	unsigned nr = 0;

	while (len && nr < 39 && guest_cut) {
		u32 n = MIN(len, guest_cut);

		iov[nr++] = (struct iovec){ bytes, n };
		bytes += n;
		len -= n;
	}
	if (len)
		iov[nr++] = (struct iovec){ bytes, len };
	return nr;
}

static inline void guest_begin(struct guest_request *r, u32 opcode, u64 node, const void *args,
			       u32 len, u32 in_len)
{
	const struct fuse_in_header header = {
		.len = sizeof(header) + len,
		.opcode = opcode,
		.unique = last_unique += 2,
		.nodeid = node,
		.uid = guest_uid,
		.gid = guest_gid,
		.pid = 42,
	};

	if (!r->sent) {
		r->sent = malloc(GUEST_BUFFER);
		r->answer = malloc(GUEST_BUFFER);
		assert_true(r->sent && r->answer && !sem_init(&r->over, 0, 0));
	}
	memcpy(r->sent, &header, sizeof(header));
	if (len)
		memcpy(r->sent + sizeof(header), args, len);
	memset(r->answer, 0xa5, in_len + 16);
	r->request = (struct share_request){
		.out = r->out,
		.in = r->in,
		.nr_out = guest_iovecs(r->out, r->sent, header.len),
		.nr_in = guest_iovecs(r->in, r->answer, in_len),
		.out_len = header.len,
		.in_len = in_len,
		.done = guest_done,
	};
	r->ended = false;
	protocol->ops->handle(protocol, &r->request);
}

/* Waits for the answer: the error it tells. Its body is at guest_body(). */
static inline int guest_end(struct guest_request *r)
{
	const struct fuse_out_header *header = (void *)r->answer;

	sem_wait(&r->over);
	if (!r->request.in_len) {
		assert_int_equal(r->written, 0);
		return 0;
	}
	assert_true(r->written >= sizeof(*header) && r->written <= r->request.in_len);
	assert_int_equal(header->len, r->written);
	assert_int_equal(header->unique, ((struct fuse_in_header *)r->sent)->unique);
	assert_in_range(-header->error, 0, 511);
	if (header->error)
		assert_int_equal(header->len, sizeof(*header));
	/* Nothing was written behind it. */
	assert_int_equal(r->answer[r->written], 0xa5);
	return header->error;
}

static inline void guest_free(struct guest_request *r)
{
	free(r->sent);
	free(r->answer);
	r->sent = r->answer = NULL;
}

static inline int ask_len(u32 opcode, u64 node, const void *args, u32 len, u32 body)
{
	guest_begin(&guest, opcode, node, args, len, sizeof(struct fuse_out_header) + body);
	return guest_end(&guest);
}

static inline int ask(u32 opcode, u64 node, const void *args, u32 len)
{
	return ask_len(opcode, node, args, len, 512);
}

static inline void tell(u32 opcode, u64 node, const void *args, u32 len)
{
	guest_begin(&guest, opcode, node, args, len, 0);
	guest_end(&guest);
}

static inline void *guest_body(void)
{
	return guest.answer + sizeof(struct fuse_out_header);
}

static inline u32 guest_body_len(void)
{
	return guest.written - sizeof(struct fuse_out_header);
}

/* Fixed arguments, then names. */
static inline u32 join(u8 *to, const void *args, u32 len, const char *name, const char *second)
{
	memcpy(to, args, len);
	if (name) {
		strcpy((char *)to + len, name);
		len += strlen(name) + 1;
	}
	if (second) {
		strcpy((char *)to + len, second);
		len += strlen(second) + 1;
	}
	return len;
}

static inline int ask_name(u32 opcode, u64 node, const void *args, u32 len, const char *name,
			   const char *second)
{
	u8 bytes[8192];

	return ask(opcode, node, bytes, join(bytes, args, len, name, second));
}

/* ---- requests ---- */

static inline int guest_init(u64 flags)
{
	const struct fuse_init_in in = {
		.major = 7,
		.minor = 41,
		.max_readahead = 128 << 10,
		.flags = flags | FUSE_INIT_EXT,
		.flags2 = flags >> 32,
	};

	return ask(FUSE_INIT, 0, &in, sizeof(in));
}

/* An entry that is there: its node, which the guest then knows once more. */
static inline u64 entry_node(void)
{
	const struct fuse_entry_out *entry = guest_body();

	assert_int_not_equal(entry->nodeid, 0);
	return entry->nodeid;
}

static inline int lookup_err(u64 parent, const char *name)
{
	int err = ask_name(FUSE_LOOKUP, parent, "", 0, name, NULL);

	if (!err && !((struct fuse_entry_out *)guest_body())->nodeid)
		return -ENOENT;
	return err;
}

static inline u64 lookup(u64 parent, const char *name)
{
	assert_int_equal(lookup_err(parent, name), 0);
	return entry_node();
}

static inline void forget(u64 node, u64 nr)
{
	const struct fuse_forget_in in = { .nlookup = nr };

	tell(FUSE_FORGET, node, &in, sizeof(in));
}

static inline int getattr(u64 node, struct fuse_attr *attr)
{
	const struct fuse_getattr_in in = { 0 };
	int err = ask(FUSE_GETATTR, node, &in, sizeof(in));

	if (!err && attr)
		*attr = ((struct fuse_attr_out *)guest_body())->attr;
	return err;
}

static inline u64 opened_fh(const void *answer)
{
	return ((const struct fuse_open_out *)answer)->fh;
}

static inline int create_err(u64 parent, const char *name, u32 flags, u32 mode, u64 *fh)
{
	const struct fuse_create_in in = { .flags = flags, .mode = S_IFREG | mode };
	int err = ask_name(FUSE_CREATE, parent, &in, sizeof(in), name, NULL);

	if (fh)
		*fh = err ? 0 : opened_fh((struct fuse_entry_out *)guest_body() + 1);
	return err;
}

static inline u64 create(u64 parent, const char *name, u32 flags, u64 *fh)
{
	assert_int_equal(create_err(parent, name, flags | O_CREAT | O_EXCL, 0644, fh), 0);
	return entry_node();
}

static inline int open_fh(u32 opcode, u64 node, u32 flags, u64 *fh)
{
	const struct fuse_open_in in = { .flags = flags };
	int err = ask(opcode, node, &in, sizeof(in));

	*fh = err ? 0 : opened_fh(guest_body());
	return err;
}

static inline int release(u32 opcode, u64 node, u64 fh)
{
	const struct fuse_release_in in = { .fh = fh };

	return ask(opcode, node, &in, sizeof(in));
}

static inline int write_flags(u64 node, u64 fh, u64 offset, const void *bytes, u32 len, u32 flags)
{
	const struct fuse_write_in in = {
		.fh = fh, .offset = offset, .size = len, .write_flags = flags
	};
	u8 *args = malloc(sizeof(in) + len);

	memcpy(args, &in, sizeof(in));
	memcpy(args + sizeof(in), bytes, len);
	int err = ask_len(FUSE_WRITE, node, args, sizeof(in) + len, sizeof(struct fuse_write_out));
	free(args);
	return err ?: (int)((struct fuse_write_out *)guest_body())->size;
}

static inline int write_at(u64 node, u64 fh, u64 offset, const char *text)
{
	return write_flags(node, fh, offset, text, strlen(text), 0);
}

/* Bytes, at guest_body(), or -errno. */
static inline int read_at(u64 node, u64 fh, u64 offset, u32 size)
{
	const struct fuse_read_in in = { .fh = fh, .offset = offset, .size = size };
	int err = ask_len(FUSE_READ, node, &in, sizeof(in), size);

	return err ?: (int)guest_body_len();
}

static inline void assert_reads(u64 node, u64 fh, const char *text)
{
	assert_int_equal(read_at(node, fh, 0, 4096), strlen(text));
	assert_memory_equal(guest_body(), text, strlen(text));
}

/* ---- the server ---- */

static inline void guest_boot(enum fuse_cache cache)
{
	const struct fuse_config config = { .cache = cache };

	protocol = fuse_create(export, &config);
	assert_non_null(protocol);
	server = CONTAINER_OF(protocol, struct fuse, protocol);
	assert_int_equal(guest_init(-1ull), 0);
}

static inline void guest_reset(void)
{
	protocol->ops->reset(protocol);
	assert_int_equal(server->nr_handles, 0);
	assert_int_equal(server->nr_waits, 0);
	assert_null(server->waits);
}

static inline int guest_setup(void **state)
{
	guest_cut = sizeof(struct fuse_in_header);
	guest_uid = guest_gid = 0;
	if (folder_begin(state))
		return -1;
	guest_boot(FUSE_CACHE_AUTO);
	return 0;
}

/* The folder's own check sees descriptors and counts that are left. */
static inline int guest_teardown(void **state)
{
	guest_reset();
	protocol->ops->destroy(protocol);
	return folder_end(state);
}

/* Another cache than the one of the set-up. */
static inline void guest_boot_again(enum fuse_cache cache)
{
	guest_reset();
	protocol->ops->destroy(protocol);
	guest_boot(cache);
}

#define GUEST(test) cmocka_unit_test_setup_teardown(test, guest_setup, guest_teardown)

#endif
