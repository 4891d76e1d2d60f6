/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-pci, found and driven the way a guest does: capabilities, BARs, registers. */
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "lkvm/util/log.h"
#include "fake_vm.h"
#include "fake_device.h"

#define SLOT 1
#define GSI  21 /* INTA# of slot 1 */

struct state {
	struct vm *vm;
	struct fake_device *f;
	struct ring ring;
	u64 common, isr, config, notify, msix; /* where the guest finds them */
	u32 multiplier, common_len, config_len;
	unsigned msix_cap, window;
};

static u64 bar_address(struct state *s, unsigned bar)
{
	u32 low = cfg_get(s->vm, SLOT, PCI_BASE_ADDRESS_0 + 4 * bar, 4);
	u64 high = 0;

	if (low & PCI_BASE_ADDRESS_MEM_TYPE_64)
		high = cfg_get(s->vm, SLOT, PCI_BASE_ADDRESS_0 + 4 * bar + 4, 4);
	return high << 32 | (low & ~0xfU);
}

static void scan(struct state *s)
{
	unsigned at = cfg_get(s->vm, SLOT, PCI_CAPABILITY_LIST, 1);

	for (; at; at = cfg_get(s->vm, SLOT, at + 1, 1)) {
		u8 id = cfg_get(s->vm, SLOT, at, 1), type = cfg_get(s->vm, SLOT, at + 3, 1);
		u32 offset = cfg_get(s->vm, SLOT, at + 8, 4),
		    len = cfg_get(s->vm, SLOT, at + 12, 4);
		u64 address;

		if (id == PCI_CAP_ID_MSIX) {
			s->msix_cap = at;
			s->msix = bar_address(s, cfg_get(s->vm, SLOT, at + 4, 4) & 7);
			continue;
		}
		assert_int_equal(id, PCI_CAP_ID_VNDR);
		address = bar_address(s, cfg_get(s->vm, SLOT, at + 4, 1)) + offset;
		switch (type) {
		case VIRTIO_PCI_CAP_COMMON_CFG:
			s->common = address;
			s->common_len = len;
			break;
		case VIRTIO_PCI_CAP_ISR_CFG:
			s->isr = address;
			break;
		case VIRTIO_PCI_CAP_DEVICE_CFG:
			s->config = address;
			s->config_len = len;
			break;
		case VIRTIO_PCI_CAP_NOTIFY_CFG:
			s->notify = address;
			s->multiplier = cfg_get(s->vm, SLOT, at + 16, 4);
			assert_true(len >= FAKE_QUEUES * s->multiplier);
			break;
		case VIRTIO_PCI_CAP_PCI_CFG:
			s->window = at;
			break;
		default:
			fail();
		}
	}
}

