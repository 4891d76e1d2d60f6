// SPDX-License-Identifier: GPL-2.0-or-later
/* Folders: the entries of an open one, alone or with what a lookup of each would tell. */
#include <errno.h>
#include <string.h>
#include "fuse-private.h"

/* An answer that is being filled. */
struct listing {
	struct fuse_call *call;
	struct export_node *folder;
	u32 used, capacity;
	bool full;
};

static u32 listing_capacity(const struct fuse_call *call)
{
	return MIN(call->read.size, call->capacity);
}

/* Room for an entry of that length? */
static bool listing_fits(struct listing *listing, size_t len)
{
	if (listing->used + FUSE_DIRENT_ALIGN(len) <= listing->capacity)
		return true;
	listing->full = true;
	return false;
}

/* `len` bytes, padded with zeroes. */
static void listing_put(struct listing *listing, u8 *bytes, size_t len)
{
	memset(bytes + len, 0, FUSE_DIRENT_ALIGN(len) - len);
	fuse_put(listing->call, listing->used, bytes, FUSE_DIRENT_ALIGN(len));
	listing->used += FUSE_DIRENT_ALIGN(len);
}

static size_t listing_fill(u8 *bytes, const struct export_entry *entry, size_t length)
{
	const struct fuse_dirent dirent = {
		.ino = entry->ino,
		.off = entry->next,
		.namelen = length,
		.type = entry->type,
	};

	memcpy(bytes, &dirent, FUSE_NAME_OFFSET);
	memcpy(bytes + FUSE_NAME_OFFSET, entry->name, length);
	return FUSE_NAME_OFFSET + length;
}

#define ENTRY_MAX FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + NAME_MAX + 1)

static bool listing_emit(void *opaque, const struct export_entry *entry)
{
	struct listing *listing = opaque;
	size_t length = strnlen(entry->name, NAME_MAX);
	u8 bytes[ENTRY_MAX];

	if (!listing_fits(listing, FUSE_NAME_OFFSET + length))
		return false;
	listing_put(listing, bytes, listing_fill(bytes, entry, length));
	return true;
}

/* What is gone by now, or refused, comes as a name alone, and so do . and .. */
static void listing_lookup(struct listing *listing, const char *name, struct fuse_entry_out *out)
{
	struct export_node *node;
	struct export_attr attr;

	*out = (struct fuse_entry_out){ 0 };
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return;
	if (!export_lookup(listing->folder, name, &listing->call->caller, &node, &attr))
		fuse_fill_entry(listing->call->fuse, node, &attr, out);
}

static bool listing_emit_plus(void *opaque, const struct export_entry *entry)
{
	struct listing *listing = opaque;
	size_t length = strnlen(entry->name, NAME_MAX);
	u8 bytes[sizeof(struct fuse_entry_out) + ENTRY_MAX];

	/* Before the guest knows the object, which it would never forget otherwise. */
	if (!listing_fits(listing, FUSE_NAME_OFFSET_DIRENTPLUS + length))
		return false;
	listing_lookup(listing, entry->name, (struct fuse_entry_out *)bytes);
	size_t len = sizeof(struct fuse_entry_out);
	len += listing_fill(bytes + len, entry, length);
	listing_put(listing, bytes, len);
	return true;
}

static int listing_read(struct fuse_call *call,
			bool (*emit)(void *opaque, const struct export_entry *entry))
{
	struct export_file *file =
		fuse_get_handle(call->fuse, call->header.nodeid, call->read.fh, NULL);

	if (!file)
		return -EBADF;
	struct listing listing = {
		.call = call,
		.folder = export_file_node(file),
		.capacity = listing_capacity(call),
	};
	int err = export_readdir(file, call->read.offset, emit, &listing);
	export_file_put(file);
	/* What was listed counts: the guest meets the error again when it goes on. */
	if (listing.used)
		return listing.used;
	/* Nothing at all would be the end of the folder. */
	return err ?: listing.full ? -EINVAL : 0;
}

int fuse_do_readdir(struct fuse_call *call)
{
	return listing_read(call, listing_emit);
}

int fuse_do_readdirplus(struct fuse_call *call)
{
	return listing_read(call, listing_emit_plus);
}

int fuse_do_opendir(struct fuse_call *call)
{
	struct fuse *fuse = call->fuse;
	struct fuse_open_out out = { 0 };
	struct export_file *file;

	int err = export_open_file(call->node, &call->caller, O_RDONLY | O_DIRECTORY, &file);
	if (err)
		return err;
	/* A list that was kept tells nothing of attributes, so it is of use only where those are kept as well. */
	if (fuse->config.cache >= FUSE_CACHE_ALWAYS)
		out.open_flags = FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR;
	err = fuse_add_handle(fuse, file, false, &out.fh);
	if (err) {
		export_file_put(file);
		return err;
	}
	return fuse_put(call, 0, &out, sizeof(out));
}

int fuse_do_releasedir(struct fuse_call *call)
{
	struct export_file *file =
		fuse_take_handle(call->fuse, call->header.nodeid, call->release.fh);

	if (!file)
		return -EBADF;
	export_file_put(file);
	return 0;
}
