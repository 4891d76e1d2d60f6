/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-net's receive side. The back end reads straight into the driver's buffers, before anybody
 * knows how long the next frame is. So buffers for a largest frame are kept at hand, taken from the
 * queue ahead of time, and what a frame did not need stays for the next one.
 *
 * Behind them lies a buffer of our own. A driver may offer less than the largest frame needs; then the
 * frames that fit still pass, and one that does not is seen whole, and dropped or finished by copying.
 *
 * A legacy driver may have another kind of header before its frames than back ends have. All its frames
 * then come by way of that buffer: a copy each, and none of the code that nearly every driver runs.
 */
#include <errno.h>
#include <string.h>

#include "lkvm/memory/guard.h"
#include "net.h"

/* How long a driver that offers too little is waited for before frames are tried on what there is. */
#define SHORT_WAIT_NS 100000000

enum fill { FILL_ENOUGH, FILL_SHORT, FILL_NONE, FILL_BROKEN };

void net_rx_give_back(struct net_pair *pair)
{
	while (pair->nr_chains)
		virtqueue_unpop(pair->rx, pair->chains[--pair->nr_chains].head);
	pair->nr_iov = 0;
	pair->room = 0;
	pair->take_short = false;
	loop_timer_cancel(&pair->short_timer);
}

/* 1, 0 or -errno as virtqueue_pop. The chain goes to the end of the buffers at hand. */
static int take_chain(struct net_pair *pair)
{
	struct virtq_chain chain = {
		.iov = &pair->iov[pair->nr_iov],
		.iov_max = NET_RX_IOVS - pair->nr_iov,
	};
	int ret = virtqueue_pop(pair->rx, &chain);

	if (ret <= 0)
		return ret;
	if (chain.nr_out || chain.in_len < pair->net->header_len) {
		virtqueue_break(pair->rx, "a receive buffer of %u bytes, %u of them to be read",
				chain.in_len + chain.out_len, chain.out_len);
		return -EINVAL;
	}
	pair->chains[pair->nr_chains].head = chain.head;
	pair->chains[pair->nr_chains].nr_iov = chain.nr_in;
	pair->chains[pair->nr_chains].len = chain.in_len;
	pair->nr_chains++;
	pair->nr_iov += chain.nr_in;
	pair->room += chain.in_len;
	return 1;
}

/* A chain may have as many buffers as the queue has entries, and must not be broken for our limit. */
static bool can_take(const struct net_pair *pair)
{
	return pair->nr_chains < NET_RX_CHAINS &&
	       NET_RX_IOVS - pair->nr_iov >= pair->rx->state.size;
}

static enum fill rx_fill(struct net_pair *pair)
{
	u32 need = pair->net->merge ? pair->net->rx_need : 1;

	while (pair->room < need && can_take(pair)) {
		int ret = take_chain(pair);

		if (ret < 0)
			return FILL_BROKEN;
		if (!ret)
			break;
	}
	if (!pair->nr_chains)
		return FILL_NONE;
	if (pair->room >= need) {
		pair->take_short = false;
		return FILL_ENOUGH;
	}
	/* So many tiny buffers that more cannot be held: these must do. */
	return pair->take_short || !can_take(pair) ? FILL_ENOUGH : FILL_SHORT;
}

/* The first n chains are the driver's again. */
static void drop_front(struct net_pair *pair, unsigned n)
{
	unsigned iovs = 0;

	for (unsigned i = 0; i < n; i++) {
		iovs += pair->chains[i].nr_iov;
		pair->room -= pair->chains[i].len;
	}
	pair->nr_chains -= n;
	pair->nr_iov -= iovs;
	memmove(pair->chains, pair->chains + n, pair->nr_chains * sizeof(pair->chains[0]));
	memmove(pair->iov, pair->iov + iovs, pair->nr_iov * sizeof(pair->iov[0]));
}

/* Takes merged buffers until there are so many bytes of them. */
static bool take_room(struct net_pair *pair, size_t len)
{
	while (pair->room < len && can_take(pair))
		if (take_chain(pair) <= 0)
			return false;
	return pair->room >= len;
}

/*
 * The frame is longer than what was at hand, its end lies in our own buffer: with merged buffers more
 * of them may have come meanwhile.
 */
static bool finish_overflow(struct net_pair *pair, size_t len)
{
	size_t done = pair->room;
	unsigned first_iov = pair->nr_iov;

	if (!pair->net->merge || len > done + NET_OVERFLOW || !take_room(pair, len))
		return false;
	iov_write(&pair->iov[first_iov], pair->nr_iov - first_iov, 0, pair->overflow, len - done);
	return true;
}

