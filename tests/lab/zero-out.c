// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * zero-out DEVICE OFFSET LENGTH [punch]: zeroes a part of a block device, in a guest. With "punch" the
 * kernel may give the space back and must not write zeroes itself when the device cannot, so that
 * success means that a write-zeroes request was carried out.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	uint64_t range[2];
	int fd, ret;

	if (argc != 4 && argc != 5) {
		fprintf(stderr, "usage: zero-out DEVICE OFFSET LENGTH [punch]\n");
		return 2;
	}
	range[0] = strtoull(argv[2], NULL, 0);
	range[1] = strtoull(argv[3], NULL, 0);
	fd = open(argv[1], O_RDWR);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	if (argc == 5)
		ret = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, range[0], range[1]);
	else
		ret = ioctl(fd, BLKZEROOUT, range);
	if (ret) {
		perror("zero-out");
		return 1;
	}
	return close(fd) ? 1 : 0;
}
