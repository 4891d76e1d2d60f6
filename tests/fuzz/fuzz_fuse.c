// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any requests of a guest to the FUSE server, in buffers cut anywhere, on a folder of its own. What must hold: each request ends
 * once, with an answer of the length and form it claims; a node is there for as long as the guest has counts of it, and no
 * longer; nothing beside the folder changes; a reset leaves nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fuzz.h"
#include "lkvm/share/fuse.h"
#include "../../share/export-private.h"
#include "../../share/fuse-private.h"

#define STEPS	   300
#define ARGS	   20000
#define ANSWER	   20000
#define MAX_NODES  64
#define MAX_FHS	   32
#define MAX_PARKED 32
/* Bytes of a file, and so of what a guest can make here. */
#define MAX_FILE   MIB(1)

int LLVMFuzzerInitialize(int *argc, char ***argv);

static char base[64], folder[96], outside[96];
static int home = -1;

static struct export *export;
static struct share_protocol *protocol;
static struct fuse *server;
static bool running; /* INIT was answered */

/* The model: what the guest knows, and how often. */
static struct {
	u64 node, count;
} known[MAX_NODES];
static unsigned nr_known;
static bool unknown_counts; /* there were more than fit */
static struct {
	u64 node, fh;
} fhs[MAX_FHS];
static unsigned nr_fhs;

struct request {
	struct share_request request;
	struct iovec out[16], in[16];
	u8 *sent, *answer;
	u32 ended, written; /* ended: atomic */
};

/* Those that wait for a lock, until something ends them. */
static struct request parked[MAX_PARKED];

#define check(holds) ((holds) ? (void)0 : check_failed(#holds, __LINE__))

static void check_failed(const char *what, int line)
{
	fprintf(stderr, "line %d: not so: %s\n", line, what);
	abort();
}

/* ---- the folder ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void remove_all(void)
{
	nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Findings go where they were to go, though the working folder is another by then. */
static char *absolute_prefix(const char *arg)
{
	static const char option[] = "-artifact_prefix=";
	char cwd[4096], *text;

	if (strncmp(arg, option, strlen(option)) || arg[strlen(option)] == '/' ||
	    !getcwd(cwd, sizeof(cwd)))
		return NULL;
	check(asprintf(&text, "%s%s/%s", option, cwd, arg + strlen(option)) > 0);
	return text;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct rlimit limit = { MAX_FILE, MAX_FILE };

	for (int i = 1; i < *argc; i++)
		(*argv)[i] = absolute_prefix((*argv)[i]) ?: (*argv)[i];
	snprintf(base, sizeof(base), "%s/lkvm-fuzz-XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	check(mkdtemp(base));
	snprintf(folder, sizeof(folder), "%s/folder", base);
	snprintf(outside, sizeof(outside), "%s/outside", base);
	home = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	check(home >= 0);
	setrlimit(RLIMIT_FSIZE, &limit);
	atexit(remove_all);
	return 0;
}

static void make_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	check(file && fputs(text, file) >= 0 && !fclose(file));
}

static void make_folder(void)
{
	char path[128];

	check(!mkdir(folder, 0755));
	make_file(outside, "outside");
	snprintf(path, sizeof(path), "%s/a", folder);
	make_file(path, "some text that is read");
	snprintf(path, sizeof(path), "%s/link", folder);
	check(!symlink("../outside", path));
	snprintf(path, sizeof(path), "%s/dir", folder);
	check(!mkdir(path, 0755));
}

/* Through a link, a name, or a descriptor: none of it is the guest's. */
static void check_outside(const struct stat *before)
{
	struct stat st;

	check(!stat(outside, &st));
	check(st.st_mode == before->st_mode && st.st_size == before->st_size &&
	      st.st_nlink == before->st_nlink && st.st_uid == before->st_uid &&
	      st.st_mtim.tv_nsec == before->st_mtim.tv_nsec &&
	      st.st_ctim.tv_nsec == before->st_ctim.tv_nsec);
	/* The folder, and the file beside it. */
	check(!stat(base, &st) && st.st_nlink == 3);
}

