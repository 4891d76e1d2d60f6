// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tables/acpi.h"
#include "tables/smbios.h"
#include "board.h"
#include "firmware.h"
#include "lkvm/boot/initrd.h"
#include "lkvm/memory/populate.h"
#include "lkvm/util/log.h"
#include "q35.h"
#include "x86-vm.h"

#define PAGE 4096

static int check_size(const struct boot_file *image)
{
	if (image->size <= X86_FIRMWARE_MAX && image->size % PAGE == 0)
		return 0;
	log_fatal(
		"--firmware %s: %llu bytes are no firmware, which has pages of 4096 bytes, at most "
		"16 MiB of them",
		image->path, (unsigned long long)image->size);
	return -EINVAL;
}

int x86_firmware_open(struct x86_firmware *firmware, const struct vm_config *config)
{
	int err;

	if (!config->firmware)
		return 0;
	err = boot_file_open(&firmware->image, "firmware", config->firmware, X86_FIRMWARE_MAX);
	if (!err)
		err = check_size(&firmware->image);
	if (!err && config->kernel)
		err = boot_file_open(&firmware->kernel, "kernel", config->kernel, config->memory);
	return err;
}

void x86_firmware_close(struct x86_firmware *firmware)
{
	boot_file_close(&firmware->image);
	boot_file_close(&firmware->kernel);
}

void x86_firmware_pci(struct pci_board *pci, u64 high_ram, u64 top)
{
	pci->bridge_vendor = Q35_VENDOR;
	pci->bridge_device = Q35_BRIDGE;
	pci->ecam_register = Q35_PCIEXBAR;
	pci->mmio_base = BOARD_FIRMWARE_HOLE;
	pci->mmio_size = BOARD_PCI_MMIO + BOARD_PCI_MMIO_SIZE - BOARD_FIRMWARE_HOLE;
	/* OVMF puts large BARs at the end of what can be addressed, or behind RAM: all of it is window. */
	pci->mmio64_base = ALIGN_UP(BOARD_HOLE_END + high_ram, GIB(1));
	pci->mmio64_size = top > pci->mmio64_base ? top - pci->mmio64_base : 0;
}

int x86_firmware_create_devices(struct vm *vm)
{
	int err = q35_create(vm);

	return err ?: fw_cfg_create(vm, BOARD_PORT_FW_CFG, &vm->arch->firmware.fw_cfg);
}

/* ---- items ---- */

/* An entry as it is in etc/e820; the boot protocol's struct is the same. */
_Static_assert(sizeof(struct boot_e820_entry) == 20, "etc/e820");

static int set_memory(struct fw_cfg *fw, const struct x86_boot *boot)
{
	struct boot_e820_entry map[X86_E820_MAX];
	unsigned nr = x86_e820_firmware(map, boot);

	return fw_cfg_set_name(fw, "etc/e820", map, nr * sizeof(*map));
}

static int set_cpus(struct fw_cfg *fw, unsigned cpus)
{
	le16 nr = htole16(cpus);
	int err = fw_cfg_set(fw, FW_CFG_NB_CPUS, &nr, sizeof(nr));

	return err ?: fw_cfg_set(fw, FW_CFG_MAX_CPUS, &nr, sizeof(nr));
}

static int set_files(struct fw_cfg *fw, u16 size_key, u16 data_key, const struct boot_file *files,
		     unsigned nr)
{
	int err = fw_cfg_set_files(fw, data_key, files, nr);

	return err ?: fw_cfg_set_u32(fw, size_key, boot_initrd_size(files, nr));
}

/* The whole file, unchanged: EFI's loader starts it, and a measured firmware has its hash. */
static int set_kernel(struct fw_cfg *fw, const struct x86_firmware *firmware,
		      const struct x86_boot *boot)
{
	u32 cmdline_size = strlen(boot->cmdline) + 1;
	int err;

	if (!firmware->kernel.path)
		return 0;
	err = set_files(fw, FW_CFG_KERNEL_SIZE, FW_CFG_KERNEL_DATA, &firmware->kernel, 1);
	if (!err && boot->nr_initrds)
		err = set_files(fw, FW_CFG_INITRD_SIZE, FW_CFG_INITRD_DATA, boot->initrds,
				boot->nr_initrds);
	return err ?: fw_cfg_set_u32(fw, FW_CFG_CMDLINE_SIZE, cmdline_size) ?:
		      fw_cfg_set(fw, FW_CFG_CMDLINE_DATA, boot->cmdline, cmdline_size);
}

static int set_acpi(struct fw_cfg *fw, struct vm *vm)
{
	const struct platform platform = x86_platform(vm);
	struct acpi_files files;
	int err;

	if (vm->config->arch.no_acpi)
		return 0;
	err = acpi_build_files(&files, &platform);
	if (err)
		return err;
	err = fw_cfg_set_name(fw, ACPI_FILE_TABLES, files.tables, files.tables_size) ?:
	      fw_cfg_set_name(fw, ACPI_FILE_RSDP, files.rsdp, files.rsdp_size) ?:
	      fw_cfg_set_name(fw, "etc/table-loader", files.loader.bytes, files.loader.len);
	acpi_files_free(&files);
	return err;
}

/* The firmware puts the table's place into the anchor, and makes its sum anew. */
static int set_smbios(struct fw_cfg *fw, struct vm *vm, const struct x86_boot *boot)
{
	struct smbios_anchor anchor;
	size_t size;
	u8 *table;
	int err;

	if (boot->private_bit)
		return 0;
	err = smbios_make(vm->credentials, 0, &anchor, &table, &size);
	if (err)
		return err;
	err = fw_cfg_set_name(fw, SMBIOS_FILE_ANCHOR, &anchor, sizeof(anchor))
		      ?: fw_cfg_set_name(fw, SMBIOS_FILE_TABLES, table, size);
	free(table);
	return err;
}

static int set_items(struct fw_cfg *fw, struct vm *vm, const struct x86_boot *boot)
{
	int err = set_memory(fw, boot) ?: set_cpus(fw, vm->nr_vcpus) ?: set_acpi(fw, vm) ?:
		  set_smbios(fw, vm, boot) ?:
		  set_kernel(fw, &vm->arch->firmware, boot);

	if (err)
		log_fatal("Unable to tell the firmware of its machine: %s", strerror(-err));
	return err;
}

int x86_firmware_load(struct vm *vm, const struct x86_boot *boot)
{
	struct x86_firmware *firmware = &vm->arch->firmware;
	const struct boot_file *image = &firmware->image;
	int err = guest_memory_populate_file(&vm->memory, BOARD_HOLE_END - image->size, image->fd,
					     0, image->size, true);

	if (err)
		log_fatal("Unable to load firmware %s: %s", image->path,
			  err == -ENODATA ? "it became shorter" : strerror(-err));
	return err || !firmware->fw_cfg ? err : set_items(firmware->fw_cfg, vm, boot);
}
