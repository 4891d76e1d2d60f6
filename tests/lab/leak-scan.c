// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * leak-scan PID: prints how many pages in a process's writable memory begin as the secrets of the guest
 * tests/guest/x86/leak.c do. Only pages that are there are looked at: a look must not make one.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE  4096
#define WORDS 16

#define SECRET 0x5ec4e7a1U
#define STEP   0x9e3779b1U

static uint32_t secret[WORDS];
static int memory, pagemap;

static int is_there(uint64_t address)
{
	uint64_t entry;

	/* Present, or swapped out. */
	return pread(pagemap, &entry, sizeof(entry), address / PAGE * sizeof(entry)) ==
		       sizeof(entry) &&
	       entry >> 62;
}

static unsigned scan(uint64_t begin, uint64_t end)
{
	uint32_t words[WORDS];
	unsigned found = 0;

	for (uint64_t at = begin; at < end; at += PAGE)
		if (is_there(at) && pread(memory, words, sizeof(words), at) == sizeof(words) &&
		    !memcmp(words, secret, sizeof(words)))
			found++;
	return found;
}

static FILE *open_all(const char *pid)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/%s/mem", pid);
	memory = open(name, O_RDONLY);
	snprintf(name, sizeof(name), "/proc/%s/pagemap", pid);
	pagemap = open(name, O_RDONLY);
	snprintf(name, sizeof(name), "/proc/%s/maps", pid);
	return memory < 0 || pagemap < 0 ? NULL : fopen(name, "r");
}

int main(int argc, char **argv)
{
	uint64_t begin, end;
	unsigned found = 0;
	char line[512], flags[8];
	FILE *maps;

	if (argc != 2) {
		fprintf(stderr, "usage: leak-scan PID\n");
		return 2;
	}
	maps = open_all(argv[1]);
	if (!maps) {
		perror("leak-scan");
		return 1;
	}
	for (unsigned i = 0; i < WORDS; i++)
		secret[i] = SECRET + i * STEP;
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &begin, &end, flags) == 3 &&
		    flags[1] == 'w')
			found += scan(begin, end);
	printf("%u\n", found);
	return 0;
}
