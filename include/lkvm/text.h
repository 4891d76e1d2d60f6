/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines collected to be written at once, so that what two threads show does not mix. */
#ifndef LKVM_TEXT_H
#define LKVM_TEXT_H

#include "lkvm/types.h"

struct text {
	char bytes[4096]; /* a string, for log_text(); begins as { .len = 0 } */
	size_t len;
};

/* As printf; what does not fit any more is left out. */
void text_add(struct text *text, const char *fmt, ...) __printf(2, 3);

#endif
