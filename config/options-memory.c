// SPDX-License-Identifier: GPL-2.0-or-later
/* --mem-backend KIND[,size=SIZE][,path=PATH][,prealloc], and the short words for two of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/config/options.h"
#include "lkvm/config/size.h"
#include "lkvm/util/log.h"

const char *const memory_kind_names[] = {
	[MEMORY_ANONYMOUS] = "anonymous", [MEMORY_MEMFD] = "memfd",
	[MEMORY_HUGETLB] = "hugetlb",	  [MEMORY_HUGETLBFS] = "hugetlbfs",
	[MEMORY_FILE] = "file",		  [MEMORY_GUEST_MEMFD] = "guest-memfd",
	[MEMORY_NR_KINDS] = NULL,
};

static int parse_huge_page(struct memory_config *memory, const struct option_row *row,
			   const char *value, const char *text)
{
	u64 bytes;

	if (parse_size(text, 1, &bytes, NULL) || bytes < KIB(4) || bytes & (bytes - 1))
		return option_error(row, value, "size=%s is no size of pages; 2M or 1G would work",
				    text);
	memory->huge_page = bytes;
	return 0;
}

static int parse_item(struct memory_config *memory, const struct option_row *row, const char *value,
		      const char *item)
{
	if (!strcmp(item, "prealloc")) {
		memory->prealloc = true;
		return 0;
	}
	if (!strncmp(item, "size=", 5))
		return parse_huge_page(memory, row, value, item + 5);
	if (!strncmp(item, "path=", 5)) {
		if (!item[5])
			return option_error(row, value, "path= is empty; path=PATH would work");
		memory->path = item + 5;
		return 0;
	}
	return option_error(row, value,
			    "'%s' is not known; there are size=2M, path=PATH and prealloc (a "
			    "comma in a path is written twice)",
			    item);
}

/* The order of keys does not matter, so this is looked at in the end. */
static int check(const struct memory_config *memory, const struct option_row *row,
		 const char *value)
{
	bool has_path = memory->kind == MEMORY_HUGETLBFS || memory->kind == MEMORY_FILE;

	if (has_path && !memory->path)
		return option_error(row, value, "path= is missing");
	if (!has_path && memory->path)
		return option_error(row, value, "path= goes with hugetlbfs and file");
	if (memory->huge_page && memory->kind != MEMORY_HUGETLB)
		return option_error(row, value, "size= goes with hugetlb; -m says how much memory");
	return 0;
}

static int parse_kind(struct memory_config *memory, const struct option_row *row, const char *value,
		      const char *kind)
{
	for (unsigned i = 0; i < MEMORY_NR_KINDS; i++) {
		if (strcmp(memory_kind_names[i], kind))
			continue;
		memory->kind = i;
		return 0;
	}
	return option_error(row, value,
			    "'%s' is not known; there are anonymous, memfd, hugetlb, hugetlbfs, "
			    "file and guest-memfd",
			    kind);
}

int option_parse_memory_backend(void *base, const struct option_row *row, const char *value)
{
	struct vm_config *config = base;
	struct memory_config memory = { .kind = MEMORY_ANONYMOUS };
	char *cursor, *item;
	int error;

	if (!value) {
		config->memory_backend = memory;
		return 0;
	}
	cursor = config_keep(config, strdup(value));
	if (!cursor) {
		log_error("out of memory");
		return -ENOMEM;
	}
	error = parse_kind(&memory, row, value, key_list_next(&cursor));
	while (!error && (item = key_list_next(&cursor)))
		error = parse_item(&memory, row, value, item);
	if (!error)
		error = check(&memory, row, value);
	if (!error)
		config->memory_backend = memory;
	return error;
}

/* The opposite of one kind's own word says nothing about the other kinds. */
static int choose(struct vm_config *config, enum memory_kind kind, const char *path, bool off)
{
	if (!off)
		config->memory_backend = (struct memory_config){ .kind = kind, .path = path };
	else if (config->memory_backend.kind == kind)
		config->memory_backend = (struct memory_config){ .kind = MEMORY_ANONYMOUS };
	return 0;
}

int option_parse_hugetlbfs(void *base, const struct option_row *row, const char *value)
{
	struct vm_config *config = base;
	if (value && !*value)
		return option_error(row, value, "give it a %s", row->argument);
	return choose(config, MEMORY_HUGETLBFS, value, !value);
}

int option_parse_guest_memfd(void *base, const struct option_row *row, const char *value)
{
	struct vm_config *config = base;
	return choose(config, MEMORY_GUEST_MEMFD, NULL, value);
}
