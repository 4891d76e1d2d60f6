// SPDX-License-Identifier: GPL-2.0-or-later
// options: -c 4 --psci
// status: 0
// output: psci ok
/* The same when lkvm serves PSCI. */
#include "psci.c"
