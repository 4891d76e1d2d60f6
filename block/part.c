// SPDX-License-Identifier: GPL-2.0-or-later
/* A read or a write, part by part. No memory is needed for that: the buffer that a part ends in is cut meanwhile. */
#include "disk-private.h"
#include "lkvm/util/iov.h"

void disk_part_begin(struct disk_request *request)
{
	u64 left = request->length - request->engine_progress;
	size_t room = DISK_PART;
	unsigned nr = 0;

	request->engine_part = MIN(left, (u64)DISK_PART);
	request->engine_nr = request->engine_left;
	request->engine_cut = 0;
	if (left <= DISK_PART)
		return;
	while (room > request->engine_iov[nr].iov_len)
		room -= request->engine_iov[nr++].iov_len;
	request->engine_cut = request->engine_iov[nr].iov_len - room;
	request->engine_iov[nr].iov_len = room;
	request->engine_nr = nr + 1;
}

void disk_part_end(struct disk_request *request, u64 done)
{
	if (request->engine_cut)
		request->engine_iov[request->engine_nr - 1].iov_len += request->engine_cut;
	request->engine_progress += done;
	/* Most requests have only one. */
	if (request->engine_progress < request->length)
		request->engine_iov = iov_skip(request->engine_iov, &request->engine_left, done);
}
