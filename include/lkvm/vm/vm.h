/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest as a whole: its KVM file descriptor, memory, buses, devices and vCPUs, and how it begins,
 * pauses, reboots and ends. The main thread owns it: it runs vm->loop, makes all walks over devices
 * and decides the end. vCPU threads and I/O threads ask by vm_request().
 */
#ifndef LKVM_VM_VM_H
#define LKVM_VM_VM_H

#include <linux/kvm.h>
#include "lkvm/vm/bus.h"
#include "lkvm/config/config.h"
#include "lkvm/vm/counters.h"
#include "lkvm/vm/device.h"
#include "lkvm/vm/last-words.h"
#include "lkvm/util/loop.h"
#include "lkvm/memory/memory.h"

struct arch_vm;
struct conversions;
struct pci_host;
struct port_latch;
struct vcpu;
struct irq_state;
struct chardev;
struct credential;
struct pty;
struct vcpu_control;
struct vm_signals;

/*
 * What may be asked of the main thread. Of those that end the guest the first one wins: a guest that
 * has asked for a reset may well triple-fault before anybody has stopped it. But errors of the host win over a reset.
 */
enum vm_request {
	VM_REQUEST_NONE,
	VM_REQUEST_PAUSE,
	VM_REQUEST_RESUME,
	/* These end the guest, or this boot of it. QUIT, SIGNAL, TIMEOUT and READER_GONE come from outside. */
	VM_REQUEST_REBOOT, /* the guest asked for a reset; after a panic's words it is a panic */
	VM_REQUEST_POWEROFF,
	VM_REQUEST_QUIT,   /* Ctrl-A x */
	VM_REQUEST_SIGNAL, /* SIGTERM, SIGINT, SIGHUP, SIGQUIT: vm->signal */
	VM_REQUEST_TIMEOUT,
	VM_REQUEST_READER_GONE, /* nobody reads the console any more */
	VM_REQUEST_PANIC,	/* pvpanic said so */
	VM_REQUEST_TRIPLE_FAULT,
	VM_REQUEST_INTERNAL_ERROR, /* KVM cannot go on; already shown */
	VM_REQUEST_HOST_ERROR,	   /* already logged */
};

/* Serial ports that can be on a pty, of every board. */
#define VM_MAX_TTYS 4

struct vm {
	const struct vm_config *config;
	int kvm_fd;	    /* /dev/kvm */
	unsigned long type; /* for KVM_CREATE_VM, from vm_open() on */
	int fd;		    /* the VM */
	struct guest_memory memory;
	/*
	 * The host gets to see only what the guest shares with it, and devices want to be told of that (virtio's
	 * ACCESS_PLATFORM). Set by arch_vm_create, as is what follows.
	 */
	bool private_memory;
	bool single_boot;		 /* what was loaded cannot be loaded again: no reboot */
	struct conversions *conversions; /* conversion.h; NULL: the guest converts no pages */
	struct bus *mmio;
	struct bus *ports;	       /* NULL where the architecture has none */
	struct port_latch *port_latch; /* vm/port-latch.c's; NULL: KVM keeps no writes */
	struct device_list devices;    /* main thread */
	struct irq_state *irq;
	struct loop *loop;	 /* the main thread's */
	struct pci_host *pci;	 /* NULL: none */
	struct chardev *console; /* where the guest's first console goes; on the list of devices */
	struct credential *credentials; /* opened with the devices; main thread */
	struct pty *ttys[VM_MAX_TTYS];	/* opened for a serial port, that has not taken it yet */
	struct vcpu **vcpus;
	unsigned nr_vcpus;
	struct counters counters; /* any thread */
	struct exit_counters *_Atomic
		exits;	  /* one a vCPU, from vcpus_create() to vm_release(); any thread reads */
	unsigned nr_roms; /* vm/rom.c's; main thread */
	struct vcpu_control *vcpu_control; /* vm/vcpu.c's */
	struct arch_vm *arch;		   /* the architecture's own */
	struct loop_fd request_fd;	   /* main thread: an eventfd that vm_request() writes to */
	/* Of a guest that reboots again and again, vm/run.c's; main thread. */
	struct {
		struct loop_timer rest; /* until the next boot */
		u64 due; /* clock_now() when boots come as often as they may in the long run */
		unsigned told; /* lines */
	} reboots;
	_Atomic bool started; /* vm_start() has begun; main thread, any thread reads */
	_Atomic bool paused;  /* main thread, any thread reads */
	_Atomic unsigned end; /* enum vm_request that ends this boot of the guest; any thread */
	/* The same if it came from outside the guest: no reboot makes it forgotten. Any thread. */
	_Atomic unsigned external_request;
	_Atomic int paused_wanted; /* 1 pause, -1 resume, 0 nothing asked; any thread */
	_Atomic int signal;	   /* which one ended us */
	_Atomic int status;	   /* what vm_run() is going to return; -1: not known yet */
	struct deadline deadline;  /* of the wait for its readers, when it ends */
	/* Console output that could not be written: errno, EPIPE if its reader has gone; any thread. */
	_Atomic int output_lost;
	_Atomic bool end_logged;	    /* vm/end.c's; any thread */
	struct last_words_state last_words; /* what the guest's kernel said of its end */
	struct vm_signals *signals;	    /* vm/signals.c's */
	/*
	 * Presses the guest's power button. Any thread. 0; -EAGAIN: nothing in the guest listens to it (yet). NULL: the
	 * guest has none. Set by arch_create_devices.
	 */
	int (*power_button)(struct vm *vm);
};

