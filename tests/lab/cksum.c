// SPDX-License-Identifier: GPL-2.0-or-later
/* cksum, as POSIX has it, of standard input: busybox's lacks it in some builds. */
#include <stdint.h>
#include <stdio.h>

static uint32_t add(uint32_t sum, unsigned byte)
{
	sum ^= (uint32_t)byte << 24;
	for (int bit = 0; bit < 8; bit++)
		sum = sum << 1 ^ (sum >> 31 ? 0x04c11db7 : 0);
	return sum;
}

int main(void)
{
	unsigned long long len = 0;
	uint32_t sum = 0;

	for (int c; (c = getchar()) != EOF; len++)
		sum = add(sum, c);
	for (unsigned long long n = len; n; n >>= 8)
		sum = add(sum, n & 0xff);
	printf("%u %llu\n", (unsigned)~sum, len);
	return 0;
}
