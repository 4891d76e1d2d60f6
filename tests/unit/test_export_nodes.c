// SPDX-License-Identifier: GPL-2.0-or-later
/* An exported folder's objects: numbers, counts, and descriptors that are given back and found again. */
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include "export_folder.h"

/* More objects than descriptors, so that those used least were given back. */
#define FEW	      64
#define MORE_THAN_FEW 100

static void few_descriptors(void)
{
	close_export();
	open_export_with((struct export_config){ .descriptors = FEW });
}

/* Makes the export give back what is unused. */
static void use_descriptors(struct export_node **nodes)
{
	char name[32];

	for (unsigned i = 0; i < MORE_THAN_FEW; i++) {
		snprintf(name, sizeof(name), "many-%u", i);
		host_file(name, "", 0600);
		nodes[i] = look(root, name);
	}
}

static void put_all(struct export_node **nodes)
{
	for (unsigned i = 0; i < MORE_THAN_FEW; i++)
		put(nodes[i]);
}

/* ---- counts and numbers ---- */

static void test_numbers(void **state)
{
	struct export_node *a = make_file(root, "a", NULL), *b;
	u64 number = export_node_number(a), last = number;

	assert_null(export_find(export, number));
	export_node_get(a);
	export_remember(a);
	assert_ptr_equal(export_find(export, number), a);
	put(a);
	/* Forged ones: other generations, other slots, none at all. */
	for (unsigned bit = 1; bit < 64; bit++)
		assert_null(export_find(export, number ^ BIT(bit)));
	assert_null(export_find(export, 0));
	assert_null(export_find(export, ~0ull));
	assert_ptr_equal(export_find(export, 1), root);
	put(root);

	/* A guest takes back no more than it has. */
	export_forget(export, number, ~0ull);
	assert_null(export_find(export, number));
	export_forget(export, number, 1);
	export_forget(export, 1, 1000);
	export_forget(export, 12345678, 1);
	assert_int_equal(attr_of(a).stx_size, 0);
	assert_int_equal(export_node_number(a), number);
	put(a);

	/* No number comes twice. */
	for (unsigned i = 0; i < 10; i++) {
		b = look(root, "a");
		assert_int_not_equal(export_node_number(b), last);
		last = export_node_number(b);
		put(b);
		assert_null(export_find(export, last));
	}
}

static void test_forget_all(void **state)
{
	struct export_node *folder = make_folder(root, "folder");
	u64 number = export_node_number(folder);

	for (unsigned i = 0; i < 3; i++)
		export_remember(look(root, "folder"));
	struct export_node *below = make_file(folder, "below", NULL);
	u64 below_number = export_node_number(below);
	export_remember(below);
	export_forget(export, number, 2);
	put(folder);
	assert_ptr_equal(export_find(export, number), folder);
	put(folder);
	export_forget_all(export);
	assert_null(export_find(export, number));
	assert_null(export_find(export, below_number));
}

/* ---- descriptors ---- */

static void test_found_again(void **state)
{
	struct export_node *many[MORE_THAN_FEW], *a, *b, *c;
	struct export_file *file;

	few_descriptors();
	a = make_folder(root, "a");
	b = make_folder(a, "b");
	c = make_file(b, "c", &file);
	put_bytes(file, "found", 0);
	export_file_put(file);
	use_descriptors(many);
	assert_true(open_descriptors() <= descriptors_before + FEW);
	file = open_node(c, O_RDONLY);
	assert_content(file, "found");
	export_file_put(file);
	/* Moved by the guest, with folders above it that were given back as well. */
	put_all(many);
	use_descriptors(many);
	assert_int_equal(export_rename(root, "a", root, "moved", &guest_root, 0), 0);
	assert_int_equal(export_rename(b, "c", a, "d", &guest_root, 0), 0);
	put_all(many);
	use_descriptors(many);
	assert_int_equal(attr_of(c).stx_size, 5);
	put(look(a, "d"));
	put_all(many);
	put(a);
	put(b);
	put(c);
}

