/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fw_cfg: what a firmware asks of the machine that it is in (QEMU, docs/specs/fw_cfg). Items have a number, some
 * a name too; they are read byte by byte through a port or, by a descriptor in guest memory, as a whole.
 * Nothing can be written. Items are set by the main thread while no vCPU runs.
 */
#ifndef LKVM_HW_FW_CFG_H
#define LKVM_HW_FW_CFG_H

#include "lkvm/boot/file.h"

struct fw_cfg;
struct vm;

#define FW_CFG_PORTS                                                                               \
	12 /* ports that it takes: selector, data, and from the fifth on the DMA address */

/* Items without a name. Numbers in them are little-endian. */
enum fw_cfg_key {
	FW_CFG_SIGNATURE = 0x00,
	FW_CFG_ID = 0x01,
	FW_CFG_NB_CPUS = 0x05, /* 16 bits */
	FW_CFG_KERNEL_SIZE = 0x08,
	FW_CFG_INITRD_SIZE = 0x0b,
	FW_CFG_MAX_CPUS = 0x0f, /* 16 bits */
	FW_CFG_KERNEL_DATA = 0x11,
	FW_CFG_INITRD_DATA = 0x12,
	FW_CFG_CMDLINE_SIZE = 0x14, /* with the final 0 */
	FW_CFG_CMDLINE_DATA = 0x15,
	FW_CFG_FILE_DIR = 0x19,
};

/*
 * At `port`, with signature, id and directory, adds itself to vm->devices, which destroys it. Logs
 * and returns -errno on failure.
 */
int fw_cfg_create(struct vm *vm, u16 port, struct fw_cfg **fw_cfg);

/* Sets an item, in place of what it was; the bytes are copied. 0, -ENOMEM, -ENOSPC. */
int fw_cfg_set(struct fw_cfg *fw_cfg, u16 key, const void *bytes, u32 size);
int fw_cfg_set_u32(struct fw_cfg *fw_cfg, u16 key, u32 value);
/* The same for one with a name (at most 55 characters, "etc/e820"), which the directory then lists. */
int fw_cfg_set_name(struct fw_cfg *fw_cfg, const char *name, const void *bytes, u32 size);
/*
 * An item that is the files' contents as boot_initrd_load() would put them into memory. The files, and the array,
 * are the caller's and live as long as fw_cfg. -EFBIG: more than 4 GiB.
 */
int fw_cfg_set_files(struct fw_cfg *fw_cfg, u16 key, const struct boot_file *files, unsigned nr);

#endif
