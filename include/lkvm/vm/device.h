/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every device has one life cycle:
 *
 *	create -> reset -> start -> running <-> quiesced -> drained -> stop -> destroy
 *	                                          |
 *	                                          reset -> resume (a guest reboot)
 *
 * Pause, reboot and shutdown are walks over the list, not special cases. What the guest does not see is on
 * the list as well if it has such a life cycle: the host's side of its consoles, the map of its private pages. A
 * device that the guest sees describes itself as data; the boards' tables say where it goes, the FDT and
 * ACPI writers walk the list.
 */
#ifndef LKVM_VM_DEVICE_H
#define LKVM_VM_DEVICE_H

#include "lkvm/util/list.h"
#include "lkvm/util/types.h"

struct bus_ops;
struct device;
struct device_kind;
struct state_reader;
struct state_writer;
struct vm;

/*
 * How long the end of a guest waits for those who read its output, as clock_now(). `grace` is set once, when the end is
 * known; `end` once, by who first asks for the end from outside.
 */
struct deadline {
	u64 grace;	 /* any reader is given this long; main thread */
	_Atomic u64 end; /* nobody is waited for any longer; 0: no such limit yet. Any thread */
};

/* All are called on the main thread while no vCPU runs. Any may be NULL. */
struct device_ops {
	/* Back to what power-on gives, guest-visible state only; back ends stay. The device is quiesced. */
	void (*reset)(struct device *device);
	/* Once, before the first vCPU runs: start threads, arm back ends. 0 or -errno. */
	int (*start)(struct device *device);
	/*
	 * When this returns nothing of the device touches guest memory or raises an interrupt, and what
	 * was in flight has been completed to the guest or is kept for resume. Nothing is lost.
	 */
	void (*quiesce)(struct device *device);
	void (*resume)(struct device *device);
	/* The struct that holds all that a guest can see of the device, for a snapshot. Quiesced. -errno. */
	int (*save)(struct device *device, struct state_writer *to);
	int (*load)(struct device *device, struct state_reader *from);
	/*
	 * The guest has ended, its devices are quiesced. True: what it printed has been taken by whoever reads it, or is not
	 * waited for any longer. Never blocks; called from time to time, while the main loop runs, until it is
	 * true or `deadline->end` is over.
	 */
	bool (*drained)(struct device *device, const struct deadline *deadline);
	/* Undoes start, once. Not called without it. */
	void (*stop)(struct device *device);
	/* Frees everything, the struct too. Called without start when assembly failed. */
	void (*destroy)(struct device *device);
};

enum device_resource_kind { RESOURCE_PORT, RESOURCE_MMIO };

struct device_resource {
	enum device_resource_kind kind;
	u64 base;
	u64 size;
};

/* What firmware tables say of a device; all fields optional. Written by the device, once. */
struct device_description {
	/* Device tree; of several strings ("most,special\0less,so") compatible_size is the size. */
	const char *compatible;
	unsigned compatible_size;     /* bytes, the last 0 included; 0: one string */
	const char *acpi_hid;	      /* "PNP0501", "LNRO0005" */
	struct device_resource where; /* size 0: nowhere */
	int gsi;		      /* -1: none */
	bool irq_edge;		      /* else level, active high */
	/* Device-tree properties beyond reg and interrupts, added by the FDT writer. */
	const char *node_name; /* "serial"; the unit address is added */
	u32 clock_frequency;   /* 0: none */
	/* What it calls its clock, which is the board's only one: "apb_pclk"; NULL: it has none. */
	const char *clock_name;
	const char *label; /* NULL: none */
	u32 bank_width;	   /* memory chips': bytes that are read at once; 0: none */
	bool dma_coherent; /* reads and writes guest memory, as coherent as a CPU */
};

struct device {
	const struct device_ops *ops;	       /* constant */
	char name[24];			       /* for messages: "virtio-blk0" */
	struct device_description description; /* constant after create */
	const struct device_kind *kind;	       /* machine.c sets it; NULL: it is the board's own */
	TAILQ_ENTRY(device) link;	       /* main thread */
	bool started;			       /* main thread */
	/* From before quiesce() until before resume(). Written by the main thread, any thread reads. */
	_Atomic bool quiesced;
};

TAILQ_HEAD(device_list, device);

#define device_for_each(d, list) TAILQ_FOREACH(d, list, link)

/* Puts a device at the list's end: order is the order of creation. gsi is set to -1. */
void device_init(struct device *device, const struct device_ops *ops, const char *fmt, ...)
	__printf(3, 4);
void device_add(struct device_list *list, struct device *device);
/*
 * Adds the device to the VM's list, and puts it onto the bus where it is described to be; `ops` get
 * `opaque`. Logs and returns -errno; the list has the device in any case.
 */
int device_attach(struct device *device, struct vm *vm, const struct bus_ops *ops, void *opaque);

/*
 * Walks. start stops at the first error and returns it. drained asks every device, and says whether all are. destroy goes
 * backwards, and stops what is started first. Main thread.
 */
void devices_reset(struct device_list *list);
int devices_start(struct device_list *list);
void devices_quiesce(struct device_list *list);
void devices_resume(struct device_list *list);
bool devices_drained(struct device_list *list, const struct deadline *deadline);
void devices_stop(struct device_list *list);
void devices_destroy(struct device_list *list);

#endif
