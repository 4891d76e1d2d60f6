/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A struct vm without KVM, for devices that sit on its buses: memory, buses, loop, PCI board. */
#ifndef TEST_FAKE_VM_H
#define TEST_FAKE_VM_H

#include <assert.h>
#include <stdlib.h>
#include "lkvm/pci/pci.h"
#include "lkvm/vm/vm.h"
#include "fake_irq.h"
#include "ring.h"

#define FAKE_ECAM     0xb0000000ULL
#define FAKE_MMIO     0xc0000000ULL
#define FAKE_MMIO_LEN 0x01000000ULL
#define FAKE_HIGH     0x4000000000ULL
#define FAKE_HIGH_LEN 0x40000000ULL
#define FAKE_IO	      0x1000
#define FAKE_IO_LEN   0x1000
#define FAKE_RAM_SIZE 0x40000

static const struct pci_board fake_board = {
	.ecam_base = FAKE_ECAM,
	.ecam_size = 0x100000,
	.mmio_base = FAKE_MMIO,
	.mmio_size = FAKE_MMIO_LEN,
	.mmio64_base = FAKE_HIGH,
	.mmio64_size = FAKE_HIGH_LEN,
	.io_base = FAKE_IO,
	.io_size = FAKE_IO_LEN,
	.ports = true,
	.intx_gsi = { 20, 21, 22, 23 },
};

static inline struct vm *fake_vm_create(void)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	u8 *ram = calloc(1, FAKE_RAM_SIZE);
	int err;

	assert(vm && ram);
	fake_irq_init();
	TAILQ_INIT(&vm->devices);
	guest_memory_init(&vm->memory);
	err = guest_memory_add_buffer(&vm->memory, RING_BASE, ram, FAKE_RAM_SIZE);
	assert(!err);
	vm->mmio = bus_create();
	vm->ports = bus_create();
	vm->loop = loop_create("test");
	assert(vm->mmio && vm->ports && vm->loop);
	return vm;
}

static inline void fake_vm_destroy(struct vm *vm)
{
	devices_destroy(&vm->devices);
	bus_destroy(vm->mmio);
	bus_destroy(vm->ports);
	loop_destroy(vm->loop);
	free(vm->memory.regions[0].hva);
	guest_memory_destroy(&vm->memory);
	free(vm);
}

static inline u8 *fake_ram(struct vm *vm)
{
	return vm->memory.regions[0].hva;
}

static inline u64 mmio_get(struct vm *vm, u64 address, unsigned len)
{
	u8 data[8];

	bus_read(vm->mmio, address, data, len);
	return bus_get(data, len);
}

static inline void mmio_put(struct vm *vm, u64 address, unsigned len, u64 value)
{
	u8 data[8];

	bus_put(data, len, value);
	bus_write(vm->mmio, address, data, len);
}

static inline u32 port_get(struct vm *vm, u16 port, unsigned len)
{
	u8 data[4];

	bus_read(vm->ports, port, data, len);
	return bus_get(data, len);
}

static inline void port_put(struct vm *vm, u16 port, unsigned len, u32 value)
{
	u8 data[4];

	bus_put(data, len, value);
	bus_write(vm->ports, port, data, len);
}

static inline u64 ecam(unsigned slot, unsigned offset)
{
	return FAKE_ECAM + (slot << 15) + offset;
}

static inline u32 cfg_get(struct vm *vm, unsigned slot, unsigned offset, unsigned len)
{
	return mmio_get(vm, ecam(slot, offset), len);
}

static inline void cfg_put(struct vm *vm, unsigned slot, unsigned offset, unsigned len, u32 value)
{
	mmio_put(vm, ecam(slot, offset), len, value);
}

#endif
