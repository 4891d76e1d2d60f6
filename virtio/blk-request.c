// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The driver's requests: a header, data, a status byte, cut into descriptors in any way. Everything
 * here runs on the disk's loop.
 */
#include <errno.h>
#include <string.h>
#include "blk.h"
#include "lkvm/memory/guard.h"

/* Sectors are counted in this unit in the protocol, whatever block size is announced. */
_Static_assert(DISK_SECTOR == 512, "virtio 1.3, 5.2.6");
_Static_assert(sizeof(struct virtio_blk_outhdr) == 16, "virtio 1.3, 5.2.6");
_Static_assert(sizeof(struct virtio_blk_discard_write_zeroes) == 16, "virtio 1.3, 5.2.6");
_Static_assert(sizeof(struct disk_range) == 16, "ranges take the place of segments");

/* Flush, as the oldest drivers call it (virtio 1.3, 5.2.6.3). */
#define BLK_T_FLUSH_OUT 5

void blk_requests_init(struct virtio_blk *blk)
{
	blk->free = NULL;
	for (unsigned i = BLK_REQUESTS; i-- > 0;) {
		blk->requests[i].blk = blk;
		blk->requests[i].next_free = blk->free;
		blk->free = &blk->requests[i];
	}
	blk->to_signal = blk->stalled = 0;
}

static union blk_spill *spill_of(const struct blk_request *request)
{
	return &request->blk->spill[request - request->blk->requests];
}

static void put_request(struct blk_request *request)
{
	request->next_free = request->blk->free;
	request->blk->free = request;
}

bool blk_drop(struct disk_request *io, void *arg)
{
	struct blk_request *request = CONTAINER_OF(io, struct blk_request, io);
	const struct virtqueue *vq = arg;

	if (vq && request->queue != vq->index)
		return false;
	put_request(request);
	return true;
}

static void blk_complete(struct blk_request *request, u8 status)
{
	struct virtio_blk *blk = request->blk;

	*request->status = status;
	/*
	 * Always the whole writable part: the status byte is its last one. After a failed read the
	 * data before it means nothing.
	 */
	virtqueue_push(&blk->dev.queues[request->queue].vq, request->head, request->in_len);
	blk->to_signal |= BIT(request->queue);
	put_request(request);
}

static void io_done(struct disk_request *io, int err)
{
	struct blk_request *request = CONTAINER_OF(io, struct blk_request, io);

	/* The guest ends; that its disk failed is not why, but it must not be told that all is well. */
	if (err == -EFAULT && (io->operation == DISK_READ || io->operation == DISK_WRITE))
		memory_guard_check_iov(io->iov, io->nr_iov);
	if (!err)
		blk_complete(request, VIRTIO_BLK_S_OK);
	else if (err == -EOPNOTSUPP)
		blk_complete(request, VIRTIO_BLK_S_UNSUPP);
	else
		blk_complete(request, VIRTIO_BLK_S_IOERR);
}

static void blk_submit(struct blk_request *request, enum disk_operation operation)
{
	struct virtio_blk *blk = request->blk;

	request->io.operation = operation;
	request->io.stable = !blk_is_writeback(blk);
	request->io.done = io_done;
	disk_submit(blk->disk, &request->io);
}

/* The driver's header; only a legacy driver's may be big-endian. */
static u32 type_of(const struct virtio_blk *blk, const struct virtio_blk_outhdr *header)
{
	u32 type = virtio32(&blk->dev, header->type);

	return type == BLK_T_FLUSH_OUT && blk->dev.legacy ? VIRTIO_BLK_T_FLUSH : type;
}

static bool is_inside(const struct virtio_blk *blk, u64 sector, u64 nr)
{
	return sector <= blk->sectors && nr <= blk->sectors - sector;
}

static void blk_transfer(struct blk_request *request, enum disk_operation operation, u64 sector,
			 struct iovec *iov, unsigned nr_iov, u32 length)
{
	struct disk_request *io = &request->io;

	if (length % DISK_SECTOR || !is_inside(request->blk, sector, length / DISK_SECTOR)) {
		blk_complete(request, VIRTIO_BLK_S_IOERR);
		return;
	}
	io->iov = nr_iov <= BLK_FEW_IOVS ? request->few : spill_of(request)->iov;
	memcpy(io->iov, iov, nr_iov * sizeof(*iov));
	io->nr_iov = nr_iov;
	io->offset = sector * DISK_SECTOR;
	io->length = length;
	blk_submit(request, operation);
}

/*
 * Turns the segments, our copy of them, into ranges in the same place. A status. They are newer than the
 * legacy interface and data, not header: little-endian whatever the driver.
 */
static u8 check_segments(struct blk_request *request, unsigned nr, bool discarding)
{
	union blk_spill *spill = spill_of(request);
	u64 limit = discarding ? BLK_DISCARD_SECTORS : BLK_WRITE_ZEROES_SECTORS;

	request->io.unmap = !discarding;
	for (unsigned i = 0; i < nr; i++) {
		u64 sector = le64toh(spill->segments[i].sector);
		u32 sectors = le32toh(spill->segments[i].num_sectors);
		u32 flags = le32toh(spill->segments[i].flags);

		if (flags & ~(discarding ? 0U : VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP))
			return VIRTIO_BLK_S_UNSUPP;
		if (sectors > limit || !is_inside(request->blk, sector, sectors))
			return VIRTIO_BLK_S_IOERR;
		/* One range without leave to deallocate binds them all. */
		if (!(flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP))
			request->io.unmap = false;
		spill->ranges[i] =
			(struct disk_range){ sector * DISK_SECTOR, (u64)sectors * DISK_SECTOR };
	}
	return VIRTIO_BLK_S_OK;
}

