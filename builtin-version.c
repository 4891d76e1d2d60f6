// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "lkvm/arch.h"
#include "lkvm/boot/zstd.h"
#include "lkvm/builtin.h"
#include "lkvm/config/options.h"
#include "lkvm/net/backend.h"
#include "lkvm/util/sha2.h"

static const struct option_set options = {
	.command = "version",
	.help = "Shows the version, the architecture and the libraries that were built in.\n",
	.tables = (const struct option_row *const[]){ option_help_rows, NULL },
};

static int version_main(int argc, char **argv)
{
	char slirp[64] = "";
	int status;

	if (!builtin_parse(&options, argc, argv, NULL, &status))
		return status;
	if (net_user_available())
		snprintf(slirp, sizeof(slirp), " libslirp (%s)",
			 net_user_library() ?: "not installed");
	printf("lkvm %s\narchitecture: %s\nbuilt with: libaio zlib libjansson%s%s%s\n",
	       LKVM_VERSION, arch_name, boot_zstd_available() ? " libzstd" : "",
	       sha2_available() ? " libnettle" : "", slirp);
	return builtin_end_output();
}

const struct builtin builtin_version = {
	.name = "version",
	.help = "Show the version and what was built in",
	.run = version_main,
	.options = &options,
};
