// SPDX-License-Identifier: GPL-2.0-or-later
// options: -c 2 --psci
// status: 0
// output: suspend ok
/* The same when lkvm serves PSCI. */
#include "suspend.c"