static void push_frame(struct net_pair *pair, size_t len)
{
	struct virtq_used used[NET_RX_CHAINS];
	unsigned n = 0;
	u16 num_buffers;

	while (len) {
		used[n].head = pair->chains[n].head;
		used[n].written = MIN(len, (size_t)pair->chains[n].len);
		len -= used[n].written;
		n++;
	}
	num_buffers = virtio16(&pair->net->dev, n);
	if (pair->net->header_len == NET_HDR_LEN)
		iov_write(pair->iov, pair->chains[0].nr_iov,
			  offsetof(struct virtio_net_hdr_v1, num_buffers), &num_buffers,
			  sizeof(num_buffers));
	/* Together: a driver that sees the first of them counts on the others being there. */
	virtqueue_push_many(pair->rx, used, n);
	drop_front(pair, n);
	pair->rx_frames++;
}

/* From our own buffer to the driver's, with its kind of header. False: it has no space for it. */
static bool deliver_converted(struct net_pair *pair, size_t len)
{
	u32 header_len = pair->net->header_len;
	size_t frame = len - NET_HDR_LEN, total = header_len + frame;
	struct virtio_net_hdr_v1 header;
	unsigned nr;

	if (pair->net->merge ? !take_room(pair, total) : pair->chains[0].len < total)
		return false;
	nr = pair->net->merge ? pair->nr_iov : pair->chains[0].nr_iov;
	memcpy(&header, pair->overflow, sizeof(header));
	net_convert_header(pair->net, &header);
	iov_write(pair->iov, nr, 0, &header, header_len);
	iov_write(pair->iov, nr, header_len, pair->overflow + NET_HDR_LEN, frame);
	push_frame(pair, total);
	return true;
}

static int receive_converted(struct net_pair *pair)
{
	struct net_backend *backend = pair->net->backend;
	struct iovec iov = { .iov_base = pair->overflow, .iov_len = NET_OVERFLOW };
	ssize_t len = backend->ops->receive(backend, pair->index, &iov, 1);

	if (len <= 0)
		return len;
	if (len <= NET_HDR_LEN || len > NET_OVERFLOW || !deliver_converted(pair, len))
		pair->rx_dropped++;
	return 1;
}

/* 1: a frame was read; 0: none is there; -errno: none will ever be. */
static int receive_one(struct net_pair *pair)
{
	struct net_backend *backend = pair->net->backend;
	unsigned nr = pair->net->merge ? pair->nr_iov : pair->chains[0].nr_iov;
	u64 room = pair->net->merge ? pair->room : pair->chains[0].len;
	struct iovec saved = pair->iov[nr];
	ssize_t len;

	pair->iov[nr].iov_base = pair->overflow;
	pair->iov[nr].iov_len = NET_OVERFLOW;
	len = backend->ops->receive(backend, pair->index, pair->iov, nr + 1);
	pair->iov[nr] = saved;
	if (len == -EFAULT)
		memory_guard_check_iov(pair->iov, nr);
	if (len <= 0)
		return len;
	if ((size_t)len <= NET_HDR_LEN || ((size_t)len > room && !finish_overflow(pair, len)))
		pair->rx_dropped++;
	else
		push_frame(pair, len);
	return 1;
}

/* More buffers are needed. True: some have just come. */
static bool ask_for_buffers(struct net_pair *pair, enum fill fill)
{
	if (virtqueue_kick_on(pair->rx)) {
		virtqueue_kick_off(pair->rx);
		return true;
	}
	pair->rx_starved = true;
	/*
	 * Frames wait in the back end until buffers for any of them are there. Some drivers refill only
	 * when they have got something: they must not wait for us while we wait for them.
	 */
	if (fill == FILL_SHORT && !pair->short_timer.deadline)
		loop_timer_set(pair->loop, &pair->short_timer, SHORT_WAIT_NS);
	return false;
}

void net_rx_short_expired(struct loop_timer *timer)
{
	struct net_pair *pair = CONTAINER_OF(timer, struct net_pair, short_timer);

	pair->take_short = true;
	net_rx_run(pair);
}

void net_rx_run(struct net_pair *pair)
{
	if (!pair->rx_live || !pair->active || pair->net->dev.state.needs_reset) {
		net_pair_watch(pair);
		return;
	}
	pair->rx_starved = false;
	virtqueue_kick_off(pair->rx);
	for (unsigned n = 0; n < NET_BATCH;) {
		enum fill fill = rx_fill(pair);
		int ret;

		if (fill == FILL_BROKEN) {
			pair->rx_live = false;
			break;
		}
		if (fill != FILL_ENOUGH) {
			if (ask_for_buffers(pair, fill))
				continue;
			break;
		}
		ret = pair->net->convert ? receive_converted(pair) : receive_one(pair);
		if (ret <= 0)
			break;
		n++;
	}
	virtqueue_signal(pair->rx);
	net_pair_watch(pair);
}
