// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <stdio.h>

#include "lkvm/util/text.h"

void text_add(struct text *text, const char *fmt, ...)
{
	size_t space = sizeof(text->bytes) - text->len;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(text->bytes + text->len, space, fmt, args);
	va_end(args);
	if (len > 0)
		text->len += MIN((size_t)len, space - 1);
}

/* How many bytes the well-formed character at `text` has; 0: a stray byte, cut short, too long a form, a surrogate, above U+10FFFF. */
static unsigned utf8_length(const u8 *text)
{
	static const u32 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned length, i;
	u32 c = text[0];

	if (c < 0x80)
		return 1;
	length = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	c &= 0x7fu >> length;
	for (i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (text[i] & 0x3f);
	}
	if (c < least[length] || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
		return 0;
	return length;
}

void text_clean(char *text)
{
	u8 *p = (u8 *)text;

	while (*p) {
		unsigned length = utf8_length(p);
		bool c1 = p[0] == 0xc2 && p[1] < 0xa0;

		if (!length || c1 || *p < ' ' || *p == 0x7f)
			*p++ = '?';
		else
			p += length;
	}
}
