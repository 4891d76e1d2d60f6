// SPDX-License-Identifier: GPL-2.0-or-later
/* Guest RAM of the huge pages that a host has put aside (Documentation/admin-guide/mm/hugetlbpage.rst in Linux). */
#include <linux/magic.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lkvm/util/log.h"
#include "lkvm/memory/backends.h"

#define POOLS	   "/sys/kernel/mm/hugepages"
#define POOL	   "hugepages-"
#define SIZE_SHIFT 26 /* MFD_HUGE_SHIFT */

/* The guest may run, where no path can be looked up: it is a name in a folder that was opened. */
static u64 pool_number(const struct guest_memory *memory, const char *what)
{
	int fd = openat(memory->pool, what, O_RDONLY | O_CLOEXEC);
	char text[32] = "";

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		*text = '\0';
	close(fd);
	return strtoull(text, NULL, 10);
}

static void open_pool(struct guest_memory *memory)
{
	char path[64];

	snprintf(path, sizeof(path), POOLS "/" POOL "%llukB",
		 (unsigned long long)memory->page >> 10);
	memory->pool = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Free ones may be promised already; others may be made on demand. */
static u64 pages_left(const struct guest_memory *memory)
{
	u64 unpromised = pool_number(memory, "free_hugepages");
	u64 promised = pool_number(memory, "resv_hugepages");
	u64 more = pool_number(memory, "nr_overcommit_hugepages");
	u64 made = pool_number(memory, "surplus_hugepages");

	return unpromised - MIN(unpromised, promised) + more - MIN(more, made);
}

/* "2M", "64K", "1G" */
static const char *size_text(u64 bytes, char *text, size_t len)
{
	unsigned unit = bytes >= GIB(1) ? 3 : bytes >= MIB(1) ? 2 : 1;

	snprintf(text, len, "%llu%c", (unsigned long long)bytes >> (10 * unit), " KMG"[unit]);
	return text;
}

void memory_say_too_few(const struct guest_memory *memory, u64 size)
{
	u64 need = size / memory->page, left = pages_left(memory);
	char text[32];

	size_text(memory->page, text, sizeof(text));
	if (left >= need) {
		/* A mount's size=, a control group's limit. */
		log_fatal(MEMORY_SAY("%llu huge pages of %s are needed and %llu are free, but "
				     "lkvm may not have as many"),
			  memory_name(memory), (unsigned long long)need, text,
			  (unsigned long long)left);
		return;
	}
	log_fatal(MEMORY_SAY(
			  "%llu huge pages of %s are needed, %llu are free; root makes some with "
			  "echo %llu >" POOLS "/" POOL "%llukB/nr_hugepages"),
		  memory_name(memory), (unsigned long long)need, text, (unsigned long long)left,
		  (unsigned long long)(pool_number(memory, "nr_hugepages") + need - left),
		  (unsigned long long)memory->page >> 10);
}

void memory_why_no_huge_page(const struct guest_memory *memory, char *text, size_t size)
{
	char page[32];

	snprintf(text, size,
		 "there is no huge page of %s for it, %llu are free; a control group's limit, or a "
		 "mount's, may be lower%s",
		 size_text(memory->page, page, sizeof(page)),
		 (unsigned long long)pool_number(memory, "free_hugepages"),
		 memory->config->prealloc ? "" : "; ,prealloc would take all of them at the start");
}

/* Which sizes there are, as "2M, 1G". */
static void list_sizes(char *list, size_t size)
{
	DIR *folder = opendir(POOLS);
	struct dirent *entry;
	size_t len = 0;
	char text[32];

	snprintf(list, size, "none");
	while (folder && (entry = readdir(folder))) {
		if (strncmp(entry->d_name, POOL, strlen(POOL)))
			continue;
		size_text(strtoull(entry->d_name + strlen(POOL), NULL, 10) << 10, text,
			  sizeof(text));
		len += snprintf(list + len, size - len, "%s%s", len ? ", " : "", text);
		len = MIN(len, size - 1);
	}
	if (folder)
		closedir(folder);
}

static int huge_pages_failed(const struct guest_memory *memory, const char *path)
{
	int err = -errno;

	log_fatal(MEMORY_SAY("%s%s%s"), memory_name(memory), path ?: "", path ? ": " : "",
		  strerror(-err));
	return err;
}

/* The file is there; its pages come when it is mapped, all or none. */
static int size_file(struct guest_memory *memory, u64 size, u64 page)
{
	char text[32];

	memory->page = page;
	open_pool(memory);
	if (!IS_ALIGNED(size, page)) {
		log_fatal(MEMORY_SAY("-m: %llu MiB are no whole number of huge pages of %s"),
			  memory_name(memory), (unsigned long long)size >> 20,
			  size_text(page, text, sizeof(text)));
		return -EINVAL;
	}
	if (pool_number(memory, "nr_hugepages") + pool_number(memory, "nr_overcommit_hugepages") <
		    size / page ||
	    pages_left(memory) < size / page) {
		memory_say_too_few(memory, size);
		return -ENOMEM;
	}
	return ftruncate(memory->fd, size) ? huge_pages_failed(memory, NULL) : 0;
}

int memory_open_hugetlb(struct guest_memory *memory, u64 size)
{
	u64 wanted = memory->config->huge_page;
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB;
	char sizes[128], text[32];
	struct stat st;
	int err;

	if (wanted)
		flags |= (unsigned)__builtin_ctzll(wanted) << SIZE_SHIFT;
	memory->fd = memfd_create("guest", flags);
	if (memory->fd < 0 && (!wanted || errno == ENFILE || errno == EMFILE))
		return huge_pages_failed(memory, NULL);
	if (memory->fd < 0) {
		err = -errno;
		list_sizes(sizes, sizeof(sizes));
		log_fatal(MEMORY_SAY("this host has no huge pages of %s; sizes it has: %s"),
			  memory_name(memory), size_text(wanted, text, sizeof(text)), sizes);
		return err;
	}
	if (fstat(memory->fd, &st))
		return huge_pages_failed(memory, NULL);
	err = size_file(memory, size, st.st_blksize);
	if (!err && fcntl(memory->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		err = huge_pages_failed(memory, NULL);
	return err;
}

int memory_open_hugetlbfs(struct guest_memory *memory, u64 size)
{
	const char *folder = memory->config->path;
	struct statfs fs;
	char *path;

	if (statfs(folder, &fs))
		return huge_pages_failed(memory, folder);
	if ((u32)fs.f_type != HUGETLBFS_MAGIC) {
		log_fatal(MEMORY_SAY("%s is not in a hugetlbfs; 'findmnt -t hugetlbfs' shows where "
				     "there is one, 'mount -t hugetlbfs none FOLDER' makes an "
				     "empty folder one"),
			  memory_name(memory), folder);
		return -EINVAL;
	}
	if (asprintf(&path, "%s/lkvm-XXXXXX", folder) < 0) {
		errno = ENOMEM;
		return huge_pages_failed(memory, NULL);
	}
	memory->fd = mkostemp(path, O_CLOEXEC);
	if (memory->fd >= 0)
		unlink(path);
	free(path);
	return memory->fd < 0 ? huge_pages_failed(memory, folder)
			      : size_file(memory, size, fs.f_bsize);
}
