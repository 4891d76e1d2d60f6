/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening bytes as a kernel for x86. */
#ifndef TEST_X86_KERNEL_H
#define TEST_X86_KERNEL_H

#include <stdlib.h>
#include "kernel.h"
#include "kernel_file.h"
#include "test.h"

static struct x86_kernel kernel;
static struct memory_file file = { .fd = -1 };
static struct guest_memory memory;

static inline void close_kernel(void)
{
	boot_file_close(&kernel.file);
	if (file.fd >= 0)
		close(file.fd);
	file.fd = -1;
}

static inline int teardown(void **state)
{
	guest_memory_destroy(&memory);
	close_kernel();
	return 0;
}

static inline int open_bytes(const void *bytes, size_t size)
{
	close_kernel();
	file = memory_file(bytes, size);
	return x86_kernel_open(&kernel, file.path, GIB(1));
}

/* What is said of these bytes; they must be refused. */
static inline const char *refusal(const void *bytes, size_t size)
{
	struct ear ear = listen_to_stderr();
	int error = open_bytes(bytes, size);
	const char *said = heard(&ear);

	assert_true(error < 0);
	return said;
}

#define assert_says(said, words) assert_non_null(strstr(said, words))

#endif
