// SPDX-License-Identifier: GPL-2.0-or-later
/* What answers are made of, and the files of the host's that explain them. */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/config/size.h"
#include "lkvm/host/host.h"
#include "lkvm/util/json.h"

#define HUGE_PAGES "/sys/kernel/mm/hugepages"

json_t *host_names(u64 mask, const struct host_bit *bits)
{
	json_t *names = json_array();

	for (unsigned bit = 0; bit < 64; bit++) {
		const struct host_bit *known = bits;

		if (!(mask & BIT(bit)))
			continue;
		while (known->name && known->bit != bit)
			known++;
		json_array_append_new(names, known->name ? json_string(known->name)
							 : json_sprintf("bit %u", bit));
	}
	return names;
}

void host_because(struct host *host, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(host->why, sizeof(host->why), fmt, args);
	va_end(args);
}

int host_read_line(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");
	int err = 0;

	text[0] = '\0';
	if (!file)
		return -errno;
	if (!fgets(text, size, file)) {
		text[0] = '\0';
		err = -EIO;
	}
	text[strcspn(text, "\n")] = '\0';
	fclose(file);
	return err;
}

/* The kernel's folders are called hugepages-2048kB and so on. */
static u64 huge_page_kib(const struct dirent *folder)
{
	return strtoull(folder->d_name + strlen("hugepages-"), NULL, 10);
}

static int by_size(const struct dirent **a, const struct dirent **b)
{
	u64 first = huge_page_kib(*a), second = huge_page_kib(*b);

	return first < second ? -1 : first > second;
}

static int is_huge_page_folder(const struct dirent *entry)
{
	return !strncmp(entry->d_name, "hugepages-", strlen("hugepages-"));
}

static void add_huge_pages(json_t *counts, const struct dirent *folder)
{
	char path[512], text[32], size[SIZE_TEXT];

	snprintf(path, sizeof(path), HUGE_PAGES "/%s/free_hugepages", folder->d_name);
	if (host_read_line(path, text, sizeof(text)))
		return;
	size_text(huge_page_kib(folder) << 10, size);
	json_object_set_new(counts, size, json_number(strtoull(text, NULL, 10)));
}

json_t *host_huge_pages(void)
{
	struct dirent **folders;
	int count = scandir(HUGE_PAGES, &folders, is_huge_page_folder, by_size);
	json_t *counts = json_object();

	for (int i = 0; i < count; i++) {
		add_huge_pages(counts, folders[i]);
		free(folders[i]);
	}
	if (count >= 0)
		free(folders);
	return counts;
}

/* The kernel treats '-' and '_' alike in a parameter's name. */
static bool same_name(const char *word, const char *name, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		char a = word[i] == '-' ? '_' : word[i], b = name[i] == '-' ? '_' : name[i];

		if (a != b)
			return false;
	}
	return true;
}

bool host_kernel_parameter(const char *cmdline, const char *name, char *value, size_t size)
{
	size_t length = strlen(name);
	bool found = false;

	value[0] = '\0';
	while (*cmdline) {
		size_t word;

		cmdline += strspn(cmdline, " \t\n");
		word = strcspn(cmdline, " \t\n");
		/* What follows is for the first process. */
		if (word == 2 && !strncmp(cmdline, "--", 2))
			break;
		if (word > length && cmdline[length] == '=' && same_name(cmdline, name, length)) {
			snprintf(value, size, "%.*s", (int)(word - length - 1),
				 cmdline + length + 1);
			found = true;
		}
		cmdline += word;
	}
	return found;
}

bool host_release_at_least(const char *release, unsigned major, unsigned minor)
{
	unsigned is_major, is_minor;

	if (sscanf(release, "%u.%u", &is_major, &is_minor) != 2)
		return false;
	return is_major > major || (is_major == major && is_minor >= minor);
}
