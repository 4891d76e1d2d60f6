/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For fuzzers whose every input is refused with a line: libFuzzer drops those and keeps its own. */
#ifndef TEST_FUZZ_QUIET_H
#define TEST_FUZZ_QUIET_H

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);

static inline void fuzz_quiet(int *argc, char ***argv)
{
	static char quiet[] = "-close_fd_mask=2";
	char **args = calloc(*argc + 2, sizeof(*args));

	if (!args)
		abort();
	memcpy(args, *argv, *argc * sizeof(*args));
	args[(*argc)++] = quiet;
	*argv = args;
}

#endif
