/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fuzzer's input as a stream of choices; after its end everything is 0. */
#ifndef TEST_FUZZ_H
#define TEST_FUZZ_H

#include <string.h>
#include "lkvm/util/types.h"

struct fuzz {
	const u8 *data;
	size_t left;
};

static inline void fuzz_bytes(struct fuzz *f, void *to, size_t len)
{
	size_t n = MIN(f->left, len);

	memset(to, 0, len);
	if (n)
		memcpy(to, f->data, n);
	f->data += n;
	f->left -= n;
}

static inline u8 fuzz8(struct fuzz *f)
{
	u8 value;

	fuzz_bytes(f, &value, 1);
	return value;
}

static inline u16 fuzz16(struct fuzz *f)
{
	u16 value;

	fuzz_bytes(f, &value, 2);
	return value;
}

static inline u32 fuzz32(struct fuzz *f)
{
	u32 value;

	fuzz_bytes(f, &value, 4);
	return value;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#endif
