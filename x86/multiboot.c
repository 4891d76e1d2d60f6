// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

/* Multiboot 0.6.96, 3.1.1: aligned to 4 bytes, all of it in the first 8192. */
#define MB1_MAGIC 0x1badb002
#define MB1_WORDS 3 /* magic, flags, checksum */
#define MB1_ALIGN 4
#define MB1_END	  8192

/* Multiboot 2.0, 3.1.1: aligned to 8 bytes, in the first 32768. */
#define MB2_MAGIC 0xe85250d6
#define MB2_WORDS 4 /* magic, architecture, length, checksum */
#define MB2_ALIGN 8
#define MB2_END	  32768

/* The words of a header add up to 0. */
static bool has_header(const u8 *head, size_t size, u32 magic, unsigned words, unsigned align)
{
	for (size_t at = 0; at + words * sizeof(le32) <= size; at += align) {
		u32 sum = 0;
		le32 word;

		memcpy(&word, head + at, sizeof(word));
		if (le32toh(word) != magic)
			continue;
		for (unsigned i = 0; i < words; i++) {
			memcpy(&word, head + at + i * sizeof(word), sizeof(word));
			sum += le32toh(word);
		}
		if (!sum)
			return true;
	}
	return false;
}

const char *x86_multiboot_kind(const struct boot_file *file)
{
	u8 *head = malloc(MB2_END);
	ssize_t got = head ? boot_file_read(file, 0, head, MB2_END) : 0;
	size_t size = MAX(got, 0);
	bool first = has_header(head, MIN(size, (size_t)MB1_END), MB1_MAGIC, MB1_WORDS, MB1_ALIGN);
	bool second = has_header(head, size, MB2_MAGIC, MB2_WORDS, MB2_ALIGN);

	free(head);
	if (first && second)
		return "Multiboot 1 and 2";
	if (second)
		return "Multiboot 2";
	return first ? "Multiboot 1" : NULL;
}
