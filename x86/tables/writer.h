/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes one behind the other, in space of the caller's: what does not fit sets `failed`, and nothing more is written. */
#ifndef X86_WRITER_H
#define X86_WRITER_H

#include <string.h>
#include "lkvm/util/types.h"

struct writer {
	u8 *bytes;
	size_t size, len; /* bytes that fit, and that there are */
	bool failed;
};

static inline void writer_add(struct writer *writer, const void *bytes, size_t len)
{
	if (writer->failed || len > writer->size - writer->len) {
		writer->failed = true;
		return;
	}
	memcpy(writer->bytes + writer->len, bytes, len);
	writer->len += len;
}

/* A struct with these members, the others 0. */
#define WRITER_ADD(writer, type, ...) writer_add(writer, &(const type){ __VA_ARGS__ }, sizeof(type))

#endif
