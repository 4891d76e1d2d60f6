// SPDX-License-Identifier: GPL-2.0-or-later
/* The FUSE server's protocol: versions and flags, requests of bad form, what the guest knows and forgets, handles. */
#include <sched.h>
#include <sys/mount.h>
#include "fuse_guest.h"

#define ROOT 1

static void versions(void **state)
{
	struct fuse_init_in in = { .major = 7, .minor = 31, .flags = FUSE_ASYNC_READ };
	const struct fuse_init_out *out = guest_body();

	/* Linux 5.4: a shorter request, and nothing of what is newer. */
	assert_int_equal(ask(FUSE_INIT, 0, &in, 16), 0);
	assert_int_equal(out->minor, 31);
	assert_int_equal(out->flags, FUSE_ASYNC_READ);
	in.minor = 30;
	assert_int_equal(ask(FUSE_INIT, 0, &in, 16), -EPROTO);
	in.major = 6;
	assert_int_equal(ask(FUSE_INIT, 0, &in, 16), -EPROTO);
	in.major = 8;
	assert_int_equal(ask(FUSE_INIT, 0, &in, sizeof(in)), 0);
	assert_int_equal(out->major, 7);
	assert_int_equal(guest_init(-1ull), 0);
	assert_int_equal(out->minor, 41);
	assert_int_equal(out->max_write, MIB(1));
	assert_int_equal(out->max_pages, 256);
	assert_int_equal(out->time_gran, 1);
}

static u64 agreed(enum fuse_cache cache)
{
	const struct fuse_init_out *out = guest_body();

	guest_boot_again(cache);
	return out->flags | (u64)out->flags2 << 32;
}

static void flags_of_caches(void **state)
{
	assert_true(agreed(FUSE_CACHE_NONE) & FUSE_INIT_DIRECT_IO_ALLOW_MMAP);
	assert_true(agreed(FUSE_CACHE_AUTO) & FUSE_AUTO_INVAL_DATA);
	assert_false(agreed(FUSE_CACHE_AUTO) & FUSE_WRITEBACK_CACHE);
	assert_false(agreed(FUSE_CACHE_ALWAYS) & (FUSE_WRITEBACK_CACHE | FUSE_AUTO_INVAL_DATA));
	assert_true(agreed(FUSE_CACHE_WRITEBACK) & FUSE_WRITEBACK_CACHE);
	/* Nothing that nobody asked for: submounts, DAX, passthrough, and what is not known yet. */
	assert_false(agreed(FUSE_CACHE_AUTO) & FUSE_SUBMOUNTS);
	assert_false(agreed(FUSE_CACHE_WRITEBACK) & (FUSE_MAP_ALIGNMENT | FUSE_HAS_INODE_DAX));
	assert_int_equal(agreed(FUSE_CACHE_WRITEBACK) >> 41, 0);
}

static void before_init(void **state)
{
	guest_reset();
	assert_int_equal(getattr(ROOT, NULL), -EIO);
	assert_int_equal(lookup_err(ROOT, "x"), -EIO);
	forget(ROOT, 1);
	assert_int_equal(guest_init(0), 0);
	assert_int_equal(getattr(ROOT, NULL), 0);
	assert_int_equal(ask(FUSE_DESTROY, 0, "", 0), 0);
	assert_int_equal(getattr(ROOT, NULL), -EIO);
}

static void unknown_requests(void **state)
{
	static const u32 none[] = { 0,
				    7,
				    19,
				    54,
				    4095,
				    4096,
				    1048576,
				    -1u,
				    FUSE_BMAP,
				    FUSE_POLL,
				    FUSE_SETUPMAPPING,
				    FUSE_REMOVEMAPPING };

	for (unsigned i = 0; i < ARRAY_SIZE(none); i++)
		assert_int_equal(ask(none[i], ROOT, "0123456789abcdef", 16), -ENOSYS);
	assert_int_equal(ask(FUSE_IOCTL, ROOT, "0123456789abcdef", 16), -ENOTTY);
}