/* Unlinked and overwritten after their descriptors were given back, they stay as long as they are known. */
static void test_unlinked_stay(void **state)
{
	struct export_node *many[MORE_THAN_FEW], *a, *b;
	struct export_file *file;

	few_descriptors();
	a = make_file(root, "a", &file);
	put_bytes(file, "unlinked", 0);
	export_file_put(file);
	b = make_file(root, "b", &file);
	put_bytes(file, "overwritten", 0);
	export_file_put(file);
	host_file("c", "", 0600);
	use_descriptors(many);
	assert_int_equal(export_unlink(root, "a", &guest_root, false), 0);
	assert_int_equal(export_rename(root, "c", root, "b", &guest_root, 0), 0);
	put_all(many);
	use_descriptors(many);
	assert_int_equal(attr_of(a).stx_nlink, 0);
	file = open_node(a, O_RDONLY);
	assert_content(file, "unlinked");
	export_file_put(file);
	file = open_node(b, O_RDONLY);
	assert_content(file, "overwritten");
	export_file_put(file);
	put_all(many);
	put(a);
	put(b);
}

/* The name that led to an object goes, and others that it has are not known: it is found all the same. */
static void test_other_names(void **state)
{
	struct export_node *many[MORE_THAN_FEW], *a, *b, *tmp;
	struct export_file *file;

	few_descriptors();
	a = make_file(root, "a", &file);
	put_bytes(file, "linked", 0);
	export_file_put(file);
	host_file("c", "over", 0600);
	b = look(root, "c");
	host_file("d", "", 0600);
	assert_int_equal(link(path_of("a"), path_of("b")), 0);
	assert_int_equal(link(path_of("c"), path_of("e")), 0);
	assert_int_equal(export_tmpfile(root, &guest_root, O_RDWR, 0600, &tmp, NULL, &file), 0);
	assert_int_equal(export_link(tmp, root, "tmp", &guest_root, NULL), 0);
	export_file_put(file);
	assert_int_equal(export_unlink(root, "a", &guest_root, false), 0);
	assert_int_equal(export_rename(root, "d", root, "c", &guest_root, 0), 0);
	use_descriptors(many);
	assert_int_equal(attr_of(a).stx_size, 6);
	assert_int_equal(attr_of(b).stx_size, 4);
	assert_int_equal(attr_of(tmp).stx_nlink, 1);
	/* Seen by another name they may be given back again. */
	put(look(root, "b"));
	put(look(root, "e"));
	put_all(many);
	use_descriptors(many);
	assert_int_equal(attr_of(a).stx_size, 6);
	assert_int_equal(attr_of(b).stx_size, 4);
	put_all(many);
	put(tmp);
	put(a);
	put(b);
}

/* Removed by the host meanwhile, and another object is there: that is another node. */
static void test_replaced_by_host(void **state)
{
	struct export_node *many[MORE_THAN_FEW], *a, *again;
	struct export_attr attr;

	few_descriptors();
	for (unsigned i = 0; i < 20; i++) {
		host_file("a", "old", 0600);
		a = look(root, "a");
		use_descriptors(many);
		u64 ino = host_stat("a").st_ino;
		assert_int_equal(unlink(path_of("a")), 0);
		host_file("a", "newer", 0600);
		again = look(root, "a");
		assert_ptr_not_equal(again, a);
		assert_int_equal(attr_of(again).stx_size, 5);
		assert_int_equal(export_getattr(a, NULL, 0, &attr), -ESTALE);
		assert_int_equal(open_err(a, O_RDONLY), -ESTALE);
		put(again);
		put(a);
		put_all(many);
		/* ext4 uses a number again at once: seen once, that is enough. */
		if (host_stat("a").st_ino == ino)
			break;
	}
}

/* overlayfs has none, unless asked for. */
static bool has_handles(const char *name)
{
	struct {
		struct file_handle handle;
		u8 bytes[128];
	} buffer = { .handle.handle_bytes = 128 };
	int mount_id;

	return !name_to_handle_at(AT_FDCWD, path_of(name), &buffer.handle, &mount_id, 0);
}

