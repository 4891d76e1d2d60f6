/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kind of device, described as constant data in the device's own file: what the command line and the
 * control socket can ask of it, and how one is made. machine.c has the list of kinds. A new kind is its
 * file and one line there.
 */
#ifndef LKVM_VM_DEVICE_KIND_H
#define LKVM_VM_DEVICE_KIND_H

#include <jansson.h>
#include "lkvm/config/kind.h"

#define DEVICE_STAT_COMING "coming"

struct control_request;
struct device;
struct vm;

/*
 * All are called on the main thread. `record` is the configuration's, constant, and lives as long as the
 * VM; `index` is its number among those of its kind. For a kind with config.max 0, create is called once,
 * without a record.
 */
struct device_kind {
	struct config_kind config;
	/* Will it start a helper process (util/helper.h)? NULL: no. */
	bool (*needs_helper)(const void *record);
	/*
	 * Opens what the record names (a disk, a tap, a file) before anything of the guest exists, for
	 * create to have in *opened, which is NULL until then. Logs and returns -errno. NULL: there is
	 * nothing to open.
	 */
	int (*open)(struct vm *vm, const void *record, unsigned index, void **opened);
	/* Closes what no device has taken. NULL where open is. */
	void (*close)(void *opened);
	/*
	 * Makes the device, attaches it, and leaves it to the VM's list. What it takes of *opened it sets
	 * to NULL there. Where there may be several, device->name has the index ("virtio-blk0"): requests
	 * and `lkvm stat` tell them apart by it. Logs and returns -errno.
	 */
	int (*create)(struct vm *vm, const void *record, unsigned index, void **opened);
	/* What the control socket can ask of one (control/request.h); ends with an empty row. NULL: nothing. */
	const struct control_request *requests;
	/*
	 * Adds what the device counts to its part of `lkvm stat`: plain members, whose keys people read with blanks for '_', and
	 * what ends in "_bytes" as a size. Any thread, from the start of the guest until before destroy; never waits.
	 * Where numbers are the guest's own, and it was asked for newer ones just now, DEVICE_STAT_COMING is true: who asks
	 * again soon gets them. NULL: nothing.
	 */
	void (*stat)(struct device *device, json_t *part);
	bool stat_memory; /* that is about the guest's memory: what `lkvm stat --memory` shows */
};

/* From what a list of kinds for the command line is made of (machine.h). */
static inline const struct device_kind *device_kind(const struct config_kind *kind)
{
	return CONTAINER_OF(kind, struct device_kind, config);
}

#endif
