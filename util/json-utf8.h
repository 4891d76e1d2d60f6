/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef JSON_UTF8_H
#define JSON_UTF8_H

#include "lkvm/util/types.h"

/*
 * How many bytes the well-formed character at `text`, a string, has; 0: it is none (a stray byte, cut short,
 * too long a form, a surrogate, above U+10FFFF).
 */
unsigned utf8_length(const u8 *text);

#endif
