/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio over PCI: interrupts, kicks and life of a function, whichever registers it has. Every queue has
 * an ioeventfd of its own while the BAR with the registers is mapped.
 */
#include <errno.h>
#include <linux/virtio_pci.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "lkvm/util/log.h"
#include "virtio-pci.h"

#define VIRTIO_VENDOR 0x1af4

static struct virtio_pci *to_virtio_pci(struct virtio_transport *t)
{
	return CONTAINER_OF(t, struct virtio_pci, transport);
}

/* ---- interrupts ---- */

static bool vp_send_message(struct virtio_transport *t, int queue)
{
	struct virtio_pci *vp = to_virtio_pci(t);

	if (!pci_msix_enabled(&vp->pci))
		return false;
	/* VIRTIO_MSI_NO_VECTOR is past every table. */
	pci_msix_signal(&vp->pci, queue == VIRTIO_NO_QUEUE ? vp->state.config_vector
							   : vp->state.queue_vector[queue]);
	return true;
}

static void vp_set_call(struct virtio_transport *t, unsigned queue, int eventfd)
{
	struct virtio_pci *vp = to_virtio_pci(t);
	struct pci_msix_source *call = &vp->calls[queue];

	if (!vp->pci.msix)
		return;
	pci_msix_remove_source(&vp->pci, call);
	call->fd = eventfd;
	if (eventfd >= 0)
		pci_msix_add_source(&vp->pci, call);
}

static void vp_set_line(struct virtio_transport *t, bool level)
{
	pci_intx_set(&to_virtio_pci(t)->pci, level);
}

/* ---- registers ---- */

/* The one for a vector that is meant; NULL: none. */
static _Atomic u16 *vector_register(struct virtio_pci *vp, unsigned reg)
{
	struct virtio_device *dev = vp->transport.dev;
	u32 queue = dev->state.queue_select;

	if (reg == REG_CONFIG_VECTOR)
		return &vp->state.config_vector;
	return queue < dev->nr_queues ? &vp->state.queue_vector[queue] : NULL;
}

static void move_call(struct virtio_pci *vp, unsigned queue)
{
	pci_msix_move_source(&vp->pci, &vp->calls[queue], vp->state.queue_vector[queue]);
}

u32 virtio_pci_read(struct virtio_pci *vp, unsigned reg)
{
	_Atomic u16 *vector;

	if (reg < REG_OF_TRANSPORT)
		return virtio_read(vp->transport.dev, reg);
	vector = vector_register(vp, reg);
	return vector ? *vector : VIRTIO_MSI_NO_VECTOR;
}

void virtio_pci_write(struct virtio_pci *vp, unsigned reg, u32 value)
{
	_Atomic u16 *vector;

	if (reg < REG_OF_TRANSPORT) {
		virtio_write(vp->transport.dev, reg, value);
		return;
	}
	vector = vector_register(vp, reg);
	if (!vector)
		return;
	*vector = value < vp->nr_vectors ? value : VIRTIO_MSI_NO_VECTOR;
	if (reg == REG_QUEUE_VECTOR)
		move_call(vp, vector - vp->state.queue_vector);
}

/* ---- doorbells; dev->lock held ---- */

static bool vp_doorbell(struct virtio_transport *t, unsigned queue, struct ioeventfd *bell)
{
	struct virtio_pci *vp = to_virtio_pci(t);
	const struct virtio_pci_registers *registers = vp->registers;
	bool shared = !registers->doorbell_step;

	*bell = (struct ioeventfd){
		.address = vp->address + registers->doorbell + queue * registers->doorbell_step,
		/* Where it can be any length KVM need not decode the instruction. */
		.len = shared ? 2 : 0,
		.port = vp->pci.bars[registers->bar].is_port,
		.match = shared,
		.value = queue,
	};
	return vp->mapped;
}

static void vp_bar_changed(struct pci_device *pci, unsigned bar, bool mapped)
{
	struct virtio_pci *vp = CONTAINER_OF(pci, struct virtio_pci, pci);
	struct virtio_device *dev = vp->transport.dev;

	if (bar != vp->registers->bar)
		return;
	pthread_mutex_lock(&dev->lock);
	vp->mapped = mapped;
	vp->address = pci->bars[bar].address;
	virtio_doorbells_moved(dev);
	pthread_mutex_unlock(&dev->lock);
}

/* ---- the core's side ---- */

static void vp_reset(struct virtio_transport *t)
{
	struct virtio_pci *vp = to_virtio_pci(t);

	vp->state.config_vector = VIRTIO_MSI_NO_VECTOR;
	for (unsigned i = 0; i < VIRTIO_MAX_QUEUES; i++) {
		vp->state.queue_vector[i] = VIRTIO_MSI_NO_VECTOR;
		move_call(vp, i);
	}
}

static void vp_destroy(struct virtio_transport *t)
{
	struct virtio_pci *vp = to_virtio_pci(t);

	pci_device_exit(&vp->pci);
	free(vp);
}

static const struct virtio_transport_ops vp_ops = {
	.send_message = vp_send_message,
	.set_line = vp_set_line,
	.set_call = vp_set_call,
	.doorbell = vp_doorbell,
	.reset = vp_reset,
	.destroy = vp_destroy,
};

static int add_to_bus(struct virtio_pci *vp, const struct virtio_device_ops *ops)
{
	const struct virtio_pci_registers *registers = vp->registers;
	struct pci_identity id = {
		.vendor = VIRTIO_VENDOR,
		.class_code = ops->pci_class,
		.revision = registers->revision,
		.subsystem_vendor = VIRTIO_VENDOR,
	};
	int err = registers->identify(ops->type, &id.device, &id.subsystem);

	if (!err)
		err = pci_device_init(&vp->pci, vp->vm, PCI_ANY_SLOT, &id);
	if (err)
		return err;
	vp->pci.bar_changed = vp_bar_changed;
	err = registers->add(vp);
	if (err)
		pci_device_exit(&vp->pci);
	return err;
}

int virtio_pci_attach(struct virtio_device *dev, struct vm *vm)
{
	struct virtio_pci *vp = calloc(1, sizeof(*vp));
	int err = -ENOMEM;

	if (!vp)
		goto fail;
	vp->transport.ops = &vp_ops;
	vp->transport.dev = dev;
	vp->vm = vm;
	vp->nr_vectors = dev->nr_queues + 1;
	vp->registers = dev->legacy ? &virtio_pci_legacy : &virtio_pci_modern;
	err = add_to_bus(vp, dev->ops);
	if (err)
		goto fail;
	vp_reset(&vp->transport);
	dev->transport = &vp->transport;
	return 0;
fail:
	free(vp);
	log_error("%s: no place on the PCI bus: %s", dev->device.name, strerror(-err));
	return err;
}
