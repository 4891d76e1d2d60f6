// SPDX-License-Identifier: GPL-2.0-or-later
/* Locks over FUSE: taken, waited for, interrupted, and let go by all ways there are. And labels of new objects. */
#include "fuse_guest.h"

#define ROOT 1

struct locked {
	u64 node, fh[3];
};

static struct locked locked_file(void)
{
	struct locked file = { .node = create(ROOT, "file", O_RDWR, &file.fh[0]) };

	file.node = lookup(ROOT, "file");
	assert_int_equal(open_fh(FUSE_OPEN, file.node, O_RDWR, &file.fh[1]), 0);
	assert_int_equal(open_fh(FUSE_OPEN, file.node, O_RDWR, &file.fh[2]), 0);
	return file;
}

/* Owner n has handle n. */
static struct fuse_lk_in lock_in(const struct locked *file, unsigned n, int type, u32 flags)
{
	return (struct fuse_lk_in){
		.fh = file->fh[n],
		.owner = 1000 + n,
		.lk = { .end = INT64_MAX, .type = type, .pid = 42 + n },
		.lk_flags = flags,
	};
}

static int lock_now(const struct locked *file, unsigned n, int type, u32 flags)
{
	const struct fuse_lk_in in = lock_in(file, n, type, flags);

	return ask(FUSE_SETLK, file->node, &in, sizeof(in));
}

static struct guest_request waiting[3];

static u64 lock_wait(const struct locked *file, unsigned n, int type, u32 flags)
{
	const struct fuse_lk_in in = lock_in(file, n, type, flags);

	guest_begin(&waiting[n], FUSE_SETLKW, file->node, &in, sizeof(in), 16);
	return last_unique;
}

static void interrupt(u64 unique)
{
	const struct fuse_interrupt_in in = { .unique = unique };

	tell(FUSE_INTERRUPT, 0, &in, sizeof(in));
}

static void wait_and_unlock(u32 flags)
{
	struct locked file = locked_file();

	assert_int_equal(lock_now(&file, 0, F_WRLCK, flags), 0);
	assert_int_equal(lock_now(&file, 1, F_RDLCK, flags), -EAGAIN);
	lock_wait(&file, 1, F_RDLCK, flags);
	lock_wait(&file, 2, F_RDLCK, flags);
	assert_int_equal(server->nr_waits, 2);
	assert_int_equal(lock_now(&file, 0, F_UNLCK, flags), 0);
	assert_int_equal(guest_end(&waiting[1]), 0);
	assert_int_equal(guest_end(&waiting[2]), 0);
	assert_int_equal(lock_now(&file, 0, F_WRLCK, flags), -EAGAIN);
	assert_int_equal(lock_now(&file, 0, F_RDLCK, flags), 0);
	/* Without waiting. */
	lock_wait(&file, 1, F_RDLCK, flags);
	assert_int_equal(guest_end(&waiting[1]), 0);
}

static void records(void **state)
{
	wait_and_unlock(0);
}

static void whole_files(void **state)
{
	wait_and_unlock(FUSE_LK_FLOCK);
}

static void asked(void **state)
{
	struct locked file = locked_file();
	struct fuse_lk_in in = lock_in(&file, 0, F_WRLCK, 0);
	const struct fuse_lk_out *out = guest_body();

	in.lk.start = 100;
	in.lk.end = 199;
	assert_int_equal(ask(FUSE_SETLK, file.node, &in, sizeof(in)), 0);
	in = lock_in(&file, 1, F_RDLCK, 0);
	assert_int_equal(ask(FUSE_GETLK, file.node, &in, sizeof(in)), 0);
	assert_int_equal(out->lk.type, F_WRLCK);
	assert_int_equal(out->lk.start, 100);
	assert_int_equal(out->lk.end, 199);
	in.lk.start = 200;
	assert_int_equal(ask(FUSE_GETLK, file.node, &in, sizeof(in)), 0);
	assert_int_equal(out->lk.type, F_UNLCK);
	in.lk.start = 201;
	in.lk.end = 200;
	assert_int_equal(ask(FUSE_SETLK, file.node, &in, sizeof(in)), -EINVAL);
	in.lk.start = in.lk.end = ~0ull;
	assert_int_equal(ask(FUSE_SETLK, file.node, &in, sizeof(in)), -EINVAL);
	in = lock_in(&file, 1, 77, 0);
	assert_int_equal(ask(FUSE_SETLK, file.node, &in, sizeof(in)), -EINVAL);
	assert_int_equal(ask(FUSE_SETLKW, file.node, &in, sizeof(in)), -EINVAL);
	in = lock_in(&file, 1, F_RDLCK, 0);
	in.fh += 77;
	assert_int_equal(ask(FUSE_SETLKW, file.node, &in, sizeof(in)), -EBADF);
}

