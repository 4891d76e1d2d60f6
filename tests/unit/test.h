/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmocka and what it wants included before it; the Makefile has each test begin with this. */
#ifndef TEST_H
#define TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka 2 has other names for what cmocka 1 calls assert_in_range(), and a macro stop(). */
#define CMOCKA_DISABLE_DEPRECATION_WARNINGS
#include <cmocka.h>
#undef stop

#endif