/* ---- the model ---- */

static void model_forget_all(void)
{
	nr_known = nr_fhs = 0;
	unknown_counts = false;
}

static void model_know(u64 node)
{
	if (node == FUSE_ROOT_ID)
		return;
	for (unsigned i = 0; i < nr_known; i++)
		if (known[i].node == node) {
			known[i].count++;
			return;
		}
	if (nr_known == MAX_NODES) {
		unknown_counts = true;
		return;
	}
	known[nr_known].node = node;
	known[nr_known++].count = 1;
}

static void model_forget(u64 node, u64 nr)
{
	for (unsigned i = 0; i < nr_known; i++)
		if (known[i].node == node)
			known[i].count -= MIN(nr, known[i].count);
}

static void check_known(void)
{
	for (unsigned i = 0; i < nr_known; i++) {
		struct export_node *node = export_find(export, known[i].node);

		if (!unknown_counts)
			check(!!node == !!known[i].count);
		if (node)
			export_node_put(node, 1);
	}
}

/* ---- requests ---- */

static void request_done(struct share_request *request, u32 written)
{
	struct request *r = CONTAINER_OF(request, struct request, request);

	r->written = written;
	check(!__atomic_exchange_n(&r->ended, 1, __ATOMIC_RELEASE));
}

static unsigned cut(struct fuzz *f, struct iovec *iov, u8 *bytes, u32 len)
{
	unsigned nr = 0;
	u8 how = fuzz8(f);

	for (; nr < 15 && len && how & 1; how >>= 1) {
		u32 n = MIN(len, (u32)fuzz8(f));

		iov[nr++] = (struct iovec){ bytes, n };
		bytes += n;
		len -= n;
	}
	iov[nr++] = (struct iovec){ bytes, len };
	return nr;
}

/* Of an entry that a request made or found. */
static void take_entry(const struct fuse_entry_out *entry)
{
	if (entry->nodeid)
		model_know(entry->nodeid);
}

static void take_entries(const u8 *at, const u8 *end)
{
	while (at < end) {
		const struct fuse_direntplus *entry = (const void *)at;

		check(at + FUSE_NAME_OFFSET_DIRENTPLUS <= end && entry->dirent.namelen <= NAME_MAX);
		at += FUSE_DIRENTPLUS_SIZE(entry);
		check(at <= end);
		take_entry(&entry->entry_out);
	}
}

static void take_fh(u64 node, const struct fuse_open_out *out)
{
	unsigned slot = nr_fhs < MAX_FHS ? nr_fhs++ : out->fh % MAX_FHS;

	fhs[slot].node = node;
	fhs[slot].fh = out->fh;
}

static void take_success(const struct fuse_in_header *header, const u8 *body, u32 len)
{
	const struct fuse_entry_out *entry = (const void *)body;
	const struct fuse_init_out *init = (const void *)body;

	switch (header->opcode) {
	case FUSE_LOOKUP:
	case FUSE_SYMLINK:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_LINK:
		check(len == sizeof(*entry));
		take_entry(entry);
		break;
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		check(len == sizeof(*entry) + sizeof(struct fuse_open_out));
		take_entry(entry);
		take_fh(entry->nodeid, (const void *)(entry + 1));
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		take_fh(header->nodeid, (const void *)body);
		break;
	case FUSE_READDIRPLUS:
		take_entries(body, body + len);
		break;
	case FUSE_INIT:
		check(init->major == 7);
		running = true;
		model_forget_all();
		break;
	case FUSE_DESTROY:
		running = false;
		model_forget_all();
		break;
	}
}

static void take_silent(const struct fuse_in_header *header, const u8 *args, u32 len)
{
	const struct fuse_batch_forget_in *batch = (const void *)args;
	const struct fuse_forget_one *one = (const void *)(batch + 1);

	if (!running || header->len < sizeof(*header))
		return;
	if (header->opcode == FUSE_FORGET && len >= sizeof(struct fuse_forget_in))
		model_forget(header->nodeid, ((const struct fuse_forget_in *)args)->nlookup);
	if (header->opcode != FUSE_BATCH_FORGET || len < sizeof(*batch))
		return;
	for (u32 i = 0; i < batch->count && (i + 1) * sizeof(*one) + sizeof(*batch) <= len; i++)
		model_forget(one[i].nodeid, one[i].nlookup);
}

