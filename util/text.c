// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <stdio.h>

#include "lkvm/text.h"

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
