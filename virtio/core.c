/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device core: status, features, queues and life cycle, for every device behind every transport.
 *
 * dev->lock is taken by vCPU threads (transports) and by the main thread (life cycle), which then wait
 * for loops (loop_call). So nothing that a loop runs may take it: what handlers need of the core
 * (interrupts, kicks, breaking the device, config changes) works with atomics and eventfds alone.
 */
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "lkvm/util/eventfd.h"
#include "lkvm/virtio/core.h"
#include "lkvm/vm/byte-order.h"
#include "lkvm/vm/irq.h"
#include "lkvm/vm/vcpu.h"
#include "lkvm/vm/vm.h"

#define DRIVER_STATUS_BITS                                                                         \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_DRIVER_OK |        \
	 VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_FAILED)

/* ---- what queues and devices ask for, from any thread ---- */

static u8 change_isr(struct virtio_transport *t, u8 set, u8 clear)
{
	struct virtio_device *dev = t->dev;
	u8 before, after;

	pthread_mutex_lock(&dev->isr_lock);
	before = dev->state.isr;
	after = (before | set) & ~clear;
	dev->state.isr = after;
	if (!before != !after)
		t->ops->set_line(t, after);
	pthread_mutex_unlock(&dev->isr_lock);
	return before;
}

u8 virtio_isr(struct virtio_transport *t, u8 clear)
{
	return change_isr(t, 0, clear);
}

static void virtio_interrupt(struct virtio_device *dev, int queue, u8 isr)
{
	struct virtio_transport *t = dev->transport;

	if (t && !(t->ops->send_message && t->ops->send_message(t, queue)))
		change_isr(t, isr, 0);
}

static void queue_interrupt(struct virtqueue *vq)
{
	virtio_interrupt(vq->device, vq->index, VIRTIO_ISR_QUEUE);
}

static void signal_config(struct virtio_device *dev)
{
	if (dev->state.status & VIRTIO_CONFIG_S_DRIVER_OK)
		virtio_interrupt(dev, VIRTIO_NO_QUEUE, VIRTIO_ISR_CONFIG);
}

static void break_device(struct virtio_device *dev, const char *who, const char *fmt, va_list args)
{
	char why[320];

	if (atomic_exchange(&dev->state.needs_reset, true))
		return;
	vsnprintf(why, sizeof(why), fmt, args);
	if (log_limit_ok(&dev->complaints))
		log_warning("%s: %s%s", dev->device.name, who, why);
	signal_config(dev);
}

void virtio_break(struct virtio_device *dev, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	break_device(dev, "the guest's driver broke it: ", fmt, args);
	va_end(args);
}

void virtio_fail(struct virtio_device *dev, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	break_device(dev, "", fmt, args);
	va_end(args);
}

static void queue_broken(struct virtqueue *vq, const char *why)
{
	virtio_break(vq->device, "queue %u: %s", vq->index, why);
}

static void virtio_kick(struct virtio_queue_slot *slot)
{
	const struct virtio_seat *seat = slot->vq.device->seat;

	/* A full counter means that the loop is going to look anyway. */
	if (seat->ops->kick)
		seat->ops->kick(slot);
	else
		eventfd_write(slot->kick_fd, 1);
}

static void queue_again(struct virtqueue *vq)
{
	virtio_kick(CONTAINER_OF(vq, struct virtio_queue_slot, vq));
}

static const struct virtqueue_ops queue_ops = {
	.interrupt = queue_interrupt,
	.broken = queue_broken,
	.again = queue_again,
};

void virtio_config_changed(struct virtio_device *dev)
{
	dev->state.config_generation++;
	signal_config(dev);
}

void virtio_queue_interrupt(struct virtio_device *dev, unsigned index)
{
	virtio_interrupt(dev, index, VIRTIO_ISR_QUEUE);
}

void virtio_queue_set_call(struct virtio_queue_slot *slot, int eventfd)
{
	struct virtio_transport *t = slot->vq.device->transport;

	if (t && t->ops->set_call)
		t->ops->set_call(t, slot->vq.index, eventfd);
}

