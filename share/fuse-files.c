// SPDX-License-Identifier: GPL-2.0-or-later
/* Open files: the guest's handles of them, and their data, which goes between file and guest without a copy of ours. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include "fuse-private.h"

#define FIRST_HANDLES 64
/* A copy keeps a thread busy: the guest asks again for what is left. */
#define COPY_AT_ONCE  MIB(128)

/* ---- handles: slot and generation ---- */

static int handles_grow(struct fuse *fuse)
{
	u32 nr = fuse->nr_slots ? fuse->nr_slots * 2 : FIRST_HANDLES;

	if (fuse->nr_slots >= EXPORT_MAX_FILES)
		return -ENFILE;
	struct fuse_handle *handles = realloc(fuse->handles, nr * sizeof(*handles));
	if (!handles)
		return -ENOMEM;
	memset(handles + fuse->nr_slots, 0, (nr - fuse->nr_slots) * sizeof(*handles));
	for (u32 i = nr; i-- > fuse->nr_slots;) {
		handles[i].next_free = fuse->free_handle;
		fuse->free_handle = i + 1;
	}
	fuse->handles = handles;
	fuse->nr_slots = nr;
	return 0;
}

int fuse_add_handle(struct fuse *fuse, struct export_file *file, bool append, u64 *fh)
{
	int err = 0;

	pthread_mutex_lock(&fuse->handles_lock);
	if (!fuse->free_handle)
		err = handles_grow(fuse);
	if (!err) {
		u32 slot = fuse->free_handle - 1;
		struct fuse_handle *handle = &fuse->handles[slot];

		fuse->free_handle = handle->next_free;
		fuse->nr_handles++;
		handle->file = file;
		handle->append = append;
		handle->generation++;
		*fh = (u64)handle->generation << 32 | slot;
	}
	pthread_mutex_unlock(&fuse->handles_lock);
	return err;
}

/* With the lock. */
static struct fuse_handle *handle_find(struct fuse *fuse, u64 node, u64 fh)
{
	u32 slot = (u32)fh;

	if (slot >= fuse->nr_slots)
		return NULL;
	struct fuse_handle *handle = &fuse->handles[slot];
	if (!handle->file || handle->generation != fh >> 32)
		return NULL;
	return export_node_number(export_file_node(handle->file)) == node ? handle : NULL;
}

struct export_file *fuse_get_handle(struct fuse *fuse, u64 node, u64 fh, bool *append)
{
	struct export_file *file = NULL;

	pthread_mutex_lock(&fuse->handles_lock);
	struct fuse_handle *handle = handle_find(fuse, node, fh);
	if (handle) {
		file = handle->file;
		export_file_get(file);
		if (append)
			*append = handle->append;
	}
	pthread_mutex_unlock(&fuse->handles_lock);
	return file;
}

/* With the lock. */
static struct export_file *handle_free(struct fuse *fuse, struct fuse_handle *handle)
{
	struct export_file *file = handle->file;

	handle->file = NULL;
	handle->next_free = fuse->free_handle;
	fuse->free_handle = handle - fuse->handles + 1;
	fuse->nr_handles--;
	return file;
}

struct export_file *fuse_take_handle(struct fuse *fuse, u64 node, u64 fh)
{
	struct export_file *file = NULL;

	pthread_mutex_lock(&fuse->handles_lock);
	struct fuse_handle *handle = handle_find(fuse, node, fh);
	if (handle)
		file = handle_free(fuse, handle);
	pthread_mutex_unlock(&fuse->handles_lock);
	return file;
}

void fuse_drop_handles(struct fuse *fuse)
{
	for (u32 slot = 0;; slot++) {
		struct export_file *file = NULL;

		pthread_mutex_lock(&fuse->handles_lock);
		bool end = slot >= fuse->nr_slots;
		if (!end && fuse->handles[slot].file)
			file = handle_free(fuse, &fuse->handles[slot]);
		pthread_mutex_unlock(&fuse->handles_lock);
		if (end)
			return;
		if (file)
			export_file_put(file);
	}
}

/* ---- opening ---- */

