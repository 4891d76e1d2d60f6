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

#define ISR_QUEUE  1
#define ISR_CONFIG 2

static struct virtio_pci *to_virtio_pci(struct virtio_transport *t)
{
	return CONTAINER_OF(t, struct virtio_pci, transport);
}

/* ---- interrupts ---- */

static void raise_intx(struct virtio_pci *vp, u8 bits)
{
	pthread_mutex_lock(&vp->isr_lock);
	vp->state.isr |= bits;
	pci_intx_set(&vp->pci, true);
	pthread_mutex_unlock(&vp->isr_lock);
}

u8 virtio_pci_take_isr(struct virtio_pci *vp)
{
	u8 isr;

	pthread_mutex_lock(&vp->isr_lock);
	isr = vp->state.isr;
	vp->state.isr = 0;
	pci_intx_set(&vp->pci, false);
	pthread_mutex_unlock(&vp->isr_lock);
	return isr;
}

static void signal_vector(struct virtio_pci *vp, u16 vector, u8 isr_bits)
{
	/* VIRTIO_MSI_NO_VECTOR is past every table. */
	if (pci_msix_enabled(&vp->pci))
		pci_msix_signal(&vp->pci, vector);
	else
		raise_intx(vp, isr_bits);
}

static void vp_signal_queue(struct virtio_transport *t, unsigned index)
{
	struct virtio_pci *vp = to_virtio_pci(t);

	signal_vector(vp, vp->state.queue_vector[index], ISR_QUEUE);
}

static void vp_signal_config(struct virtio_transport *t)
{
	struct virtio_pci *vp = to_virtio_pci(t);

	signal_vector(vp, vp->state.config_vector, ISR_CONFIG);
}

u16 virtio_pci_vector(const struct virtio_pci *vp, u32 value)
{
	return value < vp->nr_vectors ? value : VIRTIO_MSI_NO_VECTOR;
}

/* ---- doorbells; dev->lock held ---- */

static bool has_ports(const struct virtio_pci *vp)
{
	return vp->pci.bars[vp->registers->bar].is_port;
}

static void doorbell_on(struct virtio_pci *vp, unsigned i)
{
	struct virtio_doorbell bell = { 0 };

	if (!vp->mapped || vp->kick_fd[i] < 0 || vp->ioeventfd[i])
		return;
	vp->registers->doorbell(i, &bell);
	/* If it cannot be had, kicks are trapped. */
	vp->ioeventfd[i] = !ioeventfd_assign(vp->vm, vp->kick_fd[i], vp->address + bell.offset,
					     bell.len, bell.match, bell.value, has_ports(vp));
}

static void doorbell_off(struct virtio_pci *vp, unsigned i)
{
	struct virtio_doorbell bell = { 0 };

	if (!vp->ioeventfd[i])
		return;
	vp->registers->doorbell(i, &bell);
	ioeventfd_deassign(vp->vm, vp->kick_fd[i], vp->address + bell.offset, bell.len, bell.match,
			   bell.value, has_ports(vp));
	vp->ioeventfd[i] = false;
}

static int vp_queue_attach(struct virtio_transport *t, unsigned index, int kick_fd)
{
	struct virtio_pci *vp = to_virtio_pci(t);

	vp->kick_fd[index] = kick_fd;
	doorbell_on(vp, index);
	return 0;
}

static void vp_queue_detach(struct virtio_transport *t, unsigned index, int kick_fd)
{
	struct virtio_pci *vp = to_virtio_pci(t);

	doorbell_off(vp, index);
	vp->kick_fd[index] = -1;
}

static void vp_bar_changed(struct pci_device *pci, unsigned bar, bool mapped)
{
	struct virtio_pci *vp = CONTAINER_OF(pci, struct virtio_pci, pci);
	struct virtio_device *dev = vp->transport.dev;

	if (bar != vp->registers->bar)
		return;
	pthread_mutex_lock(&dev->lock);
	for (unsigned i = 0; i < dev->nr_queues; i++)
		doorbell_off(vp, i);
	vp->mapped = mapped;
	vp->address = pci->bars[bar].address;
	for (unsigned i = 0; i < dev->nr_queues; i++)
		doorbell_on(vp, i);
	pthread_mutex_unlock(&dev->lock);
}

/* ---- the core's side ---- */

static void vp_reset(struct virtio_transport *t)
{
	struct virtio_pci *vp = to_virtio_pci(t);

	vp->state.device_select = vp->state.driver_select = 0;
	vp->state.queue_select = 0;
	vp->state.config_vector = VIRTIO_MSI_NO_VECTOR;
	for (unsigned i = 0; i < VIRTIO_MAX_QUEUES; i++)
		vp->state.queue_vector[i] = VIRTIO_MSI_NO_VECTOR;
	virtio_pci_take_isr(vp);
}

static void vp_destroy(struct virtio_transport *t)
{
	struct virtio_pci *vp = to_virtio_pci(t);

	pci_device_exit(&vp->pci);
	pthread_mutex_destroy(&vp->isr_lock);
	free(vp);
}

static const struct virtio_transport_ops vp_ops = {
	.signal_queue = vp_signal_queue,
	.signal_config = vp_signal_config,
	.queue_attach = vp_queue_attach,
	.queue_detach = vp_queue_detach,
	.reset = vp_reset,
	.destroy = vp_destroy,
};

static int add_to_bus(struct virtio_pci *vp, const struct virtio_device_ops *ops)
{
	const struct virtio_pci_registers *registers = vp->registers;
	u16 device, subsystem;
	int err = registers->identify(ops->type, &device, &subsystem);

	if (!err)
		err = pci_device_init(&vp->pci, vp->vm, VIRTIO_VENDOR, device, ops->pci_class,
				      registers->revision, VIRTIO_VENDOR, subsystem);
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
	for (unsigned i = 0; i < VIRTIO_MAX_QUEUES; i++)
		vp->kick_fd[i] = -1;
	pthread_mutex_init(&vp->isr_lock, NULL);
	vp->registers = dev->legacy ? &virtio_pci_legacy : &virtio_pci_modern;
	err = add_to_bus(vp, dev->ops);
	if (err) {
		pthread_mutex_destroy(&vp->isr_lock);
		free(vp);
		goto fail;
	}
	vp_reset(&vp->transport);
	dev->transport = &vp->transport;
	return 0;
fail:
	log_error("%s: no place on the PCI bus: %s", dev->device.name, strerror(-err));
	return err;
}
