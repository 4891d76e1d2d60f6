/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A legacy virtio-pci function, found and driven as Linux's driver does, through ports and through an I/O
 * window in memory, on vCPUs of both byte orders.
 */
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "lkvm/util/log.h"
#include "fake_vm.h"
#include "fake_device.h"

#define SLOT	  1
#define GSI	  21 /* INTA# of slot 1 */
#define QUEUE	  1
#define IO_MEMORY 0x20000000ULL
#define PLACE	  (RING_BASE + 0x2000)

#define ACK    VIRTIO_CONFIG_S_ACKNOWLEDGE
#define DRIVER VIRTIO_CONFIG_S_DRIVER
#define OK     VIRTIO_CONFIG_S_DRIVER_OK

struct state {
	struct vm *vm;
	struct fake_device *f;
	struct ring ring;
	bool ports;
	u64 io, msix;
	unsigned msix_cap;
};

static u32 get(struct state *s, unsigned offset, unsigned len)
{
	return s->ports ? port_get(s->vm, s->io + offset, len)
			: mmio_get(s->vm, s->io + offset, len);
}

static void put(struct state *s, unsigned offset, unsigned len, u32 value)
{
	if (s->ports)
		port_put(s->vm, s->io + offset, len, value);
	else
		mmio_put(s->vm, s->io + offset, len, value);
}

static void scan(struct state *s)
{
	u32 bar = cfg_get(s->vm, SLOT, PCI_BASE_ADDRESS_0, 4);

	assert_int_equal(bar & 3, PCI_BASE_ADDRESS_SPACE_IO);
	s->io = (bar & ~3U) + (s->ports ? 0 : IO_MEMORY);
	s->msix = cfg_get(s->vm, SLOT, PCI_BASE_ADDRESS_1, 4) & ~0xfU;
	s->msix_cap = cfg_get(s->vm, SLOT, PCI_CAPABILITY_LIST, 1);
	assert_int_equal(cfg_get(s->vm, SLOT, s->msix_cap, 1), PCI_CAP_ID_MSIX);
	/* The table's BAR; and nothing of virtio 1 behind it. */
	assert_int_equal(cfg_get(s->vm, SLOT, s->msix_cap + PCI_MSIX_TABLE, 4) & 7, 1);
	assert_int_equal(cfg_get(s->vm, SLOT, s->msix_cap + 1, 1), 0);
}

static int setup_with(void **state, bool ports, bool order)
{
	struct state *s = calloc(1, sizeof(*s));
	struct pci_board board = fake_board;

	driver_big_endian = order;
	s->ports = ports;
	if (!ports) {
		board.ports = false;
		board.io_mmio = IO_MEMORY;
	}
	s->vm = fake_vm_create();
	assert_int_equal(pci_host_create(s->vm, &board), 0);
	s->f = fake_device_create(s->vm);
	virtio_set_legacy(&s->f->dev);
	assert_int_equal(virtio_pci_attach(&s->f->dev, s->vm), 0);
	device_add(&s->vm->devices, &s->f->dev.device);
	assert_int_equal(pci_assign_bars(s->vm->pci), 0);
	scan(s);
	*state = s;
	return 0;
}

static int setup_ports(void **state)
{
	return setup_with(state, true, false);
}

static int setup_memory(void **state)
{
	return setup_with(state, false, false);
}

static int setup_big(void **state)
{
	return setup_with(state, false, true);
}

static int teardown(void **state)
{
	struct state *s = *state;

	fake_vm_destroy(s->vm);
	assert_int_equal(fake_irq.nr_io, 0);
	assert_int_equal(fake_irq.nr_msi, 0);
	free(s);
	return 0;
}

static void set_queue(struct state *s, u16 vector)
{
	ring_init_legacy(&s->ring, fake_ram(s->vm), RING_BASE, FAKE_RAM_SIZE, FAKE_SIZE, PLACE,
			 4096, driver_big_endian);
	put(s, VIRTIO_PCI_QUEUE_SEL, 2, QUEUE);
	assert_int_equal(get(s, VIRTIO_PCI_QUEUE_NUM, 2), FAKE_SIZE);
	assert_int_equal(get(s, VIRTIO_PCI_QUEUE_PFN, 4), 0);
	put(s, VIRTIO_PCI_QUEUE_PFN, 4, PLACE >> 12);
	assert_int_equal(get(s, VIRTIO_PCI_QUEUE_PFN, 4), PLACE >> 12);
	if (vector != VIRTIO_MSI_NO_VECTOR) {
		put(s, VIRTIO_MSI_QUEUE_VECTOR, 2, vector);
		assert_int_equal(get(s, VIRTIO_MSI_QUEUE_VECTOR, 2), vector);
	}
}

