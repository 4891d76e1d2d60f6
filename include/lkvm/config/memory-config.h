/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What guest RAM is made of: what was asked for. How it is made: memory/backends.h. */
#ifndef LKVM_CONFIG_MEMORY_CONFIG_H
#define LKVM_CONFIG_MEMORY_CONFIG_H

#include "lkvm/util/types.h"

enum memory_kind {
	MEMORY_ANONYMOUS,   /* this process's own */
	MEMORY_MEMFD,	    /* a file without a name, that can be shared with another process */
	MEMORY_HUGETLB,	    /* the same of the host's reserved huge pages */
	MEMORY_HUGETLBFS,   /* a file of huge pages in a hugetlbfs mounted somewhere */
	MEMORY_FILE,	    /* a file with a name */
	MEMORY_GUEST_MEMFD, /* KVM's own file */
	MEMORY_NR_KINDS
};

struct memory_config {
	enum memory_kind kind;
	bool chosen;	  /* by an option; else it may become one that can be shared */
	const char *path; /* HUGETLBFS: a folder; FILE: the file */
	u64 huge_page;	  /* HUGETLB: bytes of a page; 0: the host's default */
	bool prealloc;	  /* every page is there before the guest starts */
};

/* Their names for --mem-backend, in the enum's order, ended by NULL. Options' (config/options-memory.c). */
extern const char *const memory_kind_names[];

#endif
