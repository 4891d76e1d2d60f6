// SPDX-License-Identifier: GPL-2.0-or-later
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>

#include "lkvm/builtin.h"
#include "lkvm/config/exit-status.h"
#include "lkvm/util/log.h"
#include "lkvm/machine.h"

#define MAX_DESCRIPTORS 4096

/* Tables from this size on are pages of the kernel's, zero already and nobody's until touched. */
#define LARGE_TABLE (32 << 10)

/*
 * A guest's user-mode network opens a socket for each connection of the guest. Some containers allow a
 * process a million descriptors; no guest needs more than these.
 */
static void bound_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur <= MAX_DESCRIPTORS)
		return;
	limit.rlim_cur = MAX_DESCRIPTORS;
	setrlimit(RLIMIT_NOFILE, &limit);
}

bool builtin_parse_run(const struct option_set *set, int argc, char **argv,
		       struct vm_config *config, int *status)
{
	config_init(config, set);
	if (!builtin_parse(set, argc, argv, config, status))
		return false;
	log_set_level(config->loglevel);
	return true;
}

/* musl's malloc() has no such threshold to set. */
static void keep_tables_apart(void)
{
#ifdef M_MMAP_THRESHOLD
	mallopt(M_MMAP_THRESHOLD, LARGE_TABLE);
#endif
}

static int run_main(const struct builtin *command, int argc, char **argv)
{
	struct vm_config config;
	int ret;

	if (!builtin_parse_run(&command->set, argc, argv, &config, &ret))
		goto out;
	ret = EXIT_START;
	if (config_finish(&config))
		goto out;
	/* A reader of our output that goes away must not take the guest's disks with it. */
	signal(SIGPIPE, SIG_IGN);
	/* Nor must a limit on the size of files, which is an error to what writes. */
	signal(SIGXFSZ, SIG_IGN);
	bound_descriptors();
	keep_tables_apart();
	ret = machine_run(&config);
out:
	config_release(&config);
	return ret;
}

const struct builtin builtin_run = {
	.set = {
		.command = "run",
		.usage = "[OPTION...] [KERNEL]",
		.help = "Boots a kernel as a KVM guest, with the terminal as its console. Ctrl-A x ends it.\n",
		.tables = run_tables,
		.kinds = machine_kinds,
		.word = run_take_word,
		.statuses = STATUS_OF_RUN,
	},
	.help = "Boot a kernel as a guest",
	.run = run_main,
};