int fuse_host_flags(struct fuse *fuse, u32 flags)
{
	/* Guest and host are of one architecture. The guest's page cache decides about O_DIRECT. */
	int host = (int)flags & (O_ACCMODE | O_APPEND | O_TRUNC | O_DSYNC | O_SYNC | O_NOATIME);

	if (!fuse_agreed(fuse, FUSE_WRITEBACK_CACHE))
		return host;
	/* Its cache fills the rest of a page by reading, and knows where the file ends. */
	if ((host & O_ACCMODE) == O_WRONLY)
		host = (host & ~O_ACCMODE) | O_RDWR;
	return host & ~O_APPEND;
}

u32 fuse_open_flags(struct fuse *fuse, struct export_file *file)
{
	switch (fuse->config.cache) {
	case FUSE_CACHE_NONE:
		return FOPEN_DIRECT_IO | FUSE_OPEN_PARALLEL_DIRECT_WRITES;
	case FUSE_CACHE_AUTO:
		return FUSE_OPEN_PARALLEL_DIRECT_WRITES |
		       (file && fuse_unchanged(fuse, file) ? FOPEN_KEEP_CACHE : 0);
	default:
		return FUSE_OPEN_PARALLEL_DIRECT_WRITES | FOPEN_KEEP_CACHE;
	}
}

int fuse_do_open(struct fuse_call *call)
{
	const struct fuse_open_in *in = &call->open;
	struct fuse *fuse = call->fuse;
	int flags = fuse_host_flags(fuse, in->flags);
	struct export_file *file;

	if (export_node_type(call->node) == S_IFDIR)
		return -EISDIR;
	call->caller.kill_suidgid = in->open_flags & FUSE_OPEN_KILL_SUIDGID;
	int err = export_open_file(call->node, &call->caller, flags, &file);
	/* What only may be written, by whoever it is that we are. */
	if (err == -EACCES && (flags & O_ACCMODE) == O_RDWR &&
	    (in->flags & O_ACCMODE) == O_WRONLY) {
		flags = (flags & ~O_ACCMODE) | O_WRONLY;
		err = export_open_file(call->node, &call->caller, flags, &file);
	}
	if (err)
		return err;
	struct fuse_open_out out = { .open_flags = fuse_open_flags(fuse, file) };
	err = fuse_add_handle(fuse, file, flags & O_APPEND, &out.fh);
	if (err) {
		export_file_put(file);
		return err;
	}
	return fuse_put(call, 0, &out, sizeof(out));
}

/*
 * Linux tells of writes and truncations whether the set-uid bits have to go, but not of these; and not whose they are, where
 * mounts may translate ids.
 */
static struct export_caller files_killer(const struct fuse_call *call)
{
	return (struct export_caller){ .kill_suidgid = call->header.uid };
}

static struct export_file *files_get(struct fuse_call *call, u64 fh)
{
	return fuse_get_handle(call->fuse, call->header.nodeid, fh, NULL);
}

int fuse_do_release(struct fuse_call *call)
{
	const struct fuse_release_in *in = &call->release;
	struct export_file *file = fuse_take_handle(call->fuse, call->header.nodeid, in->fh);

	if (!file)
		return -EBADF;
	if (in->release_flags & FUSE_RELEASE_FLOCK_UNLOCK)
		export_flock(file, in->lock_owner, LOCK_UN);
	export_file_put(file);
	fuse_kick_waits(call->fuse);
	return 0;
}

int fuse_do_flush(struct fuse_call *call)
{
	struct export_file *file = files_get(call, call->flush.fh);

	if (!file)
		return -EBADF;
	export_unlock_owner(file, call->flush.lock_owner);
	int err = export_flush(file);
	export_file_put(file);
	fuse_kick_waits(call->fuse);
	return err;
}

/* Of folders as well. */
int fuse_do_fsync(struct fuse_call *call)
{
	struct export_file *file = files_get(call, call->fsync.fh);

	if (!file)
		return -EBADF;
	int err = export_fsync(file, call->fsync.fsync_flags & FUSE_FSYNC_FDATASYNC);
	export_file_put(file);
	return err;
}

/* ---- data ---- */

