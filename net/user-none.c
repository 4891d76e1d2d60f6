// SPDX-License-Identifier: GPL-2.0-or-later
/* The user-mode back end of a build without libslirp. */
#include "lkvm/net/backend.h"
#include "lkvm/util/log.h"

bool net_user_available(void)
{
	return false;
}

const char *net_user_library(void)
{
	return NULL;
}

struct net_backend *net_user_create(const struct net_config *config)
{
	log_error("--network mode=user: this lkvm was built without libslirp; use mode=tap, or a "
		  "build with libslirp");
	return NULL;
}
