// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/options.h"

/*
 * strtoull() takes signs, leading blanks and silent wrap-around, none of which anybody means on a
 * command line.
 */
static int digits(const char **text, u64 *number)
{
	const char *p = *text;
	u64 n = 0;
	int ret = 0;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (u64)(*p - '0'), &n))
			ret = -ERANGE; /* read on: what follows may not be a number at all */
	}
	*text = p;
	*number = n;
	return ret;
}

int parse_number(const char *text, u64 max, u64 *number)
{
	int ret = digits(&text, number);

	if (ret == -EINVAL || *text)
		return -EINVAL;
	if (ret < 0 || *number > max)
		return -ERANGE;
	return 0;
}

int parse_size(const char *text, u64 default_unit, u64 *bytes, const char **rest)
{
	static const char letters[] = "BKMGTP";
	const char *letter;
	u64 unit = default_unit;
	int ret;

	ret = digits(&text, bytes);
	if (ret == -EINVAL)
		return ret;
	if (*text) {
		/* Both cases, as people write 512m; the bit that tells them apart in ASCII is 0x20. */
		letter = strchr(letters, *text & ~0x20);
		if (letter && *letter) {
			unit = 1ULL << (10 * (letter - letters));
			text++;
		}
	}
	if (rest)
		*rest = text;
	else if (*text)
		return -EINVAL;
	if (ret < 0 || __builtin_mul_overflow(*bytes, unit, bytes))
		return -ERANGE;
	return 0;
}

int parse_u64(const char *text, u64 max, u64 *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 0);
	/* strtoull takes a minus sign, and blanks before it. */
	if (*end || end == text || *text < '0' || *text > '9')
		return -EINVAL;
	return errno || *number > max ? -ERANGE : 0;
}
