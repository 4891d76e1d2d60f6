/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of the host's CPUs as taskset(1) and sysfs write them: "0-3,8,10-14:2". Any thread; no state. */
#ifndef LKVM_UTIL_CPULIST_H
#define LKVM_UTIL_CPULIST_H

#include <sched.h>
#include "lkvm/util/types.h"

/*
 * A newline may end the text. -EINVAL when they are no such list or an
 * empty one, -ERANGE for a CPU that cpu_set_t has no space for; logs nothing.
 */
int cpulist_parse(const char *text, cpu_set_t *set);

/* One line of the file, in the same form. -errno of its reading too; logs nothing. */
int cpulist_read(const char *path, cpu_set_t *set);

/* Are all of `part` in `whole`? */
bool cpulist_within(const cpu_set_t *part, const cpu_set_t *whole);

/* The lowest CPU of a set; -1 when it is empty. */
int cpulist_first(const cpu_set_t *set);

#endif
