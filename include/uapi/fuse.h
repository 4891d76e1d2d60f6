/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What newer kernels speak of FUSE than the oldest supported <linux/fuse.h> (7.38) tells. */
#ifndef UAPI_FUSE_H
#define UAPI_FUSE_H

#include <linux/fuse.h>

/* INIT flags; those from bit 32 on are in flags2. */
#define FUSE_INIT_CREATE_SUPP_GROUP    (1ull << 34)
#define FUSE_INIT_DIRECT_IO_ALLOW_MMAP (1ull << 36) /* 7.39 */
#define FUSE_INIT_ALLOW_IDMAP	       (1ull << 40) /* 7.41 */

/* Open flags. */
#define FUSE_OPEN_PARALLEL_DIRECT_WRITES (1 << 6)

/* Requests. */
#define FUSE_OP_STATX		   52 /* 7.39 */
#define FUSE_OP_COPY_FILE_RANGE_64 53 /* 7.45 */

struct fuse_in_statx {
	uint32_t getattr_flags;
	uint32_t reserved;
	uint64_t fh;
	uint32_t sx_flags;
	uint32_t sx_mask;
};

/* Followed by 256 bytes as statx(2) has them, of which those from FUSE_STATX_USED on are reserved. */
struct fuse_out_statx {
	uint64_t attr_valid;
	uint32_t attr_valid_nsec;
	uint32_t flags;
	uint64_t spare[2];
};

#define FUSE_STATX_USED 144

struct fuse_out_copy_file_range_64 {
	uint64_t bytes_copied;
};

/* Extensions at the end of requests that make objects; types up to FUSE_MAX_NR_SECCTX are numbers of security contexts. */
struct fuse_extension {
	uint32_t size; /* this header included */
	uint32_t type;
};

_Static_assert(sizeof(struct fuse_in_header) == 40 && sizeof(struct fuse_out_header) == 16, "7.1");
_Static_assert(sizeof(struct fuse_attr) == 88 && sizeof(struct fuse_entry_out) == 128, "7.9");
_Static_assert(sizeof(struct fuse_init_out) == 64 && sizeof(struct fuse_init_in) == 64, "7.36");
_Static_assert(sizeof(struct fuse_setxattr_in) == 16, "7.33");
_Static_assert(sizeof(struct fuse_in_statx) == 24 && sizeof(struct fuse_out_statx) == 32, "7.39");

#endif
