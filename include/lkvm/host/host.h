/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this host and its KVM offer of everything lkvm uses. A table of facts, one row a fact: its key
 * for programs, its words for people, and how to ask. host/host.c has the rows that every architecture
 * has, arch_host_facts[] the others. A question that gets no answer is a fact that is not known, never an
 * error. Main thread.
 */
#ifndef LKVM_HOST_HOST_H
#define LKVM_HOST_HOST_H

#include <jansson.h>
#include <stdio.h>
#include "lkvm/util/types.h"

/* Where a fact is shown, in this order; host_groups[] has their names. */
enum host_group {
	HOST_MACHINE,
	HOST_DEVICES,
	HOST_KVM, /* this one and what follows need /dev/kvm */
	HOST_MEMORY,
	HOST_INTERRUPTS,
	HOST_CPU,
	HOST_NESTED,
	HOST_CONFIDENTIAL,
	HOST_NR_GROUPS
};

struct host_group_name {
	const char *key;
	const char *words;
};
extern const struct host_group_name host_groups[HOST_NR_GROUPS];

/* What questions are put to. A descriptor that is not there is -1, and ioctl() then says EBADF. */
struct host {
	int kvm_fd;
	int vm_fd;     /* a VM without memory, only to be asked */
	char why[160]; /* what explains the last answer, or what would help; "": nothing */
};

/* Names of a mask's bits; ends with a NULL name. Bits without one are shown as "bit N". */
struct host_bit {
	unsigned bit;
	const char *name;
};

struct host_fact {
	enum host_group group;
	const char *key;   /* letters, digits and '_', unique in its group; NULL ends a table */
	const char *words; /* no colon, no full stop */
	/*
	 * The answer: a boolean, a number, a text, a list of numbers or texts, or an object of numbers. The
	 * caller owns the reference. NULL: it is not known.
	 */
	json_t *(*ask)(struct host *host, const struct host_fact *fact);
	int cap;		     /* a KVM_CAP_ number, for the ask_cap functions */
	const struct host_bit *bits; /* for host_ask_cap_bits() */
	const char *path;	     /* for host_ask_node() */
	const char *module;	     /* which kernel module makes that node */
	const char *unit; /* behind a number for people: "bits"; "B": shown as KiB to TiB */
};

/* A row, with what it takes beside the first three as .field = value; and the commonest kind of row. */
#define HOST_FACT(g, k, w, ...)                                                                    \
	{                                                                                          \
		.group = (g), .key = (k), .words = (w), __VA_ARGS__                                \
	}
#define HOST_FACT_CAP(g, k, w, c) HOST_FACT(g, k, w, .ask = host_ask_cap, .cap = (c))

/*
 * Opens /dev/kvm and makes a VM to ask. Logs and returns -errno on failure, in the words that a
 * guest's start has for it; what can be asked without can be asked all the same. Close in any case.
 */
int host_open(struct host *host);
void host_close(struct host *host);

/* The facts that there are, group by group; NULL behind the last one. */
const struct host_fact *host_fact(unsigned index);

/* All facts: aligned lines for people, or one JSON object with an object a group. */
void host_print(struct host *host, FILE *out);
void host_print_json(struct host *host, FILE *out);
/* An answer to one of them, as host_print() would: a line. */
void host_print_answer(const struct host_fact *fact, json_t *answer, const char *why, FILE *out);

/* ---- for tables ---- */

/* KVM_CHECK_EXTENSION, of the VM if there is one: as it returns, negative when nobody can be asked. */
int host_cap(const struct host *host, int cap);

/*
 * Another VM like host's, for a question that changes it: the caller's descriptor, or logs and returns -errno. Where host
 * has none neither: -ENODEV, and nothing is logged again.
 */
int host_new_vm(const struct host *host);

/* fact->cap of the VM: yes if it is above 0. */
json_t *host_ask_cap(struct host *host, const struct host_fact *fact);
/* The same, yes with the number itself; 0 is KVM not telling. */
json_t *host_ask_cap_number(struct host *host, const struct host_fact *fact);
/* The same as a mask: names from fact->bits. */
json_t *host_ask_cap_bits(struct host *host, const struct host_fact *fact);
/* Can fact->path be opened? */
json_t *host_ask_node(struct host *host, const struct host_fact *fact);

/* The names of a mask's bits. */
json_t *host_names(u64 mask, const struct host_bit *bits);
void host_because(struct host *host, const char *fmt, ...) __printf(2, 3);

/* How many huge pages of each size are free, smallest first: {"2M": 3, "1G": 0}. The caller's reference. */
json_t *host_huge_pages(void);

/* The first line of a file, without its end. 0, or -errno with text empty. */
int host_read_line(const char *path, char *text, size_t size);

/* A parameter in a kernel command line, the last one given; '-' and '_' are the same. False: none. */
bool host_kernel_parameter(const char *cmdline, const char *name, char *value, size_t size);

/* Is "6.12.3-rc1" at least major.minor? */
bool host_release_at_least(const char *release, unsigned major, unsigned minor);

#endif