/* Sends a request as it is. */
static u32 raw(const void *bytes, u32 out_len, u32 in_len)
{
	struct iovec out = { (void *)bytes, out_len }, in = { guest.answer, in_len };

	guest.request = (struct share_request){ .out = &out, .in = &in, .nr_out = 1, .nr_in = 1 };
	guest.request.out_len = out_len;
	guest.request.in_len = in_len;
	guest.request.done = guest_done;
	guest.ended = false;
	protocol->ops->handle(protocol, &guest.request);
	sem_wait(&guest.over);
	return guest.written;
}

static void bad_forms(void **state)
{
	struct {
		struct fuse_in_header header;
		char name[8];
	} request = { { .len = 42, .opcode = FUSE_LOOKUP, .unique = 9, .nodeid = ROOT }, "a" };
	const struct fuse_out_header *out = (void *)guest.answer;

	host_file("a", "", 0644);
	assert_int_equal(raw(&request, 42, 144), 144);
	/* Too short for a header, and no place for one in the answer. */
	assert_int_equal(raw(&request, 39, 144), 0);
	assert_int_equal(raw(&request, 0, 144), 0);
	assert_int_equal(raw(&request, 42, 15), 0);
	/* Too little place for the answer. */
	assert_int_equal(raw(&request, 42, 143), 16);
	assert_int_equal(out->error, -EINVAL);
	/* A length that is not there, one below the header's, a name without an end. */
	request.header.len = 43;
	assert_int_equal(raw(&request, 42, 144), 16);
	request.header.len = 39;
	assert_int_equal(raw(&request, 42, 144), 16);
	request.header.len = 44;
	memcpy(request.name, "abcd", 4);
	assert_int_equal(raw(&request, 44, 144), 16);
	assert_int_equal(out->error, -EINVAL);
	assert_int_equal(out->unique, 9);
	/* It was asked once with success. */
	export_forget(export, lookup(ROOT, "a"), 2);
}

static void every_request_too_short(void **state)
{
	u8 bytes[128] = { 0 };

	for (u32 op = 1; op < 64; op++) {
		for (u32 len = 0; len < 80; len += 7) {
			if (op == FUSE_DESTROY || op == FUSE_INIT)
				continue;
			ask_len(op, ROOT, bytes, len, 0);
			ask_len(op, 99, bytes, len, 300);
			ask_len(op, ROOT, bytes, len, 300);
		}
	}
	assert_int_equal(getattr(ROOT, NULL), 0);
}

static void cut_anywhere(void **state)
{
	u64 fh, node = create(ROOT, "file", O_RDWR, &fh);

	for (guest_cut = 0; guest_cut < 70; guest_cut++) {
		assert_int_equal(lookup(ROOT, "file"), node);
		assert_int_equal(write_at(node, fh, 0,
					  "what was written, and is longer than "
					  "one of the buffers is"),
				 58);
		assert_reads(node, fh,
			     "what was written, and is longer than one of the buffers is");
		assert_int_equal(read_at(node, fh, 5, 3), 3);
		assert_memory_equal(guest_body(), "was", 3);
	}
	assert_int_equal(release(FUSE_RELEASE, node, fh), 0);
}

/* ---- what the guest knows ---- */

static void forgotten(void **state)
{
	struct fuse_attr attr;

	host_file("a", "12345", 0644);
	u64 node = lookup(ROOT, "a");
	assert_int_equal(lookup(ROOT, "a"), node);
	assert_int_equal(getattr(node, &attr), 0);
	assert_int_equal(attr.size, 5);
	forget(node, 1);
	assert_int_equal(getattr(node, NULL), 0);
	forget(node, 1);
	assert_int_equal(getattr(node, NULL), -ESTALE);
	/* Forged: of nobody, and more than there are. */
	forget(node, 5);
	forget(~0ull, 5);
	forget(0, 5);
	u64 again = lookup(ROOT, "a");
	assert_int_not_equal(again, node);
	assert_int_equal(getattr(node, NULL), -ESTALE);
	forget(again, ~0ull);
	assert_int_equal(getattr(again, NULL), -ESTALE);
	forget(ROOT, ~0ull);
	assert_int_equal(getattr(ROOT, NULL), 0);
}

