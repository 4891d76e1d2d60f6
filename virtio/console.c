/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-console (virtio 1.3, 5.3) with one port. Only notify() touches the queues, so a reset or a
 * pause, which takes the handlers away, needs no more care here: what came from the host waits in
 * `in`, what the guest sent and the host has not taken stays in the queue.
 */
#include <errno.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/console/chardev.h"
#include "lkvm/vm/last-words.h"
#include "lkvm/util/log.h"
#include "lkvm/virtio/core.h"
#include "lkvm/vm/device-kind.h"
#include "lkvm/vm/vm.h"

#define RECEIVE_QUEUE	   0
#define TRANSMIT_QUEUE	   1
#define QUEUE_SIZE	   64
#define IN_SIZE		   4096
/*
 * Linux takes the size from a change of the configuration alone, and passes over one that comes before it has
 * made its console, of which nothing tells us. So a few are made, at growing distances.
 */
#define SIZE_TOLD_FIRST_NS 50000000ULL
#define SIZE_TOLD_LAST_NS  12800000000ULL
/* Bytes of the guest before the main loop gets to its other work, which may be to end the guest. */
#define OUT_AT_ONCE	   32768

_Static_assert(sizeof(struct virtio_console_config) == 12, "virtio 1.3, 5.3.4");
_Static_assert(offsetof(struct virtio_console_config, emerg_wr) == 8, "virtio 1.3, 5.3.4");

/* What a guest has not seen yet, or not all of it. Main loop. */
struct console_state {
	u64 sent; /* bytes of the transmit queue's next chain that the host has taken already */
	u32 in_at, in_len;
	u8 in[IN_SIZE]; /* from the host, not yet given to the guest */
};
_Static_assert(sizeof(struct console_state) == 16 + IN_SIZE, "no padding");

struct virtio_console {
	struct virtio_device dev;
	struct chardev *chardev;      /* constant */
	struct iovec iov[QUEUE_SIZE]; /* main loop, as the rest */
	struct console_state state;
	_Atomic bool size_told; /* this driver is being told the size; reset by any thread */
	struct loop_timer size_timer;
	u64 size_delay; /* ns, of the timer */
};

static struct virtio_console *to_console(struct virtio_device *dev)
{
	return CONTAINER_OF(dev, struct virtio_console, dev);
}

/* ---- host to guest ---- */

static size_t console_room(void *opaque)
{
	struct virtio_console *c = opaque;

	return sizeof(c->state.in) - c->state.in_len;
}

static void console_receive(void *opaque, const u8 *data, size_t len)
{
	struct virtio_console *c = opaque;

	memmove(c->state.in, c->state.in + c->state.in_at, c->state.in_len);
	c->state.in_at = 0;
	memcpy(c->state.in + c->state.in_len, data, len);
	c->state.in_len += len;
	virtio_queue_kick(&c->dev, RECEIVE_QUEUE);
}

static void console_fill(struct virtio_console *c, struct virtqueue *vq)
{
	struct virtq_chain chain = { .iov = c->iov, .iov_max = ARRAY_SIZE(c->iov) };
	size_t n;

	do {
		virtqueue_kick_off(vq);
		while (c->state.in_len && virtqueue_pop(vq, &chain) > 0) {
			n = iov_write(chain.iov + chain.nr_out, chain.nr_in, 0,
				      c->state.in + c->state.in_at, c->state.in_len);
			c->state.in_at += n;
			c->state.in_len -= n;
			virtqueue_push(vq, chain.head, n);
		}
		/* Nothing to give: new buffers are of no interest, the next byte looks for them. */
	} while (c->state.in_len && virtqueue_kick_on(vq));
	virtqueue_signal(vq);
	chardev_room_again(c->chardev);
}

/* ---- guest to host ---- */

static void console_writable(void *opaque)
{
	struct virtio_console *c = opaque;

	virtio_queue_kick(&c->dev, TRANSMIT_QUEUE);
}

/* True when all of the chain has been taken. At most *budget bytes are, which it is lowered by. */
static bool send_chain(struct virtio_console *c, const struct virtq_chain *chain, size_t *budget)
{
	u64 skip = c->state.sent;

	for (unsigned i = 0; i < chain->nr_out; i++) {
		size_t len = chain->iov[i].iov_len, taken;

		if (skip >= len) {
			skip -= len;
			continue;
		}
		taken = chardev_try_write(c->chardev, (u8 *)chain->iov[i].iov_base + skip,
					  MIN(len - skip, *budget));
		*budget -= taken;
		c->state.sent += taken;
		if (taken < len - skip)
			return false;
		skip = 0;
	}
	c->state.sent = 0;
	return true;
}

static void console_drain(struct virtio_console *c, struct virtqueue *vq)
{
	struct virtq_chain chain = { .iov = c->iov, .iov_max = ARRAY_SIZE(c->iov) };
	size_t budget = OUT_AT_ONCE;

	do {
		virtqueue_kick_off(vq);
		while (virtqueue_pop(vq, &chain) > 0) {
			if (!send_chain(c, &chain, &budget)) {
				/* console_writable() comes back; kicks could not change anything. */
				virtqueue_unpop(vq, chain.head);
				virtqueue_signal(vq);
				if (!budget)
					virtio_queue_kick(&c->dev, TRANSMIT_QUEUE);
				return;
			}
			virtqueue_push(vq, chain.head, 0);
		}
	} while (virtqueue_kick_on(vq));
	virtqueue_signal(vq);
}

