// SPDX-License-Identifier: GPL-2.0-or-later
/* The programs of script= and downscript=. A helper becomes one: lkvm itself may then be where nothing can be executed. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lkvm/util/helper.h"
#include "lkvm/util/log.h"
#include "script.h"

/* To the helper, which answers with an errno if the program cannot be run. */
struct script_request {
	const char *path; /* of the configuration, which the helper has at the same address */
	char interface[IFNAMSIZ];
};

static int script_main(int fd)
{
	static char search_path[] =
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *environment[] = { search_path, NULL };
	struct script_request request;
	struct pollfd asked = { fd, POLLIN, 0 };
	int err;

	poll(&asked, 1, -1);
	if (recv(fd, &request, sizeof(request), 0) != sizeof(request))
		return 1;
	dup2(STDERR_FILENO, STDOUT_FILENO);
	execve(request.path, (char *[]){ (char *)request.path, request.interface, NULL },
	       environment);
	err = errno;
	send(fd, &err, sizeof(err), MSG_NOSIGNAL);
	return 1;
}

static const struct helper_kind script_kind = {
	.name = "lkvm-script",
	.main = script_main,
	.program = true,
};

static int script_run(struct helper *helper, const char *what, const struct script_request *request,
		      int ms)
{
	int err, status;
	char words[128];

	if (send(helper->fd, request, sizeof(*request), MSG_NOSIGNAL) < 0)
		return -errno;
	if (!helper_wait(helper, ms)) {
		helper_kill(helper);
		log_error(
			"--network %s=%s: run with %s, it had not ended after %d s, and was killed",
			what, request->path, request->interface, ms / 1000);
		return -EIO;
	}
	status = helper_status(helper);
	if (recv(helper->fd, &err, sizeof(err), MSG_DONTWAIT) == sizeof(err))
		return -err;
	if (!status)
		return 0;
	if (WIFSIGNALED(status))
		helper_words(status, words, sizeof(words));
	else
		snprintf(words, sizeof(words), "ended with status %d", WEXITSTATUS(status));
	log_error("--network %s=%s: run with %s, it %s", what, request->path, request->interface,
		  words);
	return -EIO;
}

/* "none" and "no" are what scripts for this command line write. */
const char *net_script(const char *path)
{
	return !path || !*path || !strcmp(path, "none") || !strcmp(path, "no") ? NULL : path;
}

int net_check_script(const char *what, const char *path)
{
	int err;

	if (!path || !faccessat(AT_FDCWD, path, X_OK, AT_EACCESS))
		return 0;
	err = -errno;
	log_error("--network %s=%s: cannot be run: %s", what, path, strerror(-err));
	return err;
}

int net_run_script(const char *what, const char *path, const char *interface, int ms)
{
	struct script_request request = { .path = path };
	struct helper helper;
	int err = helper_start(&helper, &script_kind);

	snprintf(request.interface, sizeof(request.interface), "%s", interface);
	if (!err) {
		err = script_run(&helper, what, &request, ms);
		helper_end(&helper, 0);
	}
	if (err && err != -EIO)
		log_error("--network %s=%s: cannot be run: %s", what, path, strerror(-err));
	return err;
}
