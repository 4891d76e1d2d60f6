/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes opened as a file that may be a kernel image, and memory to load it into. */
#ifndef TEST_OPENED_IMAGE_H
#define TEST_OPENED_IMAGE_H

#include "image.h"
#include "kernel_file.h"
#include "lkvm/boot/file.h"
#include "lkvm/boot/image.h"
#include "test.h"

#define RAM  0x80000000ULL
#define ROOM MIB(8)
#define SIZE 200000 /* of the images, bytes */

static struct guest_memory memory;
static struct memory_file memfd = { .fd = -1 };
static struct boot_file file;
static struct kernel_image image;

static inline void forget(void)
{
	boot_file_close(&file);
	if (memfd.fd >= 0)
		close(memfd.fd);
	memfd.fd = -1;
}

static inline void open_file(const struct bytes *b)
{
	forget();
	memfd = memory_file(b->data, b->size);
	assert_int_equal(boot_file_open(&file, "kernel", memfd.path, GIB(1)), 0);
}

#endif
