// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of an export's objects: found by mount and inode number, by their own number, counted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "export-private.h"
#include "export-descriptors.h"

#define NODE_SLOT_MASK	   (EXPORT_MAX_NODES - 1)
#define NODE_FIRST_BUCKETS 1024u

/* ---- slots ---- */

/* The first slot's number is 0, which nobody has: it goes to waste, so that the root's is 1. */
static struct export_node *node_in_slot(struct export *export, u32 slot)
{
	if (slot / NODES_PER_CHUNK >= export->nr_chunks)
		return NULL;
	return &export->chunks[slot / NODES_PER_CHUNK][slot % NODES_PER_CHUNK];
}

static bool node_add_chunk(struct export *export)
{
	u32 chunk = export->nr_chunks;

	if (chunk == ARRAY_SIZE(export->chunks))
		return false;
	struct export_node *nodes = calloc(NODES_PER_CHUNK, sizeof(*nodes));
	if (!nodes)
		return false;
	export->chunks[chunk] = nodes;
	export->nr_chunks++;
	for (u32 i = NODES_PER_CHUNK; i-- > (chunk ? 0 : 1);) {
		nodes[i].number = (u64)chunk * NODES_PER_CHUNK + i;
		nodes[i].hash_next = export->free;
		export->free = &nodes[i];
	}
	return true;
}

static struct export_node *node_alloc(struct export *export)
{
	struct export_node *node;

	if (!export->free && !node_add_chunk(export))
		return NULL;
	node = export->free;
	export->free = node->hash_next;
	export->nr_nodes++;
	return node;
}

static void node_free(struct export_node *node)
{
	struct export *export = node->export;
	u64 number = node->number + EXPORT_MAX_NODES;

	free(node->name);
	free(node->handle);
	*node = (struct export_node){ .number = number, .hash_next = export->free, .fd = -1 };
	export->free = node;
	export->nr_nodes--;
}

/* ---- by mount and inode number ---- */

static struct export_node **node_bucket(struct export *export, const struct export_mount *mount,
					u64 ino)
{
	u64 hash = (ino ^ (uintptr_t)mount >> 4) * 0x9e3779b97f4a7c15ull;

	return &export->buckets[hash >> 32 & (export->nr_buckets - 1)];
}

static struct export_node *node_of(struct export *export, const struct statx *stx)
{
	struct export_mount *mount = export_mount_find(export, stx);
	struct export_node *node;

	if (!mount)
		return NULL;
	node = *node_bucket(export, mount, stx->stx_ino);
	while (node && (node->ino != stx->stx_ino || node->mount != mount))
		node = node->hash_next;
	return node;
}

/* A table that cannot grow is slower, no more. */
static void node_grow_table(struct export *export)
{
	u32 nr_old = export->nr_buckets;
	struct export_node **old = export->buckets;
	struct export_node **new = calloc(nr_old * 2, sizeof(*new));

	if (!new)
		return;
	export->buckets = new;
	export->nr_buckets = nr_old * 2;
	for (u32 i = 0; i < nr_old; i++)
		for (struct export_node *node = old[i], *next; node; node = next) {
			struct export_node **bucket = node_bucket(export, node->mount, node->ino);

			next = node->hash_next;
			node->hash_next = *bucket;
			*bucket = node;
		}
	free(old);
}

static void node_hash(struct export_node *node)
{
	struct export *export = node->export;

	if (export->nr_nodes > export->nr_buckets)
		node_grow_table(export);

	struct export_node **bucket = node_bucket(export, node->mount, node->ino);
	node->hash_next = *bucket;
	*bucket = node;
	node->hashed = true;
}

static void node_unhash(struct export_node *node)
{
	struct export_node **from = node_bucket(node->export, node->mount, node->ino);

	if (!node->hashed)
		return;
	while (*from != node)
		from = &(*from)->hash_next;
	*from = node->hash_next;
	node->hashed = false;
}

/* ---- counts ---- */

/* A folder's count goes with its last child's, and so on upwards: not by recursion, since a guest decides how deep. */
static void node_put_locked(struct export_node *node, u64 nr)
{
	while (node) {
		struct export_node *parent = node->parent;

		node->refs -= nr;
		if (node->refs)
			return;
		node_unhash(node);
		node->hash_next = node->export->dead;
		node->export->dead = node;
		node = parent;
		nr = 1;
	}
}

/*
 * Lets go of the lock where something may have been put. The last descriptor of an object without a name removes the object,
 * which takes a while if it is large: nobody waits for that.
 */
