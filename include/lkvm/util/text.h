/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text for people: lines collected to be written at once, so that what two threads show does not mix, and words. */
#ifndef LKVM_UTIL_TEXT_H
#define LKVM_UTIL_TEXT_H

#include "lkvm/util/types.h"

struct text {
	char bytes[4096]; /* a string, for log_text(); begins as { .len = 0 } */
	size_t len;
};

/* As printf; what does not fit any more is left out. */
void text_add(struct text *text, const char *fmt, ...) __printf(2, 3);

/*
 * Somebody else's text, for a terminal: control characters (C0, DEL, C1) and bytes that are no UTF-8 become '?', so that it
 * stays one line and no escape sequence.
 */
void text_clean(char *text);

/* "1 second", "2 seconds". */
static inline const char *plural(u64 number)
{
	return number == 1 ? "" : "s";
}

#endif