static void negotiate(struct state *s, u32 features)
{
	put(s, VIRTIO_PCI_STATUS, 1, 0);
	assert_int_equal(get(s, VIRTIO_PCI_STATUS, 1), 0);
	put(s, VIRTIO_PCI_STATUS, 1, ACK);
	put(s, VIRTIO_PCI_STATUS, 1, ACK | DRIVER);
	put(s, VIRTIO_PCI_GUEST_FEATURES, 4, features);
	assert_int_equal(get(s, VIRTIO_PCI_GUEST_FEATURES, 4), features);
}

static void start_driver(struct state *s, u16 vector)
{
	negotiate(s, BIT(VIRTIO_RING_F_EVENT_IDX));
	set_queue(s, vector);
	put(s, VIRTIO_PCI_STATUS, 1, ACK | DRIVER | OK);
	assert_int_equal(get(s, VIRTIO_PCI_STATUS, 1), ACK | DRIVER | OK);
	test_run_loop(s->vm->loop);
}

static void offer(struct state *s)
{
	struct ring_buffer b = { RING_BASE + 0x8000, 16, true };

	ring_set_used_event(&s->ring, s->ring.next_used);
	ring_add(&s->ring, &b, 1);
}

static void kick(struct state *s)
{
	put(s, VIRTIO_PCI_QUEUE_NOTIFY, 2, QUEUE);
	test_run_loop(s->vm->loop);
}

static void assert_used(struct state *s)
{
	u32 len;

	assert_true(ring_used(&s->ring, NULL, &len));
	assert_int_equal(len, 4);
}

static void assert_completes(struct state *s)
{
	offer(s);
	kick(s);
	assert_used(s);
	assert_true(fake_irq.line[GSI]);
	assert_int_equal(get(s, VIRTIO_PCI_ISR, 1), 1);
	assert_false(fake_irq.line[GSI]);
	assert_int_equal(get(s, VIRTIO_PCI_ISR, 1), 0);
}

static void identification(void **state)
{
	struct state *s = *state;

	assert_int_equal(cfg_get(s->vm, SLOT, PCI_VENDOR_ID, 2), 0x1af4);
	assert_int_equal(cfg_get(s->vm, SLOT, PCI_DEVICE_ID, 2), 0x1009);
	assert_int_equal(cfg_get(s->vm, SLOT, PCI_REVISION_ID, 1), 0);
	assert_int_equal(cfg_get(s->vm, SLOT, PCI_SUBSYSTEM_VENDOR_ID, 2), 0x1af4);
	assert_int_equal(cfg_get(s->vm, SLOT, PCI_SUBSYSTEM_ID, 2), FAKE_TYPE);
	assert_int_equal(get(s, VIRTIO_PCI_HOST_FEATURES, 4),
			 BIT(3) | BIT(VIRTIO_RING_F_INDIRECT_DESC) | BIT(VIRTIO_RING_F_EVENT_IDX));
	assert_int_equal(get(s, VIRTIO_PCI_ISR, 1), 0);
}

static void numbers(void **state)
{
	static const struct {
		u32 type;
		u16 number;
	} rows[] = { { 1, 0x1000 }, { 2, 0x1001 }, { 3, 0x1003 }, { 4, 0x1005 } };
	struct state *s = *state;
	struct fake_device *f;

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct virtio_device_ops *ops = malloc(sizeof(*ops));

		*ops = fake_device_ops;
		ops->type = rows[i].type;
		f = fake_device_create(s->vm);
		f->dev.ops = ops;
		virtio_set_legacy(&f->dev);
		assert_int_equal(virtio_pci_attach(&f->dev, s->vm), 0);
		assert_int_equal(cfg_get(s->vm, SLOT + 1, PCI_DEVICE_ID, 2), rows[i].number);
		assert_int_equal(cfg_get(s->vm, SLOT + 1, PCI_SUBSYSTEM_ID, 2), rows[i].type);
		f->dev.transport->ops->destroy(f->dev.transport);
		/* A device that was made after virtio 1 has no number here. */
		ops->type = 19;
		f->dev.transport = NULL;
		assert_int_equal(virtio_pci_attach(&f->dev, s->vm), -ENOTSUP);
		fake_destroy(&f->dev);
		free(ops);
	}
}

