// SPDX-License-Identifier: GPL-2.0-or-later
/* An exported folder used by many threads at once, with fewer descriptors than objects. */
#include <pthread.h>
#include "export_folder.h"

#define THREADS 4
#define NAMES	24
#define STEPS	3000

struct worker {
	pthread_t thread;
	unsigned seed;
	const char *failed;
};

static struct export_node *folders[4];
static const struct export_caller callers[2] = { { 0 },
						 { .uid = 1000, .gid = 1000, .umask = 022 } };

static unsigned pick(struct worker *worker, unsigned of)
{
	worker->seed = worker->seed * 1103515245 + 12345;
	return (worker->seed >> 16) % of;
}

static bool worker_emit(void *opaque, const struct export_entry *entry)
{
	return --*(unsigned *)opaque > 0;
}

static void worker_read(struct worker *worker, struct export_node *folder)
{
	unsigned most = 1 + pick(worker, 40);
	struct export_file *file;

	if (export_open_file(folder, &guest_root, O_RDONLY, &file))
		return;
	export_readdir(file, 0, worker_emit, &most);
	export_file_put(file);
}

static void worker_write(struct worker *worker, struct export_file *file)
{
	struct flock lock = { .l_type = pick(worker, 2) ? F_WRLCK : F_UNLCK };
	char bytes[8] = "";

	export_lock(file, pick(worker, 3), &lock);
	put_bytes(file, "written", 0);
	if (get_bytes(file, bytes, 7, 0) != 7 || memcmp(bytes, "written", 7))
		worker->failed = "data";
	export_unlock_owner(file, pick(worker, 3));
}

/* A node that was found: something is done with it, and it goes as it came or becomes the guest's. */
static void worker_use(struct worker *worker, struct export_node *node)
{
	struct export_attr attr;
	struct export_file *file;
	u64 number = export_node_number(node);

	if (!export_getattr(node, NULL, 0, &attr) &&
	    (attr.statx.stx_mode & S_IFMT) != export_node_type(node))
		worker->failed = "type";
	if (!export_open_file(node, &guest_root, O_RDWR, &file)) {
		worker_write(worker, file);
		export_file_put(file);
	}
	if (pick(worker, 2)) {
		put(node);
		return;
	}
	export_remember(node);
	node = export_find(export, number);
	if (node)
		put(node);
	export_forget(export, number, 1 + pick(worker, 3));
}

static void worker_step(struct worker *worker)
{
	struct export_node *folder = folders[pick(worker, 4)], *other = folders[pick(worker, 4)];
	const struct export_caller *caller = &callers[pick(worker, 2)];
	char name[16], new_name[16];
	struct export_node *node;
	struct export_file *file;

	snprintf(name, sizeof(name), "%u", pick(worker, NAMES));
	snprintf(new_name, sizeof(new_name), "%u", pick(worker, NAMES));
	switch (pick(worker, 8)) {
	case 0:
		if (!export_create(folder, name, caller, O_RDWR, 0666, &node, NULL, &file)) {
			export_file_put(file);
			put(node);
		}
		break;
	case 1:
		export_unlink(folder, name, caller, false);
		break;
	case 2:
		export_rename(folder, name, other, new_name, caller, pick(worker, 3));
		break;
	case 3:
		worker_read(worker, folder);
		break;
	case 4:
		if (!export_lookup(folder, name, caller, &node, NULL)) {
			export_link(node, other, new_name, caller, NULL);
			put(node);
		}
		break;
	default:
		if (!export_lookup(folder, name, caller, &node, NULL))
			worker_use(worker, node);
	}
}

static void *work(void *arg)
{
	struct worker *worker = arg;

	for (unsigned i = 0; i < STEPS && !worker->failed; i++)
		worker_step(worker);
	return NULL;
}

static void test_threads(void **state)
{
	struct worker workers[THREADS] = { 0 };
	char name[16];

	close_export();
	/* The fewest that there can be, and some of them for files and locks. */
	open_export_with((struct export_config){ .descriptors = 1 });
	for (unsigned i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(name, sizeof(name), "folder%u", i);
		folders[i] = make_folder(root, name);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i].seed = i + 1;
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	for (unsigned i = 0; i < THREADS; i++)
		assert_null(workers[i].failed);
	export_forget_all(export);
	for (unsigned i = 0; i < ARRAY_SIZE(folders); i++)
		put(folders[i]);
}

static int run(void)
{
	const struct CMUnitTest tests[] = { EACH(test_threads) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return run_everywhere(run);
}
