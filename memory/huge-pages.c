// SPDX-License-Identifier: GPL-2.0-or-later
/* Guest RAM of the huge pages that a host has put aside (Documentation/admin-guide/mm/hugetlbpage.rst in Linux). */
#include <linux/magic.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lkvm/config/size.h"
#include "lkvm/host/host.h"
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

int memory_too_few(const struct guest_memory *memory, u64 size)
{
	u64 need = size / memory->page, left = pages_left(memory);
	char text[SIZE_TEXT];

	size_text(memory->page, text);
	/* A mount's size=, a control group's limit. */
	if (left >= need)
		return memory_refuse(memory, -ENOMEM,
				     "%llu huge pages of %s are needed and %llu are free, but "
				     "lkvm may not have as many",
				     (unsigned long long)need, text, (unsigned long long)left);
	return memory_refuse(
		memory, -ENOMEM,
		"%llu huge pages of %s are needed, %llu are free; root makes some with "
		"echo %llu >" POOLS "/" POOL "%llukB/nr_hugepages",
		(unsigned long long)need, text, (unsigned long long)left,
		(unsigned long long)(pool_number(memory, "nr_hugepages") + need - left),
		(unsigned long long)memory->page >> 10);
}

void memory_why_no_huge_page(const struct guest_memory *memory, char *text, size_t size)
{
	char page[SIZE_TEXT];

	snprintf(text, size,
		 "there is no huge page of %s for it, %llu are free; a control group's limit, or a "
		 "mount's, may be lower%s",
		 size_text(memory->page, page),
		 (unsigned long long)pool_number(memory, "free_hugepages"),
		 memory->config->prealloc ? "" : "; ,prealloc would take all of them at the start");
}

/* Which sizes there are, as "2M, 1G". */
static void list_sizes(char *list, size_t size)
{
	json_t *counts = host_huge_pages(), *count;
	const char *page;
	size_t len = 0;

	snprintf(list, size, "none");
	json_object_foreach (counts, page, count) {
		len += snprintf(list + len, size - len, "%s%s", len ? ", " : "", page);
		len = MIN(len, size - 1);
	}
	json_decref(counts);
}

static int huge_pages_failed(const struct guest_memory *memory)
{
	return memory_refuse(memory, -errno, "%s", strerror(errno));
}

/* The file is there; its pages come when it is mapped, all or none. */
static int size_file(struct guest_memory *memory, u64 size, u64 page)
{
	char text[SIZE_TEXT];

	memory->page = page;
	open_pool(memory);
	if (!IS_ALIGNED(size, page))
		return memory_refuse(memory, -EINVAL,
				     "--mem: %llu MiB are no whole number of huge pages of %s",
				     (unsigned long long)size >> 20, size_text(page, text));
	if (pool_number(memory, "nr_hugepages") + pool_number(memory, "nr_overcommit_hugepages") <
		    size / page ||
	    pages_left(memory) < size / page)
		return memory_too_few(memory, size);
	return ftruncate(memory->fd, size) ? huge_pages_failed(memory) : 0;
}

int memory_open_hugetlb(struct guest_memory *memory, u64 size)
{
	u64 wanted = memory->config->huge_page;
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB;
	char sizes[128], text[SIZE_TEXT];
	struct stat st;
	int err;

	if (wanted)
		flags |= (unsigned)__builtin_ctzll(wanted) << SIZE_SHIFT;
	memory->fd = memfd_create("guest", flags);
	if (memory->fd < 0 && wanted && errno != ENFILE && errno != EMFILE) {
		err = -errno;
		list_sizes(sizes, sizeof(sizes));
		return memory_refuse(memory, err,
				     "this host has no huge pages of %s; sizes it has: %s",
				     size_text(wanted, text), sizes);
	}
	if (memory->fd < 0 || fstat(memory->fd, &st))
		return huge_pages_failed(memory);
	err = size_file(memory, size, st.st_blksize);
	if (!err && fcntl(memory->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		err = huge_pages_failed(memory);
	return err;
}

int memory_open_hugetlbfs(struct guest_memory *memory, u64 size)
{
	const char *folder = memory->config->path;
	struct statfs fs;
	char *path;
	int err = 0;

	if (statfs(folder, &fs))
		return memory_refuse(memory, -errno, "%s: %s", folder, strerror(errno));
	if ((u32)fs.f_type != HUGETLBFS_MAGIC)
		return memory_refuse(memory, -EINVAL,
				     "%s is not in a hugetlbfs; 'findmnt -t hugetlbfs' shows where "
				     "there is one, 'mount -t hugetlbfs none FOLDER' makes an "
				     "empty folder one",
				     folder);
	if (asprintf(&path, "%s/lkvm-XXXXXX", folder) < 0)
		return -ENOMEM;
	memory->fd = mkostemp(path, O_CLOEXEC);
	if (memory->fd < 0)
		err = memory_refuse(memory, -errno, "%s: %s", folder, strerror(errno));
	else
		unlink(path);
	free(path);
	return err ?: size_file(memory, size, fs.f_bsize);
}
