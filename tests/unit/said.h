/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tested code writes to stderr: its messages are a part of its contract. */
#ifndef SAID_H
#define SAID_H

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "test.h"

static char said[4096];
static FILE *said_caught;
static int said_saved;

static inline void said_begin(void)
{
	said_caught = tmpfile();
	assert_non_null(said_caught);
	said_saved = dup(2);
	dup2(fileno(said_caught), 2);
}

static inline void said_end(void)
{
	dup2(said_saved, 2);
	close(said_saved);
	rewind(said_caught);
	said[fread(said, 1, sizeof(said) - 1, said_caught)] = '\0';
	fclose(said_caught);
}

/* One line with these words in it; NULL: nothing at all. */
static inline void said_was(const char *file, int line, const char *words)
{
	size_t len = strlen(said);

	if (words ? !strstr(said, words) || strchr(said, '\n') != said + len - 1 : len > 0) {
		print_error("%s:%d: said '%s', not '%s'\n", file, line, said, words ?: "");
		fail();
	}
}
#define SAID(words) said_was(__FILE__, __LINE__, words)

#endif
