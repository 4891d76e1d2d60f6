// SPDX-License-Identifier: GPL-2.0-or-later
/* Requests of several threads at once, on the same few files, and at the end nothing is left. */
#include <pthread.h>
#include "fuse_guest.h"

#define ROOT	1
#define THREADS 4
#define STEPS	400

static void step(unsigned thread, unsigned i)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	const char *name = names[(thread * 7 + i) % 4];
	struct fuse_rename_in rename_in = { .newdir = ROOT };
	u64 fh, node = 0;

	if (!create_err(ROOT, name, O_CREAT | O_RDWR, 0644, &fh))
		node = ((struct fuse_entry_out *)guest_body())->nodeid;
	if (!node)
		return;
	struct fuse_lk_in lk = { .fh = fh, .owner = thread, .lk = { .end = 10, .type = F_WRLCK } };
	const struct fuse_flush_in flush = { .fh = fh, .lock_owner = thread };
	assert_int_equal(ask(FUSE_SETLKW, node, &lk, sizeof(lk)), 0);
	assert_int_equal(write_at(node, fh, i % 8, "12345678"), 8);
	assert_true(read_at(node, fh, 0, 64) >= 8);
	assert_int_equal(ask(FUSE_FLUSH, node, &flush, sizeof(flush)), 0);
	if (i % 3 == 0)
		ask_name(FUSE_UNLINK, ROOT, "", 0, name, NULL);
	if (i % 5 == 0)
		ask_name(FUSE_RENAME, ROOT, &rename_in, sizeof(rename_in), name, names[i % 4]);
	struct fuse_read_in in = { .size = 400 };
	assert_int_equal(open_fh(FUSE_OPENDIR, ROOT, O_RDONLY, &in.fh), 0);
	assert_int_equal(ask_len(FUSE_READDIRPLUS, ROOT, &in, sizeof(in), in.size), 0);
	assert_int_equal(release(FUSE_RELEASEDIR, ROOT, in.fh), 0);
	assert_int_equal(release(FUSE_RELEASE, node, fh), 0);
	forget(node, 1 + i % 2);
}

static void *work(void *opaque)
{
	unsigned thread = (uintptr_t)opaque;

	for (unsigned i = 0; i < STEPS; i++)
		step(thread, i);
	guest_free(&guest);
	return NULL;
}

static void at_once(void **state)
{
	pthread_t threads[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, (void *)i), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(server->nr_handles, 0);
	assert_int_equal(server->nr_waits, 0);
}

static int run(void)
{
	const struct CMUnitTest tests[] = {
		GUEST(at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return run_everywhere(run);
}
