/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kind of device as the command line sees it: its options, and the record that they fill for each device
 * of that kind which a guest gets. A configuration keeps records by kind, so that a new kind adds no
 * field to it. Which kinds there are the caller says (config_init). The rest of a kind: vm/device-kind.h.
 */
#ifndef LKVM_CONFIG_KIND_H
#define LKVM_CONFIG_KIND_H

#include <stddef.h>
#include "lkvm/util/types.h"

struct option_row;
struct vm_config;

struct config_kind {
	const char *name; /* "rng" */
	unsigned max;	  /* so many a guest may have; 0: records are not used */
	size_t size; /* bytes of a record, a structure of the kind's own; 0: there is nothing to know */
	/* Its options; ends with an empty row. NULL: none. Most are one row of type OPTION_DEVICE. */
	const struct option_row *rows;
	const char *group; /* under which heading of --help they are: an OPTION_GROUP_... */
	/* A record's defaults, before options fill it. NULL: all is zero. */
	void (*init)(void *record);
	/*
	 * Is there one of these even if nobody asked, and nobody refused? Then it makes its record, after
	 * init. Not called with --nodefaults. NULL: no.
	 */
	bool (*by_default)(void *record);
	/*
	 * Each record against everything else that was asked for, when all is known (config_finish). Logs
	 * and returns -errno. NULL: nothing to look at.
	 */
	int (*check)(const struct vm_config *config, const void *record, unsigned index);
	/*
	 * Another kind's option, by its name, may be meant for this kind: true, and the record is prepared for it. The
	 * value is then read by the first of `rows`. NULL: no option is.
	 */
	const char *claims;
	bool (*claim)(const char *value, void *record);
	/* Words for the kernel's command line, before what was given with --params. NULL, or returns NULL: none. */
	const char *(*parameters)(const void *record);
	/* Is this one served by another process, which has guest memory too? NULL: no. */
	bool (*shares_memory)(const void *record);
};

/* How many records there are of a kind, and each of them, for 0 <= index < their number. */
unsigned config_count(const struct vm_config *config, const struct config_kind *kind);
const void *config_record(const struct vm_config *config, const struct config_kind *kind,
			  unsigned index);

/*
 * For who parses: adds a copy of `record`, or, for a kind of which there can be only one, replaces it. 0,
 * -ENOSPC when there are as many as there may be, or -ENOMEM; logs nothing.
 */
int config_add(struct vm_config *config, const struct config_kind *kind, const void *record);
/* None, and none by default either. 0 or -ENOMEM. */
int config_remove_all(struct vm_config *config, const struct config_kind *kind);

#endif
