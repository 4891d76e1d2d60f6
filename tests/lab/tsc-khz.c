// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints how fast this machine's time-stamp counter runs, in kHz. QEMU's emulated CPUs count with it,
 * and their kernel is told, because on a busy machine it may measure far off.
 */
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

int main(void)
{
	const struct timespec pause = { 0, 100000000 };
	unsigned long long from = __rdtsc(), to;
	double begin = now(), end;

	nanosleep(&pause, NULL);
	to = __rdtsc();
	end = now();
	printf("%.0f\n", (to - from) / (end - begin) / 1000);
	return 0;
}
