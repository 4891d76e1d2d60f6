// SPDX-License-Identifier: GPL-2.0-or-later
#include "lkvm/util/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(char *text, const void *bytes, size_t size)
{
	const u8 *from = bytes;

	for (size_t i = 0; i < size; i += 3, text += 4) {
		size_t there = MIN(size - i, (size_t)3);
		u32 bits = from[i] << 16;

		bits |= there > 1 ? from[i + 1] << 8 : 0;
		bits |= there > 2 ? from[i + 2] : 0;
		for (unsigned digit = 0; digit < 4; digit++)
			text[digit] = digit > there ? '=' : digits[bits >> (18 - 6 * digit) & 63];
	}
}
