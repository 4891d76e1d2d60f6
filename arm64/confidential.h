/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which kinds of guests hide something from the host: none, or those that pKVM protects. */
#ifndef ARM64_CONFIDENTIAL_H
#define ARM64_CONFIDENTIAL_H

#include "lkvm/vm/confidential.h"

/* The row that the configuration chooses. */
const struct confidential_ops *arm64_confidential(const struct vm_config *config);

#endif
