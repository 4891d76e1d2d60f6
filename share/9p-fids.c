// SPDX-License-Identifier: GPL-2.0-or-later
/* What a guest holds: fids, and values of extended attributes, both counted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "9p-private.h"

static struct p9_fid **fid_place(struct p9_server *server, u32 number)
{
	struct p9_fid **place = &server->fids[number % P9_HASH];

	while (*place && (*place)->number != number)
		place = &(*place)->next;
	return place;
}

struct p9_fid *p9_fid_get(struct p9_server *server, u32 number)
{
	struct p9_fid *fid;

	pthread_mutex_lock(&server->lock);
	fid = *fid_place(server, number);
	if (fid)
		fid->users++;
	pthread_mutex_unlock(&server->lock);
	return fid;
}

struct p9_fid *p9_fid_new(struct p9_server *server, u32 number, u32 uid, struct export_node *node)
{
	struct p9_fid *fid = calloc(1, sizeof(*fid));

	if (!fid)
		return NULL;
	fid->number = number;
	fid->uid = uid;
	fid->node = node;
	fid->users = 1;
	pthread_mutex_init(&fid->lock, NULL);
	return fid;
}

int p9_fid_add(struct p9_server *server, struct p9_fid *fid)
{
	struct p9_fid **place;
	int err = 0;

	pthread_mutex_lock(&server->lock);
	place = fid_place(server, fid->number);
	if (*place || fid->number == P9_NOFID) {
		err = -EBADF;
	} else if (server->nr_fids == P9_MAX_FIDS) {
		err = -ENFILE;
	} else {
		*place = fid;
		fid->known = true;
		fid->users++;
		server->nr_fids++;
	}
	pthread_mutex_unlock(&server->lock);
	return err;
}

bool p9_fid_remove(struct p9_server *server, struct p9_fid *fid)
{
	struct p9_fid **place;
	bool known;

	pthread_mutex_lock(&server->lock);
	known = fid->known;
	if (known) {
		place = fid_place(server, fid->number);
		*place = fid->next;
		fid->known = false;
		/* The caller has another one. */
		fid->users--;
		server->nr_fids--;
	}
	pthread_mutex_unlock(&server->lock);
	return known;
}

static void fid_free(struct p9_server *server, struct p9_fid *fid)
{
	if (fid->xattr) {
		pthread_mutex_lock(&server->lock);
		server->xattr_bytes -= fid->xattr->size;
		pthread_mutex_unlock(&server->lock);
		free(fid->xattr);
	}
	if (fid->file)
		export_file_put(fid->file);
	if (fid->parent)
		export_node_put(fid->parent, 1);
	export_node_put(fid->node, 1);
	free(fid->name);
	pthread_mutex_destroy(&fid->lock);
	free(fid);
}

void p9_fid_put(struct p9_server *server, struct p9_fid *fid)
{
	bool last;

	pthread_mutex_lock(&server->lock);
	last = !--fid->users;
	pthread_mutex_unlock(&server->lock);
	if (last)
		fid_free(server, fid);
}

/* Counted. */
static struct p9_fid *fid_first(struct p9_server *server, unsigned hash)
{
	struct p9_fid *fid;

	pthread_mutex_lock(&server->lock);
	fid = server->fids[hash];
	if (fid)
		fid->users++;
	pthread_mutex_unlock(&server->lock);
	return fid;
}

void p9_fids_drop(struct p9_server *server)
{
	struct p9_fid *fid;

	for (unsigned i = 0; i < P9_HASH; i++) {
		while ((fid = fid_first(server, i))) {
			p9_fid_remove(server, fid);
			p9_fid_put(server, fid);
		}
	}
}

struct export_node *p9_fid_node(struct p9_fid *fid)
{
	struct export_node *node;

	pthread_mutex_lock(&fid->lock);
	node = fid->node;
	export_node_get(node);
	pthread_mutex_unlock(&fid->lock);
	return node;
}

struct export_file *p9_fid_file(struct p9_fid *fid)
{
	struct export_file *file;

	pthread_mutex_lock(&fid->lock);
	file = fid->file;
	if (file)
		export_file_get(file);
	pthread_mutex_unlock(&fid->lock);
	return file;
}

struct p9_xattr *p9_xattr_new(struct p9_server *server, const char *name, u32 size)
{
	struct p9_xattr *xattr;
	bool fits;

	pthread_mutex_lock(&server->lock);
	fits = size <= EXPORT_MAX_XATTR && server->xattr_bytes + size <= P9_MAX_XATTRS;
	server->xattr_bytes += fits ? size : 0;
	pthread_mutex_unlock(&server->lock);
	if (!fits)
		return NULL;
	xattr = calloc(1, sizeof(*xattr) + size);
	if (xattr) {
		xattr->size = size;
		strcpy(xattr->name, name);
		return xattr;
	}
	pthread_mutex_lock(&server->lock);
	server->xattr_bytes -= size;
	pthread_mutex_unlock(&server->lock);
	return NULL;
}
