// SPDX-License-Identifier: GPL-2.0-or-later
/* What is in guest memory when vCPU 0 begins: firmware tables, command line, kernel, initrd. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tables/acpi.h"
#include "tables/smbios.h"
#include "board.h"
#include "cpuid.h"
#include "lkvm/arch.h"
#include "lkvm/boot/cmdline.h"
#include "lkvm/memory/populate.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/confidential.h"
#include "x86-vm.h"

/* A kernel that is out of ways to reset jumps to the BIOS in real mode. */
static int write_reset_vector(struct vm *vm)
{
	const u16 port = BOARD_PORT_PM + ACPI_PM_RESET;
	/* mov dx, port; mov al, value; out dx, al; then hlt for ever */
	const u8 code[] = { 0xba, port & 0xff, port >> 8, 0xb0, ACPI_PM_RESET_VALUE,
			    0xee, 0xf4,	       0xeb,	  0xfd };

	return guest_memory_populate(&vm->memory, BOARD_RESET_VECTOR, code, sizeof(code));
}

struct platform x86_platform(struct vm *vm)
{
	const struct arch_vm *x86 = vm->arch;
	const struct kvm_cpuid_entry2 *leaf1 = x86->cpuid ? x86_cpuid_find(x86->cpuid, 1, 0) : NULL;

	return (struct platform){
		.nr_cpus = vm->nr_vcpus,
		.cpu_signature = leaf1 ? leaf1->eax : 0,
		.cpu_features = leaf1 ? leaf1->edx : 0,
		.devices = &vm->devices,
		.pci = vm->pci ? pci_host_board(vm->pci) : NULL,
		.low_ram = x86->boot.low_ram,
		.high_ram = x86->boot.high_ram,
	};
}

static int write_tables(struct vm *vm, gpa_t *rsdp)
{
	const struct platform platform = x86_platform(vm);
	int err = mptable_build(&vm->memory, &platform) ?: write_reset_vector(vm);

	if (!err && !vm->config->arch.no_acpi)
		err = acpi_build(&vm->memory, &platform, rsdp);
	/* Who hides memory from the host reads no table that the host wrote there. */
	if (!err && !vm->arch->boot.private_bit)
		err = smbios_build(&vm->memory, vm->credentials);
	if (err)
		log_fatal("Unable to write the firmware's tables: %s", strerror(-err));
	return err;
}

/* Only where ACPI does not: a device that is announced twice is probed twice. */
static int announce_virtio_mmio(struct vm *vm, char *cmdline, size_t size)
{
	struct device *device;
	char words[96];
	int err = 0;

	device_for_each (device, &vm->devices) {
		const struct device_description *d = &device->description;

		if (err || !d->compatible || strcmp(d->compatible, "virtio,mmio"))
			continue;
		snprintf(words, sizeof(words), "virtio_mmio.device=0x%llx@0x%llx:%d",
			 (unsigned long long)d->where.size, (unsigned long long)d->where.base,
			 d->gsi);
		err = cmdline_add(cmdline, size, words);
	}
	return err;
}

/* Without ACPI Linux would try every other way to reset before the keyboard controller. */
static int add_defaults(const struct vm_config *config, char *cmdline, size_t size)
{
	int err = cmdline_add_defaults(cmdline, size, config);

	if (!err && config->arch.no_acpi)
		err = cmdline_add(cmdline, size, "reboot=k");
	return err;
}

static int make_cmdline(struct vm *vm, char *cmdline, size_t size)
{
	const struct vm_config *config = vm->config;
	int err = config->nodefaults ? 0 : add_defaults(config, cmdline, size);

	/* A kernel that does know ACPI must not look for tables and complain. */
	if (!err && config->arch.no_acpi)
		err = cmdline_add(cmdline, size, "acpi=off");
	if (!err && config->arch.no_acpi)
		err = announce_virtio_mmio(vm, cmdline, size);
	if (!err)
		err = cmdline_add_given(cmdline, size, config);
	if (err)
		log_fatal("The kernel command line is longer than %zu characters", size - 1);
	return err;
}

static int load_prepare(struct vm *vm)
{
	struct arch_vm *x86 = vm->arch;
	const struct confidential_ops *kind = x86->confidential;

	x86->boot.private_bit = kind->private_bit ? BIT(kind->private_bit(vm)) : 0;
	x86->cmdline[0] = '\0';
	return make_cmdline(vm, x86->cmdline, sizeof(x86->cmdline));
}

/* Would they have space in the table? */
static int check_credentials(struct vm *vm)
{
	struct smbios_anchor anchor;
	u8 *table = NULL;
	size_t size;
	int err = vm->credentials ? smbios_make(vm->credentials, 0, &anchor, &table, &size) : 0;

	free(table);
	if (err == -ENOSPC)
		log_fatal(
			"--credential: all of them together have no space in the %u KiB that there are for "
			"them, in which bytes that are not text count four for three",
			BOARD_SMBIOS_TABLE_SIZE / 1024);
	return err;
}

int x86_check_load(struct vm *vm)
{
	struct arch_vm *x86 = vm->arch;
	struct x86_placement at;
	int err = load_prepare(vm) ?: check_credentials(vm);

	if (err || vm->config->firmware)
		return err;
	return x86_kernel_place(&x86->kernel, &x86->boot, &at);
}

static void drop_copies(struct arch_vm *x86)
{
	boot_file_drop_copy(&x86->kernel.file);
	for (unsigned i = 0; i < x86->boot.nr_initrds; i++)
		boot_file_drop_copy(&x86->initrds[i]);
}

int arch_load(struct vm *vm)
{
	struct arch_vm *x86 = vm->arch;
	int err = load_prepare(vm);

	if (!err && vm->config->firmware) {
		err = x86_firmware_load(vm, &x86->boot);
	} else if (!err) {
		err = write_tables(vm, &x86->boot.rsdp);
		if (!err)
			err = x86_kernel_load(&x86->kernel, &x86->boot, &x86->entry);
	}
	if (!err && x86->confidential->load)
		err = x86->confidential->load(vm);
	/* A firmware reads them through fw_cfg at any time. */
	if (!err && !vm->config->reboot && !vm->config->firmware)
		drop_copies(x86);
	return err;
}