static void forgotten_at_once(void **state)
{
	struct {
		struct fuse_batch_forget_in in;
		struct fuse_forget_one one[100];
	} batch = { .in.count = 100 };
	char name[8];

	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "%u", i);
		host_file(name, "", 0644);
		batch.one[i] = (struct fuse_forget_one){ lookup(ROOT, name), 1 };
	}
	tell(FUSE_BATCH_FORGET, 0, &batch, sizeof(batch));
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(getattr(batch.one[i].nodeid, NULL), -ESTALE);
	/* More than it brings. */
	batch.one[0].nodeid = lookup(ROOT, "0");
	batch.in.count = ~0u;
	tell(FUSE_BATCH_FORGET, 0, &batch, 8 + 16);
	assert_int_equal(getattr(batch.one[0].nodeid, NULL), -ESTALE);
}

static void used_while_forgotten(void **state)
{
	u64 fh, node = create(ROOT, "a", O_RDWR, &fh);

	forget(node, ~0ull);
	assert_int_equal(getattr(node, NULL), -ESTALE);
	assert_int_equal(write_at(node, fh, 0, "still"), 5);
	assert_reads(node, fh, "still");
	assert_int_equal(release(FUSE_RELEASE, node, fh), 0);
}

static void not_there(void **state)
{
	const struct fuse_entry_out *entry = guest_body();

	/* For as long as one that is there would be believed. */
	assert_int_equal(ask_name(FUSE_LOOKUP, ROOT, "", 0, "none", NULL), 0);
	assert_int_equal(entry->nodeid, 0);
	assert_int_equal(entry->entry_valid, 1);
	guest_boot_again(FUSE_CACHE_NONE);
	assert_int_equal(ask_name(FUSE_LOOKUP, ROOT, "", 0, "none", NULL), -ENOENT);
}

static void dots(void **state)
{
	mkdir(path_of("sub"), 0755);
	u64 sub = lookup(ROOT, "sub");

	assert_int_equal(lookup(sub, "."), sub);
	assert_int_equal(lookup(sub, ".."), ROOT);
	assert_int_equal(lookup(ROOT, ".."), ROOT);
	assert_int_equal(lookup_err(ROOT, "sub/.."), -EINVAL);
	assert_int_equal(lookup_err(ROOT, ""), -EINVAL);
	forget(sub, 2);
}

/* ---- handles ---- */

static void forged_handles(void **state)
{
	u64 fh, other, node = create(ROOT, "a", O_RDWR, &fh), b = create(ROOT, "b", O_RDWR, &other);
	static const u64 wrong[] = { 0, 1, 63, 64, ~0ull, 1ull << 32, 2ull << 32 | 5, 1ull << 63 };

	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		if (wrong[i] == fh || wrong[i] == other)
			continue;
		assert_int_equal(read_at(node, wrong[i], 0, 10), -EBADF);
		assert_int_equal(write_at(node, wrong[i], 0, "x"), -EBADF);
		assert_int_equal(release(FUSE_RELEASE, node, wrong[i]), -EBADF);
	}
	/* Somebody else's. */
	assert_int_equal(read_at(node, other, 0, 10), -EBADF);
	assert_int_equal(release(FUSE_RELEASE, b, fh), -EBADF);
	assert_int_equal(release(FUSE_RELEASE, node, fh), 0);
	assert_int_equal(release(FUSE_RELEASE, node, fh), -EBADF);
	/* The next has the same place, and another generation. */
	u64 next;
	assert_int_equal(open_fh(FUSE_OPEN, node, O_RDONLY, &next), 0);
	assert_int_equal((u32)next, (u32)fh);
	assert_int_equal(read_at(node, fh, 0, 10), -EBADF);
	assert_int_equal(read_at(node, next, 0, 10), 0);
}

