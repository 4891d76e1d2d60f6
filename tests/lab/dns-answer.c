// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dns-answer ADDRESS PORT A.B.C.D: answers every DNS question asked over UDP with that address. The
 * emulated host has no name server, and a guest's user-mode network needs one to pass questions to.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER 12

/* Behind the question: a pointer to its name, type A, class IN, a minute, four bytes of address. */
static const unsigned char answer[] = { 0xc0, HEADER, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4 };

int main(int argc, char **argv)
{
	struct sockaddr_in own = { .sin_family = AF_INET }, from;
	unsigned char packet[512 + sizeof(answer) + 4];
	struct in_addr result;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (argc != 4 || !inet_aton(argv[1], &own.sin_addr) || !inet_aton(argv[3], &result)) {
		fprintf(stderr, "usage: dns-answer ADDRESS PORT A.B.C.D\n");
		return 2;
	}
	own.sin_port = htons(atoi(argv[2]));
	if (bind(fd, (struct sockaddr *)&own, sizeof(own))) {
		perror("dns-answer");
		return 1;
	}
	for (;;) {
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(fd, packet, 512, 0, (struct sockaddr *)&from, &size);
		unsigned char *question = packet + HEADER;
		size_t left = n - HEADER, at = 0;

		if (n < HEADER + 5)
			continue;
		while (at < left && question[at])
			at += question[at] + 1;
		at += 5; /* the root, type, class */
		if (at > left)
			continue;
		packet[2] |= 0x80; /* a response */
		packet[3] = 0x80;
		memset(packet + 6, 0, 6);
		if (question[at - 3] == 1) { /* type A; others have no answer */
			packet[7] = 1;
			memcpy(question + at, answer, sizeof(answer));
			memcpy(question + at + sizeof(answer), &result, 4);
			at += sizeof(answer) + 4;
		}
		sendto(fd, packet, HEADER + at, 0, (struct sockaddr *)&from, size);
	}
}
