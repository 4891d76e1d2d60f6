// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bytes over AF_VSOCK, in guests and on the host:
 *	vsock-cat send CID PORT    standard input to who listens there, then waits until that one closes
 *	vsock-cat receive PORT     of the first who connects, to standard output; says "listening" on standard error before
 */
#include <linux/vm_sockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int failed(const char *what)
{
	perror(what);
	return 1;
}

static int copy(int from, int to)
{
	static char bytes[65536];
	ssize_t n, m;

	while ((n = read(from, bytes, sizeof(bytes))) > 0)
		for (ssize_t done = 0; done < n; done += m)
			if ((m = write(to, bytes + done, n - done)) < 0)
				return failed("write");
	return n < 0 ? failed("read") : 0;
}

static int send_all(int fd, const struct sockaddr_vm *to)
{
	char byte;

	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)))
		return failed("connect");
	if (copy(STDIN_FILENO, fd))
		return 1;
	shutdown(fd, SHUT_WR);
	return read(fd, &byte, 1) < 0 ? failed("read") : 0;
}

static int receive_all(int fd, const struct sockaddr_vm *at)
{
	if (bind(fd, (const struct sockaddr *)at, sizeof(*at)) || listen(fd, 1))
		return failed("listen");
	fputs("listening\n", stderr);
	fd = accept(fd, NULL, NULL);
	return fd < 0 ? failed("accept") : copy(fd, STDOUT_FILENO);
}

int main(int argc, char **argv)
{
	struct sockaddr_vm address = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY };
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	if (fd < 0)
		return failed("socket");
	if (argc == 4 && !strcmp(argv[1], "send")) {
		address.svm_cid = strtoul(argv[2], NULL, 0);
		address.svm_port = strtoul(argv[3], NULL, 0);
		return send_all(fd, &address);
	}
	if (argc == 3 && !strcmp(argv[1], "receive")) {
		address.svm_port = strtoul(argv[2], NULL, 0);
		return receive_all(fd, &address);
	}
	fprintf(stderr, "usage: vsock-cat send CID PORT | receive PORT\n");
	return 2;
}
