// SPDX-License-Identifier: GPL-2.0-or-later
/* Built without libnettle. */
#include <errno.h>

#include "lkvm/util/base64.h"
#include "lkvm/util/sha2.h"

bool sha2_available(void)
{
	return false;
}

int sha384(u8 digest[SHA384_SIZE], const void *data, size_t len)
{
	return -EOPNOTSUPP;
}

struct sha256 *sha256_begin(void)
{
	return NULL;
}

void sha256_add(struct sha256 *sha, const void *data, size_t len)
{
}

void sha256_end(struct sha256 *sha, u8 digest[SHA256_SIZE])
{
}

ssize_t base64_decode(u8 *bytes, size_t size, const char *text, size_t len)
{
	return -EOPNOTSUPP;
}
