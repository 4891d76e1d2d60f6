/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PCI host and what it gives to functions, from the guest's side of the registers. */
#include <errno.h>
#include "lkvm/util/log.h"
#include "pci_functions.h"

/* ---- configuration space ---- */

static void identification(void **state)
{
	struct state *s = *state;

	assert_int_equal(cfg_get(s->vm, 0, PCI_CLASS_DEVICE, 2), 0x0600);
	assert_int_equal(cfg_get(s->vm, 1, PCI_VENDOR_ID, 4), 0x56781234);
	assert_int_equal(cfg_get(s->vm, 1, PCI_CLASS_REVISION, 4), 0x01800001);
	assert_int_equal(cfg_get(s->vm, 1, PCI_SUBSYSTEM_VENDOR_ID, 4), 0xef01abcd);
	assert_int_equal(cfg_get(s->vm, 1, PCI_HEADER_TYPE, 1), 0);
	assert_int_equal(cfg_get(s->vm, 1, PCI_INTERRUPT_PIN, 1), 1);
	assert_int_equal(cfg_get(s->vm, 1, PCI_INTERRUPT_LINE, 1), 21);
	assert_int_equal(cfg_get(s->vm, 2, PCI_INTERRUPT_LINE, 1), 22);
	assert_true(cfg_get(s->vm, 1, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST);
	assert_int_equal(mmio_get(s->vm, ecam(1, 0), 8), 0x0010000656781234ULL);
	assert_int_equal(cfg_get(s->vm, 3, PCI_VENDOR_ID, 2), 0xffff);
	assert_int_equal(pci_slot_gsi(s->vm->pci, 6, 3), 21);
}

static void nobody_there(void **state)
{
	struct state *s = *state;

	assert_int_equal(cfg_get(s->vm, 3, 0, 4), 0xffffffff);
	/* Other functions, other buses, past a function's end. */
	assert_int_equal(mmio_get(s->vm, ecam(1, 0x1000), 4), 0xffffffff);
	assert_int_equal(mmio_get(s->vm, ecam(1, 0xffe), 4), 0xffffffff);
	assert_int_equal(mmio_get(s->vm, ecam(31, 0x7ffc), 4), 0xffffffff);
	port_put(s->vm, 0xcf8, 4, 0x80010000 | 1 << 11);
	assert_int_equal(port_get(s->vm, 0xcfc, 4), 0xffffffff);
	port_put(s->vm, 0xcfc, 4, 0);
	mmio_put(s->vm, ecam(1, 0xffe), 4, 0);
	mmio_put(s->vm, ecam(3, 0x10), 4, 0);
}

static void extended_space_does_not_answer(void **state)
{
	struct state *s = *state;

	assert_int_equal(cfg_get(s->vm, 1, 0x100, 4), 0xffffffff);
	assert_int_equal(cfg_get(s->vm, 1, 0xffc, 4), 0xffffffff);
	assert_int_equal(cfg_get(s->vm, 1, 0xfe, 4), 0xffff0000);
	cfg_put(s->vm, 1, 0x100, 4, 0);
	cfg_put(s->vm, 1, 0xfe, 4, ~0U);
	assert_int_equal(cfg_get(s->vm, 1, 0xfc, 4), 0);
	assert_int_equal(cfg_get(s->vm, 1, 0x100, 4), 0xffffffff);
}

static void identification_is_read_only(void **state)
{
	struct state *s = *state;
	u32 before[16], after[16];

	for (unsigned i = 0; i < 16; i++)
		before[i] = cfg_get(s->vm, 1, 4 * i, 4);
	for (unsigned i = 0; i < 256; i++)
		if (i != PCI_COMMAND && i != PCI_COMMAND + 1)
			cfg_put(s->vm, 1, i, 1, 0);
	for (unsigned i = 0; i < 16; i++)
		after[i] = cfg_get(s->vm, 1, 4 * i, 4);
	assert_int_equal(after[0], before[0]);
	assert_int_equal(after[1], before[1]);
	assert_int_equal(after[2], before[2]);
	assert_int_equal(after[11], before[11]);
	assert_int_equal(after[13], before[13]);
	cfg_put(s->vm, 1, PCI_INTERRUPT_LINE, 2, 0xffff);
	assert_int_equal(cfg_get(s->vm, 1, PCI_INTERRUPT_LINE, 2), 0x1ff);
}

static void ports_reach_bytes_and_words(void **state)
{
	struct state *s = *state;

	/* As Linux looks for mechanism 1. */
	port_put(s->vm, 0xcfb, 1, 1);
	port_put(s->vm, 0xcf8, 4, 0x80000000);
	assert_int_equal(port_get(s->vm, 0xcf8, 4), 0x80000000);
	port_put(s->vm, 0xcf8, 4, 0x80000000 | 1 << 11 | PCI_CLASS_REVISION);
	assert_int_equal(port_get(s->vm, 0xcfc, 4), 0x01800001);
	assert_int_equal(port_get(s->vm, 0xcfe, 2), 0x0180);
	assert_int_equal(port_get(s->vm, 0xcff, 1), 0x01);
	assert_int_equal(port_get(s->vm, 0xcfd, 1), 0x00);
	assert_int_equal(port_get(s->vm, 0xcfc, 1), 0x01);
	/* A byte is not an address, whatever lies there on a real board. */
	port_put(s->vm, 0xcf9, 1, 0x06);
	port_put(s->vm, 0xcf8, 2, 0);
	assert_int_equal(port_get(s->vm, 0xcf8, 4), 0x80000000 | 1 << 11 | PCI_CLASS_REVISION);
	assert_int_equal(port_get(s->vm, 0xcf8, 1), 0xff);
	port_put(s->vm, 0xcf8, 4, 0x80000000 | 1 << 11 | PCI_INTERRUPT_LINE);
	port_put(s->vm, 0xcfc, 1, 0x77);
	assert_int_equal(cfg_get(s->vm, 1, PCI_INTERRUPT_LINE, 1), 0x77);
	port_put(s->vm, 0xcf8, 4, 0x80000000 | 1 << 11 | PCI_COMMAND);
	port_put(s->vm, 0xcfd, 1, 0x04);
	assert_int_equal(cfg_get(s->vm, 1, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE,
			 PCI_COMMAND_INTX_DISABLE);
	/* Not enabled: nobody is addressed. */
	port_put(s->vm, 0xcf8, 4, 1 << 11);
	assert_int_equal(port_get(s->vm, 0xcfc, 4), 0xffffffff);
}

/* ---- BARs ---- */

static u64 bar64(struct state *s, unsigned slot)
{
	return (u64)cfg_get(s->vm, slot, PCI_BASE_ADDRESS_1, 4) << 32 |
	       (cfg_get(s->vm, slot, PCI_BASE_ADDRESS_0, 4) & ~0xfU);
}

static void move(struct state *s, unsigned slot, u64 address)
{
	cfg_put(s->vm, slot, PCI_BASE_ADDRESS_0, 4, address);
	cfg_put(s->vm, slot, PCI_BASE_ADDRESS_1, 4, address >> 32);
}

static void bars_are_assigned(void **state)
{
	struct state *s = *state;
	u64 a = bar64(s, 1), b = bar64(s, 2);

	assert_true(a >= FAKE_MMIO && a + BIG <= FAKE_MMIO + FAKE_MMIO_LEN);
	assert_int_equal(a % BIG, 0);
	assert_true(b >= a + BIG);
	assert_int_equal(cfg_get(s->vm, 1, PCI_BASE_ADDRESS_0, 1) & 0xf,
			 PCI_BASE_ADDRESS_MEM_TYPE_64);
	assert_int_equal(mmio_get(s->vm, a + 0x1234, 1), 0xa1);
	assert_int_equal(s->a.last_offset, 0x1234);
	assert_int_equal(mmio_get(s->vm, b + BIG - 1, 1), 0xa2);
	assert_int_equal(cfg_get(s->vm, 1, PCI_COMMAND, 2),
			 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void bars_are_sized(void **state)
{
	struct state *s = *state;
	u64 a = bar64(s, 1);

	cfg_put(s->vm, 1, PCI_BASE_ADDRESS_0, 4, ~0U);
	cfg_put(s->vm, 1, PCI_BASE_ADDRESS_1, 4, ~0U);
	assert_int_equal(bar64(s, 1), ~(BIG - 1ULL));
	assert_int_equal(mmio_get(s->vm, a, 1), 0xff);
	cfg_put(s->vm, 1, PCI_BASE_ADDRESS_3, 4, ~0U);
	assert_int_equal(cfg_get(s->vm, 1, PCI_BASE_ADDRESS_3, 4), 0xfffff000);
	cfg_put(s->vm, 1, PCI_BASE_ADDRESS_5, 4, ~0U);
	assert_int_equal(cfg_get(s->vm, 1, PCI_BASE_ADDRESS_5, 4), 0);
	cfg_put(s->vm, 1, PCI_ROM_ADDRESS, 4, ~0U);
	assert_int_equal(cfg_get(s->vm, 1, PCI_ROM_ADDRESS, 4), 0);
	move(s, 1, a);
	assert_int_equal(mmio_get(s->vm, a, 1), 0xa1);
}

static void bars_move(void **state)
{
	struct state *s = *state;
	u64 old = bar64(s, 1), new = FAKE_HIGH + 3 * BIG;

	move(s, 1, new);
	assert_int_equal(mmio_get(s->vm, new + 5, 1), 0xa1);
	assert_int_equal(mmio_get(s->vm, old + 5, 1), 0xff);
	assert_int_equal(s->a.bar_on, s->a.bar_off + 1);
	assert_int_equal(s->a.pci.bars[0].address, new);
	/* Memory decoding off and on. */
	cfg_put(s->vm, 1, PCI_COMMAND, 2, 0);
	assert_int_equal(mmio_get(s->vm, new, 1), 0xff);
	assert_int_equal(s->a.bar_on, s->a.bar_off);
	cfg_put(s->vm, 1, PCI_COMMAND, 1, PCI_COMMAND_MEMORY);
	assert_int_equal(mmio_get(s->vm, new, 1), 0xa1);
}

static void bars_stay_in_their_windows(void **state)
{
	struct state *s = *state;
	static const u64 bad[] = { 0,
				   0xfee00000,
				   FAKE_MMIO - BIG,
				   FAKE_MMIO + FAKE_MMIO_LEN,
				   FAKE_ECAM,
				   FAKE_HIGH + FAKE_HIGH_LEN,
				   ~(BIG - 1ULL) };

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		move(s, 1, bad[i]);
		assert_false(s->a.pci.bars[0].mapped);
	}
	assert_int_equal(cfg_get(s->vm, 1, 0, 4), 0x56781234);
	move(s, 1, FAKE_MMIO + FAKE_MMIO_LEN - BIG);
	assert_true(s->a.pci.bars[0].mapped);
}

static void bars_overlap_for_a_moment(void **state)
{
	struct state *s = *state;
	u64 a = bar64(s, 1), b = bar64(s, 2);

	move(s, 1, b);
	assert_int_equal(mmio_get(s->vm, b, 1), 0xa2);
	assert_false(s->a.pci.bars[0].mapped);
	move(s, 2, a);
	assert_int_equal(mmio_get(s->vm, a, 1), 0xa2);
	assert_int_equal(mmio_get(s->vm, b, 1), 0xa1);
	/* Moving for ever costs nothing. */
	for (unsigned i = 0; i < 2000; i++)
		move(s, 1, FAKE_HIGH + i % 100 * BIG);
	assert_true(s->a.pci.bars[0].mapped);
}

static void reset_puts_bars_back(void **state)
{
	struct state *s = *state;
	u64 a = bar64(s, 1);
	u32 command = cfg_get(s->vm, 1, PCI_COMMAND, 2);

	move(s, 1, FAKE_HIGH);
	cfg_put(s->vm, 1, PCI_COMMAND, 2, 0);
	cfg_put(s->vm, 1, MSIX_CTRL, 2, PCI_MSIX_FLAGS_ENABLE);
	port_put(s->vm, 0xcf8, 4, 0x80000000);
	devices_reset(&s->vm->devices);
	assert_int_equal(bar64(s, 1), a);
	assert_int_equal(cfg_get(s->vm, 1, PCI_COMMAND, 2), command);
	assert_int_equal(mmio_get(s->vm, a, 1), 0xa1);
	assert_false(pci_msix_enabled(&s->a.pci));
	assert_int_equal(port_get(s->vm, 0xcf8, 4), 0);
}

/* ---- I/O ---- */

#define IO_SIZE 64

static u32 io_register(struct vm *vm)
{
	return cfg_get(vm, 3, PCI_BASE_ADDRESS_0, 4);
}

static void io_device(struct vm *vm, struct dev *d)
{
	memset(d, 0, sizeof(*d));
	assert_int_equal(pci_device_init(&d->pci, vm, PCI_ANY_SLOT, &identity), 0);
	d->pci.bar_changed = dev_bar;
	pci_set_bar(&d->pci, 0, PCI_BAR_IO, IO_SIZE, &dev_ops);
	assert_int_equal(pci_assign_bars(vm->pci), 0);
	assert_int_equal(io_register(vm), FAKE_IO | PCI_BASE_ADDRESS_SPACE_IO);
	assert_int_equal(cfg_get(vm, 3, PCI_COMMAND, 2),
			 PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void io_bars_are_ports(void **state)
{
	struct state *s = *state;
	struct dev d;

	/* Who has none cannot turn it on. */
	cfg_put(s->vm, 1, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	assert_int_equal(cfg_get(s->vm, 1, PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
	io_device(s->vm, &d);
	assert_true(d.pci.bars[0].mapped && d.pci.bars[0].is_port);
	assert_int_equal(port_get(s->vm, FAKE_IO + 5, 1), 0xa3);
	assert_int_equal(d.last_offset, 5);
	assert_int_equal(port_get(s->vm, FAKE_IO + IO_SIZE, 1), 0xff);
	assert_int_equal(mmio_get(s->vm, FAKE_IO, 1), 0xff);
	cfg_put(s->vm, 3, PCI_BASE_ADDRESS_0, 4, ~0U);
	assert_int_equal(io_register(s->vm), ~(IO_SIZE - 1U) | PCI_BASE_ADDRESS_SPACE_IO);
	assert_false(d.pci.bars[0].mapped);
	cfg_put(s->vm, 3, PCI_BASE_ADDRESS_0, 4, FAKE_IO + 0x80);
	assert_int_equal(port_get(s->vm, FAKE_IO, 1), 0xff);
	port_put(s->vm, FAKE_IO + 0x81, 2, 1);
	assert_int_equal(d.writes, 1);
	/* Memory decoding is another's. */
	cfg_put(s->vm, 3, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_false(d.pci.bars[0].mapped);
	cfg_put(s->vm, 3, PCI_COMMAND, 2, PCI_COMMAND_IO);
	assert_int_equal(port_get(s->vm, FAKE_IO + 0x80, 1), 0xa3);
	devices_reset(&s->vm->devices);
	assert_int_equal(port_get(s->vm, FAKE_IO, 1), 0xa3);
	pci_device_exit(&d.pci);
	assert_int_equal(port_get(s->vm, FAKE_IO, 1), 0xff);
	assert_int_equal(d.bar_on, d.bar_off);
}

static void io_bars_stay_in_the_window(void **state)
{
	static const u32 bad[] = { 0,
				   0xc00,
				   FAKE_IO - IO_SIZE,
				   FAKE_IO + FAKE_IO_LEN,
				   0xffc0,
				   FAKE_IO + 0x10000,
				   FAKE_MMIO };
	struct state *s = *state;
	struct dev d;

	io_device(s->vm, &d);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		cfg_put(s->vm, 3, PCI_BASE_ADDRESS_0, 4, bad[i]);
		assert_false(d.pci.bars[0].mapped);
	}
	cfg_put(s->vm, 3, PCI_BASE_ADDRESS_0, 4, FAKE_IO + FAKE_IO_LEN - IO_SIZE);
	assert_true(d.pci.bars[0].mapped);
	/* More ports than there are. */
	pci_set_bar(&d.pci, 0, PCI_BAR_IO, 2 * FAKE_IO_LEN, &dev_ops);
	assert_true(pci_assign_bars(s->vm->pci) < 0);
	pci_device_exit(&d.pci);
}

/* A CPU without ports: the window is memory. */
static void io_bars_in_memory(void **state)
{
	struct pci_board board = fake_board;
	struct vm *vm = fake_vm_create();
	const u64 at = 0x20000000;
	struct dev d, others[2];

	board.ports = false;
	board.io_mmio = at;
	assert_int_equal(pci_host_create(vm, &board), 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pci_device_init(&others[i].pci, vm, PCI_ANY_SLOT, &identity), 0);
	io_device(vm, &d);
	assert_false(d.pci.bars[0].is_port);
	assert_int_equal(d.pci.bars[0].address, at + FAKE_IO);
	assert_int_equal(mmio_get(vm, at + FAKE_IO + 3, 1), 0xa3);
	assert_int_equal(port_get(vm, FAKE_IO + 3, 1), 0xff);
	cfg_put(vm, 3, PCI_BASE_ADDRESS_0, 4, FAKE_IO + 0x40);
	assert_int_equal(mmio_get(vm, at + FAKE_IO, 1), 0xff);
	mmio_put(vm, at + FAKE_IO + 0x40, 1, 0);
	assert_int_equal(d.writes, 1);
	pci_device_exit(&d.pci);
	pci_device_exit(&others[0].pci);
	pci_device_exit(&others[1].pci);
	fake_vm_destroy(vm);
}

static void slots_and_windows_run_out(void **state)
{
	struct state *s = *state;
	static struct pci_device many[PCI_SLOTS];
	unsigned n = 0;

	while (n < PCI_SLOTS && !pci_device_init(&many[n], s->vm, PCI_ANY_SLOT, &identity))
		n++;
	assert_int_equal(n, PCI_SLOTS - 3);
	pci_set_bar(&many[0], 0, PCI_BAR_MEMORY, 2 * FAKE_MMIO_LEN, &dev_ops);
	assert_true(pci_assign_bars(s->vm->pci) < 0);
	pci_set_bar(&many[0], 0, PCI_BAR_MEMORY_64, 2 * FAKE_MMIO_LEN, &dev_ops);
	assert_int_equal(pci_assign_bars(s->vm->pci), 0);
	assert_int_equal(many[0].bars[0].address, FAKE_HIGH);
	while (n--)
		pci_device_exit(&many[n]);
	assert_int_equal(cfg_get(s->vm, 3, PCI_VENDOR_ID, 2), 0xffff);
}

/* ---- ECAM ---- */

/* A bridge that a firmware knows, with its register for where ECAM is. */
static void ecam_where_a_firmware_wants_it(void **state)
{
	struct vm *vm = fake_vm_create();
	struct pci_board board = fake_board;
	const struct pci_identity isa = { 1, 2, .class_code = 0x060100 };
	struct pci_device last;
	const u64 there = 0x90000000, elsewhere = 0x1000000000;

	board.bridge_vendor = 0x8086;
	board.bridge_device = 0x29c0;
	board.ecam_register = 0x60;
	assert_int_equal(pci_host_create(vm, &board), 0);
	assert_int_equal(pci_device_init(&last, vm, 31, &isa), 0);
	assert_int_equal(pci_device_init(&last, vm, 31, &isa), -EBUSY);
	assert_int_equal(pci_assign_bars(vm->pci), 0);
	assert_int_equal(cfg_get(vm, 0, 0, 4), 0x29c08086);
	assert_int_equal(mmio_get(vm, there, 4), 0xffffffff);
	cfg_put(vm, 0, 0x60, 4, there);
	assert_int_equal(mmio_get(vm, there, 4), 0xffffffff);
	cfg_put(vm, 0, 0x60, 4, there | 1);
	assert_int_equal(mmio_get(vm, there, 4), 0x29c08086);
	assert_int_equal(mmio_get(vm, there + (31 << 15), 4), 0x00020001);
	assert_int_equal(cfg_get(vm, 0, 0, 4), 0x29c08086);
	/* Moved by itself, through itself. */
	mmio_put(vm, there + 0x60, 4, 1);
	mmio_put(vm, FAKE_ECAM + 0x64, 4, elsewhere >> 32);
	mmio_put(vm, FAKE_ECAM + 0x60, 4, (u32)elsewhere | 1);
	assert_int_equal(mmio_get(vm, there, 4), 0xffffffff);
	assert_int_equal(mmio_get(vm, elsewhere, 4), 0x29c08086);
	/* Where it is anyhow, and off. */
	mmio_put(vm, FAKE_ECAM + 0x64, 4, 0);
	mmio_put(vm, FAKE_ECAM + 0x60, 4, FAKE_ECAM | 1);
	assert_int_equal(cfg_get(vm, 0, 0, 4), 0x29c08086);
	assert_int_equal(mmio_get(vm, elsewhere, 4), 0xffffffff);
	cfg_put(vm, 0, 0x60, 4, there | 1);
	assert_int_equal(mmio_get(vm, there, 4), 0x29c08086);
	devices_reset(&vm->devices);
	assert_int_equal(mmio_get(vm, there, 4), 0xffffffff);
	pci_device_exit(&last);
	fake_vm_destroy(vm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(identification),
		T(nobody_there),
		T(extended_space_does_not_answer),
		T(identification_is_read_only),
		T(ports_reach_bytes_and_words),
		T(bars_are_assigned),
		T(bars_are_sized),
		T(bars_move),
		T(bars_stay_in_their_windows),
		T(bars_overlap_for_a_moment),
		T(reset_puts_bars_back),
		T(io_bars_are_ports),
		T(io_bars_stay_in_the_window),
		T(io_bars_in_memory),
		T(slots_and_windows_run_out),
		cmocka_unit_test(ecam_where_a_firmware_wants_it),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
