// SPDX-License-Identifier: GPL-2.0-or-later
/* --mem-backend KIND[,size=SIZE][,path=PATH][,prealloc], and the short words for two of them. */

#include "lkvm/config/options.h"

const char *const memory_kind_names[] = {
	[MEMORY_ANONYMOUS] = "anonymous", [MEMORY_MEMFD] = "memfd",
	[MEMORY_HUGETLB] = "hugetlb",	  [MEMORY_HUGETLBFS] = "hugetlbfs",
	[MEMORY_FILE] = "file",		  [MEMORY_GUEST_MEMFD] = "guest-memfd",
	[MEMORY_NR_KINDS] = NULL,
};

#define HAS_PATH (BIT(MEMORY_HUGETLBFS) | BIT(MEMORY_FILE))

static int check_huge_page(void *record, char *value, char why[KEY_WHY])
{
	u64 bytes = ((const struct memory_config *)record)->huge_page;

	return bytes & (bytes - 1) ? key_why(why, "no size of pages; 2M or 1G would work") : 0;
}

#define FIELD(name) .offset = offsetof(struct memory_config, name)

const struct key_row memory_keys[] = {
	KEY_ROW(CHOICE, "KIND", FIELD(kind), .choices = memory_kind_names, .first = true,
		.selects = true),
	KEY_ROW(SIZE, "size", FIELD(huge_page), .min = KIB(4), .goes_with = BIT(MEMORY_HUGETLB),
		.check = check_huge_page,
		.help = "2M or 1G: how large the pages are (default: the host's)"),
	KEY_ROW(STRING, "path", FIELD(path), .goes_with = HAS_PATH, .argument = "PATH",
		.help = "Where the hugetlbfs is mounted, or the file"),
	KEY_ROW(FLAG, "prealloc", FIELD(prealloc),
		.help = "All of it is there before the guest starts, or the guest does not start. Without, a "
			"host that runs out of it later ends the guest, with status 246"),
	{ 0 },
};

int option_parse_memory_backend(void *base, const struct option_row *row, const char *value)
{
	struct memory_config memory = { .kind = MEMORY_ANONYMOUS };
	struct vm_config *config = base;
	int err = value ? option_keys(config, row, value, &memory) : 0;

	if (!err && BIT(memory.kind) & HAS_PATH && !memory.path)
		return option_error(row, value, "path= is missing");
	memory.chosen = value;
	if (!err)
		config->memory_backend = memory;
	return err;
}

/* The opposite of one kind's own word says nothing about the other kinds. */
static int mem_choose(struct vm_config *config, enum memory_kind kind, const char *path, bool off)
{
	if (!off)
		config->memory_backend =
			(struct memory_config){ .kind = kind, .chosen = true, .path = path };
	else if (config->memory_backend.kind == kind)
		config->memory_backend = (struct memory_config){ .kind = MEMORY_ANONYMOUS };
	return 0;
}

int option_parse_hugetlbfs(void *base, const struct option_row *row, const char *value)
{
	struct vm_config *config = base;
	if (value && !*value)
		return option_error(row, value, "give it a %s", row->argument);
	return mem_choose(config, MEMORY_HUGETLBFS, value, !value);
}

int option_parse_guest_memfd(void *base, const struct option_row *row, const char *value)
{
	struct vm_config *config = base;
	return mem_choose(config, MEMORY_GUEST_MEMFD, NULL, !value);
}
