// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "lkvm/util/pass-fd.h"

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(PASS_FDS_MAX * sizeof(int))];
};

int pass_fds(int socket, const void *data, size_t len, const int *fds, unsigned nr)
{
	union control control = {};
	struct iovec iov = { (void *)data, len };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = CMSG_SPACE(nr * sizeof(int)) };

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(nr * sizeof(int));
	memcpy(CMSG_DATA(&control.header), fds, nr * sizeof(int));
	return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int take_fds(int socket, void *data, size_t len, int *fds, unsigned nr)
{
	union control control = {};
	struct iovec iov = { data, len };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control.space) };

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != (ssize_t)len ||
	    control.header.cmsg_len != CMSG_LEN(nr * sizeof(int)))
		return -EPIPE;
	memcpy(fds, CMSG_DATA(&control.header), nr * sizeof(int));
	return 0;
}
