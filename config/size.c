// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lkvm/config/size.h"

static const char unit_letters[] = "BKMGTP";

unsigned hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 36;
}

/*
 * strtoull() takes signs, leading blanks and silent wrap-around, none of which anybody means on a
 * command line.
 */
static int size_digits(const char **text, unsigned base, u64 *number)
{
	const char *p = *text;
	u64 n = 0;
	int ret = 0;

	if (hex_digit(*p) >= base)
		return -EINVAL;
	for (; hex_digit(*p) < base; p++) {
		if (__builtin_mul_overflow(n, base, &n) ||
		    __builtin_add_overflow(n, hex_digit(*p), &n))
			ret = -ERANGE; /* read on: what follows may not be a number at all */
	}
	*text = p;
	*number = n;
	return ret;
}

/* As C writes them: 0x200, 01000 and 512 are one number. */
static int digits_of_any_base(const char **text, u64 *number)
{
	const char *p = *text;

	if (p[0] == '0' && (p[1] | 0x20) == 'x' && hex_digit(p[2]) < 16) {
		*text += 2;
		return size_digits(text, 16, number);
	}
	return size_digits(text, p[0] == '0' ? 8 : 10, number);
}

int parse_size(const char *text, u64 default_unit, u64 *bytes, const char **rest)
{
	const char *letter;
	u64 unit = default_unit;
	int ret;

	ret = digits_of_any_base(&text, bytes);
	if (ret == -EINVAL)
		return ret;
	if (*text) {
		/* Both cases, as people write 512m; the bit that tells them apart in ASCII is 0x20. */
		letter = strchr(unit_letters, *text & ~0x20);
		if (letter && *letter) {
			unit = 1ULL << (10 * (letter - unit_letters));
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

const char *size_text(u64 bytes, char text[SIZE_TEXT])
{
	unsigned unit = 0;

	for (; bytes && !(bytes % 1024) && unit_letters[unit + 1]; unit++)
		bytes /= 1024;
	snprintf(text, SIZE_TEXT, "%" PRIu64 "%c", bytes, unit_letters[unit]);
	return text;
}

int parse_u64(const char *text, u64 max, u64 *number)
{
	int ret = digits_of_any_base(&text, number);

	if (ret == -EINVAL || *text)
		return -EINVAL;
	return ret || *number > max ? -ERANGE : 0;
}

int parse_ipv4(const char *text, struct in_addr *address, unsigned *bits)
{
	const char *slash = bits ? strchr(text, '/') : NULL;
	char copy[INET_ADDRSTRLEN];
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	u64 number = 24;

	if (len >= sizeof(copy))
		return -EINVAL;
	snprintf(copy, sizeof(copy), "%.*s", (int)len, text);
	if (inet_pton(AF_INET, copy, address) != 1 || (slash && parse_u64(slash + 1, 32, &number)))
		return -EINVAL;
	if (bits)
		*bits = number;
	return 0;
}
