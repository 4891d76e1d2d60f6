// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "bzimage.h"
#include "kernel_file.h"
#include "lkvm/boot/file.h"
#include "lkvm/boot/release.h"
#include "test.h"

#define SPARSE MIB(70)

static char release[65];

static bool look(const void *bytes, size_t size, u64 at)
{
	struct memory_file file = memory_file("", 0);
	struct boot_file boot = { .path = file.path, .fd = file.fd, .size = size };
	bool found;

	assert_int_equal(pwrite(file.fd, bytes, size, at), size);
	found = boot_file_release(&boot, release, sizeof(release));
	close(file.fd);
	if (!found)
		assert_string_equal(release, "");
	return found;
}

static void of_a_bzimage(void **state)
{
	static const char version[] = "6.1.0-56-amd64 (debian-kernel@lists.debian.org) #1 SMP";
	static u8 image[BZIMAGE_SIZE];

	make_bzimage(image);
	assert_false(look(image, sizeof(image), 0));
	bzimage_header(image)->kernel_version = 0x280;
	memcpy(image + 0x480, version, sizeof(version));
	assert_true(look(image, sizeof(image), 0));
	assert_string_equal(release, "6.1.0-56-amd64");
	/* A string without an end, one outside the file, one that is none. */
	memset(image + 0x480, '6', sizeof(image) - 0x480);
	assert_true(look(image, sizeof(image), 0));
	assert_int_equal(strlen(release), sizeof(release) - 1);
	bzimage_header(image)->kernel_version = 0xffff;
	assert_false(look(image, sizeof(image), 0));
	bzimage_header(image)->kernel_version = 0x280;
	memcpy(image + 0x480, "\033[2J", 4);
	assert_false(look(image, sizeof(image), 0));
	memcpy(image + 0x480, "6\033[2J", 5);
	assert_true(look(image, sizeof(image), 0));
	assert_string_equal(release, "6");
	assert_false(look(image, 0x20f, 0));
}

/* Wherever it lies, also across the pieces in which the file is read. */
static void of_other_kernels(void **state)
{
	static const char words[] = "%s version %s\0Linux version \0Linux version x\0"
				    "Linux version 7.2.0-rc1+ (me@here) #3 SMP";

	for (u64 at = MIB(1) - 200; at < MIB(1) + 10; at++) {
		assert_true(look(words, sizeof(words), at));
		assert_string_equal(release, "7.2.0-rc1+");
	}
	assert_true(look(words, sizeof(words), MIB(33)));
	assert_false(look(words, sizeof(words), SPARSE));
	assert_false(look(words, 40, 0));
	assert_false(look("", 0, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_a_bzimage),
		cmocka_unit_test(of_other_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
