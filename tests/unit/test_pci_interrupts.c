/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MSI-X and INTx of PCI functions, from the guest's side of the registers. */
#include "lkvm/util/log.h"
#include "pci_functions.h"

/* ---- MSI-X ---- */

static u64 table(struct state *s)
{
	return cfg_get(s->vm, 1, PCI_BASE_ADDRESS_2, 4) & ~0xfU;
}

static u64 pending(struct state *s)
{
	u64 pba = cfg_get(s->vm, 1, s->msix_cap + PCI_MSIX_PBA, 4) & ~7U;

	/* Programs that do not read the capability know it here. */
	assert_int_equal(pba, 0x800);
	return mmio_get(s->vm, table(s) + pba, 8);
}

static void set_vector(struct state *s, unsigned i, u32 data, bool masked)
{
	u64 at = table(s) + 16 * i;

	mmio_put(s->vm, at, 4, 0xfee00000);
	mmio_put(s->vm, at + 4, 4, 0);
	mmio_put(s->vm, at + 8, 4, data);
	mmio_put(s->vm, at + 12, 4, masked);
}

static void msix_control(struct state *s, u16 value)
{
	cfg_put(s->vm, 1, MSIX_CTRL, 2, value);
}

static void msix_delivers(void **state)
{
	struct state *s = *state;

	assert_int_equal(cfg_get(s->vm, 1, MSIX_CTRL, 2), NR_VECTORS - 1);
	assert_int_equal(cfg_get(s->vm, 1, s->msix_cap + PCI_MSIX_TABLE, 4), 2);
	set_vector(s, 1, 0x41, false);
	pci_msix_signal(&s->a.pci, 1);
	assert_int_equal(fake_msi_taken(0x41), 0);
	assert_int_equal(pending(s), 0);
	/* Nothing is made for vectors that nobody uses. */
	assert_int_equal(fake_irq.nr_msi, 0);
	msix_control(s, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(fake_irq.nr_msi, 1);
	assert_int_equal(fake_irq.msi[0].message.device_id, 1 << 3);
	assert_int_equal(fake_irq.msi[0].message.address, 0xfee00000);
	pci_msix_signal(&s->a.pci, 1);
	pci_msix_signal(&s->a.pci, 1);
	assert_int_equal(fake_msi_taken(0x41), 2);
	pci_msix_signal(&s->a.pci, NR_VECTORS);
	pci_msix_signal(&s->a.pci, 0xffff);
	assert_int_equal(fake_irq.direct, 0);
}

static void masked_vectors_are_pending(void **state)
{
	struct state *s = *state;

	msix_control(s, PCI_MSIX_FLAGS_ENABLE);
	set_vector(s, 0, 0x40, false);
	set_vector(s, 3, 0x43, true);
	pci_msix_signal(&s->a.pci, 3);
	pci_msix_signal(&s->a.pci, 3);
	assert_int_equal(pending(s), BIT(3));
	assert_int_equal(fake_msi_taken(0x43), 0);
	mmio_put(s->vm, table(s) + 16 * 3 + 12, 4, 0);
	assert_int_equal(pending(s), 0);
	assert_int_equal(fake_msi_taken(0x43), 1);
	/* The function's mask. */
	msix_control(s, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	pci_msix_signal(&s->a.pci, 0);
	pci_msix_signal(&s->a.pci, 3);
	assert_int_equal(pending(s), BIT(0) | BIT(3));
	msix_control(s, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(fake_msi_taken(0x40), 1);
	assert_int_equal(fake_msi_taken(0x43), 1);
	assert_int_equal(pending(s), 0);
	/* The pending bits are not the guest's to write. */
	mmio_put(s->vm, table(s) + 0x800, 8, ~0ULL);
	assert_int_equal(pending(s), 0);
}

static void routes_change_only_when_they_change(void **state)
{
	struct state *s = *state;
	unsigned before;

	msix_control(s, PCI_MSIX_FLAGS_ENABLE);
	set_vector(s, 0, 0x40, true);
	set_vector(s, 0, 0x40, false);
	before = fake_irq.routings;
	for (unsigned i = 0; i < 10; i++) {
		mmio_put(s->vm, table(s) + 12, 4, 1);
		mmio_put(s->vm, table(s) + 12, 4, 0);
	}
	assert_int_equal(fake_irq.routings, before);
	set_vector(s, 0, 0x40, true);
	set_vector(s, 0, 0x50, true);
	assert_int_equal(fake_irq.routings, before);
	set_vector(s, 0, 0x50, false);
	assert_int_equal(fake_irq.routings, before + 1);
	pci_msix_signal(&s->a.pci, 0);
	assert_int_equal(fake_msi_taken(0x50), 1);
	assert_int_equal(fake_irq.nr_msi, 1);
}

static void works_without_routes(void **state)
{
	struct state *s = *state;

	fake_irq.msi_limit = 0;
	msix_control(s, PCI_MSIX_FLAGS_ENABLE);
	set_vector(s, 2, 0x42, false);
	pci_msix_signal(&s->a.pci, 2);
	assert_int_equal(fake_irq.direct, 1);
	assert_int_equal(fake_irq.last_direct.data, 0x42);
	mmio_put(s->vm, table(s) + 16 * 2 + 12, 4, 1);
	pci_msix_signal(&s->a.pci, 2);
	assert_int_equal(fake_irq.direct, 1);
	mmio_put(s->vm, table(s) + 16 * 2 + 12, 4, 0);
	assert_int_equal(fake_irq.direct, 2);
}

/* The gsi that an eventfd of somebody else raises, as an index; -1: none. */
static int source_route(int fd)
{
	for (unsigned i = 0; i < FAKE_MSI; i++)
		if (fake_irq.msi[i].used && fake_irq.msi[i].other == fd)
			return i;
	return -1;
}

static void mask(struct state *s, unsigned vector, bool masked)
{
	mmio_put(s->vm, table(s) + 16 * vector + 12, 4, masked);
}

static void others_raise_vectors(void **state)
{
	struct pci_msix_source source = { .fd = 1234, .vector = 0xffff };
	struct state *s = *state;

	/* Before anything is there that could be raised. */
	pci_msix_add_source(&s->a.pci, &source);
	pci_msix_move_source(&s->a.pci, &source, 1);
	set_vector(s, 1, 0x41, false);
	assert_int_equal(source_route(1234), -1);
	msix_control(s, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(fake_irq.msi[source_route(1234)].message.data, 0x41);
	/* Masked, signals are its reader's to take. */
	mask(s, 1, true);
	assert_int_equal(source_route(1234), -1);
	mask(s, 1, false);
	assert_true(source_route(1234) >= 0);
	msix_control(s, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	assert_int_equal(source_route(1234), -1);
	msix_control(s, PCI_MSIX_FLAGS_ENABLE);
	/* The message changes under it. */
	set_vector(s, 1, 0x51, false);
	assert_int_equal(fake_irq.msi[source_route(1234)].message.data, 0x51);
	/* To another vector, one that is masked, and none. */
	set_vector(s, 2, 0x42, false);
	pci_msix_move_source(&s->a.pci, &source, 2);
	assert_int_equal(fake_irq.msi[source_route(1234)].message.data, 0x42);
	pci_msix_move_source(&s->a.pci, &source, 3);
	assert_int_equal(source_route(1234), -1);
	pci_msix_move_source(&s->a.pci, &source, 2);
	pci_msix_move_source(&s->a.pci, &source, 0xffff);
	assert_int_equal(source_route(1234), -1);
	pci_msix_move_source(&s->a.pci, &source, 2);
	assert_true(source_route(1234) >= 0);
	pci_msix_remove_source(&s->a.pci, &source);
	assert_int_equal(source_route(1234), -1);
	/* Twice is once. */
	pci_msix_remove_source(&s->a.pci, &source);
	mask(s, 2, true);
	mask(s, 2, false);
	assert_int_equal(source_route(1234), -1);
}

static void odd_table_accesses(void **state)
{
	struct state *s = *state;

	mmio_put(s->vm, table(s), 8, 0x1122334455667788ULL);
	assert_int_equal(mmio_get(s->vm, table(s), 8), 0x1122334455667788ULL);
	assert_int_equal(mmio_get(s->vm, table(s) + 3, 2), 0x4455);
	mmio_put(s->vm, table(s), 1, 0);
	mmio_put(s->vm, table(s), 2, 0);
	mmio_put(s->vm, table(s) + 2, 4, 0);
	mmio_put(s->vm, table(s) + 4, 8, 0);
	assert_int_equal(mmio_get(s->vm, table(s), 8), 0x1122334455667788ULL);
	/* Behind the last vector, and the end of the BAR. */
	mmio_put(s->vm, table(s) + 16 * NR_VECTORS, 8, ~0ULL);
	assert_int_equal(mmio_get(s->vm, table(s) + 16 * NR_VECTORS, 8), 0);
	assert_int_equal(mmio_get(s->vm, table(s) + 4092, 4), 0);
	assert_int_equal(mmio_get(s->vm, table(s) + 4092, 8), ~0ULL);
}

/* ---- INTx ---- */

static void intx_is_shared(void **state)
{
	struct state *s = *state;
	struct dev c[3];

	memset(c, 0, sizeof(c));
	for (unsigned i = 0; i < 3; i++)
		add(s, &c[i]);
	/* Slots 1 and 5 share a line. */
	assert_int_equal(c[2].pci.slot, 5);
	pci_intx_set(&s->a.pci, true);
	assert_true(fake_irq.line[21]);
	pci_intx_set(&c[2].pci, true);
	pci_intx_set(&s->a.pci, false);
	assert_true(fake_irq.line[21]);
	assert_true(cfg_get(s->vm, 5, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	assert_false(cfg_get(s->vm, 1, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	pci_intx_set(&c[2].pci, true);
	assert_int_equal(fake_irq.line_changes, 1);
	/* A device that goes away takes its level along. */
	for (unsigned i = 0; i < 3; i++)
		pci_device_exit(&c[i].pci);
	assert_false(fake_irq.line[21]);
}

/* Two pins on one wire: it stays up until nobody pulls it. */
static void pins_may_share_a_wire(void **state)
{
	struct pci_board board = fake_board;
	struct state s = { 0 };
	struct dev c;

	memset(&c, 0, sizeof(c));
	board.intx_gsi[3] = board.intx_gsi[1];
	s.vm = fake_vm_create();
	assert_int_equal(pci_host_create(s.vm, &board), 0);
	add(&s, &s.a);
	add(&s, &s.b);
	add(&s, &c);
	assert_int_equal(cfg_get(s.vm, 3, PCI_INTERRUPT_LINE, 1), 21);
	pci_intx_set(&s.a.pci, true);
	pci_intx_set(&c.pci, true);
	pci_intx_set(&s.a.pci, false);
	assert_true(fake_irq.line[21]);
	pci_intx_set(&c.pci, false);
	assert_false(fake_irq.line[21]);
	assert_int_equal(fake_irq.line_changes, 2);
	pci_device_exit(&c.pci);
	pci_device_exit(&s.b.pci);
	pci_device_exit(&s.a.pci);
	fake_vm_destroy(s.vm);
}

static void intx_is_disabled(void **state)
{
	struct state *s = *state;

	pci_intx_set(&s->b.pci, true);
	assert_true(fake_irq.line[22]);
	cfg_put(s->vm, 2, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE | PCI_COMMAND_MEMORY);
	assert_false(fake_irq.line[22]);
	assert_true(cfg_get(s->vm, 2, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	cfg_put(s->vm, 2, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_true(fake_irq.line[22]);
	cfg_put(s->vm, 2, MSIX_CTRL, 2, PCI_MSIX_FLAGS_ENABLE);
	assert_false(fake_irq.line[22]);
	cfg_put(s->vm, 2, MSIX_CTRL, 2, 0);
	assert_true(fake_irq.line[22]);
	pci_intx_set(&s->b.pci, false);
	assert_false(fake_irq.line[22]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(msix_delivers),
		T(masked_vectors_are_pending),
		T(routes_change_only_when_they_change),
		T(works_without_routes),
		T(others_raise_vectors),
		T(odd_table_accesses),
		T(intx_is_shared),
		cmocka_unit_test(pins_may_share_a_wire),
		T(intx_is_disabled),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
