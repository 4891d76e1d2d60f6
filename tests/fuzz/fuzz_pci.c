/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PCI host with a virtio-pci function of each kind under any sequence of accesses. */
#include <linux/pci_regs.h>
#include "lkvm/util/log.h"
#include "fake_vm.h"
#include "fake_device.h"
#include "fuzz.h"

static void add_device(struct vm *vm, bool legacy)
{
	struct fake_device *dev = fake_device_create(vm);

	if (legacy)
		virtio_set_legacy(&dev->dev);
	if (virtio_pci_attach(&dev->dev, vm))
		abort();
	device_add(&vm->devices, &dev->dev.device);
}

/* Something near where the BARs are. */
static u64 window_address(struct fuzz *f)
{
	u32 value = fuzz32(f);

	return value & 1 ? FAKE_HIGH + (value >> 1) % 0x20000 : FAKE_MMIO + (value >> 1) % 0x20000;
}

/* CF8 and CFC, and where I/O BARs are. */
static u16 port_address(struct fuzz *f)
{
	u8 value = fuzz8(f);

	return value & 1 ? FAKE_IO + (value >> 1) : 0xcf8 + (value >> 1) % 8;
}

static u64 config_address(struct fuzz *f)
{
	return ecam(fuzz8(f) % 4, fuzz8(f));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz f = { data, size };
	struct vm *vm = fake_vm_create();
	bool paused = false;

	log_set_level(LOG_LEVEL_ERROR);
	if (pci_host_create(vm, &fake_board))
		abort();
	add_device(vm, false);
	add_device(vm, true);
	driver_big_endian = false;
	if (pci_assign_bars(vm->pci) || devices_start(&vm->devices))
		abort();
	fake_irq.msi_limit = 4;
	while (f.left) {
		u8 op = fuzz8(&f);
		unsigned len = 1 << (op >> 4) % 4;

		switch (op % 16) {
		case 0:
		case 1:
			mmio_get(vm, window_address(&f), len);
			break;
		case 2:
		case 3:
		case 4:
			mmio_put(vm, window_address(&f), len, fuzz32(&f));
			break;
		case 5:
		case 6:
			mmio_get(vm, config_address(&f), len);
			break;
		case 7:
		case 8:
			mmio_put(vm, config_address(&f), len, fuzz32(&f));
			break;
		case 9:
			/* A BAR to somewhere in the windows. */
			cfg_put(vm, 1 + (op >> 7), PCI_BASE_ADDRESS_0 + 4 * ((op >> 4) % 4), 4,
				op & 0x80 ? FAKE_MMIO + (fuzz8(&f) << 12) : fuzz8(&f));
			break;
		case 10:
			port_put(vm, port_address(&f), MIN(len, 4u), fuzz32(&f));
			break;
		case 11:
			port_get(vm, port_address(&f), MIN(len, 4u));
			break;
		case 12:
			mmio_put(vm, FAKE_ECAM + fuzz32(&f) % 0x100000, len, fuzz32(&f));
			break;
		case 13:
			driver_big_endian = op & 0x80;
			test_run_loop(vm->loop);
			break;
		case 14: {
			u16 at = fuzz16(&f);

			fuzz_bytes(&f, fake_ram(vm) + at, 1 + op % 16);
			break;
		}
		case 15:
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
	if (fake_irq.nr_io || fake_irq.nr_msi)
		abort();
	return 0;
}