static void node_unlock(struct export *export)
{
	struct export_node *dead = export->dead, *next;
	u32 closed = 0;

	export->dead = NULL;
	/* Off the list of those that could be given back while the lock is held. */
	for (struct export_node *node = dead; node; node = node->hash_next)
		node->closing = export_take_fd(node);
	pthread_mutex_unlock(&export->lock);
	if (!dead)
		return;
	for (struct export_node *node = dead; node; node = node->hash_next)
		if (node->closing >= 0) {
			close(node->closing);
			closed++;
		}
	pthread_mutex_lock(&export->lock);
	export->nr_fds -= closed;
	for (; dead; dead = next) {
		next = dead->hash_next;
		export_drop_mount(export, dead->mount);
		node_free(dead);
	}
	pthread_mutex_unlock(&export->lock);
}

void export_node_get(struct export_node *node)
{
	pthread_mutex_lock(&node->export->lock);
	node->refs++;
	pthread_mutex_unlock(&node->export->lock);
}

void export_node_put(struct export_node *node, u64 nr)
{
	struct export *export = node->export;

	if (!nr)
		return;
	pthread_mutex_lock(&export->lock);
	node_put_locked(node, nr);
	node_unlock(export);
}

u64 export_node_number(const struct export_node *node)
{
	return node->number;
}

u32 export_node_type(const struct export_node *node)
{
	return node->type;
}

struct export_node *export_root(struct export *export)
{
	export_node_get(export->root);
	return export->root;
}

void export_remember(struct export_node *node)
{
	pthread_mutex_lock(&node->export->lock);
	if (node == node->export->root)
		node->refs--;
	else
		node->known++;
	pthread_mutex_unlock(&node->export->lock);
}

/* With the lock. NULL: forged, or forgotten. */
static struct export_node *node_by_number(struct export *export, u64 number)
{
	struct export_node *node = node_in_slot(export, number & NODE_SLOT_MASK);

	if (!node || node->number != number || !node->refs)
		return NULL;
	return node->known || node == export->root ? node : NULL;
}

struct export_node *export_find(struct export *export, u64 number)
{
	pthread_mutex_lock(&export->lock);
	struct export_node *node = node_by_number(export, number);
	if (node)
		node->refs++;
	pthread_mutex_unlock(&export->lock);
	return node;
}

void export_forget(struct export *export, u64 number, u64 nr)
{
	pthread_mutex_lock(&export->lock);
	struct export_node *node = node_by_number(export, number);
	if (node && node->known) {
		nr = MIN(nr, node->known);
		node->known -= nr;
		if (nr)
			node_put_locked(node, nr);
	}
	node_unlock(export);
}

void export_forget_all(struct export *export)
{
	pthread_mutex_lock(&export->lock);
	for (u32 slot = 1; slot < export->nr_chunks * NODES_PER_CHUNK; slot++) {
		struct export_node *node = node_in_slot(export, slot);
		u64 known = node->known;

		node->known = 0;
		if (known)
			node_put_locked(node, known);
	}
	node_unlock(export);
}

/* ---- where a node is ---- */

/*
 * With the lock. The host may have moved folders since they were seen, so what the guest moves below one another now may be
 * a ring by what is recorded here: the root is nobody's child.
 */
static void node_set_parent(struct export_node *node, struct export_node *parent, const char *name)
{
	struct export_node *old = node->parent;

	if (node == node->export->root)
		return;
	if (old != parent) {
		for (struct export_node *up = parent; up; up = up->parent)
			if (up == node)
				return;
		parent->refs++;
		node->parent = parent;
		node_put_locked(old, 1);
	}
	node->pinned = false;
	export_list_fd(node);
	if (!strcmp(node->name, name))
		return;
	char *copy = strdup(name);
	if (!copy)
		return;
	free(node->name);
	node->name = copy;
}

void export_node_moved(struct export_node *node, struct export_node *parent, const char *name)
{
	pthread_mutex_lock(&node->export->lock);
	node_set_parent(node, parent, name);
	node_unlock(node->export);
}

void export_node_lost(struct export_node *node, struct export_node *parent, const char *name)
{
	pthread_mutex_lock(&node->export->lock);
	if (!node->mount->handles && node->parent == parent && !strcmp(node->name, name))
		export_pin_fd(node);
	pthread_mutex_unlock(&node->export->lock);
}

int export_parent(struct export_node *node, struct export_node **parent, struct export_attr *attr)
{
	struct export *export = node->export;
	int err = 0;

	pthread_mutex_lock(&export->lock);
	*parent = node->parent ?: node;
	(*parent)->refs++;
	pthread_mutex_unlock(&export->lock);
	if (attr)
		err = export_getattr(*parent, NULL, 0, attr);
	if (err)
		export_node_put(*parent, 1);
	return err;
}

/* ---- finding and making ---- */

/* With the lock. Is what fd shows the node's object, or has its inode number gone to another? */
static bool node_is(struct export_node *node, int fd, const struct statx *stx)
{
	/* Nobody gets the number of an inode that is in use. */
	if (node->fd >= 0)
		return true;
	return export_same_object(node, fd, stx);
}

