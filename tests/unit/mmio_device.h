/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fake device behind virtio-mmio, for drivers that only see the bus. */
#ifndef TEST_MMIO_DEVICE_H
#define TEST_MMIO_DEVICE_H

#include <stdlib.h>
#include "test.h"
#include "fake_vm.h"
#include "fake_device.h"

#define BASE 0xd0000000ULL
#define GSI  7

struct state {
	struct vm *vm;
	struct fake_device *f;
	struct ring ring;
};

static inline u32 get(struct state *s, u32 offset)
{
	return mmio_get(s->vm, BASE + offset, 4);
}

static inline void put(struct state *s, u32 offset, u32 value)
{
	mmio_put(s->vm, BASE + offset, 4, value);
}

static inline struct state *make_state(bool legacy)
{
	struct state *s = calloc(1, sizeof(*s));
	struct device_resource where = { RESOURCE_MMIO, BASE, 0x200 };

	s->vm = fake_vm_create();
	s->f = fake_device_create(s->vm);
	if (legacy)
		virtio_set_legacy(&s->f->dev);
	assert_int_equal(virtio_mmio_attach(&s->f->dev, s->vm, &where, GSI), 0);
	device_add(&s->vm->devices, &s->f->dev.device);
	return s;
}

static inline int teardown(void **state)
{
	struct state *s = *state;

	fake_vm_destroy(s->vm);
	assert_int_equal(fake_irq.nr_io, 0);
	free(s);
	return 0;
}

#endif
