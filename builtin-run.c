// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>

#include "lkvm/builtin.h"
#include "lkvm/config/config.h"
#include "lkvm/config/exit-status.h"
#include "lkvm/util/log.h"
#include "lkvm/machine.h"
#include "lkvm/config/options.h"

#define MAX_DESCRIPTORS 4096

/* Tables from this size on are pages of the kernel's, zero already and nobody's until touched. */
#define LARGE_TABLE (32 << 10)

const struct option_set run_options = {
	.command = "run",
	.usage = "[OPTION...] [KERNEL]",
	.help = "Boots a kernel as a KVM guest, with the terminal as its console. Ctrl-A x ends it.\n",
	.tables = run_tables,
	.kinds = machine_kinds,
	.word = run_take_word,
	.statuses = (const struct exit_status_row *const[]){ exit_status_rows, NULL },
};

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

static int run_main(int argc, char **argv)
{
	struct vm_config config;
	int ret;

	if (!builtin_parse_run(&run_options, argc, argv, &config, &ret))
		goto out;
	ret = config_finish(&config);
	if (ret < 0) {
		ret = EXIT_START;
		goto out;
	}
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
	.name = "run",
	.help = "Boot a kernel as a guest",
	.run = run_main,
	.options = &run_options,
};