static void discard_or_zero(struct blk_request *request, enum disk_operation operation,
			    const struct iovec *iov, unsigned nr_iov, u32 length)
{
	bool discarding = operation == DISK_DISCARD;
	unsigned limit = discarding ? BLK_DISCARD_SEGMENTS : BLK_WRITE_ZEROES_SEGMENTS;
	unsigned nr = length / sizeof(struct virtio_blk_discard_write_zeroes);

	if (!virtio_has_feature(&request->blk->dev,
				discarding ? VIRTIO_BLK_F_DISCARD : VIRTIO_BLK_F_WRITE_ZEROES)) {
		blk_complete(request, VIRTIO_BLK_S_UNSUPP);
		return;
	}
	if (!nr || nr > limit || length % sizeof(struct virtio_blk_discard_write_zeroes)) {
		blk_complete(request, VIRTIO_BLK_S_IOERR);
		return;
	}
	iov_read(iov, nr_iov, 0, spill_of(request)->segments, length);
	u8 status = check_segments(request, nr, discarding);
	if (status != VIRTIO_BLK_S_OK) {
		blk_complete(request, status);
		return;
	}
	request->io.ranges = spill_of(request)->ranges;
	request->io.nr_ranges = nr;
	blk_submit(request, operation);
}

static void get_id(struct blk_request *request, const struct iovec *iov, unsigned nr_iov)
{
	iov_write(iov, nr_iov, 0, request->blk->serial, VIRTIO_BLK_ID_BYTES);
	blk_complete(request, VIRTIO_BLK_S_OK);
}

/* Takes the status byte, the last one, away from the writable part. */
static u8 *split_status(struct iovec *in, unsigned *nr_in)
{
	struct iovec *last = &in[*nr_in - 1];

	last->iov_len--;
	if (!last->iov_len)
		(*nr_in)--;
	return (u8 *)last->iov_base + last->iov_len;
}

static void blk_request_start(struct blk_request *request, struct virtq_chain *chain)
{
	struct virtio_blk_outhdr header;
	unsigned nr_out = chain->nr_out, nr_in = chain->nr_in;
	struct iovec *in = chain->iov + chain->nr_out;
	struct iovec *out;

	request->head = chain->head;
	request->in_len = chain->in_len;
	/* Drop the previous request's ranges; their storage may be reused. */
	request->io.ranges = NULL;
	request->io.nr_ranges = 0;
	request->status = split_status(in, &nr_in);
	iov_read(chain->iov, nr_out, 0, &header, sizeof(header));
	out = iov_skip(chain->iov, &nr_out, sizeof(header));
	u32 out_len = chain->out_len - sizeof(header);
	u64 sector = virtio64(&request->blk->dev, header.sector);

	switch (type_of(request->blk, &header)) {
	case VIRTIO_BLK_T_IN:
		blk_transfer(request, DISK_READ, sector, in, nr_in, chain->in_len - 1);
		break;
	case VIRTIO_BLK_T_OUT:
		if (request->blk->info->readonly)
			blk_complete(request, VIRTIO_BLK_S_IOERR);
		else
			blk_transfer(request, DISK_WRITE, sector, out, nr_out, out_len);
		break;
	case VIRTIO_BLK_T_FLUSH:
		blk_submit(request, DISK_FLUSH);
		break;
	case VIRTIO_BLK_T_GET_ID:
		get_id(request, in, nr_in);
		break;
	case VIRTIO_BLK_T_DISCARD:
		discard_or_zero(request, DISK_DISCARD, out, nr_out, out_len);
		break;
	case VIRTIO_BLK_T_WRITE_ZEROES:
		discard_or_zero(request, DISK_WRITE_ZEROES, out, nr_out, out_len);
		break;
	default:
		blk_complete(request, VIRTIO_BLK_S_UNSUPP);
	}
}

/* True when a chain was taken. */
static bool take_one(struct virtio_blk *blk, struct virtqueue *vq)
{
	struct virtq_chain chain = { .iov = blk->scratch, .iov_max = BLK_CHAIN_MAX };
	struct blk_request *request = blk->free;

	if (virtqueue_pop(vq, &chain) <= 0)
		return false;
	if (chain.out_len < sizeof(struct virtio_blk_outhdr) || !chain.in_len) {
		virtqueue_break(vq, "a request of %u bytes with %u for the answer", chain.out_len,
				chain.in_len);
		return false;
	}
	blk->free = request->next_free;
	request->queue = vq->index;
	blk_request_start(request, &chain);
	return true;
}

static void signal_queues(struct virtio_blk *blk)
{
	for (u32 left = blk->to_signal; left; left &= left - 1)
		virtqueue_signal(&blk->dev.queues[__builtin_ctz(left)].vq);
	blk->to_signal = 0;
}

void blk_notify(struct virtio_device *dev, struct virtqueue *vq)
{
	struct virtio_blk *blk = CONTAINER_OF(dev, struct virtio_blk, dev);

	do {
		virtqueue_kick_off(vq);
		while (blk->free && take_one(blk, vq))
			;
		disk_kick(blk->disk);
		if (!blk->free) {
			/* Kicks stay off: we come back when a request is free again. */
			blk->stalled |= BIT(vq->index);
			break;
		}
	} while (virtqueue_kick_on(vq));
	signal_queues(blk);
}

void blk_batch_done(void *arg)
{
	struct virtio_blk *blk = arg;

	signal_queues(blk);
	/* Through the loop, and all of them, so that no queue starves another or the loop. */
	for (u32 left = blk->stalled; left; left &= left - 1)
		virtio_queue_kick(&blk->dev, __builtin_ctz(left));
	blk->stalled = 0;
}