void virtio_queue_kick(struct virtio_device *dev, unsigned index)
{
	if (index < dev->nr_queues)
		virtio_kick(&dev->queues[index]);
}

/* ---- queues and their loops ---- */

static void virtio_kicked(struct loop_fd *handler, u32 events)
{
	struct virtio_queue_slot *slot = CONTAINER_OF(handler, struct virtio_queue_slot, kick);
	struct virtio_device *dev = slot->vq.device;
	eventfd_t count;

	/* Before the queue is looked at: a kick that comes now must bring us back. */
	eventfd_read(slot->kick_fd, &count);
	slot->vq.budget = VIRTQUEUE_BUDGET;
	if (!dev->state.needs_reset)
		dev->ops->notify(dev, &slot->vq);
}

static void loop_attach(void *arg)
{
	struct virtio_queue_slot *slot = arg;

	slot->attached = !loop_fd_add(slot->loop, &slot->kick, EPOLLIN);
}

static void loop_detach(void *arg)
{
	struct virtio_queue_slot *slot = arg;

	loop_fd_del(&slot->kick);
}

static int loop_seat_attach(struct virtio_queue_slot *slot)
{
	loop_call(slot->loop, loop_attach, slot);
	return slot->attached ? 0 : -ENOSPC;
}

static void loop_seat_detach(struct virtio_queue_slot *slot)
{
	loop_call(slot->loop, loop_detach, slot);
}

static const struct virtio_seat_ops loop_seat_ops = {
	.attach = loop_seat_attach,
	.detach = loop_seat_detach,
};

/* Whatever a device offers is done here. */
const struct virtio_seat virtio_loop_seat = { .ops = &loop_seat_ops, .features = ~0ULL };

/* The queue is looked at once whatever happens: what came before is not lost. */
static void queue_attach(struct virtio_queue_slot *slot)
{
	if (slot->attached || !slot->live)
		return;
	slot->attached = !slot->vq.device->seat->ops->attach(slot);
	if (!slot->attached)
		virtio_break(slot->vq.device, "nobody can serve queue %u", slot->vq.index);
	virtio_kick(slot);
}

static void queue_detach(struct virtio_queue_slot *slot)
{
	if (slot->attached)
		slot->vq.device->seat->ops->detach(slot);
	slot->attached = false;
}

static void attach_all(struct virtio_device *dev)
{
	for (unsigned i = 0; i < dev->nr_queues; i++)
		queue_attach(&dev->queues[i]);
}

static void detach_all(struct virtio_device *dev)
{
	for (unsigned i = 0; i < dev->nr_queues; i++)
		queue_detach(&dev->queues[i]);
}

static void doorbell_on(struct virtio_queue_slot *slot)
{
	struct virtio_device *dev = slot->vq.device;
	struct virtio_transport *t = dev->transport;

	if (!slot->live || slot->has_ioeventfd || !t || !t->ops->doorbell ||
	    !t->ops->doorbell(t, slot->vq.index, &slot->doorbell))
		return;
	/* If it cannot be had, kicks are trapped, and work as well. */
	slot->has_ioeventfd = !ioeventfd_assign(dev->vm, slot->kick_fd, &slot->doorbell);
}

static void doorbell_off(struct virtio_queue_slot *slot)
{
	if (slot->has_ioeventfd)
		ioeventfd_deassign(slot->vq.device->vm, slot->kick_fd, &slot->doorbell);
	slot->has_ioeventfd = false;
}

void virtio_doorbells_moved(struct virtio_device *dev)
{
	for (unsigned i = 0; i < dev->nr_queues; i++)
		doorbell_off(&dev->queues[i]);
	for (unsigned i = 0; i < dev->nr_queues; i++)
		doorbell_on(&dev->queues[i]);
}

static void queue_go_live(struct virtio_device *dev, struct virtio_queue_slot *slot)
{
	slot->live = true;
	doorbell_on(slot);
	if (!dev->paused)
		queue_attach(slot);
}

/* Detached and quiesced before. */
static void queue_off(struct virtio_queue_slot *slot)
{
	doorbell_off(slot);
	slot->live = false;
	eventfd_drain(slot->kick_fd);
	virtqueue_disable(&slot->vq);
}

