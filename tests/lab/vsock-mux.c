// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's side of --vsock CID,path=SOCKET, and servers for the guest:
 *	vsock-mux connect SOCKET PORT	standard input to the guest's port, what comes back to standard output
 *	vsock-mux many SOCKET PORT N	N connections at once, each with a number that must come back
 *	vsock-mux receive PATH		of the first who connects to that Unix socket, to standard output
 *	vsock-mux messages PATH		echoes the messages of the first who connects to that Unix socket, of type SOCK_SEQPACKET
 *	vsock-mux echo PORT		in the guest: echoes what comes on each of many connections, until it is ended
 *	vsock-mux talk PORT		in the guest: messages of many lengths to the host's port, which must come back
 */
#include <errno.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MOST 1200

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int unix_socket(const char *path, int type, int listens)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (listens ? bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 8)
		    : connect(fd, (struct sockaddr *)&address, sizeof(address)))
		die(path);
	return fd;
}

static void write_all(int fd, const char *bytes, ssize_t len)
{
	for (ssize_t done = 0, n; done < len; done += n) {
		n = write(fd, bytes + done, len - done);
		if (n < 0)
			die("write");
	}
}

/* A line, byte by byte, as what follows is somebody else's. */
static void read_ok(int fd)
{
	char line[64];
	size_t len = 0;

	do {
		if (len == sizeof(line) || read(fd, &line[len], 1) != 1) {
			fprintf(stderr, "closed before OK\n");
			exit(3);
		}
	} while (line[len++] != '\n');
	if (strncmp(line, "OK ", 3))
		exit(4);
}

static int ask(const char *path, const char *port)
{
	int fd = unix_socket(path, SOCK_STREAM, 0);

	dprintf(fd, "CONNECT %s\n", port);
	return fd;
}

static int copy(int from, int to)
{
	static char bytes[65536];
	ssize_t n;

	while ((n = read(from, bytes, sizeof(bytes))) > 0)
		write_all(to, bytes, n);
	return n < 0 ? 1 : 0;
}

static int do_connect(const char *path, const char *port)
{
	int fd = ask(path, port);

	read_ok(fd);
	if (!fork()) {
		copy(STDIN_FILENO, fd);
		shutdown(fd, SHUT_WR);
		_exit(0);
	}
	return copy(fd, STDOUT_FILENO);
}

static void more_descriptors(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int do_many(const char *path, const char *port, int n)
{
	static int fds[MOST];

	more_descriptors();
	for (int i = 0; i < n; i++) {
		fds[i] = ask(path, port);
		read_ok(fds[i]);
	}
	for (int i = 0; i < n; i++)
		write_all(fds[i], (char *)&i, sizeof(i));
	for (int i = 0, back; i < n; i++)
		if (recv(fds[i], &back, sizeof(back), MSG_WAITALL) != sizeof(back) || back != i)
			return 1;
	printf("many: %d\n", n);
	return 0;
}

static int do_messages(const char *path)
{
	static char bytes[1 << 17];
	int fd = accept(unix_socket(path, SOCK_SEQPACKET, 1), NULL, NULL);
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		if (send(fd, bytes, n, 0) != n)
			die("send");
	return n < 0;
}

static _Noreturn void do_echo(const char *port)
{
	struct sockaddr_vm at = { .svm_family = AF_VSOCK,
				  .svm_cid = VMADDR_CID_ANY,
				  .svm_port = atoi(port) };
	static struct pollfd fds[MOST];
	static char bytes[65536];
	int nr = 1;

	more_descriptors();
	fds[0] = (struct pollfd){ socket(AF_VSOCK, SOCK_STREAM, 0), POLLIN, 0 };
	if (bind(fds[0].fd, (struct sockaddr *)&at, sizeof(at)) || listen(fds[0].fd, 128))
		die("listen");
	printf("echo\n");
	fflush(stdout);
	for (;;) {
		poll(fds, nr, -1);
		for (int i = nr - 1; i > 0; i--) {
			ssize_t n;

			if (!fds[i].revents)
				continue;
			n = read(fds[i].fd, bytes, sizeof(bytes));
			if (n > 0) {
				write_all(fds[i].fd, bytes, n);
				continue;
			}
			close(fds[i].fd);
			fds[i] = fds[--nr];
		}
		if (fds[0].revents && nr < MOST)
			fds[nr++] = (struct pollfd){ accept(fds[0].fd, NULL, NULL), POLLIN, 0 };
	}
}

static int do_talk(const char *port)
{
	struct sockaddr_vm to = { .svm_family = AF_VSOCK, .svm_cid = 2, .svm_port = atoi(port) };
	static char out[60000], in[70000];
	int fd = socket(AF_VSOCK, SOCK_SEQPACKET, 0), nr = 0;

	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		die("connect");
	for (int len = 1; len <= (int)sizeof(out); len = len * 3 + 1, nr++) {
		memset(out, 'a' + nr, len);
		if (send(fd, out, len, 0) != len || recv(fd, in, sizeof(in), 0) != len ||
		    memcmp(in, out, len))
			die("message");
	}
	printf("messages: %d\n", nr);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	if (!strcmp(what, "connect") && argc == 4)
		return do_connect(argv[2], argv[3]);
	if (!strcmp(what, "many") && argc == 5)
		return do_many(argv[2], argv[3], atoi(argv[4]));
	if (!strcmp(what, "receive"))
		return copy(accept(unix_socket(argv[2], SOCK_STREAM, 1), NULL, NULL),
			    STDOUT_FILENO);
	if (!strcmp(what, "messages"))
		return do_messages(argv[2]);
	if (!strcmp(what, "echo"))
		do_echo(argv[2]);
	if (!strcmp(what, "talk"))
		return do_talk(argv[2]);
	fprintf(stderr, "usage: vsock-mux connect|many|receive|messages|echo|talk ...\n");
	return 2;
}