/* Moved by the host: found by its handle as root, gone for others; never another in its place. */
static void test_moved_by_host(void **state)
{
	struct export_node *many[MORE_THAN_FEW], *a;
	struct export_attr attr;

	few_descriptors();
	host_file("a", "moved", 0600);
	a = look(root, "a");
	use_descriptors(many);
	assert_int_equal(rename(path_of("a"), path_of("b")), 0);
	host_file("a", "another", 0600);
	int err = export_getattr(a, NULL, 0, &attr);
	if (err)
		assert_int_equal(err, -ESTALE);
	else
		assert_int_equal(attr.statx.stx_size, 5);
	if (as_root && has_handles("b"))
		assert_int_equal(err, 0);
	put(a);
	/* And seen again it is the same. */
	a = look(root, "b");
	assert_int_equal(attr_of(a).stx_size, 5);
	put(a);
	put_all(many);
}

/* The host turns folders over, and then the guest moves one below the other. */
static void test_ring_of_parents(void **state)
{
	struct export_node *a = make_folder(root, "a"), *b = make_folder(a, "b"), *up;
	struct export_node *many[MORE_THAN_FEW];

	assert_int_equal(rename(path_of("a/b"), path_of("b")), 0);
	assert_int_equal(rename(path_of("a"), path_of("b/a")), 0);
	up = look(b, "a");
	put(up);
	assert_int_equal(export_parent(a, &up, NULL), 0);
	put(up);
	put(a);
	put(b);
	few_descriptors();
	a = make_folder(root, "c");
	b = make_folder(a, "d");
	assert_int_equal(rename(path_of("c/d"), path_of("d")), 0);
	assert_int_equal(export_rename(root, "c", b, "c", &guest_root, 0), 0);
	use_descriptors(many);
	(void)look_err(a, "x");
	(void)look_err(b, "x");
	put_all(many);
	put(a);
	put(b);
}

static void test_no_descriptor_left(void **state)
{
	struct export_file *files[FEW + 1];
	struct export_node *node;
	unsigned nr = 0;

	few_descriptors();
	node = make_file(root, "file", NULL);
	while (nr < FEW && !export_open_file(node, &guest_root, O_RDONLY, &files[nr]))
		nr++;
	assert_true(nr >= FEW / 2 && nr < FEW);
	assert_int_equal(open_err(node, O_RDONLY), -EMFILE);
	/* Looking around goes on. */
	put(make_folder(root, "folder"));
	export_file_put(files[--nr]);
	files[nr++] = open_node(node, O_RDONLY);
	while (nr)
		export_file_put(files[--nr]);
	put(node);

	/* Without names they cannot be given back. */
	struct export_node *unlinked[FEW];
	int err = 0;
	while (!err && nr < FEW) {
		err = export_mknod(root, "x", &guest_root, S_IFREG | 0600, 0, &unlinked[nr], NULL);
		if (err)
			break;
		nr++;
		err = export_unlink(root, "x", &guest_root, false);
	}
	assert_int_equal(err, -EMFILE);
	while (nr)
		put(unlinked[--nr]);
	put(make_folder(root, "another"));
}

/* The first write to an object of overlayfs's lower folder makes another file of it, which is the same object. */
static void test_copied_up(void **state)
{
	struct export_node *many[MORE_THAN_FEW], *merged, *node, *again;
	struct export_file *file;
	char options[512];

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		ELSEWHERE("not offered here");
	static const char *const names[] = { "lower", "upper", "work", "merged" };
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(mkdir(path_of(names[i]), 0755), 0);
	host_file("lower/file", "low", 0644);
	snprintf(options, sizeof(options), "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work",
		 dir, dir, dir);
	if (mount("overlay", path_of("merged"), "overlay", 0, options))
		ELSEWHERE("not offered here");
	few_descriptors();
	merged = look(root, "merged");
	node = look(merged, "file");
	use_descriptors(many);
	file = open_node(node, O_RDWR);
	assert_int_equal(put_bytes(file, "written", 0), 7);
	export_file_put(file);
	put_all(many);
	use_descriptors(many);
	assert_int_equal(attr_of(node).stx_size, 7);
	again = look(merged, "file");
	assert_ptr_equal(again, node);
	put(again);
	put(node);
	put_all(many);
	put(merged);
	assert_int_equal(umount(path_of("merged")), 0);
}

/* ---- a large tree ---- */

/* The second one's walk, by names, is the same as the first one's. */
#define FOLDERS	  (as_root ? 100u : 20u)
#define IN_FOLDER 1000

struct walk {
	struct export_node *folder, **nodes;
	unsigned nr, most;
	int err;
};