static void queue_forget(struct virtqueue *vq)
{
	vq->state.size = vq->max_size;
	vq->state.desc = vq->state.driver = vq->state.device_area = 0;
}

/* One queue of a device that may be at work; the others notice nothing. Lock held. */
static void queue_take_away(struct virtio_device *dev, struct virtio_queue_slot *slot)
{
	if (!slot->live) {
		queue_off(slot);
		return;
	}
	detach_all(dev);
	if (dev->ops->quiesce)
		dev->ops->quiesce(dev);
	queue_off(slot);
	if (dev->ops->queue_reset)
		dev->ops->queue_reset(dev, &slot->vq);
	if (dev->ops->resume)
		dev->ops->resume(dev);
	attach_all(dev);
}

/* ---- status ---- */

static void virtio_stop(struct virtio_device *dev)
{
	detach_all(dev);
	if (dev->state.active && !dev->paused && dev->ops->quiesce)
		dev->ops->quiesce(dev);
}

static void reset_locked(struct virtio_device *dev)
{
	virtio_stop(dev);
	for (unsigned i = 0; i < dev->nr_queues; i++) {
		queue_off(&dev->queues[i]);
		queue_forget(&dev->queues[i].vq);
	}
	if (dev->ops->reset)
		dev->ops->reset(dev);
	dev->state.active = false;
	dev->state.features = 0;
	dev->state.features_bad = false;
	dev->state.big_endian = false;
	dev->state.status = 0;
	dev->state.needs_reset = false;
	dev->state.device_select = dev->state.driver_select = dev->state.queue_select = 0;
	if (dev->transport) {
		virtio_isr(dev->transport, 0xff);
		dev->transport->ops->reset(dev->transport);
	}
}

static bool features_good(struct virtio_device *dev)
{
	/* Without it the driver would pass addresses of memory that is not shared. */
	if (dev->device_features & ~dev->state.features & BIT(VIRTIO_F_ACCESS_PLATFORM))
		return false;
	return !dev->state.features_bad && !(dev->state.features & ~dev->device_features) &&
	       (dev->legacy || virtio_has_feature(dev, VIRTIO_F_VERSION_1));
}

/* False: it cannot be, and the device is broken. */
static bool enable_queue(struct virtio_device *dev, struct virtqueue *vq)
{
	vq->big_endian = dev->state.big_endian;
	if (!virtqueue_enable(vq, dev->memory, dev->state.features))
		return true;
	virtio_break(dev, "queue %u: size %u or ring addresses 0x%llx, 0x%llx, 0x%llx", vq->index,
		     vq->state.size, (unsigned long long)vq->state.desc,
		     (unsigned long long)vq->state.driver,
		     (unsigned long long)vq->state.device_area);
	return false;
}

static void virtio_activate(struct virtio_device *dev)
{
	int err;

	/* A legacy driver cannot be refused any earlier. */
	if (!features_good(dev)) {
		virtio_break(dev, "it wants features 0x%llx, offered are 0x%llx",
			     (unsigned long long)dev->state.features,
			     (unsigned long long)dev->device_features);
		return;
	}
	for (unsigned i = 0; i < dev->nr_queues; i++) {
		struct virtqueue *vq = &dev->queues[i].vq;

		/* Again, as a driver may have enabled it before the features were settled. */
		if (vq->state.enabled && !enable_queue(dev, vq))
			return;
	}
	err = dev->ops->activate ? dev->ops->activate(dev) : 0;
	if (err) {
		virtio_break(dev, "it could not be started: %s", strerror(-err));
		return;
	}
	dev->state.active = true;
	for (unsigned i = 0; i < dev->nr_queues; i++)
		if (dev->queues[i].vq.state.enabled)
			queue_go_live(dev, &dev->queues[i]);
}

