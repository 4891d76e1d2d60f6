/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-rng (virtio 1.3, 5.4): the host's getrandom() for the guest's entropy pool. */
#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "lkvm/config/options.h"
#include "lkvm/virtio/core.h"
#include "lkvm/vm/device-kind.h"
#include "lkvm/vm/vm.h"

/* A request may be answered in part: a guest that asks for much gets it in several turns. */
#define RNG_MAX_BYTES 4096
#define RNG_MAX_IOV   64
#define RNG_QUEUE     64

struct virtio_rng {
	struct virtio_device dev;
	u8 bytes[RNG_MAX_BYTES];       /* the queue's loop */
	struct iovec iov[RNG_MAX_IOV]; /* the queue's loop */
};

static u32 rng_answer(struct virtio_rng *rng, const struct virtq_chain *chain)
{
	size_t want = MIN((size_t)chain->in_len, sizeof(rng->bytes));
	ssize_t got = getrandom(rng->bytes, want, 0);

	if (got < 0)
		return 0;
	return iov_write(chain->iov + chain->nr_out, chain->nr_in, 0, rng->bytes, got);
}

static void rng_notify(struct virtio_device *dev, struct virtqueue *vq)
{
	struct virtio_rng *rng = CONTAINER_OF(dev, struct virtio_rng, dev);
	struct virtq_chain chain = { .iov = rng->iov, .iov_max = RNG_MAX_IOV };

	do {
		virtqueue_kick_off(vq);
		while (virtqueue_pop(vq, &chain) > 0)
			virtqueue_push(vq, chain.head, rng_answer(rng, &chain));
	} while (virtqueue_kick_on(vq));
	virtqueue_signal(vq);
}

static void rng_destroy(struct virtio_device *dev)
{
	struct virtio_rng *rng = CONTAINER_OF(dev, struct virtio_rng, dev);

	virtio_exit(dev);
	explicit_bzero(rng->bytes, sizeof(rng->bytes));
	free(rng);
}

static const struct virtio_device_ops rng_ops = {
	.name = "virtio-rng",
	.type = VIRTIO_ID_RNG,
	.pci_class = 0xff0000,
	.queue_size = RNG_QUEUE,
	.notify = rng_notify,
	.destroy = rng_destroy,
};

static int rng_create(struct vm *vm, const void *record, unsigned index, void **opened)
{
	struct virtio_rng *rng = calloc(1, sizeof(*rng));

	if (!rng)
		return -ENOMEM;
	return virtio_init(&rng->dev, &rng_ops, vm, vm->loop, 0, 1) ?: virtio_attach(&rng->dev, vm);
}

static bool rng_by_default(void *record)
{
	return true;
}

static const struct option_row rng_options[] = {
	OPTION_ROW(DEVICE, "rng", .by_default = true,
		   .help = "Random number generator (on by default)"),
	{ 0 },
};

const struct device_kind virtio_rng_kind = {
	.config = {
		.name = "rng",
		.max = 1,
		.rows = rng_options,
		.group = OPTION_GROUP_DEVICES,
		.by_default = rng_by_default,
	},
	.create = rng_create,
};
