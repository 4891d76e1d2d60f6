// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any command line to the tables of every command: the first byte says which, the words are separated by NULs. No file is
 * opened, what is refused is refused with a line, and nothing is written beside what the command's words fill.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "lkvm/builtin.h"
#include "lkvm/guests.h"
#include "lkvm/util/log.h"
#include "quiet.h"

#define MAX_WORDS 64
#define ROOM	  4096

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	fuzz_quiet(argc, argv);
	return 0;
}

static int next_descriptor(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

/* Commands other than run fill a structure of their own, all zero before: of guests, or smaller. */
static int parse_other(const struct builtin *builtin, int argc, char **argv)
{
	static _Alignas(max_align_t) u8 base[ROOM];
	struct guests_args *args = (void *)base;
	int ret;

	memset(base, 0, sizeof(base));
	ret = options_parse(&builtin->set, argc, argv, base);
	if (builtin->guests)
		guests_release(args);
	return ret;
}

static int parse_run(const struct option_set *set, int argc, char **argv)
{
	struct vm_config config;
	int ret;

	config_init(&config, set);
	ret = options_parse(set, argc, argv, &config);
	config_release(&config);
	return ret;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	char *argv[MAX_WORDS + 1] = { (char *)"command" }, *words, *p;
	int argc = 1, descriptor = next_descriptor(), ret;
	const struct builtin *builtin;
	unsigned nr = 0;

	if (!size)
		return 0;
	while (builtins[nr])
		nr++;
	builtin = data[0] < 128 ? &builtin_run : builtins[data[0] % nr];
	words = malloc(size);
	if (!words)
		abort();
	memcpy(words, data + 1, size - 1);
	words[size - 1] = '\0';
	for (p = words; p < words + size && argc < MAX_WORDS; p += strlen(p) + 1)
		argv[argc++] = p;
	ret = builtin->set.kinds ? parse_run(&builtin->set, argc, argv)
				 : parse_other(builtin, argc, argv);
	if (ret != 0 && ret != 1 && ret != -EINVAL)
		abort();
	if (ret == -EINVAL && !log_failed())
		abort();
	if (next_descriptor() != descriptor)
		abort();
	free(words);
	return 0;
}