static void add_status(struct virtio_device *dev, u8 bits)
{
	bits &= DRIVER_STATUS_BITS & ~dev->state.status;
	if (dev->legacy)
		bits &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	if ((bits & VIRTIO_CONFIG_S_FEATURES_OK) && !features_good(dev)) {
		bits &= ~VIRTIO_CONFIG_S_FEATURES_OK;
		if (log_limit_ok(&dev->complaints))
			log_warning(
				"%s: the guest's driver wants features 0x%llx, offered are 0x%llx; "
				"VERSION_1 is needed, and ACCESS_PLATFORM where it is offered",
				dev->device.name, (unsigned long long)dev->state.features,
				(unsigned long long)dev->device_features);
	}
	if (!dev->legacy && !((dev->state.status | bits) & VIRTIO_CONFIG_S_FEATURES_OK))
		bits &= ~VIRTIO_CONFIG_S_DRIVER_OK;
	if (dev->state.needs_reset)
		bits &= ~VIRTIO_CONFIG_S_DRIVER_OK;
	dev->state.status |= bits;
	if ((bits & VIRTIO_CONFIG_S_DRIVER_OK) && !dev->state.active)
		virtio_activate(dev);
}

static void set_status(struct virtio_device *dev, u8 status)
{
	if (!status)
		reset_locked(dev);
	/* With no status yet nothing is active that would use it. */
	if (!dev->state.status)
		dev->state.big_endian = dev->legacy && vcpu_big_endian();
	if (status)
		add_status(dev, status);
}

/* ---- registers; lock held ---- */

static u32 get_half(u64 value, u32 select)
{
	return select < 2 ? value >> (32 * select) : 0;
}

static void set_half(u64 *value, u32 select, u32 half)
{
	*value &= ~(0xffffffffULL << (32 * select));
	*value |= (u64)half << (32 * select);
}

static void set_driver_features(struct virtio_device *dev, u32 value)
{
	if (dev->state.active || (dev->state.status & VIRTIO_CONFIG_S_FEATURES_OK))
		return;
	if (dev->state.driver_select < 2)
		set_half(&dev->state.features, dev->state.driver_select, value);
	else if (value)
		dev->state.features_bad = true;
}

static bool is_address(enum virtio_register reg)
{
	return reg >= REG_DESC_LOW && reg <= REG_USED_HIGH;
}

static gpa_t *ring_address(struct virtqueue *vq, enum virtio_register reg)
{
	gpa_t *const parts[] = { &vq->state.desc, &vq->state.driver, &vq->state.device_area };

	return parts[(reg - REG_DESC_LOW) / 2];
}

static u32 read_queue(struct virtqueue *vq, enum virtio_register reg)
{
	switch (reg) {
	case REG_QUEUE_NUMBER:
		return vq->index;
	case REG_QUEUE_MAX:
		return vq->max_size;
	case REG_QUEUE_SIZE:
		return vq->state.size;
	case REG_QUEUE_ENABLE:
		return vq->state.enabled;
	default:
		return is_address(reg) ? get_half(*ring_address(vq, reg), (reg - REG_DESC_LOW) % 2)
				       : 0;
	}
}

static u32 read_locked(struct virtio_device *dev, enum virtio_register reg)
{
	const struct virtio_state *state = &dev->state;

	switch (reg) {
	case REG_DEVICE_SELECT:
		return state->device_select;
	case REG_DEVICE_FEATURES:
		return get_half(dev->device_features, state->device_select);
	case REG_DRIVER_SELECT:
		return state->driver_select;
	case REG_DRIVER_FEATURES:
		return get_half(state->features, state->driver_select);
	case REG_STATUS:
		return state->status | (state->needs_reset ? VIRTIO_CONFIG_S_NEEDS_RESET : 0);
	case REG_GENERATION:
		return state->config_generation;
	case REG_NUM_QUEUES:
		return dev->nr_queues;
	case REG_QUEUE_SELECT:
		return state->queue_select;
	default:
		return state->queue_select < dev->nr_queues
			       ? read_queue(&dev->queues[state->queue_select].vq, reg)
			       : 0;
	}
}

u32 virtio_read(struct virtio_device *dev, enum virtio_register reg)
{
	u32 value;

	pthread_mutex_lock(&dev->lock);
	value = read_locked(dev, reg);
	pthread_mutex_unlock(&dev->lock);
	return value;
}

