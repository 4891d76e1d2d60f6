/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this host and its KVM offer of everything lkvm uses. A table of facts, one row a fact: its key
 * for programs, its words for people, and how to ask. host/host.c has the rows that every architecture
 * has, arch_host_facts[] the others. A question that gets no answer is a fact that is not known, never an
 * error. Main thread.
 */
#ifndef LKVM_HOST_HOST_H
#define LKVM_HOST_HOST_H

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
	int vm_fd; /* a VM without memory, only to be asked */
};

enum host_answer_kind {
	HOST_UNKNOWN,
	HOST_NO,
	HOST_YES,
	HOST_NUMBER,
	HOST_TEXT,
	HOST_NAMES,   /* any number of names */
	HOST_NUMBERS, /* any number of numbers */
	HOST_COUNTS,  /* names with a number each */
};

#define HOST_MAX_ITEMS 32

struct host_answer {
	enum host_answer_kind kind;
	u64 number;
	char text[160];
	char why[160]; /* what explains it, or what would help; "": nothing */
	unsigned nr_items;
	struct {
		char name[24];
		u64 number;
	} items[HOST_MAX_ITEMS];
};

/* Names of a mask's bits; ends with a NULL name. Bits without one are told as "bit N". */
struct host_bit {
	unsigned bit;
	const char *name;
};

struct host_fact {
	enum host_group group;
	const char *key;   /* letters, digits and '_', unique in its group; NULL ends a table */
	const char *words; /* no colon, no full stop */
	void (*ask)(struct host *host, const struct host_fact *fact, struct host_answer *answer);
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

/* Every fact there is, group by group. Calls fn for each; non-zero stops and is returned. */
int host_for_each_fact(int (*fn)(const struct host_fact *fact, void *arg), void *arg);

/* All facts: aligned lines for people, or one JSON object with an object a group. */
void host_print(struct host *host, FILE *out);
void host_print_json(struct host *host, FILE *out);
/* One of them, as host_print() would: a line. */
void host_print_answer(const struct host_fact *fact, const struct host_answer *answer, FILE *out);

/* ---- for tables ---- */

/* KVM_CHECK_EXTENSION, of the VM if there is one: as it returns, negative when nobody can be asked. */
int host_cap(const struct host *host, int cap);

/*
 * Another VM like host's, for a question that changes it: the caller's descriptor, or logs and returns -errno. Where host
 * has none neither: -ENODEV, and nothing is logged again.
 */
int host_new_vm(const struct host *host);

/* fact->cap of the VM: yes if it is above 0. */
void host_ask_cap(struct host *host, const struct host_fact *fact, struct host_answer *answer);
/* The same, yes with the number itself; 0 is KVM not telling. */
void host_ask_cap_number(struct host *host, const struct host_fact *fact,
			 struct host_answer *answer);
/* The same as a mask: names from fact->bits. */
void host_ask_cap_bits(struct host *host, const struct host_fact *fact, struct host_answer *answer);
/* Can fact->path be opened? */
void host_ask_node(struct host *host, const struct host_fact *fact, struct host_answer *answer);

void host_say(struct host_answer *answer, bool yes);
void host_say_number(struct host_answer *answer, u64 number);
void host_say_text(struct host_answer *answer, const char *fmt, ...) __printf(2, 3);
void host_say_bits(struct host_answer *answer, u64 mask, const struct host_bit *bits);
/* Add to the kind that the name says; what does not fit is left out. */
void host_add_name(struct host_answer *answer, const char *name);
void host_add_number(struct host_answer *answer, u64 number);
void host_add_count(struct host_answer *answer, const char *name, u64 number);
void host_because(struct host_answer *answer, const char *fmt, ...) __printf(2, 3);

/* The first line of a file, without its end. 0, or -errno with text empty. */
int host_read_line(const char *path, char *text, size_t size);

/* A loaded module's parameter. 0, or -errno with value empty. */
int host_module_parameter(const char *module, const char *name, char *value, size_t size);

/* A parameter in a kernel command line, the last one given; '-' and '_' are the same. False: none. */
bool host_kernel_parameter(const char *cmdline, const char *name, char *value, size_t size);

/* Is "6.12.3-rc1" at least major.minor? */
bool host_release_at_least(const char *release, unsigned major, unsigned minor);

#endif
