// SPDX-License-Identifier: GPL-2.0-or-later
#include <dlfcn.h>

#include "libslirp.h"
#include "lkvm/net/backend.h"

#define SONAME "libslirp.so.0"

const char *libslirp_load(struct libslirp *lib)
{
	const struct {
		const char *name;
		void **to;
	} symbols[] = {
		{ "slirp_version_string", (void **)&lib->version_string },
		{ "slirp_new", (void **)&lib->new },
		{ "slirp_input", (void **)&lib->input },
		{ "slirp_pollfds_fill", (void **)&lib->pollfds_fill },
		{ "slirp_pollfds_poll", (void **)&lib->pollfds_poll },
		{ "slirp_add_hostxfwd", (void **)&lib->add_hostxfwd },
	};
	void *handle = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL);

	for (unsigned i = 0; handle && i < ARRAY_SIZE(symbols); i++) {
		*symbols[i].to = dlsym(handle, symbols[i].name);
		if (!*symbols[i].to)
			return SONAME " is older than 4.5.0";
	}
	return handle ? NULL : dlerror();
}

bool net_user_available(void)
{
	return true;
}

const char *net_user_library(void)
{
	struct libslirp lib;

	return libslirp_load(&lib) ? NULL : lib.version_string();
}
