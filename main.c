// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lkvm/builtin.h"
#include "lkvm/config/exit-status.h"
#include "lkvm/util/log.h"

/*
 * Started with one of the three closed, the next open() would take its number, and the guest's
 * console output would go into a disk image, or a list of guests to a guest as requests.
 */
static int fill_standard_fds(void)
{
	int fd;

	for (fd = 0; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		/* All below fd are open by now, so this gets fd. */
		if (open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) != fd)
			return -errno;
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct builtin *builtin;
	const char *name = argc > 1 ? argv[1] : NULL;
	int err = fill_standard_fds();

	if (err) {
		log_fatal("/dev/null: %s", strerror(-err));
		return EXIT_START;
	}
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
	return builtin->run(builtin, argc - 1, argv + 1);
}
