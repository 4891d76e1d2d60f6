// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "lkvm/arch.h"
#include "lkvm/boot/zstd.h"
#include "lkvm/builtin.h"
#include "lkvm/config/exit-status.h"
#include "lkvm/net/backend.h"
#include "lkvm/util/log.h"
#include "lkvm/util/sha2.h"

static void version_help(FILE *out)
{
	fputs("Usage: lkvm version\n"
	      "Shows the version, the architecture and the libraries that were built in.\n",
	      out);
}

static int version_main(int argc, char **argv)
{
	char slirp[64] = "";

	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		version_help(stdout);
		return builtin_end_output();
	}
	if (argc > 1) {
		log_error("version takes nothing, so '%s' has no meaning", argv[1]);
		return EXIT_USAGE;
	}
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
	.print_help = version_help,
};