static void check_answer(const struct request *r)
{
	const struct fuse_in_header *header = (const void *)r->sent;
	const struct fuse_out_header *out = (const void *)r->answer;

	check(r->written <= r->request.in_len);
	if (!r->written)
		return;
	check(r->written >= sizeof(*out) && out->len == r->written);
	check(out->unique == header->unique && out->error <= 0 && out->error > -512);
	check(!out->error || out->len == sizeof(*out));
}

static struct request *free_request(void)
{
	for (unsigned i = 0; i < MAX_PARKED; i++)
		if (__atomic_load_n(&parked[i].ended, __ATOMIC_ACQUIRE))
			return &parked[i];
	return NULL;
}

static void play(struct fuzz *f, const struct fuse_in_header *header, const u8 *args, u32 len,
		 u32 in_len)
{
	struct request *r = free_request();
	u32 sent = MIN((u32)sizeof(*header) + len, (u32)(sizeof(*header) + ARGS));

	if (!r)
		return;
	memcpy(r->sent, header, sizeof(*header));
	memcpy(r->sent + sizeof(*header), args, sent - sizeof(*header));
	memset(r->answer + in_len, 0xa5, 16);
	r->request = (struct share_request){
		.out = r->out,
		.in = r->in,
		.nr_out = cut(f, r->out, r->sent, sent),
		.nr_in = cut(f, r->in, r->answer, in_len),
		.out_len = sent,
		.in_len = in_len,
		.done = request_done,
	};
	r->ended = 0;
	bool silent = header->opcode == FUSE_FORGET || header->opcode == FUSE_BATCH_FORGET;
	/* A length that is not there is refused. */
	if (silent && header->len <= sent)
		take_silent(header, args, header->len - (u32)sizeof(*header));
	protocol->ops->handle(protocol, &r->request);
	if (!__atomic_load_n(&r->ended, __ATOMIC_ACQUIRE)) {
		check(header->opcode == FUSE_SETLKW);
		return;
	}
	check_answer(r);
	for (unsigned i = 0; i < 16; i++)
		check(r->answer[in_len + i] == 0xa5);
	if (r->written && !((struct fuse_out_header *)r->answer)->error)
		take_success(header, r->answer + sizeof(struct fuse_out_header),
			     r->written - sizeof(struct fuse_out_header));
}

/* ---- choices ---- */

static u64 choose_node(struct fuzz *f)
{
	u8 how = fuzz8(f);

	if (how < 64 || !nr_known)
		return FUSE_ROOT_ID;
	if (how < 240)
		return known[how % nr_known].node;
	return how < 250 ? how : ~(u64)fuzz32(f);
}

/* Mostly one of the node's. */
static u64 choose_fh(struct fuzz *f, u64 *node)
{
	u8 how = fuzz8(f);

	if (how >= 240 || !nr_fhs)
		return (u64)fuzz8(f) << 32 | fuzz8(f);
	*node = fhs[how % nr_fhs].node;
	return fhs[how % nr_fhs].fh;
}

static u32 put_name(struct fuzz *f, u8 *to)
{
	static const char *const names[] = { "a",  "b",	   "c",	   "dir",	 "link", "e",
					     "..", ".",	   "",	   "../outside", "a/b",	 "dir/c",
					     "f",  "\xff", "/etc", "g" };
	u8 how = fuzz8(f);
	const char *name = names[how % ARRAY_SIZE(names)];

	if (how >= 250) {
		u32 len = fuzz16(f) % 5000;

		memset(to, 'x', len);
		to[len] = 0;
		return len + 1;
	}
	strcpy((char *)to, name);
	return strlen(name) + 1 - (how == 249);
}

/* Numbers as requests have them: small, or at an edge. */
static u64 choose_number(struct fuzz *f)
{
	u8 how = fuzz8(f);

	switch (how >> 5) {
	case 7:
		return ~0ull;
	case 6:
		return INT64_MAX - how % 3;
	case 5:
		return fuzz32(f);
	default:
		return how;
	}
}

