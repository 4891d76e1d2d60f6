/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtio-mmio device, of version 1 or 2, under any sequence of accesses by vCPUs of both byte orders,
 * guest memory writes, pauses and reboots.
 */
#include "lkvm/util/log.h"
#include "fake_vm.h"
#include "fake_device.h"
#include "fuzz.h"

#define BASE 0xd0000000ULL

static void setup_queue(struct vm *vm, struct fake_device *f, struct ring *r)
{
	if (f->dev.legacy) {
		ring_init_legacy(r, fake_ram(vm), RING_BASE, FAKE_RAM_SIZE, FAKE_SIZE, RING_BASE,
				 4096, driver_big_endian);
		driver_start_legacy(&f->dev, BIT(VIRTIO_RING_F_INDIRECT_DESC), r, 1, 4096);
		return;
	}
	ring_init(r, fake_ram(vm), RING_BASE, FAKE_RAM_SIZE, FAKE_SIZE);
	driver_start(&f->dev, BIT(VIRTIO_F_RING_RESET) | BIT(VIRTIO_RING_F_INDIRECT_DESC), r, 1);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct device_resource where = { RESOURCE_MMIO, BASE, 0x200 };
	struct fuzz f = { data, size };
	struct vm *vm = fake_vm_create();
	struct fake_device *dev = fake_device_create(vm);
	struct ring r;
	bool paused = false;

	log_set_level(LOG_LEVEL_ERROR);
	if (fuzz8(&f) & 1)
		virtio_set_legacy(&dev->dev);
	driver_big_endian = false;
	if (virtio_mmio_attach(&dev->dev, vm, &where, 7))
		abort();
	device_add(&vm->devices, &dev->dev.device);
	if (devices_start(&vm->devices))
		abort();
	while (f.left) {
		u8 op = fuzz8(&f);
		unsigned len = 1 << (op >> 3) % 4;

		switch (op % 8) {
		case 0:
			mmio_get(vm, BASE + fuzz16(&f) % 0x200, len);
			break;
		case 1:
			mmio_put(vm, BASE + fuzz16(&f) % 0x200, len, fuzz32(&f));
			break;
		case 2:
		case 3:
			/* Registers that exist, with the width they want. */
			mmio_put(vm, BASE + fuzz8(&f) % 0x40 * 4, 4,
				 op & 0x80 ? fuzz32(&f) : fuzz8(&f) % 32);
			break;
		case 4: {
			u32 at = op & 0x80 ? fuzz16(&f) : fuzz16(&f) % 512;

			fuzz_bytes(&f, fake_ram(vm) + at, 1 + op % 16);
			break;
		}
		case 5:
			driver_big_endian ^= op >> 7;
			test_run_loop(vm->loop);
			break;
		case 6:
			setup_queue(vm, dev, &r);
			break;
		case 7:
			if (!paused)
				devices_quiesce(&vm->devices);
			else if (op & 0x80)
				devices_reset(&vm->devices);
			if (paused)
				devices_resume(&vm->devices);
			paused = !paused;
			break;
		}
	}
	fake_vm_destroy(vm);
	if (fake_irq.nr_io)
		abort();
	return 0;
}
