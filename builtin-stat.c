// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "lkvm/builtin.h"
#include "lkvm/exit_status.h"
#include "lkvm/host.h"
#include "lkvm/log.h"
#include "lkvm/nearest.h"

void builtin_stat_help(FILE *out)
{
	fputs("Usage: lkvm stat --host [--json]\n"
	      "Shows what this host and its KVM offer of what lkvm can use.\n"
	      "\n"
	      "      --host                  The host: kernel, devices, KVM's abilities\n"
	      "      --json                  As one JSON object, for programs\n"
	      "  -h, --help                  Show this\n"
	      "\n"
	      "Exit status: 0, or 241 when /dev/kvm cannot be used; what can be told without it is "
	      "told.\n",
	      out);
}

static int unknown(const char *word)
{
	struct nearest nearest = { .word = word };

	nearest_try(&nearest, "--host");
	nearest_try(&nearest, "--json");
	nearest_try(&nearest, "--help");
	if (nearest.best)
		log_error("stat: unknown option %s; did you mean %s?", word, nearest.best);
	else
		log_error("stat: '%s' has no meaning; 'lkvm stat --host' and 'lkvm stat --host "
			  "--json' would work",
			  word);
	return EXIT_USAGE;
}

static int show_host(bool json)
{
	struct host host;
	int error = host_open(&host), ret;

	if (json)
		host_print_json(&host, stdout);
	else
		host_print(&host, stdout);
	host_close(&host);
	ret = builtin_end_output();
	return ret ? ret : error ? EXIT_START : 0;
}

int builtin_stat(int argc, char **argv)
{
	bool host = false, json = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			builtin_stat_help(stdout);
			return builtin_end_output();
		}
		if (!strcmp(argv[i], "--host"))
			host = true;
		else if (!strcmp(argv[i], "--json"))
			json = true;
		else
			return unknown(argv[i]);
	}
	if (!host) {
		log_error("stat: of what? 'lkvm stat --host' shows what this host's KVM offers");
		return EXIT_USAGE;
	}
	return show_host(json);
}
