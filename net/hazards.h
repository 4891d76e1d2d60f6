/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames that libslirp is known to be endangered by, beyond pieces (fragments.h). A later libslirp may have mended it; the
 * one that is installed need not have.
 */
#ifndef LKVM_NET_HAZARDS_H
#define LKVM_NET_HAZARDS_H

#include "packet.h"

/*
 * Makes a guest's whole frame harmless. False: it must not go on. `host` is the gateway's IPv4 address, in
 * the host's byte order.
 */
bool hazards_mend(u32 host, struct packet *packet);

#endif
