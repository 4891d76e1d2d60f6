/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM for tests of devices in hw/: buses, a device list and a loop, no KVM. It stands in for what
 * vm/vm.c, vm/irq.c, vm/vcpu.c and vm/last-words.c give, and remembers what was asked of it.
 */
#ifndef TEST_HW_VM_H
#define TEST_HW_VM_H

#include <string.h>
#include "lkvm/vm/irq.h"
#include "lkvm/vm/vcpu.h"
#include "lkvm/vm/vm.h"

static struct {
	struct vm vm;
	struct vm_config config;
	_Atomic unsigned requests; /* bit set of enum vm_request */
	bool level[16];		   /* of each gsi */
	unsigned raised[16];	   /* rising edges */
	_Atomic bool parking;
} test_vm;

void vm_request(struct vm *vm, enum vm_request request)
{
	test_vm.requests |= 1u << request;
}

void last_words_set(struct vm *vm, enum last_words words)
{
	vm->last_words.last = words;
}

void last_words_console_left(struct vm *vm)
{
	vm->last_words.last = LAST_WORDS_CONSOLE_LEFT;
}

bool vcpus_parking(struct vm *vm)
{
	return test_vm.parking;
}

static void test_irq_set(void *opaque, unsigned gsi, bool level)
{
	if (level && !test_vm.level[gsi])
		test_vm.raised[gsi]++;
	test_vm.level[gsi] = level;
}

struct irq_line irq_line(struct vm *vm, unsigned gsi)
{
	return (struct irq_line){ .set = test_irq_set, .gsi = gsi };
}

/* Kicks of virtio devices are trapped. */
int ioeventfd_assign(struct vm *vm, int eventfd, const struct ioeventfd *where)
{
	return -1;
}

int ioeventfd_deassign(struct vm *vm, int eventfd, const struct ioeventfd *where)
{
	return -1;
}

static inline struct vm *test_vm_init(void)
{
	memset(&test_vm, 0, sizeof(test_vm));
	test_vm.config.name = "test";
	test_vm.vm.config = &test_vm.config;
	test_vm.vm.ports = bus_create();
	test_vm.vm.mmio = bus_create();
	test_vm.vm.loop = loop_create("test");
	TAILQ_INIT(&test_vm.vm.devices);
	guest_memory_init(&test_vm.vm.memory);
	return &test_vm.vm;
}

static inline void test_vm_exit(void)
{
	devices_destroy(&test_vm.vm.devices);
	bus_destroy(test_vm.vm.ports);
	bus_destroy(test_vm.vm.mmio);
	loop_destroy(test_vm.vm.loop);
}

static inline u8 in8(u16 port)
{
	u8 value = 0;

	bus_read(test_vm.vm.ports, port, &value, 1);
	return value;
}

static inline void out8(u16 port, u8 value)
{
	bus_write(test_vm.vm.ports, port, &value, 1);
}

#endif
