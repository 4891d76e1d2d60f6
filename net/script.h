/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The programs that script= and downscript= name. Main thread. */
#ifndef LKVM_NET_SCRIPT_H
#define LKVM_NET_SCRIPT_H

/* The program that the option's value names; NULL: none. */
const char *net_script(const char *value);

/* Could it be run, as far as can be seen? `what` is the option; path may be NULL. Logs and returns -errno. */
int net_check_script(const char *what, const char *path);

/*
 * Runs it with the interface's name as its argument, and waits `ms` (-1: as long as it takes), then kills it. stdin is
 * /dev/null and stdout is our stderr: both of ours may be the guest's console. After helpers_begin(), and `path` is from
 * before that. Logs and returns -errno, also when its status is not 0.
 */
int net_run_script(const char *what, const char *path, const char *interface, int ms);

#endif
