// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "lkvm/util/log.h"
#include "snp-hashes.h"

#define CHUNK	     4096
#define INITRD_ALIGN 4 /* as boot_initrd_load() pads them */

static const u8 guid_table[16] = { 0x06, 0xd6, 0x38, 0x94, 0x22, 0x4f, 0xc9, 0x4c,
				   0xb4, 0x79, 0xa7, 0x93, 0xd4, 0x11, 0xfd, 0x21 };
static const u8 guid_kernel[16] = { 0x37, 0x94, 0xe7, 0x4d, 0xd2, 0xab, 0x7f, 0x42,
				    0xb8, 0x35, 0xd5, 0xb1, 0x72, 0xd2, 0x04, 0x5b };
static const u8 guid_initrd[16] = { 0x31, 0xf7, 0xba, 0x44, 0x2f, 0x3a, 0xd7, 0x4b,
				    0x9a, 0xf1, 0x41, 0xe2, 0x91, 0x69, 0x78, 0x1d };
static const u8 guid_cmdline[16] = { 0xd8, 0x2d, 0xd0, 0x97, 0x20, 0xbd, 0x94, 0x4c,
				     0xaa, 0x78, 0xe7, 0x71, 0x4d, 0x36, 0xab, 0x2a };

static int add_file(struct sha256 *sha, const struct boot_file *file)
{
	u8 chunk[CHUNK];
	u64 at = 0;

	while (at < file->size) {
		ssize_t got = boot_file_read(file, at, chunk, MIN((u64)CHUNK, file->size - at));

		if (got <= 0) {
			log_fatal("Unable to read %s: %s", file->path,
				  got ? strerror(-got) : "it became shorter");
			return got ?: -ENODATA;
		}
		sha256_add(sha, chunk, got);
		at += got;
	}
	return 0;
}

/* Files as the guest gets them: one behind the other. */
static int hash_files(u8 *hash, const struct boot_file *files, unsigned nr)
{
	static const u8 padding[INITRD_ALIGN];
	struct sha256 *sha = sha256_begin();
	int err = sha ? 0 : -ENOMEM;
	u64 at = 0;

	for (unsigned i = 0; i < nr && !err; i++) {
		sha256_add(sha, padding, ALIGN_UP(at, INITRD_ALIGN) - at);
		at = ALIGN_UP(at, INITRD_ALIGN) + files[i].size;
		err = add_file(sha, &files[i]);
	}
	sha256_end(sha, hash);
	return err;
}

/* With its final 0. */
static int hash_text(u8 *hash, const char *text)
{
	struct sha256 *sha = sha256_begin();

	if (!sha)
		return -ENOMEM;
	sha256_add(sha, text, strlen(text) + 1);
	sha256_end(sha, hash);
	return 0;
}

static void make_entry(struct snp_hash_entry *entry, const u8 *guid)
{
	memcpy(entry->guid, guid, sizeof(entry->guid));
	entry->size = htole16(sizeof(*entry));
}

int snp_hashes_make(struct snp_hashes *hashes, const struct boot_file *kernel,
		    const struct boot_file *initrds, unsigned nr_initrds, const char *cmdline)
{
	memset(hashes, 0, sizeof(*hashes));
	if (!sha2_available()) {
		log_fatal("--kernel: its hash is wanted for the firmware, but this lkvm was built "
			  "without libnettle");
		return -EOPNOTSUPP;
	}
	memcpy(hashes->guid, guid_table, sizeof(hashes->guid));
	hashes->size = htole16(offsetof(struct snp_hashes, padding));
	make_entry(&hashes->cmdline, guid_cmdline);
	make_entry(&hashes->initrd, guid_initrd);
	make_entry(&hashes->kernel, guid_kernel);
	return hash_text(hashes->cmdline.hash, cmdline) ?:
	       hash_files(hashes->initrd.hash, initrds, nr_initrds) ?:
	       hash_files(hashes->kernel.hash, kernel, 1);
}
