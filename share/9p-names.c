// SPDX-License-Identifier: GPL-2.0-or-later
/* 9P requests about names: from attach and walk to remove. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include "9p-private.h"

/* Of the wire. */
#define UNLINKAT_FOLDER 0x200u

int p9_do_attach(struct p9_call *call)
{
	struct p9_server *server = call->server;
	u32 number = p9_u32(call);
	char user[NAME_MAX + 1], tree[PATH_MAX];
	struct export_node *root;
	struct export_attr attr;
	struct p9_fid *fid;
	int err;

	p9_u32(call); /* no authentication */
	p9_string(call, user, sizeof(user));
	/* Which tree: there is one. */
	p9_string(call, tree, sizeof(tree));
	u32 uid = p9_u32(call);
	if (call->bad)
		return -EINVAL;
	root = export_root(server->export);
	err = export_getattr(root, NULL, P9_STATX, &attr);
	fid = err ? NULL : p9_fid_new(server, number, uid, root);
	if (!fid) {
		export_node_put(root, 1);
		return err ?: -ENOMEM;
	}
	err = p9_fid_add(server, fid);
	p9_fid_put(server, fid);
	p9_put_qid(call, &attr);
	return err;
}

/* ---- walking ---- */

/* Where a walk has come to; both counted. */
struct walk {
	struct export_node *node, *parent; /* parent NULL: the last step was none by a name */
	char name[NAME_MAX + 1];
};

static void walk_end(struct walk *walk)
{
	export_node_put(walk->node, 1);
	if (walk->parent)
		export_node_put(walk->parent, 1);
}

/* 0: *walk has moved. */
static int walk_step(struct walk *walk, const struct export_caller *caller,
		     struct export_attr *attr)
{
	struct export_node *next;
	bool up = !strcmp(walk->name, "..");
	int err = up ? export_parent(walk->node, &next, attr)
		     : export_lookup(walk->node, walk->name, caller, &next, attr);

	if (err)
		return err;
	if (walk->parent)
		export_node_put(walk->parent, 1);
	walk->parent = walk->node;
	walk->node = next;
	if (up) {
		export_node_put(walk->parent, 1);
		walk->parent = NULL;
	}
	return 0;
}

static void fid_place_at(struct p9_fid *fid, struct walk *walk, char *name)
{
	struct walk old = { fid->node, fid->parent, "" };

	fid->node = walk->node;
	fid->parent = walk->parent;
	free(fid->name);
	fid->name = name;
	*walk = old;
}

/* The fid itself is moved, unless it is open. Takes over what walk has. */
static int move_fid(struct p9_fid *fid, struct walk *walk, char *name)
{
	bool open;

	pthread_mutex_lock(&fid->lock);
	open = fid->file || fid->xattr;
	if (!open)
		fid_place_at(fid, walk, name);
	pthread_mutex_unlock(&fid->lock);
	if (open)
		free(name);
	walk_end(walk);
	return open ? -EBUSY : 0;
}

static int add_walked(struct p9_call *call, u32 number, struct walk *walk, char *name)
{
	struct p9_fid *fid = p9_fid_new(call->server, number, call->fid->uid, walk->node);
	int err;

	if (!fid) {
		free(name);
		walk_end(walk);
		return -ENOMEM;
	}
	fid->parent = walk->parent;
	fid->name = name;
	err = p9_fid_add(call->server, fid);
	p9_fid_put(call->server, fid);
	return err;
}

int p9_do_walk(struct p9_call *call)
{
	u32 number = p9_u32(call);
	u16 nr = p9_u16(call), done = 0;
	const struct export_caller caller = p9_caller(call, call->fid, 0);
	struct walk walk = { .node = p9_fid_node(call->fid) };
	struct export_attr attr;
	char *name = NULL;
	int err = nr > P9_MAX_WALK ? -EINVAL : 0;

	p9_put_u16(call, 0);
	while (!err && done < nr) {
		p9_string(call, walk.name, sizeof(walk.name));
		err = call->bad ? -ENAMETOOLONG : walk_step(&walk, &caller, &attr);
		if (err)
			break;
		p9_put_qid(call, &attr);
		done++;
	}
	/* What could be walked is told; the new fid is there only if that was all. */
	if (done < nr) {
		walk_end(&walk);
		call->out[0] = done;
		return done ? 0 : err;
	}
	if (walk.parent)
		name = strdup(walk.name);
	if (walk.parent && !name) {
		walk_end(&walk);
		return -ENOMEM;
	}
	call->out[0] = done;
	if (number == call->fid->number)
		return move_fid(call->fid, &walk, name);
	return add_walked(call, number, &walk, name);
}