int fuse_do_read(struct fuse_call *call)
{
	const struct fuse_read_in *in = &call->read;
	struct share_request *request = call->request;
	struct export_file *file = files_get(call, in->fh);
	struct iov_window window;

	if (!file)
		return -EBADF;
	iov_window_open(&window, request->in, request->nr_in, sizeof(struct fuse_out_header),
			MIN(in->size, call->capacity));
	ssize_t len = export_read(file, window.iov, window.nr, in->offset);
	iov_window_close(&window);
	export_file_put(file);
	return len;
}

/* A page of the guest's cache has its place, whatever the file that it was written by was opened for. */
static ssize_t files_write_page(struct fuse_call *call, struct export_file *file,
				const struct export_caller *caller, const struct iov_window *window)
{
	struct export_file *own;
	int err = export_open_file(export_file_node(file), caller, O_WRONLY, &own);

	if (err)
		return err;
	ssize_t len = export_write(own, caller, window->iov, window->nr, call->write.offset, 0);
	export_file_put(own);
	return len;
}

int fuse_do_write(struct fuse_call *call)
{
	const struct fuse_write_in *in = &call->write;
	struct share_request *request = call->request;
	/* The guest tells whether the bits have to go. */
	const struct export_caller caller = {
		.kill_suidgid = in->write_flags & FUSE_WRITE_KILL_SUIDGID,
	};
	struct iov_window window;
	bool append;

	if (in->size > call->len - sizeof(*in))
		return -EINVAL;
	struct export_file *file =
		fuse_get_handle(call->fuse, call->header.nodeid, in->fh, &append);
	if (!file)
		return -EBADF;
	iov_window_open(&window, request->out, request->nr_out,
			sizeof(struct fuse_in_header) + sizeof(*in), in->size);
	ssize_t len;
	if (append && (in->write_flags & FUSE_WRITE_CACHE))
		len = files_write_page(call, file, &caller, &window);
	else
		len = export_write(file, &caller, window.iov, window.nr, in->offset, 0);
	export_file_put(file);
	if (len < 0)
		return len;
	struct fuse_write_out out = { .size = len };
	return fuse_put(call, 0, &out, sizeof(out));
}

int fuse_do_fallocate(struct fuse_call *call)
{
	const struct fuse_fallocate_in *in = &call->fallocate;
	struct export_file *file = files_get(call, in->fh);
	const struct export_caller caller = files_killer(call);

	if (!file)
		return -EBADF;
	int err = export_fallocate(file, &caller, in->mode, in->offset, in->length);
	export_file_put(file);
	return err;
}

int fuse_do_lseek(struct fuse_call *call)
{
	struct fuse_lseek_out out;

	/* Data that is only in the guest's cache looks like a hole here; Linux then takes everything for data. */
	if (fuse_agreed(call->fuse, FUSE_WRITEBACK_CACHE))
		return -ENOSYS;
	struct export_file *file = files_get(call, call->lseek.fh);

	if (!file)
		return -EBADF;
	ssize_t offset = export_lseek(file, call->lseek.offset, call->lseek.whence);
	export_file_put(file);
	if (offset < 0)
		return offset;
	out.offset = offset;
	return fuse_put(call, 0, &out, sizeof(out));
}

static ssize_t files_copy(struct fuse_call *call)
{
	const struct fuse_copy_file_range_in *in = &call->copy;
	struct export_file *from = files_get(call, in->fh_in);
	struct export_file *to = fuse_get_handle(call->fuse, in->nodeid_out, in->fh_out, NULL);
	const struct export_caller caller = files_killer(call);
	ssize_t len = -EBADF;

	if (in->flags)
		len = -EINVAL;
	else if (from && to)
		len = export_copy_range(from, in->off_in, to, in->off_out,
					MIN(in->len, COPY_AT_ONCE), &caller);
	if (from)
		export_file_put(from);
	if (to)
		export_file_put(to);
	return len;
}

int fuse_do_copy(struct fuse_call *call)
{
	ssize_t len = files_copy(call);
	struct fuse_write_out out = { .size = len };

	return len < 0 ? len : fuse_put(call, 0, &out, sizeof(out));
}

int fuse_do_copy_64(struct fuse_call *call)
{
	ssize_t len = files_copy(call);
	struct fuse_out_copy_file_range_64 out = { .bytes_copied = len };

	return len < 0 ? len : fuse_put(call, 0, &out, sizeof(out));
}