/* Nothing is there yet. vm_destroy() is right from here on. */
void vm_init(struct vm *vm, const struct vm_config *config);

/*
 * Opens /dev/kvm and checks that it has what the guest takes, opens the files of guest memory, starts the main loop and
 * the thread that waits for signals: from here on vm_ending() may become true, also before vm_run(). There is no VM
 * yet. Logs and returns -errno.
 */
int vm_open(struct vm *vm);
/*
 * Makes the VM. From here on memory that the host takes away ends the guest (memory/guard.h), with
 * VM_REQUEST_HOST_ERROR, or VM_REQUEST_INTERNAL_ERROR if it is the guest that did not share it. Logs and returns -errno.
 */
int vm_create(struct vm *vm);
/*
 * Everything that exists is taken down, in reverse order. Also after a half-way failure. Disks may take long to close,
 * so that signals and vm_request() still end lkvm, and what any thread may look at can be looked at, until vm_release().
 */
void vm_destroy(struct vm *vm);
void vm_release(struct vm *vm);

/*
 * Tells KVM of every region in vm->memory (KVM_SET_USER_MEMORY_REGION, ...REGION2). Logs and
 * returns -errno on failure.
 */
int vm_map_memory(struct vm *vm);
/* One of KVM's slots, by its number; a region of size 0 takes it away. Any thread. 0 or -errno; logs nothing. */
int vm_set_slot(struct vm *vm, u32 number, const struct guest_region *region);

/*
 * Any thread, an exit handler, a signal handler: takes no lock, wakes the main loop. VM_REQUEST_NONE
 * only wakes it.
 */
void vm_request(struct vm *vm, enum vm_request request);

/* Any thread: has something that ends the guest been asked for? vCPUs then run no more guest code. */
static inline bool vm_ending(struct vm *vm)
{
	return vm->end != VM_REQUEST_NONE;
}

/* Main thread: starts devices and vCPU threads; the time of --timeout begins. Logs and returns -errno on failure. */
int vm_start(struct vm *vm);
/* Serves requests until the guest ends, and stops everything. Returns an enum exit_status, or 128 + signal. */
int vm_run(struct vm *vm);

/*
 * Main thread. pause returns when no vCPU runs guest code and every device is quiesced; resume
 * undoes it. Neither is an error when it is so already.
 */
void vm_pause(struct vm *vm);
void vm_resume(struct vm *vm);

#endif
