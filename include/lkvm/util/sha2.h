/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SHA-256 and SHA-384 (FIPS 180-4), from libnettle where lkvm was built with it. What needs them asks
 * sha2_available() first and says what is missing. Any thread.
 */
#ifndef LKVM_UTIL_SHA2_H
#define LKVM_UTIL_SHA2_H

#include "lkvm/util/types.h"

#define SHA256_SIZE 32
#define SHA384_SIZE 48

/* Was libnettle there at build time? Without it everything below returns -EOPNOTSUPP or NULL. */
bool sha2_available(void);

/* `digest` of len bytes. 0 or -EOPNOTSUPP. */
int __must_check sha384(u8 digest[SHA384_SIZE], const void *data, size_t len);

/* The same in pieces. NULL: no memory, or no library. sha256_end() frees it; NULL is let pass. */
struct sha256;
struct sha256 *sha256_begin(void);
void sha256_add(struct sha256 *sha, const void *data, size_t len);
void sha256_end(struct sha256 *sha, u8 digest[SHA256_SIZE]);

#endif