static void fill_numbers(struct fuzz *f, u8 *args, u32 len)
{
	for (u32 i = 0; i < len; i += 4) {
		u32 number = choose_number(f);

		memcpy(args + i, &number, 4);
	}
}

struct shape {
	u8 opcode, fixed, names; /* bytes of fixed arguments, names after them */
	int8_t fh, node;	 /* where a handle is, another node's number; -1: nowhere */
};

#define SHAPE(op, type, names, fh, node)                                                           \
	{                                                                                          \
		FUSE_##op, sizeof(struct fuse_##type##_in), names, fh, node                        \
	}

static const struct shape shapes[] = {
	{ FUSE_LOOKUP, 0, 1, -1, -1 },
	SHAPE(FORGET, forget, 0, -1, -1),
	SHAPE(GETATTR, getattr, 0, 8, -1),
	SHAPE(SETATTR, setattr, 0, 8, -1),
	{ FUSE_READLINK, 0, 0, -1, -1 },
	{ FUSE_SYMLINK, 0, 2, -1, -1 },
	SHAPE(MKNOD, mknod, 1, -1, -1),
	SHAPE(MKDIR, mkdir, 1, -1, -1),
	{ FUSE_UNLINK, 0, 1, -1, -1 },
	{ FUSE_RMDIR, 0, 1, -1, -1 },
	SHAPE(RENAME, rename, 2, -1, 0),
	SHAPE(LINK, link, 1, -1, 0),
	SHAPE(OPEN, open, 0, -1, -1),
	SHAPE(READ, read, 0, 0, -1),
	SHAPE(WRITE, write, 1, 0, -1),
	{ FUSE_STATFS, 0, 0, -1, -1 },
	SHAPE(RELEASE, release, 0, 0, -1),
	SHAPE(FSYNC, fsync, 0, 0, -1),
	SHAPE(SETXATTR, setxattr, 2, -1, -1),
	SHAPE(GETXATTR, getxattr, 1, -1, -1),
	SHAPE(LISTXATTR, getxattr, 0, -1, -1),
	{ FUSE_REMOVEXATTR, 0, 1, -1, -1 },
	SHAPE(FLUSH, flush, 0, 0, -1),
	SHAPE(OPENDIR, open, 0, -1, -1),
	SHAPE(READDIR, read, 0, 0, -1),
	SHAPE(RELEASEDIR, release, 0, 0, -1),
	SHAPE(FSYNCDIR, fsync, 0, 0, -1),
	SHAPE(GETLK, lk, 0, 0, -1),
	SHAPE(SETLK, lk, 0, 0, -1),
	SHAPE(SETLKW, lk, 0, 0, -1),
	SHAPE(ACCESS, access, 0, -1, -1),
	SHAPE(CREATE, create, 1, -1, -1),
	SHAPE(INTERRUPT, interrupt, 0, -1, -1),
	SHAPE(FALLOCATE, fallocate, 0, 0, -1),
	SHAPE(READDIRPLUS, read, 0, 0, -1),
	SHAPE(RENAME2, rename2, 2, -1, 0),
	SHAPE(LSEEK, lseek, 0, 0, -1),
	SHAPE(COPY_FILE_RANGE, copy_file_range, 0, 0, 16),
	SHAPE(SYNCFS, syncfs, 0, -1, -1),
	SHAPE(TMPFILE, create, 1, -1, -1),
};

/* Some as Linux would send it, the rest as it comes. */
static u32 shaped(struct fuzz *f, const struct shape *shape, struct fuse_in_header *header,
		  u8 *args)
{
	u32 len = shape->fixed;
	u64 number;

	header->opcode = shape->opcode;
	header->nodeid = choose_node(f);
	fill_numbers(f, args, len);
	if (shape->fh >= 0) {
		number = choose_fh(f, &header->nodeid);
		memcpy(args + shape->fh, &number, sizeof(number));
	}
	if (shape->node >= 0) {
		number = choose_node(f);
		memcpy(args + shape->node, &number, sizeof(number));
	}
	if (shape->opcode == FUSE_COPY_FILE_RANGE) {
		struct fuse_copy_file_range_in *in = (void *)args;

		in->flags = 0;
		in->fh_out = choose_fh(f, &in->nodeid_out);
	}
	for (unsigned i = 0; i < shape->names; i++)
		len += put_name(f, args + len);
	return len;
}

