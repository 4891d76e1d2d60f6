// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * poison PID OFFSET: has the kernel believe that the host's memory is broken where a process's mapping of a guest_memfd
 * has its page at that offset (decimal, or hexadecimal with 0x). The page must be there.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE	4096
#define PRESENT (UINT64_C(1) << 63)
#define PFN	((UINT64_C(1) << 55) - 1)

static int fail(const char *what)
{
	perror(what);
	return 1;
}

/* The address at which the process has that part of the file. 0: nowhere. */
static uint64_t find(const char *pid, uint64_t offset)
{
	uint64_t begin, end, file, found = 0;
	char path[64], line[512];
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	maps = fopen(path, "r");
	while (maps && !found && fgets(line, sizeof(line), maps)) {
		if (!strstr(line, "gmem") ||
		    sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64, &begin, &end, &file) != 3)
			continue;
		if (offset >= file && offset - file < end - begin)
			found = begin + (offset - file);
	}
	if (maps)
		fclose(maps);
	return found;
}

int main(int argc, char **argv)
{
	static const char offline[] = "/sys/devices/system/memory/hard_offline_page";
	uint64_t address = argc == 3 ? find(argv[1], strtoull(argv[2], NULL, 0)) : 0, entry;
	char path[64], text[32];
	int fd;

	if (!address)
		return fprintf(stderr,
			       "poison: no such process, or no such page of a guest_memfd\n"),
		       1;
	snprintf(path, sizeof(path), "/proc/%s/pagemap", argv[1]);
	fd = open(path, O_RDONLY);
	if (fd < 0 ||
	    pread(fd, &entry, sizeof(entry), address / PAGE * sizeof(entry)) != sizeof(entry))
		return fail(path);
	if (!(entry & PRESENT) || !(entry & PFN))
		return fprintf(stderr, "poison: the page is not there\n"), 1;
	snprintf(text, sizeof(text), "0x%" PRIx64, (entry & PFN) * PAGE);
	fd = open(offline, O_WRONLY);
	/* EBUSY: the page is marked, but stays where it is, as Linux 7.2 has it of guest_memfd. */
	if (fd < 0 || (write(fd, text, strlen(text)) < 0 && errno != EBUSY))
		return fail(offline);
	return 0;
}