static bool walk_one(void *opaque, const struct export_entry *entry)
{
	struct walk *walk = opaque;
	struct export_attr attr;

	if (*entry->name == '.')
		return true;
	if (walk->nr == walk->most)
		return false;
	walk->err = export_lookup(walk->folder, entry->name, &guest_root, &walk->nodes[walk->nr],
				  &attr);
	if (walk->err)
		return false;
	assert_int_equal(attr.statx.stx_ino, entry->ino);
	walk->nr++;
	return true;
}

static unsigned walk_folder(struct export_node *node, struct export_node **nodes, unsigned most)
{
	struct walk walk = { .folder = node, .nodes = nodes, .most = most };
	struct export_file *folder = open_node(node, O_RDONLY);

	assert_int_equal(export_readdir(folder, 0, walk_one, &walk), 0);
	assert_int_equal(walk.err, 0);
	export_file_put(folder);
	return walk.nr;
}

static void test_large_tree(void **state)
{
	unsigned total = FOLDERS + FOLDERS * IN_FOLDER, nr;
	struct export_node **nodes = calloc(total, sizeof(*nodes));
	char name[32];

	for (unsigned i = 0; i < FOLDERS; i++) {
		snprintf(name, sizeof(name), "%u", i);
		assert_int_equal(mkdir(path_of(name), 0755), 0);
		for (unsigned j = 0; j < IN_FOLDER; j++) {
			snprintf(name, sizeof(name), "%u/%u", i, j);
			assert_int_equal(mknod(path_of(name), S_IFREG | 0600, 0), 0);
		}
	}
	close_export();
	open_export_with((struct export_config){ .descriptors = 200 });
	/* More than the export may have would fail here. */
	struct rlimit before, limit;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = 210;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	nr = walk_folder(root, nodes, FOLDERS);
	assert_int_equal(nr, FOLDERS);
	for (unsigned i = 0; i < FOLDERS; i++)
		nr += walk_folder(nodes[i], nodes + nr, IN_FOLDER);
	assert_int_equal(nr, total);
	/* All of them are known now, and can be used. */
	for (unsigned i = 0; i < total; i += 97)
		assert_int_equal(attr_of(nodes[i]).stx_size, S_ISDIR(export_node_type(nodes[i]))
								     ? attr_of(nodes[0]).stx_size
								     : 0);
	for (unsigned i = 0; i < total; i++)
		put(nodes[i]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	free(nodes);
}

/* A guest decides how deep folders lie. */
static void test_deep(void **state)
{
	enum { DEPTH = 200 };
	struct export_node *node, *next, *many[MORE_THAN_FEW];

	few_descriptors();
	node = root;
	for (unsigned i = 0; i < DEPTH; i++) {
		next = make_folder(node, "d");
		if (node != root)
			put(node);
		node = next;
	}
	use_descriptors(many);
	put(make_folder(node, "deepest"));
	put_all(many);
	/* From below, since names longer than PATH_MAX are nobody's. */
	assert_int_equal(export_unlink(node, "deepest", &guest_root, true), 0);
	for (unsigned i = 0; i < DEPTH; i++) {
		assert_int_equal(export_parent(node, &next, NULL), 0);
		put(node);
		node = next;
		assert_int_equal(export_unlink(node, "d", &guest_root, true), 0);
	}
	put(node);
}

static int run(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_numbers),	  EACH(test_forget_all),      EACH(test_found_again),
		EACH(test_other_names),	  EACH(test_unlinked_stay),   EACH(test_replaced_by_host),
		EACH(test_moved_by_host), EACH(test_ring_of_parents), EACH(test_no_descriptor_left),
		EACH(test_deep),
	};
	const struct CMUnitTest mounts[] = { EACH(test_copied_up) };
	const struct CMUnitTest large[] = { EACH(test_large_tree) };
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	if (as_root)
		failed += cmocka_run_group_tests(mounts, NULL, NULL);
	/* The walk is the same everywhere, and making the tree takes time elsewhere. */
	if (!strcmp(getenv("EXPORT_TEST_IN"), "/dev/shm"))
		failed += cmocka_run_group_tests(large, NULL, NULL);
	return failed;
}

int main(void)
{
	return run_everywhere(run);
}