static void the_hosts(void **state)
{
	struct locked file = locked_file();
	struct flock lock = { .l_type = F_WRLCK };
	int fd = open(path_of("file"), O_RDWR | O_CLOEXEC);

	assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(lock_now(&file, 0, F_WRLCK, 0), -EAGAIN);
	lock_wait(&file, 0, F_WRLCK, 0);
	lock_wait(&file, 1, F_WRLCK, FUSE_LK_FLOCK);
	/* Nobody tells us. */
	close(fd);
	assert_int_equal(guest_end(&waiting[0]), 0);
	assert_int_equal(guest_end(&waiting[1]), 0);
}

static void interrupted(void **state)
{
	struct locked file = locked_file();

	assert_int_equal(lock_now(&file, 0, F_WRLCK, 0), 0);
	u64 unique = lock_wait(&file, 1, F_WRLCK, 0);
	lock_wait(&file, 2, F_WRLCK, 0);
	/* Of nobody, and of one that is over. */
	interrupt(unique + 1000000);
	interrupt(unique - 2);
	assert_int_equal(server->nr_waits, 2);
	interrupt(unique);
	assert_int_equal(guest_end(&waiting[1]), -EINTR);
	assert_int_equal(server->nr_waits, 1);
	/* The interrupt is here first: it has an unique number itself. */
	interrupt(last_unique + 4);
	lock_wait(&file, 1, F_WRLCK, 0);
	assert_int_equal(guest_end(&waiting[1]), -EINTR);
	lock_wait(&file, 1, F_WRLCK, 0);
	assert_int_equal(server->nr_waits, 2);
	assert_int_equal(lock_now(&file, 0, F_UNLCK, 0), 0);
	assert_int_equal(guest_end(&waiting[2]), 0);
	assert_int_equal(lock_now(&file, 2, F_UNLCK, 0), 0);
	assert_int_equal(guest_end(&waiting[1]), 0);
}

static void closed(void **state)
{
	struct locked file = locked_file();
	const struct fuse_flush_in flush = { .fh = file.fh[0], .lock_owner = 1000 };
	struct fuse_release_in in = { .fh = file.fh[1] };

	assert_int_equal(lock_now(&file, 0, F_WRLCK, 0), 0);
	lock_wait(&file, 1, F_WRLCK, 0);
	assert_int_equal(ask(FUSE_FLUSH, file.node, &flush, sizeof(flush)), 0);
	assert_int_equal(guest_end(&waiting[1]), 0);
	assert_int_equal(lock_now(&file, 1, F_WRLCK, FUSE_LK_FLOCK), 0);
	lock_wait(&file, 2, F_WRLCK, FUSE_LK_FLOCK);
	in.release_flags = FUSE_RELEASE_FLOCK_UNLOCK;
	assert_int_equal(ask(FUSE_RELEASE, file.node, &in, sizeof(in)), 0);
	assert_int_equal(guest_end(&waiting[2]), 0);
}

/* Its handle is closed under it, and the last count of its node is gone. */
static void closed_while_waiting(void **state)
{
	struct locked file = locked_file();

	assert_int_equal(lock_now(&file, 0, F_WRLCK, FUSE_LK_FLOCK), 0);
	lock_wait(&file, 1, F_WRLCK, FUSE_LK_FLOCK);
	assert_int_equal(release(FUSE_RELEASE, file.node, file.fh[1]), 0);
	forget(file.node, ~0ull);
	assert_int_equal(release(FUSE_RELEASE, file.node, file.fh[0]), 0);
	assert_int_equal(guest_end(&waiting[1]), 0);
	assert_int_equal(release(FUSE_RELEASE, file.node, file.fh[2]), 0);
}