int p9_do_clunk(struct p9_call *call)
{
	/* Two at once: one has it. */
	if (!p9_fid_remove(call->server, call->fid))
		return -EBADF;
	return p9_xattr_finish(call, call->fid);
}

/* ---- making ---- */

/* For those that answer with the new object's qid. */
static int made(struct p9_call *call, int err, struct export_node *node,
		const struct export_attr *attr)
{
	if (err)
		return err;
	p9_put_qid(call, attr);
	export_node_put(node, 1);
	return 0;
}

int p9_do_mkdir(struct p9_call *call)
{
	struct export_node *parent, *node;
	struct export_attr attr;
	char name[NAME_MAX + 1];

	p9_string(call, name, sizeof(name));
	u32 mode = p9_u32(call);
	const struct export_caller caller = p9_caller(call, call->fid, p9_u32(call));
	if (call->bad)
		return -EINVAL;
	parent = p9_fid_node(call->fid);
	int err = export_mkdir(parent, name, &caller, mode & 07777, &node, &attr);
	export_node_put(parent, 1);
	return made(call, err, node, &attr);
}

int p9_do_mknod(struct p9_call *call)
{
	struct export_node *parent, *node;
	struct export_attr attr;
	char name[NAME_MAX + 1];

	p9_string(call, name, sizeof(name));
	u32 mode = p9_u32(call), major = p9_u32(call), minor = p9_u32(call);
	const struct export_caller caller = p9_caller(call, call->fid, p9_u32(call));
	if (call->bad)
		return -EINVAL;
	parent = p9_fid_node(call->fid);
	int err = export_mknod(parent, name, &caller, mode, makedev(major, minor), &node, &attr);
	export_node_put(parent, 1);
	return made(call, err, node, &attr);
}

int p9_do_symlink(struct p9_call *call)
{
	struct export_node *parent, *node;
	struct export_attr attr;
	char name[NAME_MAX + 1], target[PATH_MAX];

	p9_string(call, name, sizeof(name));
	p9_string(call, target, sizeof(target));
	const struct export_caller caller = p9_caller(call, call->fid, p9_u32(call));
	if (call->bad)
		return -EINVAL;
	parent = p9_fid_node(call->fid);
	int err = export_symlink(parent, name, &caller, target, &node, &attr);
	export_node_put(parent, 1);
	return made(call, err, node, &attr);
}

int p9_do_readlink(struct p9_call *call)
{
	struct export_node *node = p9_fid_node(call->fid);
	char target[PATH_MAX];
	ssize_t len = export_readlink(node, target, sizeof(target));

	export_node_put(node, 1);
	if (len < 0)
		return len;
	p9_put_string(call, target, len);
	return 0;
}

/* ---- two places at once: the second one's fid is a field of its own ---- */

/* Counted; NULL: there is no such fid. */
static struct export_node *node_of(struct p9_call *call, u32 number)
{
	struct p9_fid *fid = p9_fid_get(call->server, number);
	struct export_node *node = fid ? p9_fid_node(fid) : NULL;

	if (fid)
		p9_fid_put(call->server, fid);
	return node;
}

int p9_do_link(struct p9_call *call)
{
	u32 number = p9_u32(call);
	char name[NAME_MAX + 1];
	const struct export_caller caller = p9_caller(call, call->fid, 0);
	struct export_node *parent, *node;
	int err;

	p9_string(call, name, sizeof(name));
	if (call->bad)
		return -EINVAL;
	node = node_of(call, number);
	if (!node)
		return -EBADF;
	parent = p9_fid_node(call->fid);
	err = export_link(node, parent, name, &caller, NULL);
	export_node_put(parent, 1);
	export_node_put(node, 1);
	return err;
}

