/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table by which a measured firmware (OVMF's BlobVerifierLibSevHashes) knows kernel, initrd and command
 * line that it gets from elsewhere: SHA-256 of each, in QEMU's layout. Main thread.
 */
#ifndef X86_SNP_HASHES_H
#define X86_SNP_HASHES_H

#include "lkvm/boot/file.h"
#include "lkvm/util/sha2.h"

struct snp_hash_entry {
	u8 guid[16];
	le16 size; /* of all this entry */
	u8 hash[SHA256_SIZE];
} __packed;

struct snp_hashes {
	u8 guid[16];
	le16 size; /* of the table, without padding */
	struct snp_hash_entry cmdline, initrd, kernel;
	u8 padding[8];
} __packed;
_Static_assert(sizeof(struct snp_hash_entry) == 50 && sizeof(struct snp_hashes) == 176,
	       "as OVMF reads it");

/* No initrd: that of nothing. The files are read whole. Logs and returns -errno on failure. */
int snp_hashes_make(struct snp_hashes *hashes, const struct boot_file *kernel,
		    const struct boot_file *initrds, unsigned nr_initrds, const char *cmdline);

#endif