static void reset_while_waiting(void **state)
{
	struct locked file = locked_file();

	assert_int_equal(lock_now(&file, 0, F_WRLCK, 0), 0);
	lock_wait(&file, 1, F_WRLCK, 0);
	lock_wait(&file, 2, F_WRLCK, 0);
	guest_reset();
	assert_int_equal(guest_end(&waiting[1]), -EINTR);
	assert_int_equal(guest_end(&waiting[2]), -EINTR);
	/* And again, since the thread is gone. */
	assert_int_equal(guest_init(-1ull), 0);
	u64 node = lookup(ROOT, "file");
	file.node = node;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(open_fh(FUSE_OPEN, node, O_RDWR, &file.fh[i]), 0);
	assert_int_equal(lock_now(&file, 0, F_WRLCK, 0), 0);
	lock_wait(&file, 1, F_WRLCK, 0);
	assert_int_equal(ask(FUSE_DESTROY, 0, "", 0), 0);
	assert_int_equal(guest_end(&waiting[1]), -EINTR);
}

static void too_many_wait(void **state)
{
	static struct guest_request many[FUSE_MAX_WAITS];
	struct locked file = locked_file();
	const struct fuse_lk_in in = lock_in(&file, 1, F_WRLCK, 0);
	static u8 sent[128], answers[FUSE_MAX_WAITS][64];

	assert_int_equal(lock_now(&file, 0, F_WRLCK, 0), 0);
	for (unsigned i = 0; i < FUSE_MAX_WAITS; i++) {
		many[i].sent = sent;
		many[i].answer = answers[i];
		sem_init(&many[i].over, 0, 0);
		guest_begin(&many[i], FUSE_SETLKW, file.node, &in, sizeof(in), 16);
	}
	assert_int_equal(ask(FUSE_SETLKW, file.node, &in, sizeof(in)), -ENOLCK);
	assert_int_equal(server->nr_waits, FUSE_MAX_WAITS);
	guest_reset();
	for (unsigned i = 0; i < FUSE_MAX_WAITS; i++) {
		assert_true(many[i].ended);
		assert_int_equal(((struct fuse_out_header *)answers[i])->error, -EINTR);
	}
}

/* ---- labels ---- */

static u32 add_label(u8 *to, const char *name, const char *label)
{
	const struct fuse_secctx context = { .size = strlen(label) };
	u32 len = join(to, &context, sizeof(context), name, NULL);

	memcpy(to + len, label, context.size);
	return ALIGN_UP(len + context.size, 8u);
}

static u32 add_extension(u8 *to, u32 type, const char *name, const char *label)
{
	struct fuse_extension extension = { .type = type };

	extension.size = sizeof(extension);
	if (name)
		extension.size += add_label(to + sizeof(extension), name, label);
	memcpy(to, &extension, sizeof(extension));
	return extension.size;
}

static int make_labelled(const char *object, const char *name, const char *label, u32 cut)
{
	const struct fuse_mkdir_in in = { .mode = 0755 };
	static u8 bytes[8192];
	u32 len = join(bytes, &in, sizeof(in), object, NULL);

	memset(bytes + len, 0, 4096);
	len += add_extension(bytes + len, !!name, name, label);
	/* A group of the caller's. */
	const u32 groups[4] = { 16, 32, 1, 1000 };
	memcpy(bytes + len, groups, sizeof(groups));
	len += sizeof(groups);
	return ask(FUSE_MKDIR, ROOT, bytes, len - cut);
}

static void labelled(void **state)
{
	char value[64];

	assert_int_equal(make_labelled("plain", NULL, NULL, 0), 0);
	assert_int_equal(make_labelled("one", "security.lkvm-test", "label", 0), 0);
	ssize_t len = lgetxattr(path_of("one"), "security.lkvm-test", value, sizeof(value));
	/* Where it may be set. */
	if (len >= 0) {
		assert_int_equal(len, 5);
		assert_memory_equal(value, "label", 5);
	}
	/* No label at all, and cut short: nothing is made. */
	assert_int_equal(make_labelled("two", "user.label", "label", 0), -EINVAL);
	assert_int_equal(make_labelled("three", "security.lkvm-test", "label", 20), -EINVAL);
	assert_int_equal(access(path_of("two"), F_OK), -1);
	assert_int_equal(access(path_of("three"), F_OK), -1);
}

static int run(void)
{
	const struct CMUnitTest tests[] = {
		GUEST(records),
		GUEST(whole_files),
		GUEST(asked),
		GUEST(the_hosts),
		GUEST(interrupted),
		GUEST(closed),
		GUEST(closed_while_waiting),
		GUEST(reset_while_waiting),
		GUEST(too_many_wait),
		GUEST(labelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return run_everywhere(run);
}
