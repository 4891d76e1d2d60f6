/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What older <sys/mman.h> lack. */
#ifndef UAPI_MMAN_H
#define UAPI_MMAN_H

#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

#endif
