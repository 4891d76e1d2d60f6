/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base64 (RFC 4648), from libnettle where lkvm was built with it. Any thread. */
#ifndef LKVM_UTIL_BASE64_H
#define LKVM_UTIL_BASE64_H

#include "lkvm/util/types.h"

/*
 * Decodes `len` characters; blanks and line ends are skipped. Returns how many bytes there are, at most `size`; -EINVAL:
 * it is not base64, or is longer; -EOPNOTSUPP: built without libnettle.
 */
ssize_t __must_check base64_decode(u8 *bytes, size_t size, const char *text, size_t len);

/* Characters of `size` bytes in base64. */
#define BASE64_SIZE(size) (((size) + 2) / 3 * 4)

/* Writes BASE64_SIZE(size) characters, without a final 0. Needs no libnettle. */
void base64_encode(char *text, const void *bytes, size_t size);

#endif