int p9_do_renameat(struct p9_call *call)
{
	char name[NAME_MAX + 1], new_name[NAME_MAX + 1];
	const struct export_caller caller = p9_caller(call, call->fid, 0);
	struct export_node *parent, *new_parent;
	int err;

	p9_string(call, name, sizeof(name));
	u32 number = p9_u32(call);
	p9_string(call, new_name, sizeof(new_name));
	if (call->bad)
		return -EINVAL;
	new_parent = node_of(call, number);
	if (!new_parent)
		return -EBADF;
	parent = p9_fid_node(call->fid);
	err = export_rename(parent, name, new_parent, new_name, &caller, 0);
	export_node_put(parent, 1);
	export_node_put(new_parent, 1);
	return err;
}

/* ---- by the fid of the object, whose name is the one that it was walked to by ---- */

struct found {
	struct export_node *parent; /* counted */
	char name[NAME_MAX + 1];
	bool folder;
};

/* Is it still there? Another object of that name is not what the guest means. */
static int find_name(struct p9_call *call, struct found *found)
{
	const struct export_caller caller = p9_caller(call, call->fid, 0);
	struct export_node *node, *there;
	int err;

	pthread_mutex_lock(&call->fid->lock);
	found->parent = call->fid->parent;
	if (found->parent) {
		export_node_get(found->parent);
		snprintf(found->name, sizeof(found->name), "%s", call->fid->name);
	}
	pthread_mutex_unlock(&call->fid->lock);
	if (!found->parent)
		return -EBUSY;
	node = p9_fid_node(call->fid);
	found->folder = S_ISDIR(export_node_type(node));
	err = export_lookup(found->parent, found->name, &caller, &there, NULL);
	if (!err) {
		err = there == node ? 0 : -ENOENT;
		export_node_put(there, 1);
	}
	export_node_put(node, 1);
	if (err)
		export_node_put(found->parent, 1);
	return err;
}

static void rename_fid(struct p9_fid *fid, struct export_node *parent, const char *name)
{
	char *copy = strdup(name);
	struct export_node *old;

	/* Without memory for it the fid has no name: what needs one is refused. */
	export_node_get(parent);
	pthread_mutex_lock(&fid->lock);
	old = fid->parent;
	fid->parent = copy ? parent : NULL;
	free(fid->name);
	fid->name = copy;
	pthread_mutex_unlock(&fid->lock);
	if (!copy)
		export_node_put(parent, 1);
	if (old)
		export_node_put(old, 1);
}

int p9_do_rename(struct p9_call *call)
{
	u32 number = p9_u32(call);
	const struct export_caller caller = p9_caller(call, call->fid, 0);
	struct export_node *new_parent;
	char new_name[NAME_MAX + 1];
	struct found found;
	int err;

	p9_string(call, new_name, sizeof(new_name));
	if (call->bad)
		return -EINVAL;
	new_parent = node_of(call, number);
	if (!new_parent)
		return -EBADF;
	err = find_name(call, &found);
	if (!err) {
		err = export_rename(found.parent, found.name, new_parent, new_name, &caller, 0);
		export_node_put(found.parent, 1);
	}
	if (!err)
		rename_fid(call->fid, new_parent, new_name);
	export_node_put(new_parent, 1);
	return err;
}

int p9_do_unlinkat(struct p9_call *call)
{
	const struct export_caller caller = p9_caller(call, call->fid, 0);
	struct export_node *parent;
	char name[NAME_MAX + 1];
	int err;

	p9_string(call, name, sizeof(name));
	u32 flags = p9_u32(call);
	if (call->bad || flags & ~UNLINKAT_FOLDER)
		return -EINVAL;
	parent = p9_fid_node(call->fid);
	err = export_unlink(parent, name, &caller, flags & UNLINKAT_FOLDER);
	export_node_put(parent, 1);
	return err;
}

/* The fid is gone even when its object cannot be removed. */
int p9_do_remove(struct p9_call *call)
{
	const struct export_caller caller = p9_caller(call, call->fid, 0);
	struct found found;
	int err;

	if (!p9_fid_remove(call->server, call->fid))
		return -EBADF;
	err = find_name(call, &found);
	if (err)
		return err;
	err = export_unlink(found.parent, found.name, &caller, found.folder);
	export_node_put(found.parent, 1);
	return err;
}
