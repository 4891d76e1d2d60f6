// SPDX-License-Identifier: GPL-2.0-or-later
#include "lkvm/builtin.h"

const struct builtin arch_builtins[] = {
	{ NULL, NULL, NULL, NULL },
};