static void write_queue(struct virtio_device *dev, struct virtio_queue_slot *slot,
			enum virtio_register reg, u32 value)
{
	struct virtqueue *vq = &slot->vq;

	if (reg == REG_QUEUE_RESET && value == 1 && dev->state.active &&
	    virtio_has_feature(dev, VIRTIO_F_RING_RESET)) {
		queue_take_away(dev, slot);
		queue_forget(vq);
	} else if (vq->state.enabled) {
		/* The others are frozen. */
		if (reg == REG_QUEUE_ENABLE && !(value & 1))
			queue_take_away(dev, slot);
	} else if (reg == REG_QUEUE_ENABLE && value & 1) {
		if (enable_queue(dev, vq) && dev->state.active)
			queue_go_live(dev, slot);
	} else if (reg == REG_QUEUE_SIZE) {
		/* A wrong one is kept, so that enabling the queue finds it. */
		vq->state.size = value > VIRTQUEUE_MAX_SIZE ? 0 : value;
	} else if (is_address(reg)) {
		set_half(ring_address(vq, reg), (reg - REG_DESC_LOW) % 2, value);
	}
}

static void virtio_notified(struct virtio_device *dev, u32 queue)
{
	/* One that has not said DRIVER yet has no business kicking. */
	if (dev->legacy && queue < dev->nr_queues && dev->queues[queue].vq.state.enabled &&
	    !dev->state.active && !dev->state.needs_reset &&
	    (dev->state.status & VIRTIO_CONFIG_S_DRIVER))
		virtio_activate(dev);
	virtio_queue_kick(dev, queue);
}

static void write_locked(struct virtio_device *dev, enum virtio_register reg, u32 value)
{
	struct virtio_state *state = &dev->state;

	switch (reg) {
	case REG_DEVICE_SELECT:
		state->device_select = value;
		break;
	case REG_DRIVER_SELECT:
		state->driver_select = value;
		break;
	case REG_DRIVER_FEATURES:
		set_driver_features(dev, value);
		break;
	case REG_STATUS:
		set_status(dev, value);
		break;
	case REG_NOTIFY:
		virtio_notified(dev, value);
		break;
	case REG_QUEUE_SELECT:
		state->queue_select = value;
		break;
	default:
		if (state->queue_select < dev->nr_queues)
			write_queue(dev, &dev->queues[state->queue_select], reg, value);
	}
}

void virtio_write(struct virtio_device *dev, enum virtio_register reg, u32 value)
{
	pthread_mutex_lock(&dev->lock);
	write_locked(dev, reg, value);
	pthread_mutex_unlock(&dev->lock);
}

/* ---- configuration space ---- */

void virtio_config_read(struct virtio_device *dev, u32 offset, u8 *data, u32 len)
{
	memset(data, 0, len);
	if (offset >= dev->ops->config_size || !dev->ops->config_read)
		return;
	pthread_mutex_lock(&dev->lock);
	dev->ops->config_read(dev, offset, data, MIN(len, dev->ops->config_size - offset));
	pthread_mutex_unlock(&dev->lock);
}

void virtio_config_write(struct virtio_device *dev, u32 offset, const u8 *data, u32 len)
{
	if (offset >= dev->ops->config_size || len > dev->ops->config_size - offset ||
	    !dev->ops->config_write)
		return;
	pthread_mutex_lock(&dev->lock);
	dev->ops->config_write(dev, offset, data, len);
	pthread_mutex_unlock(&dev->lock);
}

/* ---- the machine's walks ---- */

static struct virtio_device *to_virtio(struct device *device)
{
	return CONTAINER_OF(device, struct virtio_device, device);
}

static void life_reset(struct device *device)
{
	struct virtio_device *dev = to_virtio(device);

	pthread_mutex_lock(&dev->lock);
	reset_locked(dev);
	pthread_mutex_unlock(&dev->lock);
}

static int life_start(struct device *device)
{
	struct virtio_device *dev = to_virtio(device);
	int err = dev->ops->start ? dev->ops->start(dev) : 0;

	if (err)
		log_error("%s: could not be started: %s", device->name, strerror(-err));
	return err;
}

