/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtio device without its transport (virtio 1.3, 2.1 to 2.4). The core keeps status, features and
 * queues, checks whatever the driver writes, and calls the device; transports (virtio-pci, virtio-mmio)
 * only translate registers into the calls at the end of this file.
 *
 * Threads: transports call on vCPU threads, and the core takes device->lock for them. Queue handlers run on the loop that
 * the device gave the queue. A reset first takes every queue away from its loop (synchronously), so a
 * device's reset() and the handlers never meet.
 */
#ifndef LKVM_VIRTIO_CORE_H
#define LKVM_VIRTIO_CORE_H

#include <pthread.h>
#include "lkvm/vm/device.h"
#include "lkvm/vm/irq.h"
#include "lkvm/util/log.h"
#include "lkvm/util/loop.h"
#include "lkvm/virtio/virtqueue.h"

struct vm;
struct virtio_device;
struct virtio_transport;

#define VIRTIO_MAX_QUEUES 32

struct virtio_device_ops {
	const char *name; /* "virtio-blk" */
	u32 type;	  /* virtio 1.3, 5 */
	u32 pci_class;	  /* 24 bits, 0x018000 for storage */
	u32 config_size;  /* of the configuration space, bytes */
	u16 queue_size;	  /* of each queue at most; a power of two */
	/* Device configuration space; offset + len is inside config_size. Lock held. */
	void (*config_read)(struct virtio_device *dev, u32 offset, u8 *data, u32 len);
	void (*config_write)(struct virtio_device *dev, u32 offset, const u8 *data, u32 len);
	/* DRIVER_OK: dev->state.features is final. The queues come alive after it. May be NULL. */
	int (*activate)(struct virtio_device *dev);
	/* On the queue's loop: the driver kicked, or the queue was just enabled or resumed. */
	void (*notify)(struct virtio_device *dev, struct virtqueue *vq);
	/*
	 * Complete or park what is in flight; afterwards nothing touches the queues until resume or reset.
	 * Handlers are off already. May be NULL if notify never leaves work behind. Main or vCPU thread,
	 * lock held: the device's handlers must never take dev->lock. Only called between activate and
	 * reset; a reset is not followed by resume but by the next activate.
	 */
	void (*quiesce)(struct virtio_device *dev);
	void (*resume)(struct virtio_device *dev);
	/*
	 * The driver takes one queue away (VIRTIO_F_RING_RESET): forget what was popped from it. Between quiesce
	 * and resume. May be NULL.
	 */
	void (*queue_reset)(struct virtio_device *dev, struct virtqueue *vq);
	/* Back to power-on state; quiesced before. May be NULL. */
	void (*reset)(struct virtio_device *dev);
	/* Once before the guest runs: 0 or -errno, which the core logs. May be NULL. */
	int (*start)(struct virtio_device *dev);
	/* Undoes start: no thread of the device's asks for interrupts any more. The transport goes next. May be NULL. */
	void (*stop)(struct virtio_device *dev);
	/* Frees what the device owns, as far as it was made, and the struct that embeds dev. */
	void (*destroy)(struct virtio_device *dev);
};

struct virtio_queue_slot;

/* Who serves a device's queues. dev->lock held. */
struct virtio_seat_ops {
	/* From now on a signal of slot->kick_fd is answered, and so is what came before. 0 or -errno. */
	int (*attach)(struct virtio_queue_slot *slot);
	/* When this returns nobody touches the queue. Kicks collect in the eventfd. */
	void (*detach)(struct virtio_queue_slot *slot);
	/* Signals slot->kick_fd, where others could make a write to it wait. NULL: that is written to. */
	void (*kick)(struct virtio_queue_slot *slot);
};

struct virtio_seat {
	const struct virtio_seat_ops *ops;
	u64 features; /* of the device's features those that it can serve */
};

/* A loop of ours, each queue's own; it calls the device's notify(). */
extern const struct virtio_seat virtio_loop_seat;

struct virtio_queue_slot {
	struct virtqueue vq;
	struct loop *loop; /* the loop seat's: who runs notify; set by the device before start */
	int kick_fd;	   /* eventfd: ioeventfd or a trapped kick signals it */
	struct loop_fd kick;
	/* dev->lock. */
	bool live;     /* the device is active and the queue enabled: it may have an ioeventfd */
	bool attached; /* the seat serves it */
	bool has_ioeventfd;
	struct ioeventfd doorbell; /* where that is */
};

