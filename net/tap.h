/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tap back end does to its interface as an administrator would. Main thread. */
#ifndef LKVM_NET_TAP_H
#define LKVM_NET_TAP_H

#include "lkvm/util/types.h"

/* Gives it "A.B.C.D" or "A.B.C.D/LEN" (24 when LEN is left out). 0 or -errno, said. */
int tap_set_address(const char *name, const char *address);

/* Sets it up unless it is. Not being allowed to is a warning: somebody else may do it later. */
void tap_bring_up(const char *name);

/* Its MTU, or 1500. */
u16 tap_mtu(const char *name);

/* Its driver's name ("tap" and "tun" told apart), or NULL when it does not say. */
const char *tap_driver_of(const char *name, char *buffer, size_t len);

/*
 * Runs a program with the interface's name as its argument, and waits. stdin is /dev/null and stdout
 * is our stderr: both of ours may be the guest's console. 0 or -errno, said; `what` is the option.
 */
int net_run_script(const char *what, const char *path, const char *interface);

#endif
