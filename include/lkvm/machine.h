/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one place that reads the configuration and assembles the guest. */
#ifndef LKVM_MACHINE_H
#define LKVM_MACHINE_H

struct config_kind;
struct vm_config;

/*
 * The kinds of devices there are, in the order in which a guest finds them; ends with NULL. Each is the
 * `config` of a struct device_kind.
 */
extern const struct config_kind *const machine_kinds[];

/*
 * Assembles the guest in guest order, runs it, takes everything down. Main thread. Returns what the
 * process should: an enum exit_status, or 128 + signal. Whatever went wrong has been logged.
 */
int machine_run(const struct vm_config *config);

#endif
