// SPDX-License-Identifier: GPL-2.0-or-later

#include "lkvm/arch.h"
#include "lkvm/boot/zstd.h"
#include "lkvm/builtin.h"
#include "lkvm/net/backend.h"
#include "lkvm/util/sha2.h"

static int version_main(const struct builtin *command, int argc, char **argv)
{
	char slirp[64] = "";
	int status;

	if (!builtin_parse(&command->set, argc, argv, NULL, &status))
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
	.set = {
		.command = "version",
		.help = "Shows the version, the architecture and the libraries that were built in.\n",
		.tables = (const struct option_row *const[]){ option_help_rows, NULL },
	},
	.help = "Show the version and what was built in",
	.run = version_main,
};
