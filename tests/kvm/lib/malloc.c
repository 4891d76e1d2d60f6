// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Preloaded into lkvm: memory is refused once, at request number $MALLOC_FAILS (0: never). How many requests there
 * were is written to the file $MALLOC_COUNT. Not for sanitizers, which have their own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t nr, size_t size);
void *__libc_realloc(void *old, size_t size);

static _Atomic unsigned long malloc_nr;
static unsigned long malloc_fails;

/* The shell that starts lkvm has the library, too. */
static int malloc_is_lkvm(void)
{
	return !strcmp(program_invocation_short_name, "lkvm");
}

__attribute__((constructor)) static void malloc_begin(void)
{
	const char *fails = getenv("MALLOC_FAILS");

	malloc_fails = fails && malloc_is_lkvm() ? strtoul(fails, NULL, 10) : 0;
	malloc_nr = 0;
}

__attribute__((destructor)) static void malloc_end(void)
{
	const char *path = getenv("MALLOC_COUNT");
	FILE *file = path && malloc_is_lkvm() ? fopen(path, "w") : NULL;

	if (!file)
		return;
	fprintf(file, "%lu\n", malloc_nr);
	fclose(file);
}

static int malloc_is_refused(void)
{
	if (++malloc_nr != malloc_fails)
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	return malloc_is_refused() ? NULL : __libc_malloc(size);
}

void *calloc(size_t nr, size_t size)
{
	return malloc_is_refused() ? NULL : __libc_calloc(nr, size);
}

void *realloc(void *old, size_t size)
{
	return malloc_is_refused() ? NULL : __libc_realloc(old, size);
}