/* What a guest sees of a device beside its queues. Written with dev->lock held or as said. */
struct virtio_state {
	u64 features;		      /* what the driver accepted */
	_Atomic u8 status;	      /* without NEEDS_RESET; read by any thread */
	_Atomic u8 config_generation; /* read by any thread */
	_Atomic u8 needs_reset;	      /* set and read by any thread */
	u8 features_bad;	      /* it accepted something past the 64 that exist */
	u8 active;     /* DRIVER_OK seen, or a legacy driver's first kick: queues live */
	u8 big_endian; /* a legacy driver's byte order; written while not active only */
	u8 isr;	       /* isr_lock: VIRTIO_ISR_...; the line is asserted while there are any */
	u8 unused;
	/* Registers that say what others are of; read by any thread. */
	_Atomic u32 device_select, driver_select, queue_select;
	u32 unused_too;
};
_Static_assert(sizeof(struct virtio_state) == 32, "no padding");

#define VIRTIO_ISR_QUEUE  1
#define VIRTIO_ISR_CONFIG 2

struct virtio_device {
	struct device device; /* lifecycle: the core's; the device's own steps are in ops */
	const struct virtio_device_ops *ops;
	struct vm *vm;
	const struct guest_memory *memory;
	const struct virtio_seat *seat; /* constant once attached, as the next */
	u64 device_features; /* what we offer: the device's and the rings', as far as the seat has them */
	unsigned nr_queues;
	struct virtio_queue_slot *queues;
	bool legacy; /* for drivers of before virtio 1.0; constant once attached */

	pthread_mutex_t lock;
	pthread_mutex_t isr_lock; /* a leaf: the status and the line's level go together */
	struct virtio_state state;
	bool paused; /* the lock's: between quiesce and resume of the machine */
	struct log_limit complaints;
	struct virtio_transport *transport; /* constant once attached */
};

/*
 * Prepares dev, which is zeroes: queues are on `loop` until the device says otherwise, and `features` are offered
 * beside those that all devices have. On failure logs, destroys the device and returns -errno.
 */
int virtio_init(struct virtio_device *dev, const struct virtio_device_ops *ops, struct vm *vm,
		struct loop *loop, u64 features, unsigned nr_queues);
/* Undoes virtio_init, after the transport is gone; also without it. */
void virtio_exit(struct virtio_device *dev);

/*
 * Puts the device behind the transport that the configuration names, and on the VM's device list. On failure logs,
 * destroys it and returns -errno.
 */
int virtio_attach(struct virtio_device *dev, struct vm *vm);

static inline bool virtio_has_feature(const struct virtio_device *dev, unsigned bit)
{
	return dev->state.features & BIT(bit);
}

/* Has all queues served by somebody else. Once, before the transport is attached. */
void virtio_set_seat(struct virtio_device *dev, const struct virtio_seat *seat);

/*
 * The legacy interface (virtio 1.3, 2.2.3 and the "Legacy Interface" sections): features 0 to 31 and no
 * VERSION_1, no FEATURES_OK, and the guest's own byte order in rings, configuration and requests. It is
 * that of the vCPU which resets the device or writes the first status after it. Once, before the
 * transport is attached.
 */
void virtio_set_legacy(struct virtio_device *dev);

/*
 * A field of the device's configuration space or requests, between the driver's byte order and ours,
 * either way: a legacy driver's own, otherwise little-endian. Where the device's registers or queues are
 * handled.
 */
static inline u16 virtio16(const struct virtio_device *dev, u16 value)
{
	return dev->state.big_endian ? be16toh(value) : le16toh(value);
}

static inline u32 virtio32(const struct virtio_device *dev, u32 value)
{
	return dev->state.big_endian ? be32toh(value) : le32toh(value);
}

static inline u64 virtio64(const struct virtio_device *dev, u64 value)
{
	return dev->state.big_endian ? be64toh(value) : le64toh(value);
}

/* Any thread: the device's configuration changed (generation, config interrupt). */
void virtio_config_changed(struct virtio_device *dev);

/* Runs ops->notify for the queue on its loop soon. Any thread. */
void virtio_queue_kick(struct virtio_device *dev, unsigned index);

/*
 * Any thread, lock-free: DEVICE_NEEDS_RESET, a config interrupt, a limited line in the log. The guest
 * resets the device and goes on.
 */
void virtio_break(struct virtio_device *dev, const char *fmt, ...) __printf(2, 3);

/* The same where it is not the guest's driver that broke it, but the host's side: the line says no more than that. */
void virtio_fail(struct virtio_device *dev, const char *fmt, ...) __printf(2, 3);

/* For seats; any thread: the driver is to look at that queue's used buffers. */
void virtio_queue_interrupt(struct virtio_device *dev, unsigned index);

/*
 * For seats; dev->lock held: whoever serves the queue signals `eventfd` for that, from now on, or -1: no longer. Where the
 * transport can, KVM raises the interrupt by itself; otherwise the signal stays in the eventfd, for the seat to read and
 * call virtio_queue_interrupt().
 */