static void random_request(struct fuzz *f)
{
	struct fuse_in_header header = { .unique = fuzz8(f), .pid = 1 };
	static u8 args[ARGS + 8192];
	u8 how = fuzz8(f);
	u32 len;

	if (how < 230) {
		len = shaped(f, &shapes[how % ARRAY_SIZE(shapes)], &header, args);
	} else {
		static const u8 opcodes[] = { FUSE_BATCH_FORGET, FUSE_OP_STATX, 53, 0 };

		header.opcode = opcodes[how % 4] ?: fuzz32(f);
		header.nodeid = choose_node(f);
		len = fuzz16(f) % ARGS;
		memset(args, 0, len);
		fuzz_bytes(f, args, MIN(len, 200u));
	}
	header.len = sizeof(header) + len;
	how = fuzz8(f);
	if (how >= 250)
		header.len += (int8_t)fuzz8(f);
	header.total_extlen = how == 249;
	/* Mostly enough. */
	u32 in_len = how & 1 ? 4096 : how & 2 ? ANSWER : how;
	play(f, &header, args, len, in_len);
}

static void init(struct fuzz *f)
{
	const struct fuse_init_in in = {
		.major = 7, .minor = 41, .flags = fuzz32(f) | FUSE_INIT_EXT, .flags2 = fuzz32(f)
	};
	const struct fuse_in_header header = { .len = sizeof(header) + sizeof(in),
					       .opcode = FUSE_INIT,
					       .unique = 1 };

	play(f, &header, (const u8 *)&in, sizeof(in), 4096);
}

static void reset(void)
{
	protocol->ops->reset(protocol);
	check(!server->nr_handles && !server->nr_waits && !server->waits);
	check(export->nr_nodes == 1 && !export->nr_files && !export->nr_owners);
	for (unsigned i = 0; i < MAX_PARKED; i++)
		check(parked[i].ended);
	model_forget_all();
	running = false;
}

static void begin(struct fuzz *f)
{
	u8 how = fuzz8(f);
	struct export_config config = {
		.folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC),
		.proc_fds = -1,
		.root = false,
		.readonly = how & 4 && how & 8 && how & 16,
		.submounts = how & 32,
		.descriptors = how & 64 ? 64 : 500,
	};
	const struct fuse_config fuse = { .cache = how & 3, .submounts = how & 32 };

	check(config.folder >= 0 && !export_open(&export, &config));
	protocol = fuse_create(export, &fuse);
	check(protocol);
	server = CONTAINER_OF(protocol, struct fuse, protocol);
	for (unsigned i = 0; i < MAX_PARKED; i++) {
		parked[i].ended = 1;
		/* Just as long as a request may be, so that the sanitizer sees what is beyond. */
		if (!parked[i].sent) {
			parked[i].sent = malloc(sizeof(struct fuse_in_header) + ARGS);
			parked[i].answer = malloc(ANSWER + 16);
		}
		check(parked[i].sent && parked[i].answer);
	}
	init(f);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz f = { data, size };
	struct stat before;

	/* libFuzzer has one of its own by now. */
	signal(SIGXFSZ, SIG_IGN);
	make_folder();
	check(!stat(outside, &before));
	begin(&f);
	for (unsigned i = 0; f.left && i < STEPS; i++) {
		u8 how = fuzz8(&f);

		if (how < 2)
			reset();
		else if (how < 6)
			init(&f);
		else
			random_request(&f);
		check_known();
	}
	check_outside(&before);
	reset();
	protocol->ops->destroy(protocol);
	export_close(export);
	check(!fchdir(home));
	check(!nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) && !unlink(outside));
	return 0;
}
