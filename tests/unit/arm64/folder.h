/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A folder of a test's own that looks like one of sysfs. */
#ifndef FOLDER_H
#define FOLDER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "test.h"

static char folder[64];

static inline int folder_make(void **state)
{
	strcpy(folder, "/tmp/lkvm-test.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static inline int folder_remove(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	return system(command);
}

/* folder/name/file holds text; name's folder is made. */
static inline void folder_put(const char *name, const char *file, const char *text)
{
	char path[256];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%s/%s", folder, name, file);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

#endif
