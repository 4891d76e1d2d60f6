/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the user-mode network's two files. Main thread, before the guest runs. */
#ifndef LKVM_NET_USER_H
#define LKVM_NET_USER_H

#include <slirp/libslirp.h>

#include "lkvm/config.h"

/* Network, host, guest and name server into `slirp`. -EINVAL, said. */
int user_choose_addresses(const struct net_config *config, SlirpConfig *slirp);

/* One hostfwd=. -EINVAL or -EADDRINUSE, said. */
int user_add_forward(Slirp *slirp, const struct net_forward *forward);

#endif