static int node_make(struct export *export, struct export_mount *mount, struct export_node *parent,
		     const char *name, int fd, const struct statx *stx, struct export_node **node)
{
	char *copy = NULL;

	mount->nodes++;
	if (name) {
		copy = strdup(name);
		if (!copy)
			goto drop;
	}
	struct export_node *new = node_alloc(export);
	if (!new)
		goto drop;
	*new = (struct export_node){
		.export = export,
		.mount = mount,
		.ino = stx->stx_ino,
		.number = new->number,
		.btime = export_btime(mount, stx),
		.parent = parent,
		.name = copy,
		.refs = 1,
		.fd = fd,
		.type = stx->stx_mode &S_IFMT,
		.pinned = !stx->stx_nlink || !parent,
	};
	if (parent)
		parent->refs++;
	node_hash(new);
	export_list_fd(new);
	*node = new;
	return 0;
drop:
	free(copy);
	export_drop_mount(export, mount);
	return export->nr_chunks == ARRAY_SIZE(export->chunks) ? -ENFILE : -ENOMEM;
}

/* With the lock. *fd: -1 once it is the node's. */
static int node_obtain(struct export *export, struct export_mount *mount,
		       struct export_node *parent, const char *name, int *fd,
		       const struct statx *stx, struct export_node **node)
{
	struct export_node *found = node_of(export, stx);

	if (found && !node_is(found, *fd, stx)) {
		node_unhash(found);
		found = NULL;
	}
	if (!found) {
		int err = node_make(export, mount, parent, name, *fd, stx, node);

		if (!err)
			*fd = -1;
		return err;
	}
	found->refs++;
	if (parent)
		node_set_parent(found, parent, name);
	if (found->fd < 0) {
		found->fd = *fd;
		export_list_fd(found);
		*fd = -1;
	}
	*node = found;
	return 0;
}

int export_node_obtain(struct export *export, struct export_node *parent, const char *name, int fd,
		       const struct statx *stx, struct export_node **node)
{
	struct export_mount *mount, *looked = NULL;
	int err = 0;

	pthread_mutex_lock(&export->lock);
	mount = export_mount_find(export, stx);
	if (!mount) {
		/* This asks the file system, which may not answer soon. */
		pthread_mutex_unlock(&export->lock);
		looked = export_mount_look(export, fd, stx);
		pthread_mutex_lock(&export->lock);
		mount = export_mount_find(export, stx);
	}
	if (!mount && looked && export_mount_add(export, looked)) {
		mount = looked;
		looked = NULL;
	}
	err = mount ? node_obtain(export, mount, parent, name, &fd, stx, node) : -ENFILE;
	node_unlock(export);
	export_mount_discard(export, looked);
	if (fd >= 0) {
		close(fd);
		export_unreserve_fd(export);
	}
	return err;
}

struct export_node *export_node_known(struct export *export, struct export_node *parent,
				      const char *name, const struct statx *stx)
{
	pthread_mutex_lock(&export->lock);
	struct export_node *node = node_of(export, stx);
	if (node && node->fd >= 0) {
		node->refs++;
		node_set_parent(node, parent, name);
	} else {
		node = NULL;
	}
	node_unlock(export);
	return node;
}

struct export_node *export_node_use_known(struct export *export, const struct statx *stx)
{
	pthread_mutex_lock(&export->lock);
	struct export_node *node = node_of(export, stx);
	if (node)
		node->refs++;
	pthread_mutex_unlock(&export->lock);
	if (node && export_use(node) < 0) {
		export_node_put(node, 1);
		node = NULL;
	}
	return node;
}

/* ---- all of them ---- */

int export_nodes_init(struct export *export, int fd)
{
	struct statx stx;
	int err;

	TAILQ_INIT(&export->lru);
	export->nr_buckets = NODE_FIRST_BUCKETS;
	export->buckets = calloc(export->nr_buckets, sizeof(*export->buckets));
	if (!export->buckets)
		return -ENOMEM;
	err = export_statx(fd, "", &stx);
	if (err)
		goto free;
	export_number(export, export_statx_dev(&stx), stx.stx_ino);

	/* A failure closes what it is given, and the folder is still the caller's then. */
	int own = dup(fd);
	if (own < 0) {
		err = -errno;
		goto free;
	}
	export->nr_fds++;
	err = export_node_obtain(export, NULL, NULL, own, &stx, &export->root);
	if (!err) {
		/* Asked for by name. */
		export->root->mount->kernels = false;
		return 0;
	}
free:
	export_nodes_destroy(export);
	return err;
}

void export_nodes_destroy(struct export *export)
{
	if (export->root)
		export_node_put(export->root, export->root->refs);
	for (u32 i = 0; i < export->nr_chunks; i++)
		free(export->chunks[i]);
	for (u32 i = 0; i < export->nr_mounts; i++)
		free(export->mounts[i]);
	free(export->buckets);
}