static void life_stop(struct device *device)
{
	struct virtio_device *dev = to_virtio(device);

	if (dev->ops->stop)
		dev->ops->stop(dev);
}

static void life_quiesce(struct device *device)
{
	struct virtio_device *dev = to_virtio(device);

	pthread_mutex_lock(&dev->lock);
	virtio_stop(dev);
	dev->paused = true;
	pthread_mutex_unlock(&dev->lock);
}

static void life_resume(struct device *device)
{
	struct virtio_device *dev = to_virtio(device);

	pthread_mutex_lock(&dev->lock);
	if (dev->paused) {
		dev->paused = false;
		if (dev->state.active && dev->ops->resume)
			dev->ops->resume(dev);
		attach_all(dev);
	}
	pthread_mutex_unlock(&dev->lock);
}

static void life_destroy(struct device *device)
{
	struct virtio_device *dev = to_virtio(device);
	struct virtio_transport *t = dev->transport;

	pthread_mutex_lock(&dev->lock);
	virtio_stop(dev);
	dev->paused = true;
	for (unsigned i = 0; i < dev->nr_queues; i++)
		queue_off(&dev->queues[i]);
	dev->transport = NULL;
	pthread_mutex_unlock(&dev->lock);
	if (t)
		t->ops->destroy(t);
	dev->ops->destroy(dev);
}

static const struct device_ops life_ops = {
	.reset = life_reset,
	.start = life_start,
	.quiesce = life_quiesce,
	.resume = life_resume,
	.stop = life_stop,
	.destroy = life_destroy,
};

static int init_queue(struct virtio_device *dev, unsigned index, struct loop *loop)
{
	struct virtio_queue_slot *slot = &dev->queues[index];

	slot->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (slot->kick_fd < 0)
		return -errno;
	slot->loop = loop;
	slot->kick.fd = slot->kick_fd;
	slot->kick.ready = virtio_kicked;
	slot->vq.device = dev;
	slot->vq.ops = &queue_ops;
	slot->vq.index = index;
	slot->vq.max_size = slot->vq.state.size = dev->ops->queue_size;
	dev->nr_queues++;
	return 0;
}

int virtio_init(struct virtio_device *dev, const struct virtio_device_ops *ops, struct vm *vm,
		struct loop *loop, u64 features, unsigned nr_queues)
{
	int err = 0;

	device_init(&dev->device, &life_ops, "%s", ops->name);
	dev->ops = ops;
	dev->vm = vm;
	dev->memory = &vm->memory;
	dev->seat = &virtio_loop_seat;
	dev->device_features = features | BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_RING_RESET) |
			       BIT(VIRTIO_RING_F_INDIRECT_DESC) | BIT(VIRTIO_RING_F_EVENT_IDX);
	if (vm->private_memory)
		dev->device_features |= BIT(VIRTIO_F_ACCESS_PLATFORM);
	dev->complaints = (struct log_limit)LOG_LIMIT(3);
	pthread_mutex_init(&dev->lock, NULL);
	pthread_mutex_init(&dev->isr_lock, NULL);
	dev->queues = calloc(nr_queues, sizeof(*dev->queues));
	if (!dev->queues)
		err = -ENOMEM;
	for (unsigned i = 0; i < nr_queues && !err; i++)
		err = init_queue(dev, i, loop);
	if (err) {
		log_error("%s: %s", ops->name, strerror(-err));
		ops->destroy(dev);
	}
	return err;
}

void virtio_set_seat(struct virtio_device *dev, const struct virtio_seat *seat)
{
	dev->seat = seat;
	dev->device_features &= seat->features;
}

void virtio_exit(struct virtio_device *dev)
{
	if (!dev->ops)
		return;
	for (unsigned i = 0; i < dev->nr_queues; i++) {
		queue_detach(&dev->queues[i]);
		close(dev->queues[i].kick_fd);
	}
	free(dev->queues);
	pthread_mutex_destroy(&dev->isr_lock);
	pthread_mutex_destroy(&dev->lock);
}
