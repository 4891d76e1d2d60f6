// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <stdio.h>

#include "json-utf8.h"
#include "lkvm/util/text.h"

void text_add(struct text *text, const char *fmt, ...)
{
	size_t room = sizeof(text->bytes) - text->len;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(text->bytes + text->len, room, fmt, args);
	va_end(args);
	if (len > 0)
		text->len += MIN((size_t)len, room - 1);
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
