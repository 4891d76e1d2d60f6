/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parser and config.c have in common about records of kinds (kind.c). */
#ifndef CONFIG_RECORDS_H
#define CONFIG_RECORDS_H

#include "lkvm/config/kind.h"

/* One with its defaults, from malloc. NULL: no memory. */
void *record_new(const struct config_kind *kind);

/*
 * Adds those that a guest has by default, then checks all. Logs and returns -errno on failure;
 * -ENOMEM is not logged.
 */
int records_finish(struct vm_config *config);
/* The first option of a kind of which there is one that shares guest memory with another process. NULL: none does. */
const char *records_memory_sharer(const struct vm_config *config);
void records_release(struct vm_config *config);

#endif
