/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that begins with a firmware instead of a kernel: the image, and what it is told by fw_cfg. Whether the
 * image is measured makes no difference here. Main thread.
 */
#ifndef X86_FIRMWARE_H
#define X86_FIRMWARE_H

#include "lkvm/boot/file.h"
#include "lkvm/hw/fw-cfg.h"

#define X86_FIRMWARE_MAX MIB(16) /* bytes of an image */

struct vm;
struct pci_board;
struct vm_config;
struct x86_boot;

struct x86_firmware {
	struct boot_file image;	 /* whole pages; path NULL: none */
	struct boot_file kernel; /* that it is to start; path NULL: none */
	struct fw_cfg *fw_cfg;	 /* NULL: no device (yet); vm->devices' */
};

/*
 * Opens the files; does nothing without --firmware. Logs and returns -errno on failure; x86_firmware_close()
 * in any case.
 */
int x86_firmware_open(struct x86_firmware *firmware, const struct vm_config *config);
void x86_firmware_close(struct x86_firmware *firmware);

/* Makes of the board's PCI host the one that a firmware knows; addresses end at `top`. */
void x86_firmware_pci(struct pci_board *pci, u64 high_ram, u64 top);

/*
 * The devices that a firmware wants: fw_cfg and what of a chipset it touches. Logs and returns
 * -errno on failure.
 */
int x86_firmware_create_devices(struct vm *vm);

/* Image to where it ends at 4 GiB, fw_cfg's items if there is one. Logs and returns -errno on failure. */
int x86_firmware_load(struct vm *vm, const struct x86_boot *boot);

#endif