static void requests(void **state)
{
	struct state *s = *state;
	struct fake_ioeventfd *io;

	start_driver(s, VIRTIO_MSI_NO_VECTOR);
	for (unsigned i = 0; i < 40; i++)
		assert_completes(s);
	io = fake_ioeventfd_at(s->io + VIRTIO_PCI_QUEUE_NOTIFY, QUEUE);
	assert_non_null(io);
	assert_int_equal(io->len, 2);
	assert_true(io->datamatch);
	assert_int_equal(io->port, s->ports);
	offer(s);
	eventfd_write(io->fd, 1);
	test_run_loop(s->vm->loop);
	assert_used(s);
	virtio_config_changed(&s->f->dev);
	assert_int_equal(get(s, VIRTIO_PCI_ISR, 1), 3);
	put(s, VIRTIO_PCI_QUEUE_PFN, 4, 0);
	assert_int_equal(get(s, VIRTIO_PCI_QUEUE_PFN, 4), 0);
	assert_int_equal(fake_irq.nr_io, 0);
	set_queue(s, VIRTIO_MSI_NO_VECTOR);
	assert_completes(s);
}

static void set_vector(struct state *s, unsigned i, u32 data)
{
	mmio_put(s->vm, s->msix + 16 * i, 8, 0xfee00000);
	mmio_put(s->vm, s->msix + 16 * i + 8, 8, data);
}

/* The two registers of MSI-X push the device's configuration back. */
static void msix(void **state)
{
	struct state *s = *state;

	memcpy(s->f->config, "0123456789ab", 12);
	assert_int_equal(get(s, 20, 4), 0x33323130);
	cfg_put(s->vm, SLOT, s->msix_cap + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(get(s, 20, 4), 0);
	assert_int_equal(get(s, VIRTIO_MSI_CONFIG_VECTOR, 2), VIRTIO_MSI_NO_VECTOR);
	assert_int_equal(get(s, 24, 4), 0x33323130);
	put(s, 26, 1, 'X');
	assert_int_equal(s->f->config[2], 'X');
	set_vector(s, 0, 0x30);
	set_vector(s, 2, 0x32);
	start_driver(s, 2);
	put(s, VIRTIO_MSI_CONFIG_VECTOR, 2, 0);
	assert_int_equal(get(s, VIRTIO_MSI_CONFIG_VECTOR, 2), 0);
	offer(s);
	kick(s);
	assert_used(s);
	assert_int_equal(fake_msi_taken(0x32), 1);
	virtio_config_changed(&s->f->dev);
	assert_int_equal(fake_msi_taken(0x30), 1);
	assert_int_equal(get(s, VIRTIO_PCI_ISR, 1), 0);
	assert_int_equal(fake_irq.line_changes, 0);
	put(s, VIRTIO_MSI_CONFIG_VECTOR, 2, FAKE_QUEUES + 1);
	assert_int_equal(get(s, VIRTIO_MSI_CONFIG_VECTOR, 2), VIRTIO_MSI_NO_VECTOR);
	put(s, VIRTIO_MSI_QUEUE_VECTOR, 2, 100);
	assert_int_equal(get(s, VIRTIO_MSI_QUEUE_VECTOR, 2), VIRTIO_MSI_NO_VECTOR);
	put(s, VIRTIO_PCI_QUEUE_SEL, 2, FAKE_QUEUES);
	put(s, VIRTIO_MSI_QUEUE_VECTOR, 2, 1);
	assert_int_equal(get(s, VIRTIO_MSI_QUEUE_VECTOR, 2), VIRTIO_MSI_NO_VECTOR);
}

/* The registers are little-endian, only what is the driver's own is not. */
static void order_is_the_drivers(void **state)
{
	struct state *s = *state;

	for (unsigned i = 0; i < 4; i++) {
		start_driver(s, VIRTIO_MSI_NO_VECTOR);
		assert_int_equal(s->f->dev.state.big_endian, driver_big_endian);
		assert_completes(s);
		driver_big_endian = !driver_big_endian;
	}
}

static void first_kick_starts_it(void **state)
{
	struct state *s = *state;

	negotiate(s, BIT(VIRTIO_RING_F_EVENT_IDX));
	set_queue(s, VIRTIO_MSI_NO_VECTOR);
	assert_completes(s);
	put(s, VIRTIO_PCI_STATUS, 1, ACK | DRIVER | OK);
	assert_completes(s);
}

static void bad_drivers(void **state)
{
	static const u32 places[] = { 1, ~0U, (RING_BASE + FAKE_RAM_SIZE) >> 12,
				      ((RING_BASE + FAKE_RAM_SIZE) >> 12) - 1 };
	struct state *s = *state;

	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		negotiate(s, 0);
		put(s, VIRTIO_PCI_QUEUE_SEL, 2, QUEUE);
		put(s, VIRTIO_PCI_QUEUE_PFN, 4, places[i]);
		assert_int_equal(get(s, VIRTIO_PCI_QUEUE_PFN, 4), 0);
		assert_int_equal(get(s, VIRTIO_PCI_STATUS, 1) & VIRTIO_CONFIG_S_NEEDS_RESET,
				 VIRTIO_CONFIG_S_NEEDS_RESET);
	}
	negotiate(s, BIT(31));
	put(s, VIRTIO_PCI_STATUS, 1, ACK | DRIVER | OK);
	assert_false(s->f->dev.state.active);
	/* No such queue; widths that the registers do not have. */
	start_driver(s, VIRTIO_MSI_NO_VECTOR);
	put(s, VIRTIO_PCI_QUEUE_SEL, 2, 0xffff);
	assert_int_equal(get(s, VIRTIO_PCI_QUEUE_NUM, 2), 0);
	put(s, VIRTIO_PCI_QUEUE_PFN, 4, PLACE >> 12);
	assert_int_equal(get(s, VIRTIO_PCI_QUEUE_PFN, 4), 0);
	put(s, VIRTIO_PCI_QUEUE_NOTIFY, 2, 0xffff);
	put(s, VIRTIO_PCI_QUEUE_SEL, 2, QUEUE);
	for (unsigned offset = 0; offset < 20; offset++)
		for (unsigned len = 1; len <= 4; len *= 2)
			get(s, offset, len);
	put(s, VIRTIO_PCI_QUEUE_PFN, 2, 0);
	put(s, VIRTIO_PCI_QUEUE_PFN, 1, 0);
	put(s, VIRTIO_PCI_QUEUE_PFN + 1, 4, 0);
	put(s, VIRTIO_PCI_STATUS, 2, 0);
	put(s, VIRTIO_PCI_STATUS, 4, 0);
	put(s, VIRTIO_PCI_HOST_FEATURES, 4, ~0U);
	put(s, VIRTIO_PCI_QUEUE_NUM, 2, 4);
	for (unsigned offset = 20; offset < 0x100; offset++)
		put(s, offset, 1, 0xff);
	assert_int_equal(get(s, 0xfc, 4), 0);
	assert_completes(s);
}

