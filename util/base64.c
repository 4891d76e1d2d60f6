// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <nettle/base64.h>

#include "lkvm/util/base64.h"

ssize_t base64_decode(u8 *bytes, size_t size, const char *text, size_t len)
{
	struct base64_decode_ctx context;
	size_t done = 0;

	base64_decode_init(&context);
	for (size_t i = 0; i < len; i++) {
		u8 byte;
		int got = base64_decode_single(&context, &byte, text[i]);

		if (got < 0 || (got && done == size))
			return -EINVAL;
		if (got)
			bytes[done++] = byte;
	}
	return base64_decode_final(&context) ? (ssize_t)done : -EINVAL;
}
