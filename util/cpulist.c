// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lkvm/util/cpulist.h"

#define LINE_MAX_LENGTH 4096 /* sysfs writes no more than a page */

static bool cpulist_take(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

static int cpulist_number(const char **text, unsigned *value)
{
	char *end;

	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	*value = MIN(strtoul(*text, &end, 10), (unsigned long)UINT32_MAX);
	*text = end;
	return 0;
}

/* "N", "N-M" or "N-M:STEP" */
static int cpulist_range(const char **text, cpu_set_t *set)
{
	unsigned first, last, step = 1;
	int err = cpulist_number(text, &first);

	last = first;
	if (!err && cpulist_take(text, '-')) {
		err = cpulist_number(text, &last);
		if (!err && cpulist_take(text, ':'))
			err = cpulist_number(text, &step);
	}
	if (err || last < first || !step)
		return -EINVAL;
	if (last >= CPU_SETSIZE)
		return -ERANGE;
	for (unsigned cpu = first; cpu <= last; cpu += MIN(step, (unsigned)CPU_SETSIZE))
		CPU_SET(cpu, set);
	return 0;
}

int cpulist_parse(const char *text, cpu_set_t *set)
{
	int err;

	CPU_ZERO(set);
	do {
		err = cpulist_range(&text, set);
	} while (!err && cpulist_take(&text, ','));
	if (err)
		return err;
	cpulist_take(&text, '\n');
	return *text ? -EINVAL : 0;
}

int cpulist_read(const char *path, cpu_set_t *set)
{
	char line[LINE_MAX_LENGTH];
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, line, sizeof(line) - 1);
	err = -errno;
	close(fd);
	if (len < 0)
		return err;
	line[len] = '\0';
	return cpulist_parse(line, set);
}

bool cpulist_within(const cpu_set_t *part, const cpu_set_t *whole)
{
	cpu_set_t both;

	CPU_AND(&both, part, whole);
	return CPU_EQUAL(&both, part);
}

int cpulist_first(const cpu_set_t *set)
{
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, set))
			return cpu;
	}
	return -1;
}
