// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "lkvm/builtin.h"
#include "lkvm/exit_status.h"

int main(int argc, char **argv)
{
	const struct builtin *builtin;
	const char *name = argc > 1 ? argv[1] : NULL;

	if (!name) {
		builtin_print_usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h"))
		name = "help";
	if (!strcmp(name, "--version") || !strcmp(name, "-v"))
		name = "version";
	builtin = builtin_find(name);
	if (!builtin)
		return builtin_unknown(name);
	return builtin->run(argc - 1, argv + 1);
}