static void on_size_timer(struct loop_timer *timer)
{
	struct virtio_console *c = CONTAINER_OF(timer, struct virtio_console, size_timer);

	if (!c->size_told)
		return;
	virtio_config_changed(&c->dev);
	c->size_delay *= 2;
	if (c->size_delay <= SIZE_TOLD_LAST_NS)
		loop_timer_set(c->dev.vm->loop, timer, c->size_delay);
}

static void tell_size(struct virtio_console *c)
{
	if (c->size_told || !virtio_has_feature(&c->dev, VIRTIO_CONSOLE_F_SIZE))
		return;
	c->size_told = true;
	c->size_delay = SIZE_TOLD_FIRST_NS;
	loop_timer_set(c->dev.vm->loop, &c->size_timer, c->size_delay);
}

static void console_notify(struct virtio_device *dev, struct virtqueue *vq)
{
	struct virtio_console *c = to_console(dev);

	if (vq->index == RECEIVE_QUEUE)
		console_fill(c, vq);
	else
		console_drain(c, vq);
	tell_size(c);
}

/* ---- configuration ---- */

static void console_resized(void *opaque)
{
	struct virtio_console *c = opaque;

	virtio_config_changed(&c->dev);
}

static void console_config_read(struct virtio_device *dev, u32 offset, u8 *data, u32 len)
{
	struct virtio_console_config config = { .max_nr_ports = virtio32(dev, 1) };
	u16 columns, rows;

	if (chardev_size(to_console(dev)->chardev, &columns, &rows)) {
		config.cols = virtio16(dev, columns);
		config.rows = virtio16(dev, rows);
	}
	memcpy(data, (u8 *)&config + offset, len);
}

/* The emergency write works before there is a driver, and may not wait: the caller holds a lock. */
static void console_config_write(struct virtio_device *dev, u32 offset, const u8 *data, u32 len)
{
	/* The character is the field's lowest byte. Legacy drivers write it byte by byte. */
	u32 low =
		offsetof(struct virtio_console_config, emerg_wr) + (dev->state.big_endian ? 3 : 0);

	if (offset <= low && low - offset < len)
		chardev_try_write(to_console(dev)->chardev, data + (low - offset), 1);
}

/* ---- life cycle ---- */

/* Another driver, other chains: what was half sent of the last one is over. Handlers are off. */
static void forget_chain(struct virtio_device *dev)
{
	to_console(dev)->state.sent = 0;
}

static void console_reset(struct virtio_device *dev)
{
	forget_chain(dev);
	to_console(dev)->size_told = false;
	if (dev->state.active)
		last_words_console_left(dev->vm);
}

static void console_queue_reset(struct virtio_device *dev, struct virtqueue *vq)
{
	if (vq->index == TRANSMIT_QUEUE)
		forget_chain(dev);
}

static void console_destroy(struct virtio_device *dev)
{
	struct virtio_console *c = to_console(dev);

	loop_timer_cancel(&c->size_timer);
	virtio_exit(dev);
	free(c);
}

static const struct virtio_device_ops console_ops = {
	.name = "virtio-console",
	.type = VIRTIO_ID_CONSOLE,
	.pci_class = 0x078000,
	.config_size = sizeof(struct virtio_console_config),
	.queue_size = QUEUE_SIZE,
	.config_read = console_config_read,
	.config_write = console_config_write,
	.notify = console_notify,
	.queue_reset = console_queue_reset,
	.reset = console_reset,
	.destroy = console_destroy,
};

static int console_create(struct vm *vm)
{
	struct virtio_console *c = calloc(1, sizeof(*c));
	struct chardev_client client = {
		.room = console_room,
		.receive = console_receive,
		.writable = console_writable,
		.resized = console_resized,
		.opaque = c,
	};
	u64 features = BIT(VIRTIO_CONSOLE_F_EMERG_WRITE);
	u16 columns, rows;
	int err;

	if (!c)
		return -ENOMEM;
	c->chardev = vm->console;
	c->size_timer.expired = on_size_timer;
	/* Without a terminal there is no size: saying 0 by 0 would confuse more than saying nothing. */
	if (chardev_size(c->chardev, &columns, &rows))
		features |= BIT(VIRTIO_CONSOLE_F_SIZE);
	err = virtio_init(&c->dev, &console_ops, vm, vm->loop, features, 2);
	if (!err)
		err = virtio_attach(&c->dev, vm);
	if (!err)
		chardev_set_client(vm->console, &client);
	return err;
}

static int console_create_wanted(struct vm *vm, const void *record, unsigned index, void **opened)
{
	return vm->config->console == CONSOLE_VIRTIO ? console_create(vm) : 0;
}

/* Which console a guest has is an option of all of them: --console. */
const struct device_kind virtio_console_kind = {
	.config = { .name = "console" },
	.create = console_create_wanted,
};
