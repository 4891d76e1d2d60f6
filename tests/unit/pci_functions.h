/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two functions on a PCI host, each with two BARs, a capability and MSI-X. */
#ifndef TEST_PCI_FUNCTIONS_H
#define TEST_PCI_FUNCTIONS_H

#include <linux/pci_regs.h>
#include <stdlib.h>
#include "test.h"
#include "fake_vm.h"

#define NR_VECTORS 5
#define BIG	   0x10000
#define MSIX_CTRL  (s->msix_cap + PCI_MSIX_FLAGS)

struct dev {
	struct pci_device pci;
	unsigned reads, writes, bar_on, bar_off;
	u64 last_offset;
};

struct state {
	struct vm *vm;
	struct dev a, b;
	unsigned msix_cap;
};

static inline void dev_read(struct pci_device *pci, unsigned bar, u64 offset, u8 *data,
			    unsigned len)
{
	struct dev *d = CONTAINER_OF(pci, struct dev, pci);

	d->reads++;
	d->last_offset = offset;
	bus_put(data, len, 0xa0 + pci->slot);
}

static inline void dev_write(struct pci_device *pci, unsigned bar, u64 offset, const u8 *data,
			     unsigned len)
{
	CONTAINER_OF(pci, struct dev, pci)->writes++;
}

static inline void dev_bar(struct pci_device *pci, unsigned bar, bool mapped)
{
	struct dev *d = CONTAINER_OF(pci, struct dev, pci);

	if (bar == 0 && mapped)
		d->bar_on++;
	else if (bar == 0)
		d->bar_off++;
}

static const struct pci_bar_ops dev_ops = { dev_read, dev_write };

static const struct pci_identity identity = { 0x1234, 0x5678, 0x018000, 1, 0xabcd, 0xef01 };

static inline void add(struct state *s, struct dev *d)
{
	assert_int_equal(pci_device_init(&d->pci, s->vm, PCI_ANY_SLOT, &identity), 0);
	d->pci.bar_changed = dev_bar;
	pci_set_bar(&d->pci, 0, PCI_BAR_MEMORY_64, BIG, &dev_ops);
	pci_set_bar(&d->pci, 3, PCI_BAR_MEMORY, 4096, &dev_ops);
	assert_int_equal(pci_add_capability(&d->pci, PCI_CAP_ID_VNDR, "\x05xy", 3), 0x40);
	assert_int_equal(pci_add_msix(&d->pci, 2, NR_VECTORS), 0);
}

static inline unsigned find_capability(struct vm *vm, unsigned slot, u8 id)
{
	unsigned at = cfg_get(vm, slot, PCI_CAPABILITY_LIST, 1), n = 0;

	while (at && n++ < 48) {
		if (cfg_get(vm, slot, at, 1) == id)
			return at;
		at = cfg_get(vm, slot, at + 1, 1);
	}
	return 0;
}

static inline int setup(void **state)
{
	struct state *s = calloc(1, sizeof(*s));

	s->vm = fake_vm_create();
	assert_int_equal(pci_host_create(s->vm, &fake_board), 0);
	add(s, &s->a);
	add(s, &s->b);
	assert_int_equal(pci_assign_bars(s->vm->pci), 0);
	s->msix_cap = find_capability(s->vm, 1, PCI_CAP_ID_MSIX);
	assert_int_not_equal(s->msix_cap, 0);
	*state = s;
	return 0;
}

static inline int teardown(void **state)
{
	struct state *s = *state;

	pci_device_exit(&s->a.pci);
	pci_device_exit(&s->b.pci);
	fake_vm_destroy(s->vm);
	assert_int_equal(fake_irq.nr_msi, 0);
	for (unsigned i = 0; i < FAKE_MSI; i++)
		assert_int_equal(fake_irq.msi[i].eventfd, 0);
	free(s);
	return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
