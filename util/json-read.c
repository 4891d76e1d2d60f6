// SPDX-License-Identifier: GPL-2.0-or-later
/* Recursive descent, as deep as JSON_MAX_DEPTH; all that is kept is the path to where we are. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/util/json.h"
#include "json-utf8.h"

struct reader {
	const char *p; /* never moved behind the NUL */
	int (*fn)(const struct json_value *value, void *arg);
	void *arg;
	unsigned depth;
	char path[JSON_MAX_PATH];
	char *text; /* no string is longer without its escapes and quotes than the whole with them */
};

static int read_value(struct reader *r);

static void skip_blanks(struct reader *r)
{
	r->p += strspn(r->p, " \t\r\n");
}

static bool take(struct reader *r, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(r->p, word, len))
		return false;
	r->p += len;
	return true;
}

static int tell(struct reader *r, enum json_kind kind, const char *text, u64 number)
{
	struct json_value value = { .path = r->path, .kind = kind, .text = text, .number = number };

	return r->fn(&value, r->arg);
}

/* ---- strings ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The four digits of an escape; -1: they are none. */
static s64 read_hex(struct reader *r)
{
	u32 c = 0;

	for (unsigned i = 0; i < 4; i++) {
		int digit = hex_digit(*r->p);

		if (digit < 0)
			return -1;
		c = c << 4 | digit;
		r->p++;
	}
	return c;
}

/* Behind "\u". Characters above U+FFFF are written as two escapes, a pair of surrogates. */
static s64 read_code_point(struct reader *r)
{
	s64 c = read_hex(r), low;

	if (c <= 0 || (c >= 0xdc00 && c < 0xe000))
		return -1;
	if (c < 0xd800 || c >= 0xe000)
		return c;
	if (!take(r, "\\u"))
		return -1;
	low = read_hex(r);
	if (low < 0xdc00 || low >= 0xe000)
		return -1;
	return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

static unsigned encode(u32 c, char out[4])
{
	unsigned length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const u8 first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (unsigned i = length - 1; i > 0; i--, c >>= 6)
		out[i] = 0x80 | (c & 0x3f);
	out[0] = first[length] | c;
	return length;
}

/* One character behind a backslash. Its length in `out`, 0: there is no such escape. */
static unsigned read_escape(struct reader *r, char out[4])
{
	static const char letters[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
	const char *letter;
	s64 c;

	if (take(r, "u")) {
		c = read_code_point(r);
		return c > 0 ? encode(c, out) : 0;
	}
	letter = *r->p ? strchr(letters, *r->p) : NULL;
	if (!letter)
		return 0;
	r->p++;
	out[0] = means[letter - letters];
	return 1;
}

/* One character as it is. */
static unsigned read_plain(struct reader *r, char out[4])
{
	const u8 *p = (const u8 *)r->p;
	unsigned length = *p < ' ' ? 0 : utf8_length(p);

	memcpy(out, p, length);
	r->p += length;
	return length;
}

/* Into r->text. */
static int read_string(struct reader *r)
{
	size_t len = 0;

	if (!take(r, "\""))
		return -EINVAL;
	while (!take(r, "\"")) {
		char c[4];
		unsigned length = take(r, "\\") ? read_escape(r, c) : read_plain(r, c);

		if (!length)
			return -EINVAL;
		memcpy(r->text + len, c, length);
		len += length;
	}
	r->text[len] = '\0';
	return 0;
}

/* ---- numbers ---- */

static bool skip_digits(struct reader *r)
{
	size_t digits = strspn(r->p, "0123456789");

	r->p += digits;
	return digits > 0;
}

/* False: it does not fit. */
static bool whole(const char *digits, const char *end, u64 *number)
{
	*number = 0;
	for (; digits < end; digits++)
		if (__builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, (u64)(*digits - '0'), number))
			return false;
	return true;
}

static int read_number(struct reader *r)
{
	bool other = take(r, "-");
	const char *digits = r->p;
	u64 number;

	if (!skip_digits(r) || (*digits == '0' && r->p > digits + 1))
		return -EINVAL;
	if (!whole(digits, r->p, &number))
		other = true;
	if (take(r, ".")) {
		other = true;
		if (!skip_digits(r))
			return -EINVAL;
	}
	if (take(r, "e") || take(r, "E")) {
		other = true;
		if (!take(r, "-"))
			take(r, "+");
		if (!skip_digits(r))
			return -EINVAL;
	}
	return tell(r, other ? JSON_OTHER_NUMBER : JSON_NUMBER, NULL, other ? 0 : number);
}

/* ---- what holds others ---- */

/* Puts `more` behind the path; false: too long. The caller cuts it off again. */
static bool lengthen(struct reader *r, const char *between, const char *more)
{
	size_t len = strlen(r->path), add = strlen(between) + strlen(more);

	if (len + add >= sizeof(r->path))
		return false;
	strcpy(stpcpy(r->path + len, between), more);
	return true;
}

static int read_member(struct reader *r)
{
	size_t len = strlen(r->path);
	int ret;

	skip_blanks(r);
	if (read_string(r) || !lengthen(r, len ? "." : "", r->text))
		return -EINVAL;
	skip_blanks(r);
	ret = take(r, ":") ? read_value(r) : -EINVAL;
	r->path[len] = '\0';
	return ret;
}

static int read_element(struct reader *r)
{
	size_t len = strlen(r->path);
	int ret = lengthen(r, "[", "]") ? read_value(r) : -EINVAL;

	r->path[len] = '\0';
	return ret;
}

/* Behind the opening bracket. */
static int read_many(struct reader *r, int (*one)(struct reader *r), const char *end)
{
	int ret;

	skip_blanks(r);
	if (take(r, end))
		return 0;
	for (;;) {
		ret = one(r);
		if (ret)
			return ret;
		skip_blanks(r);
		if (take(r, end))
			return 0;
		if (!take(r, ","))
			return -EINVAL;
	}
}

static int read_nested(struct reader *r, enum json_kind kind)
{
	int ret = tell(r, kind, NULL, 0);

	if (ret)
		return ret;
	if (r->depth == JSON_MAX_DEPTH)
		return -EINVAL;
	r->depth++;
	ret = kind == JSON_OBJECT ? read_many(r, read_member, "}")
				  : read_many(r, read_element, "]");
	r->depth--;
	return ret;
}

static int read_value(struct reader *r)
{
	skip_blanks(r);
	if (take(r, "{"))
		return read_nested(r, JSON_OBJECT);
	if (take(r, "["))
		return read_nested(r, JSON_LIST);
	if (*r->p == '"')
		return read_string(r) ?: tell(r, JSON_STRING, r->text, 0);
	if (take(r, "true"))
		return tell(r, JSON_BOOL, NULL, 1);
	if (take(r, "false"))
		return tell(r, JSON_BOOL, NULL, 0);
	if (take(r, "null"))
		return tell(r, JSON_NULL, NULL, 0);
	return read_number(r);
}

int json_read(const char *text, int (*fn)(const struct json_value *value, void *arg), void *arg)
{
	struct reader r = { .p = text, .fn = fn, .arg = arg };
	int ret;

	r.text = malloc(strlen(text) + 1);
	if (!r.text)
		return -ENOMEM;
	ret = read_value(&r);
	free(r.text);
	if (ret)
		return ret;
	skip_blanks(&r);
	return *r.p ? -EINVAL : 0;
}