static int setup(void **state)
{
	struct state *s = calloc(1, sizeof(*s));

	s->vm = fake_vm_create();
	assert_int_equal(pci_host_create(s->vm, &fake_board), 0);
	s->f = fake_device_create(s->vm);
	assert_int_equal(virtio_pci_attach(&s->f->dev, s->vm), 0);
	device_add(&s->vm->devices, &s->f->dev.device);
	assert_int_equal(pci_assign_bars(s->vm->pci), 0);
	scan(s);
	*state = s;
	return 0;
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

static u32 get(struct state *s, unsigned offset, unsigned len)
{
	return mmio_get(s->vm, s->common + offset, len);
}

static void put(struct state *s, unsigned offset, unsigned len, u32 value)
{
	mmio_put(s->vm, s->common + offset, len, value);
}

static void set_queue(struct state *s, unsigned index, struct ring *r, u16 vector)
{
	put(s, VIRTIO_PCI_COMMON_Q_SELECT, 2, index);
	put(s, VIRTIO_PCI_COMMON_Q_SIZE, 2, r->size);
	put(s, VIRTIO_PCI_COMMON_Q_DESCLO, 4, r->desc_gpa);
	put(s, VIRTIO_PCI_COMMON_Q_DESCHI, 4, r->desc_gpa >> 32);
	/* 64 bits at once is not what the specification says, but costs nothing. */
	mmio_put(s->vm, s->common + VIRTIO_PCI_COMMON_Q_AVAILLO, 8, r->avail_gpa);
	put(s, VIRTIO_PCI_COMMON_Q_USEDLO, 4, r->used_gpa);
	put(s, VIRTIO_PCI_COMMON_Q_USEDHI, 4, r->used_gpa >> 32);
	put(s, VIRTIO_PCI_COMMON_Q_MSIX, 2, vector);
	assert_int_equal(get(s, VIRTIO_PCI_COMMON_Q_MSIX, 2), vector);
	put(s, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	assert_int_equal(get(s, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 1);
}

static void start_driver(struct state *s, u16 vector)
{
	put(s, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	assert_int_equal(get(s, VIRTIO_PCI_COMMON_STATUS, 1), 0);
	put(s, VIRTIO_PCI_COMMON_STATUS, 1, 3);
	put(s, VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	put(s, VIRTIO_PCI_COMMON_GF, 4, 1 | BIT(VIRTIO_F_RING_RESET - 32));
	put(s, VIRTIO_PCI_COMMON_STATUS, 1, 11);
	assert_int_equal(get(s, VIRTIO_PCI_COMMON_STATUS, 1), 11);
	ring_init(&s->ring, fake_ram(s->vm), RING_BASE, FAKE_RAM_SIZE, FAKE_SIZE);
	set_queue(s, 1, &s->ring, vector);
	put(s, VIRTIO_PCI_COMMON_STATUS, 1, 15);
	test_run_loop(s->vm->loop);
}

static void set_vector(struct state *s, unsigned i, u32 data)
{
	mmio_put(s->vm, s->msix + 16 * i, 8, 0xfee00000);
	mmio_put(s->vm, s->msix + 16 * i + 8, 8, data);
}

static void enable_msix(struct state *s)
{
	cfg_put(s->vm, SLOT, s->msix_cap + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
}

static void offer(struct state *s)
{
	struct ring_buffer b = { RING_BASE + 0x8000, 16, true };

	ring_add(&s->ring, &b, 1);
}

static u64 doorbell(struct state *s, unsigned queue)
{
	put(s, VIRTIO_PCI_COMMON_Q_SELECT, 2, queue);
	return s->notify + get(s, VIRTIO_PCI_COMMON_Q_NOFF, 2) * s->multiplier;
}

static void kick_trapped(struct state *s)
{
	mmio_put(s->vm, doorbell(s, 1), 2, 1);
	test_run_loop(s->vm->loop);
}

static void assert_used(struct state *s)
{
	u32 len;

	assert_true(ring_used(&s->ring, NULL, &len));
	assert_int_equal(len, 4);
}

static void identification(void **state)
{
	struct state *s = *state;

	assert_int_equal(cfg_get(s->vm, SLOT, PCI_VENDOR_ID, 2), 0x1af4);
	assert_int_equal(cfg_get(s->vm, SLOT, PCI_DEVICE_ID, 2), 0x1040 + FAKE_TYPE);
	assert_int_equal(cfg_get(s->vm, SLOT, PCI_REVISION_ID, 1), 1);
	assert_int_equal(cfg_get(s->vm, SLOT, PCI_CLASS_DEVICE, 2), 0xff00);
	assert_true(s->common && s->isr && s->config && s->notify && s->msix && s->window);
	assert_true(s->common_len >= 60);
	assert_int_equal(s->config_len, sizeof(s->f->config));
	assert_int_equal(get(s, VIRTIO_PCI_COMMON_NUMQ, 2), FAKE_QUEUES);
	assert_true(s->multiplier >= 2 && IS_POWER_OF_2(s->multiplier));
	put(s, VIRTIO_PCI_COMMON_DFSELECT, 4, 1);
	assert_int_equal(get(s, VIRTIO_PCI_COMMON_DF, 4) & 1, 1);
}

static void intx_and_trapped_kicks(void **state)
{
	struct state *s = *state;

	fake_irq.io_error = -ENOSPC;
	start_driver(s, VIRTIO_MSI_NO_VECTOR);
	for (unsigned i = 0; i < 40; i++) {
		offer(s);
		kick_trapped(s);
		assert_used(s);
		assert_true(fake_irq.line[GSI]);
		assert_int_equal(mmio_get(s->vm, s->isr, 1), 1);
		assert_false(fake_irq.line[GSI]);
		assert_int_equal(mmio_get(s->vm, s->isr, 1), 0);
	}
	virtio_config_changed(&s->f->dev);
	assert_int_equal(mmio_get(s->vm, s->isr, 4), 2);
	offer(s);
	kick_trapped(s);
	put(s, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	assert_false(fake_irq.line[GSI]);
}

static void msix_and_ioeventfd(void **state)
{
	struct state *s = *state;
	struct fake_ioeventfd *io;

	enable_msix(s);
	set_vector(s, 0, 0x30);
	set_vector(s, 2, 0x32);
	put(s, VIRTIO_PCI_COMMON_MSIX, 2, 0);
	start_driver(s, 2);
	put(s, VIRTIO_PCI_COMMON_MSIX, 2, 0);
	io = fake_ioeventfd_at(doorbell(s, 1), 1);
	assert_non_null(io);
	offer(s);
	eventfd_write(io->fd, 1);
	test_run_loop(s->vm->loop);
	assert_used(s);
	assert_int_equal(fake_msi_taken(0x32), 1);
	assert_int_equal(fake_msi_taken(0x30), 0);
	virtio_config_changed(&s->f->dev);
	assert_int_equal(fake_msi_taken(0x30), 1);
	assert_int_equal(fake_irq.line_changes, 0);
	assert_int_equal(mmio_get(s->vm, s->isr, 1), 0);
	/* No vector: silence, not INTx. */
	put(s, VIRTIO_PCI_COMMON_MSIX, 2, VIRTIO_MSI_NO_VECTOR);
	virtio_config_changed(&s->f->dev);
	assert_int_equal(fake_irq.line_changes, 0);
	assert_int_equal(fake_msi_taken(0x30), 0);
}

static void vectors_are_checked(void **state)
{
	struct state *s = *state;

	put(s, VIRTIO_PCI_COMMON_MSIX, 2, FAKE_QUEUES);
	assert_int_equal(get(s, VIRTIO_PCI_COMMON_MSIX, 2), FAKE_QUEUES);
	put(s, VIRTIO_PCI_COMMON_MSIX, 2, FAKE_QUEUES + 1);
	assert_int_equal(get(s, VIRTIO_PCI_COMMON_MSIX, 2), VIRTIO_MSI_NO_VECTOR);
	put(s, VIRTIO_PCI_COMMON_Q_SELECT, 2, 1);
	assert_int_equal(get(s, VIRTIO_PCI_COMMON_Q_MSIX, 2), VIRTIO_MSI_NO_VECTOR);
	put(s, VIRTIO_PCI_COMMON_Q_MSIX, 2, 100);
	assert_int_equal(get(s, VIRTIO_PCI_COMMON_Q_MSIX, 2), VIRTIO_MSI_NO_VECTOR);
	put(s, VIRTIO_PCI_COMMON_Q_SELECT, 2, 0xffff);
	put(s, VIRTIO_PCI_COMMON_Q_MSIX, 2, 1);
	assert_int_equal(get(s, VIRTIO_PCI_COMMON_Q_MSIX, 2), VIRTIO_MSI_NO_VECTOR);
	assert_int_equal(get(s, VIRTIO_PCI_COMMON_Q_SIZE, 2), 0);
	assert_int_equal(get(s, VIRTIO_PCI_COMMON_Q_NOFF, 2), 0);
	put(s, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	assert_int_equal(get(s, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
}

static void registers_want_their_width(void **state)
{
	struct state *s = *state;

	put(s, VIRTIO_PCI_COMMON_STATUS, 2, 1);
	put(s, VIRTIO_PCI_COMMON_STATUS, 4, 1);
	assert_int_equal(get(s, VIRTIO_PCI_COMMON_STATUS, 1), 0);
	put(s, VIRTIO_PCI_COMMON_Q_SELECT, 2, 1);
	put(s, VIRTIO_PCI_COMMON_Q_SIZE, 1, 4);
	put(s, VIRTIO_PCI_COMMON_Q_SIZE + 1, 1, 4);
	put(s, VIRTIO_PCI_COMMON_Q_DESCLO, 2, 4);
	assert_int_equal(get(s, VIRTIO_PCI_COMMON_Q_SIZE, 2), FAKE_SIZE);
	assert_int_equal(get(s, VIRTIO_PCI_COMMON_Q_SELECT, 4), FAKE_SIZE << 16 | 1);
	assert_int_equal(get(s, VIRTIO_PCI_COMMON_Q_SIZE, 1), FAKE_SIZE);
	/* 0 does not disable a queue. */
	start_driver(s, VIRTIO_MSI_NO_VECTOR);
	put(s, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 0);
	assert_int_equal(get(s, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 1);
	/* Behind the registers, in all four pages. */
	for (unsigned offset = 0; offset < 0x4000; offset += 4) {
		mmio_get(s->vm, s->common + offset, 8);
		if (offset >= 64)
			mmio_put(s->vm, s->common + offset, 4, ~0U);
	}
	test_run_loop(s->vm->loop);
	assert_int_equal(get(s, VIRTIO_PCI_COMMON_STATUS, 1), 15);
}

static void doorbells_follow_the_bar(void **state)
{
	struct state *s = *state;
	u64 old, new = FAKE_HIGH + 0x100000;

	start_driver(s, VIRTIO_MSI_NO_VECTOR);
	old = doorbell(s, 1);
	assert_int_equal(fake_irq.nr_io, 1);
	cfg_put(s->vm, SLOT, PCI_COMMAND, 2, 0);
	assert_int_equal(fake_irq.nr_io, 0);
	cfg_put(s->vm, SLOT, PCI_BASE_ADDRESS_0, 4, new);
	cfg_put(s->vm, SLOT, PCI_BASE_ADDRESS_1, 4, new >> 32);
	assert_int_equal(fake_irq.nr_io, 0);
	cfg_put(s->vm, SLOT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	scan(s);
	assert_int_equal(fake_irq.nr_io, 1);
	assert_null(fake_ioeventfd_at(old, 1));
	assert_non_null(fake_ioeventfd_at(doorbell(s, 1), 1));
	offer(s);
	kick_trapped(s);
	assert_used(s);
	/* A queue that comes alive while nothing is decoded gets its doorbell later. */
	put(s, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	assert_int_equal(fake_irq.nr_io, 0);
	start_driver(s, VIRTIO_MSI_NO_VECTOR);
	assert_int_equal(fake_irq.nr_io, 1);
}

static void one_queue_is_reset(void **state)
{
	struct state *s = *state;

	start_driver(s, VIRTIO_MSI_NO_VECTOR);
	put(s, VIRTIO_PCI_COMMON_Q_SELECT, 2, 1);
	put(s, 58, 2, 1);
	assert_int_equal(get(s, 58, 2), 0);
	assert_int_equal(get(s, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
	assert_int_equal(fake_irq.nr_io, 0);
	ring_init(&s->ring, fake_ram(s->vm), RING_BASE, FAKE_RAM_SIZE, FAKE_SIZE / 2);
	set_queue(s, 1, &s->ring, VIRTIO_MSI_NO_VECTOR);
	offer(s);
	kick_trapped(s);
	assert_used(s);
}

static u32 window_get(struct state *s, u8 bar, u32 offset, u32 len)
{
	cfg_put(s->vm, SLOT, s->window + 4, 1, bar);
	cfg_put(s->vm, SLOT, s->window + 8, 4, offset);
	cfg_put(s->vm, SLOT, s->window + 12, 4, len);
	return cfg_get(s->vm, SLOT, s->window + 16, len <= 4 ? len : 4);
}

static void window_put(struct state *s, u32 offset, u32 len, u32 value)
{
	cfg_put(s->vm, SLOT, s->window + 4, 1, 0);
	cfg_put(s->vm, SLOT, s->window + 8, 4, offset);
	cfg_put(s->vm, SLOT, s->window + 12, 4, len);
	cfg_put(s->vm, SLOT, s->window + 16, len, value);
}

static void config_window(void **state)
{
	struct state *s = *state;
	u32 common = cfg_get(s->vm, SLOT, s->window + 8, 4);

	memcpy(s->f->config, "0123456789ab", 12);
	/* It works with decoding off: that is what it is for. */
	cfg_put(s->vm, SLOT, PCI_COMMAND, 2, 0);
	assert_int_equal(common, 0);
	assert_int_equal(window_get(s, 0, VIRTIO_PCI_COMMON_NUMQ, 2), FAKE_QUEUES);
	window_put(s, VIRTIO_PCI_COMMON_STATUS, 1, 3);
	assert_int_equal(window_get(s, 0, VIRTIO_PCI_COMMON_STATUS, 1), 3);
	assert_int_equal(window_get(s, 0, s->config - s->common + 4, 4), 0x37363534);
	/* Nonsense reads what was there, and does nothing. */
	window_get(s, 3, 0, 4);
	window_get(s, 0, 2, 4);
	window_get(s, 0, 0x4000, 4);
	window_get(s, 0, 0xfffffffc, 4);
	window_get(s, 0, 0, 3);
	window_get(s, 0, 0, 0xffffffff);
	window_get(s, 0, 0, 0);
	assert_int_equal(window_get(s, 0, VIRTIO_PCI_COMMON_STATUS, 1), 3);
}

static void broken_and_on(void **state)
{
	struct state *s = *state;

	start_driver(s, VIRTIO_MSI_NO_VECTOR);
	ring_offer(&s->ring, 0x7fff);
	kick_trapped(s);
	assert_int_equal(get(s, VIRTIO_PCI_COMMON_STATUS, 1), 15 | VIRTIO_CONFIG_S_NEEDS_RESET);
	assert_int_equal(mmio_get(s->vm, s->isr, 1), 2);
	start_driver(s, VIRTIO_MSI_NO_VECTOR);
	offer(s);
	kick_trapped(s);
	assert_used(s);
}

static void reboot_walk(void **state)
{
	struct state *s = *state;

	assert_int_equal(devices_start(&s->vm->devices), 0);
	for (unsigned i = 0; i < 3; i++) {
		enable_msix(s);
		set_vector(s, 1, 0x31);
		start_driver(s, 1);
		offer(s);
		kick_trapped(s);
		assert_used(s);
		assert_int_equal(fake_msi_taken(0x31), 1);
		offer(s);
		devices_quiesce(&s->vm->devices);
		devices_reset(&s->vm->devices);
		devices_resume(&s->vm->devices);
		assert_int_equal(get(s, VIRTIO_PCI_COMMON_STATUS, 1), 0);
		assert_int_equal(get(s, VIRTIO_PCI_COMMON_Q_MSIX, 2), VIRTIO_MSI_NO_VECTOR);
		assert_false(cfg_get(s->vm, SLOT, s->msix_cap + 2, 2) & PCI_MSIX_FLAGS_ENABLE);
		assert_int_equal(fake_irq.nr_io, 0);
	}
	/* Vectors are made once, not for every life. */
	assert_int_equal(fake_irq.nr_msi, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(identification),
		T(intx_and_trapped_kicks),
		T(msix_and_ioeventfd),
		T(vectors_are_checked),
		T(registers_want_their_width),
		T(doorbells_follow_the_bar),
		T(one_queue_is_reset),
		T(config_window),
		T(broken_and_on),
		T(reboot_walk),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