static void kicks_follow_the_bar(void **state)
{
	struct state *s = *state;
	u64 old = s->io;

	start_driver(s, VIRTIO_MSI_NO_VECTOR);
	assert_int_equal(fake_irq.nr_io, 1);
	cfg_put(s->vm, SLOT, PCI_COMMAND, 2, 0);
	assert_int_equal(fake_irq.nr_io, 0);
	cfg_put(s->vm, SLOT, PCI_BASE_ADDRESS_0, 4, FAKE_IO + 0x300);
	cfg_put(s->vm, SLOT, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	scan(s);
	assert_int_equal(s->io, old + 0x300);
	assert_non_null(fake_ioeventfd_at(s->io + VIRTIO_PCI_QUEUE_NOTIFY, QUEUE));
	assert_int_equal(fake_irq.nr_io, 1);
	assert_completes(s);
}

static void reboot_walk(void **state)
{
	struct state *s = *state;

	assert_int_equal(devices_start(&s->vm->devices), 0);
	for (unsigned i = 0; i < 3; i++) {
		start_driver(s, VIRTIO_MSI_NO_VECTOR);
		assert_completes(s);
		offer(s);
		devices_quiesce(&s->vm->devices);
		devices_reset(&s->vm->devices);
		devices_resume(&s->vm->devices);
		assert_int_equal(get(s, VIRTIO_PCI_STATUS, 1), 0);
		assert_int_equal(fake_irq.nr_io, 0);
	}
}

#define T(name)                                                                                    \
	{ #name " (ports)", name, setup_ports, teardown, NULL },                                   \
		{ #name " (memory)", name, setup_memory, teardown, NULL },                         \
	{                                                                                          \
#name " (memory, driver_big_endian)", name, setup_big, teardown, NULL              \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(identification),
		T(numbers),
		T(requests),
		T(msix),
		T(order_is_the_drivers),
		T(first_kick_starts_it),
		T(bad_drivers),
		T(kicks_follow_the_bar),
		T(reboot_walk),
	};

	/* What is refused is said, and seen here by its results. */
	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
