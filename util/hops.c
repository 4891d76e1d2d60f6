// SPDX-License-Identifier: GPL-2.0-or-later
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lkvm/util/hops.h"
#include "lkvm/util/types.h"

/* By descriptor: what was set last, of either option. */
static struct {
	bool remember;
	int option; /* 0: nothing yet */
	int limit;
} hops[HOPS_SOCKETS];

static bool hops_has(int fd)
{
	return fd >= 0 && fd < HOPS_SOCKETS;
}

void hops_remember(int fd)
{
	if (!hops_has(fd))
		return;
	hops[fd].remember = true;
	hops[fd].option = 0;
}

void hops_forget(int fd)
{
	if (hops_has(fd))
		hops[fd].remember = false;
}

static bool is_hop_limit(int level, int option, socklen_t len)
{
	return len == sizeof(int) && ((level == IPPROTO_IP && option == IP_TTL) ||
				      (level == IPPROTO_IPV6 && option == IPV6_UNICAST_HOPS));
}

/*
 * In front of the C library's: the linker exports what a program has of a library's names, and the dynamic linker looks in
 * the program first. The two options have different numbers, so the level need not be remembered.
 */
int setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	int limit, err;

	if (!hops_has(fd) || !hops[fd].remember || !is_hop_limit(level, option, len))
		return syscall(SYS_setsockopt, fd, level, option, value, len);
	memcpy(&limit, value, sizeof(limit));
	if (hops[fd].option == option && hops[fd].limit == limit)
		return 0;
	err = syscall(SYS_setsockopt, fd, level, option, value, len);
	hops[fd].option = err ? 0 : option;
	hops[fd].limit = limit;
	return err;
}
