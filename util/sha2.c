// SPDX-License-Identifier: GPL-2.0-or-later
#include <nettle/sha2.h>
#include <stdlib.h>

#include "lkvm/util/sha2.h"

_Static_assert(SHA256_DIGEST_SIZE == SHA256_SIZE && SHA384_DIGEST_SIZE == SHA384_SIZE,
	       "FIPS 180-4");

struct sha256 {
	struct sha256_ctx context;
};

bool sha2_available(void)
{
	return true;
}

int sha384(u8 digest[SHA384_SIZE], const void *data, size_t len)
{
	struct sha384_ctx context;

	sha384_init(&context);
	sha384_update(&context, len, data);
	sha384_digest(&context, SHA384_SIZE, digest);
	return 0;
}

struct sha256 *sha256_begin(void)
{
	struct sha256 *sha = malloc(sizeof(*sha));

	if (sha)
		sha256_init(&sha->context);
	return sha;
}

void sha256_add(struct sha256 *sha, const void *data, size_t len)
{
	sha256_update(&sha->context, len, data);
}

void sha256_end(struct sha256 *sha, u8 digest[SHA256_SIZE])
{
	if (!sha)
		return;
	sha256_digest(&sha->context, SHA256_SIZE, digest);
	free(sha);
}
