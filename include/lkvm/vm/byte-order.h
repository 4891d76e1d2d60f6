/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The byte order of the guest, for legacy virtio. */
#ifndef LKVM_VM_BYTE_ORDER_H
#define LKVM_VM_BYTE_ORDER_H

#include "lkvm/util/types.h"

/*
 * From a bus handler: has the vCPU that did the access big-endian loads and stores, as
 * its registers are now? False on a thread that is no vCPU's.
 */
bool vcpu_big_endian(void);

#endif