static void many_handles(void **state)
{
	u64 fh[300], node = create(ROOT, "a", O_RDWR, &fh[0]);

	for (unsigned i = 1; i < ARRAY_SIZE(fh); i++)
		assert_int_equal(open_fh(FUSE_OPEN, node, O_RDWR, &fh[i]), 0);
	assert_int_equal(server->nr_handles, ARRAY_SIZE(fh));
	for (unsigned i = 0; i < ARRAY_SIZE(fh); i += 2)
		assert_int_equal(release(FUSE_RELEASE, node, fh[i]), 0);
	assert_int_equal(write_at(node, fh[299], 0, "x"), 1);
	/* The rest is for the reset. */
}

static void too_many_handles(void **state)
{
	u64 fh, node = create(ROOT, "a", O_RDWR, &fh);
	unsigned nr = 0;
	int err = 0;

	while (!err && nr++ < 2 * EXPORT_MAX_FILES)
		err = open_fh(FUSE_OPEN, node, O_RDONLY, &fh);
	assert_true(err == -EMFILE || err == -ENFILE);
	assert_int_equal(getattr(node, NULL), 0);
	guest_reset();
	assert_int_equal(guest_init(0), 0);
	node = lookup(ROOT, "a");
	assert_int_equal(open_fh(FUSE_OPEN, node, O_RDONLY, &fh), 0);
}

static void read_only(void **state)
{
	u64 fh;

	protocol->ops->destroy(protocol);
	close_export();
	host_file("a", "text", 0644);
	open_export_with((struct export_config){ .readonly = true });
	guest_boot(FUSE_CACHE_AUTO);
	u64 node = lookup(ROOT, "a");
	assert_int_equal(create_err(ROOT, "b", O_RDWR | O_CREAT, 0644, &fh), -EROFS);
	assert_int_equal(open_fh(FUSE_OPEN, node, O_RDWR, &fh), -EROFS);
	assert_int_equal(ask_name(FUSE_UNLINK, ROOT, "", 0, "a", NULL), -EROFS);
	assert_int_equal(open_fh(FUSE_OPEN, node, O_RDONLY, &fh), 0);
	assert_reads(node, fh, "text");
}

/* In a mount namespace of its own: other tests do not see it. */
static void other_file_systems(void **state)
{
	const struct fuse_entry_out *entry = guest_body();
	const struct fuse_config announced = { .submounts = true };

	if (!as_root || unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		ELSEWHERE("mounting takes root");
	mkdir(path_of("mount"), 0755);
	assert_int_equal(mount("tmpfs", path_of("mount"), "tmpfs", 0, NULL), 0);
	host_file("mount/in", "", 0644);
	protocol->ops->destroy(protocol);
	close_export();
	open_export_with((struct export_config){ .submounts = true });
	protocol = fuse_create(export, &announced);
	server = CONTAINER_OF(protocol, struct fuse, protocol);
	/* To a guest that wants to know. */
	assert_int_equal(guest_init(0), 0);
	lookup(ROOT, "mount");
	assert_int_equal(entry->attr.flags, 0);
	assert_int_equal(guest_init(FUSE_SUBMOUNTS), 0);
	u64 node = lookup(ROOT, "mount");
	assert_int_equal(entry->attr.flags, FUSE_ATTR_SUBMOUNT);
	lookup(node, "in");
	assert_int_equal(entry->attr.flags, 0);
	guest_reset();
	assert_int_equal(umount2(path_of("mount"), MNT_DETACH), 0);
}

static int run(void)
{
	const struct CMUnitTest tests[] = {
		GUEST(versions),	   GUEST(flags_of_caches),
		GUEST(before_init),	   GUEST(unknown_requests),
		GUEST(bad_forms),	   GUEST(every_request_too_short),
		GUEST(cut_anywhere),	   GUEST(forgotten),
		GUEST(forgotten_at_once),  GUEST(used_while_forgotten),
		GUEST(not_there),	   GUEST(dots),
		GUEST(forged_handles),	   GUEST(many_handles),
		GUEST(too_many_handles),   GUEST(read_only),
		GUEST(other_file_systems),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return run_everywhere(run);
}
