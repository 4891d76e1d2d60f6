// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Locks of a guest's processes on an export's files. An owner of record locks has an open file description of its own for
 * each file: the kernel then keeps owners apart, and excludes the host's processes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "export-private.h"

static struct export_owners *lock_owners(struct export_node *node)
{
	return &node->export->owners[node->number % EXPORT_OWNERS];
}

/* This one and the next two with the owners' lock. */
static struct export_owner **lock_find(struct export_node *node, u64 owner)
{
	struct export_owner **from = &lock_owners(node)->first;

	while (*from && ((*from)->node != node || (*from)->owner != owner))
		from = &(*from)->next;
	return from;
}

static void lock_drop(struct export_owner **from)
{
	struct export_owner *owner = *from;
	struct export *export = owner->node->export;

	*from = owner->next;
	__atomic_sub_fetch(&export->nr_owners, 1, __ATOMIC_RELAXED);
	close(owner->fd);
	export_unreserve_file(export);
	export_node_put(owner->node, 1);
	free(owner);
}

/* A write lock wants a descriptor for writing, but the owner's other files may be open for reading only. */
static int lock_make(struct export_node *node, u64 id, struct export_owner **ownerp)
{
	struct export *export = node->export;
	struct export_owners *owners = lock_owners(node);
	struct export_owner *owner;
	bool writable = !export_readonly(export);
	int fd = -ENOLCK;

	owner = calloc(1, sizeof(*owner));
	if (!owner)
		return -ENOMEM;
	if (__atomic_add_fetch(&export->nr_owners, 1, __ATOMIC_RELAXED) > EXPORT_MAX_LOCKS)
		goto free;
	fd = export_reserve_file(export);
	if (fd)
		goto free;
	fd = export_reopen_reserved(node, writable ? O_RDWR : O_RDONLY);
	if (fd < 0 && writable) {
		writable = false;
		fd = export_reopen_reserved(node, O_RDONLY);
	}
	if (fd < 0)
		goto unreserve;
	*owner = (struct export_owner){
		.next = owners->first,
		.node = node,
		.owner = id,
		.fd = fd,
		.writable = writable,
	};
	export_node_get(node);
	owners->first = owner;
	*ownerp = owner;
	return 0;
unreserve:
	export_unreserve_file(export);
free:
	__atomic_sub_fetch(&export->nr_owners, 1, __ATOMIC_RELAXED);
	free(owner);
	return fd == -EMFILE ? -ENOLCK : fd;
}

static bool lock_is_whole(const struct flock *lock)
{
	return !lock->l_start && (!lock->l_len || lock->l_len == INT64_MAX);
}

static int lock_check(const struct export_file *file, const struct flock *lock)
{
	if (file->node->type != S_IFREG)
		return -EINVAL;
	if (lock->l_whence != SEEK_SET || lock->l_start < 0 || lock->l_len < 0)
		return -EINVAL;
	if (lock->l_type != F_RDLCK && lock->l_type != F_WRLCK && lock->l_type != F_UNLCK)
		return -EINVAL;
	return 0;
}

static int lock_set(struct export_owner *owner, const struct flock *lock)
{
	struct flock own = *lock;

	/* The kernel wants 0 here. */
	own.l_pid = 0;
	if (!fcntl(owner->fd, F_OFD_SETLK, &own)) {
		owner->pid = lock->l_pid;
		return 0;
	}
	return errno == EACCES ? -EAGAIN : -errno;
}

int export_lock(struct export_file *file, u64 id, const struct flock *lock)
{
	struct export_owners *owners = lock_owners(file->node);
	int err = lock_check(file, lock);

	if (err)
		return err;
	pthread_mutex_lock(&owners->lock);
	struct export_owner **from = lock_find(file->node, id);
	struct export_owner *owner = *from;
	bool made = !owner;
	if (lock->l_type == F_UNLCK) {
		if (owner && lock_is_whole(lock))
			lock_drop(from);
		else if (owner)
			err = lock_set(owner, lock);
		goto out;
	}
	if (made)
		err = lock_make(file->node, id, &owner);
	if (!err)
		err = lock_set(owner, lock);
	if (err && made && owner)
		lock_drop(lock_find(file->node, id));
out:
	pthread_mutex_unlock(&owners->lock);
	return err;
}

/* Which owner of the guest's has the lock that the kernel reports: the one who is not in its own way there. */
static u32 lock_pid(struct export_node *node, u64 id, const struct flock *found)
{
	struct export_owner *owner = lock_owners(node)->first;

	if (found->l_pid != -1)
		return 0;
	for (; owner; owner = owner->next) {
		struct flock probe = *found;

		if (owner->node != node || owner->owner == id)
			continue;
		probe.l_pid = 0;
		probe.l_type = F_WRLCK;
		if (!fcntl(owner->fd, F_OFD_GETLK, &probe) && probe.l_type == F_UNLCK)
			return owner->pid;
	}
	return 0;
}

int export_getlock(struct export_file *file, u64 id, struct flock *lock)
{
	struct export_owners *owners = lock_owners(file->node);
	int err = lock_check(file, lock);

	if (err || lock->l_type == F_UNLCK)
		return err ?: -EINVAL;
	pthread_mutex_lock(&owners->lock);
	struct export_owner *owner = *lock_find(file->node, id);
	lock->l_pid = 0;
	/* Without an owner's the file's own will do: nobody locks by it. */
	if (fcntl(owner ? owner->fd : file->fd, F_OFD_GETLK, lock))
		err = -errno;
	else if (lock->l_type != F_UNLCK)
		lock->l_pid = lock_pid(file->node, id, lock);
	pthread_mutex_unlock(&owners->lock);
	return err;
}

int export_flock(struct export_file *file, u64 owner, int operation)
{
	operation &= ~LOCK_NB;
	if (operation != LOCK_SH && operation != LOCK_EX && operation != LOCK_UN)
		return -EINVAL;
	return flock(file->fd, operation | LOCK_NB) ? -errno : 0;
}

void export_unlock_owner(struct export_file *file, u64 id)
{
	struct export_owners *owners = lock_owners(file->node);

	pthread_mutex_lock(&owners->lock);
	struct export_owner **from = lock_find(file->node, id);
	if (*from)
		lock_drop(from);
	pthread_mutex_unlock(&owners->lock);
}

void export_unlock_node(struct export_node *node)
{
	struct export_owners *owners = lock_owners(node);
	struct export *export = node->export;

	pthread_mutex_lock(&owners->lock);
	/* Another may have opened and locked it meanwhile. */
	pthread_mutex_lock(&export->lock);
	bool closed = !node->files;
	pthread_mutex_unlock(&export->lock);
	for (struct export_owner **from = &owners->first; closed && *from;) {
		if ((*from)->node == node)
			lock_drop(from);
		else
			from = &(*from)->next;
	}
	pthread_mutex_unlock(&owners->lock);
}
