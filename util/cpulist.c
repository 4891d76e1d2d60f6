// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lkvm/util/cpulist.h"

#define LINE_MAX_LENGTH 4096 /* sysfs writes no more than a page */

struct text {
	const char *next, *end;
};

static bool take(struct text *text, char c)
{
	if (text->next == text->end || *text->next != c)
		return false;
	text->next++;
	return true;
}

static int number(struct text *text, unsigned *value)
{
	const char *begin = text->next;
	u64 n = 0;

	for (; text->next < text->end && *text->next >= '0' && *text->next <= '9'; text->next++)
		n = MIN(n * 10 + (u64)(*text->next - '0'), (u64)UINT32_MAX);
	*value = n;
	return text->next == begin ? -EINVAL : 0;
}

/* "N", "N-M" or "N-M:STEP" */
static int range(struct text *text, cpu_set_t *set)
{
	unsigned first, last, step = 1;
	int err = number(text, &first);

	last = first;
	if (!err && take(text, '-')) {
		err = number(text, &last);
		if (!err && take(text, ':'))
			err = number(text, &step);
	}
	if (err || last < first || !step)
		return -EINVAL;
	if (last >= CPU_SETSIZE)
		return -ERANGE;
	for (unsigned cpu = first; cpu <= last; cpu += MIN(step, (unsigned)CPU_SETSIZE))
		CPU_SET(cpu, set);
	return 0;
}

int cpulist_parse(const char *line, size_t len, cpu_set_t *set)
{
	struct text text = { .next = line, .end = line + len };
	int err;

	CPU_ZERO(set);
	do {
		err = range(&text, set);
	} while (!err && take(&text, ','));
	if (err)
		return err;
	take(&text, '\n');
	return text.next == text.end ? 0 : -EINVAL;
}

int cpulist_read(const char *path, cpu_set_t *set)
{
	char line[LINE_MAX_LENGTH];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, line, sizeof(line));
	if (len < 0)
		len = -errno;
	close(fd);
	return len < 0 ? len : cpulist_parse(line, len, set);
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
