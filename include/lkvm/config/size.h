/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers and sizes as people type them. */
#ifndef LKVM_CONFIG_SIZE_H
#define LKVM_CONFIG_SIZE_H

#include "lkvm/util/types.h"

struct in_addr;

/*
 * "512" (MiB), "512M", "2G", "1T", "4096K", "1048576B"; "0x200" and "01000" are 512. 0, -EINVAL when it is no size, -ERANGE when it
 * is too large for 64 bits; logs nothing. `rest`, if not NULL, gets what follows the number and
 * unit, else anything after it is an error.
 */
int parse_size(const char *text, u64 default_unit, u64 *bytes, const char **rest);

/* The shortest text that parse_size() takes for it: "2M", "64K". Returns `text`. */
#define SIZE_TEXT 32
const char *size_text(u64 bytes, char text[SIZE_TEXT]);

/*
 * A whole number: decimal, with 0x, or octal with a leading 0. 0, -EINVAL when it is none, -ERANGE
 * when it is above max; logs nothing.
 */
int parse_u64(const char *text, u64 max, u64 *number);

/*
 * "10.0.2.15", or, if bits is not NULL, "10.0.2.15/24" (0 to 32; 24 without). 0, or -EINVAL; nothing is said.
 */
int parse_ipv4(const char *text, struct in_addr *address, unsigned *bits);

/* The value of a hexadecimal digit; 16 or more: it is none. */
unsigned hex_digit(char c);

#endif
