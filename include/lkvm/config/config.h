/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the person asked for. Option parsing fills one struct vm_config and touches nothing else: no
 * file is opened, nothing is probed. After config_finish() it is constant.
 */
#ifndef LKVM_CONFIG_CONFIG_H
#define LKVM_CONFIG_CONFIG_H

#include <sched.h>
#include "lkvm/util/log.h"
#include "lkvm/config/memory-config.h"
#include "lkvm/util/types.h"
#include "arch-config.h" /* struct arch_config and ARCH_MAX_CPUS, from the architecture's folder */

#define CONFIG_MAX_INITRDS 16
#define CONFIG_MAX_CPUSETS 64
#define CONFIG_MAX_NAME	   64

struct config_records;
struct config_text;
struct option_set;

enum console_kind { CONSOLE_SERIAL, CONSOLE_VIRTIO };
enum virtio_transport_kind {
	TRANSPORT_PCI,
	TRANSPORT_PCI_LEGACY,
	TRANSPORT_MMIO,
	TRANSPORT_MMIO_LEGACY,
};

struct vm_config {
	const struct option_set *options; /* which there are; NULL: none, nothing is parsed */
	const char *name;		  /* never NULL after config_finish */
	bool named;			  /* it was given, not made up by config_finish */
	const char *kernel;		  /* NULL: looked for, see config_finish */
	const char *firmware;		  /* runs instead of a kernel; NULL: none */
	const char *initrds[CONFIG_MAX_INITRDS];
	unsigned nr_initrds;
	const char *cmdline; /* NULL: none given */
	unsigned cpus;	     /* 0: the host's online CPUs, until config_finish */
	u64 memory;	     /* bytes; 0: a default, until config_finish */
	struct memory_config memory_backend;
	u64 memory_address; /* gpa of its first byte; 0: the board's */
	/* The option of a device that another process serves, which has guest memory too; NULL: none. By config_finish. */
	const char *memory_sharer;
	enum console_kind console;
	enum virtio_transport_kind transport;
	bool virtio_legacy; /* --virtio-legacy, until config_finish has it in transport */
	/* The host's CPUs for the thread of vCPU 0, 1 ...; the last set counts for all that follow. */
	cpu_set_t affinities[CONFIG_MAX_CPUSETS];
	unsigned nr_affinities;
	bool nodefaults;   /* exactly what was asked for */
	bool reboot;	   /* a guest reboot restarts the guest */
	bool keep_running; /* even if nobody reads the console any more */
	unsigned timeout;  /* seconds; 0: none */
	enum log_level loglevel;
	struct arch_config arch;
	struct config_records *records; /* of each kind of device: config/kind.h */
	struct config_text *texts;	/* strings made while parsing; see config_text */
};

/* Everything at its default. Call before parsing, with the options that there are. */
void config_init(struct vm_config *config, const struct option_set *options);

/* Gives back what parsing allocated; strings of config are gone then. */
void config_release(struct vm_config *config);

/* A string that is config's, until config_release. NULL: no memory. */
char *config_text(struct vm_config *config, const char *fmt, ...) __printf(2, 3);

/* Why a guest cannot have that name, a phrase; NULL: it can. */
const char *config_name_fault(const char *name);

/*
 * Fills what was left open (name, number of CPUs, memory, default network, the kernel's path) from
 * the host. Logs and returns -errno on failure.
 */
int config_finish(struct vm_config *config);

/*
 * The parts of it that can be tried without this host. Memory for a guest of so many CPUs when none
 * was asked for, in bytes; host_ram 0 means unknown. And what is asked for against what there is: 0,
 * with a warning if the host will swap, or -E2BIG, logged. overcommit: the host gives more than it has.
 */
u64 config_default_memory(unsigned cpus, u64 host_ram);
int config_check_memory(u64 bytes, u64 host_ram, u64 host_swap, bool overcommit);

/* The least and the most that -m and -c take, whatever the host is. */
#define CONFIG_MIN_MEMORY MIB(4)
#define CONFIG_MAX_CPUS	  ARCH_MAX_CPUS

#endif
