// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads and writes are done in parts. The buffer in which a part ends is made shorter for as long as the part lasts, so that no copy
 * of the list of buffers is needed.
 */
#include "disk-private.h"
#include "lkvm/util/iov.h"

void disk_part_begin(struct disk_request *request)
{
	u64 left = request->length - request->engine_progress;
	size_t rest = DISK_PART; /* of the part, from buffer nr on */
	unsigned nr = 0;

	request->engine_part = MIN(left, (u64)DISK_PART);
	request->engine_nr = request->engine_left;
	request->engine_cut = 0;
	if (left <= DISK_PART)
		return;
	while (rest > request->engine_iov[nr].iov_len)
		rest -= request->engine_iov[nr++].iov_len;
	request->engine_cut = request->engine_iov[nr].iov_len - rest;
	request->engine_iov[nr].iov_len = rest;
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
