// SPDX-License-Identifier: GPL-2.0-or-later
/* Which Linux is in a kernel's file. */
#include <stdlib.h>
#include <string.h>

#include "lkvm/boot/file.h"
#include "lkvm/boot/release.h"

/* A bzImage's setup header: where, behind its second sector's beginning, a string tells. */
#define BZIMAGE_MAGIC	0x202
#define BZIMAGE_VERSION 0x20e
#define BZIMAGE_BASE	0x200

/* Elsewhere it is in the data that a running kernel would print, within the first of this. */
#define SEARCH_SIZE MIB(64)
#define CHUNK	    ((ssize_t)MIB(1))
#define WORDS	    "Linux version "

/* Up to a blank: behind it is who built the kernel. */
static bool take_word(char *release, size_t size, const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && n < size - 1 && text[n] > ' ' && text[n] <= '~')
		n++;
	memcpy(release, text, n);
	release[n] = '\0';
	/* In the middle of other data it may be anything. */
	return n && release[0] >= '0' && release[0] <= '9';
}

static bool from_bzimage(const struct boot_file *file, char *release, size_t size)
{
	u8 head[BZIMAGE_VERSION + 2];
	char text[80];
	ssize_t got;

	if (boot_file_read(file, 0, head, sizeof(head)) != sizeof(head) ||
	    memcmp(head + BZIMAGE_MAGIC, "HdrS", 4))
		return false;
	got = head[BZIMAGE_VERSION] | head[BZIMAGE_VERSION + 1] << 8;
	if (!got)
		return false;
	got = boot_file_read(file, BZIMAGE_BASE + got, text, sizeof(text));
	return got > 0 && take_word(release, size, text, got);
}

/* The word may lie across the end of a piece: pieces overlap by as much as it can have. */
static bool from_words(const struct boot_file *file, char *release, size_t size)
{
	const size_t overlap = strlen(WORDS) + size;
	char *chunk = malloc(CHUNK);
	bool found = false;
	ssize_t got;

	for (u64 at = 0; chunk && !found && at < SEARCH_SIZE; at += CHUNK - overlap) {
		const char *hit = chunk, *end;

		got = boot_file_read(file, at, chunk, CHUNK);
		if (got <= 0)
			break;
		end = chunk + got;
		while (!found && (hit = memmem(hit, end - hit, WORDS, strlen(WORDS)))) {
			hit += strlen(WORDS);
			/* It may be cut: the next piece has it whole. */
			if (got == CHUNK && end - hit < (ssize_t)size)
				break;
			found = take_word(release, size, hit, end - hit);
		}
		if (got < CHUNK)
			break;
	}
	free(chunk);
	return found;
}

bool boot_file_release(const struct boot_file *file, char *release, size_t size)
{
	*release = '\0';
	if (from_bzimage(file, release, size) || from_words(file, release, size))
		return true;
	*release = '\0';
	return false;
}
