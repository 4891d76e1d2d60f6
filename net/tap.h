/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tap back end does to its interface as an administrator would. Main thread; `control` is any socket. */
#ifndef LKVM_NET_TAP_H
#define LKVM_NET_TAP_H

#include "lkvm/util/types.h"

/* Gives it "A.B.C.D" or "A.B.C.D/LEN" (24 when LEN is left out). Logs and returns -errno on failure. */
int tap_set_address(int control, const char *name, const char *address);

/* Sets it up unless it is. Not being allowed to is a warning: somebody else may do it later. */
void tap_bring_up(int control, const char *name);

/* Its MTU, or 1500. */
u16 tap_mtu(int control, const char *name);

/* Its driver's name ("tap" and "tun" told apart), or NULL when it does not say. */
const char *tap_driver_of(int control, const char *name, char *buffer, size_t len);

#endif