void virtio_queue_set_call(struct virtio_queue_slot *slot, int eventfd);

/* ---- for transports; vCPU threads. All take and release dev->lock themselves. ---- */

#define VIRTIO_NO_QUEUE (-1)

struct virtio_transport_ops {
	/*
	 * Any thread: sends the message that a queue has for its used buffers, or VIRTIO_NO_QUEUE that of a changed
	 * configuration. False: interrupts go by the line now. NULL: always.
	 */
	bool (*send_message)(struct virtio_transport *t, int queue);
	/* Any thread, isr_lock held. NULL where send_message is always true. */
	void (*set_line)(struct virtio_transport *t, bool level);
	/* Where a write kicks the queue. dev->lock held. False: nowhere. NULL: it never has such a place. */
	bool (*doorbell)(struct virtio_transport *t, unsigned queue, struct ioeventfd *bell);
	/* virtio_queue_set_call()'s. dev->lock held. NULL: signals always stay in the eventfd. */
	void (*set_call)(struct virtio_transport *t, unsigned queue, int eventfd);
	/* The transport's own registers and vectors after a device reset (status 0) or a machine reset.
	 * dev->lock held, no queue is live. */
	void (*reset)(struct virtio_transport *t);
	void (*destroy)(struct virtio_transport *t);
};

struct virtio_transport {
	const struct virtio_transport_ops *ops;
	struct virtio_device *dev;
};

/*
 * What all transports have registers for, each in places of its own. Those of a queue are of the one that is selected: without
 * such a queue they read as 0, and writes are ignored. So are writes to what only tells.
 */
enum virtio_register {
	REG_NONE, /* reads as 0 */
	REG_DEVICE_SELECT,
	REG_DEVICE_FEATURES, /* the selected half of them, as the next but one */
	REG_DRIVER_SELECT,
	REG_DRIVER_FEATURES,
	/* Written 0 it resets, synchronously. FEATURES_OK and DRIVER_OK that are not earned are refused. */
	REG_STATUS,
	REG_GENERATION, /* of the configuration space */
	REG_NUM_QUEUES,
	/*
	 * Kicks the queue of that number: what was trapped instead of taken by an ioeventfd. A legacy driver may kick
	 * before DRIVER_OK: its features are final then (virtio 1.3, 3.1.2). Reads as 0.
	 */
	REG_NOTIFY,
	REG_QUEUE_SELECT,
	REG_QUEUE_NUMBER, /* the selected one, if it exists */
	REG_QUEUE_MAX,
	REG_QUEUE_SIZE,
	/* Bit 0. Enabling checks size and addresses; a bad queue breaks the device. */
	REG_QUEUE_ENABLE,
	/* 1: VIRTIO_F_RING_RESET, synchronously; ignored unless the driver accepted the feature. Reads as 0. */
	REG_QUEUE_RESET,
	/* Descriptor table, avail ring, used ring. */
	REG_DESC_LOW,
	REG_DESC_HIGH,
	REG_AVAIL_LOW,
	REG_AVAIL_HIGH,
	REG_USED_LOW,
	REG_USED_HIGH,
	REG_OF_TRANSPORT, /* the first that the core knows nothing of */
};

u32 virtio_read(struct virtio_device *dev, enum virtio_register reg);
void virtio_write(struct virtio_device *dev, enum virtio_register reg, u32 value);

/* Any thread: the interrupt status, of which the bits in `clear` are acknowledged. */
u8 virtio_isr(struct virtio_transport *t, u8 clear);
/* dev->lock held: the transport's doorbells came, went or are elsewhere. */
void virtio_doorbells_moved(struct virtio_device *dev);

/*
 * The legacy way, for the selected queue: one area at gpa that holds all three, the used ring aligned to `align` (virtio 1.3,
 * 2.7.2). Enables the queue; gpa 0 takes it away.
 */
void virtio_queue_set_area(struct virtio_device *dev, gpa_t gpa, u32 align);
/* Where its descriptor table is; 0: not enabled. */
gpa_t virtio_queue_area(struct virtio_device *dev);
void virtio_config_read(struct virtio_device *dev, u32 offset, u8 *data, u32 len);
void virtio_config_write(struct virtio_device *dev, u32 offset, const u8 *data, u32 len);

/* Transports' own makers; virtio_attach picks one. Logs and returns -errno on failure. */
int virtio_pci_attach(struct virtio_device *dev, struct vm *vm);
int virtio_mmio_attach(struct virtio_device *dev, struct vm *vm,
		       const struct device_resource *where, int gsi);

#endif
