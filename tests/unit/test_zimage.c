// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "opened_image.h"
#include "lkvm/boot/zimage.h"

#define TABLE 0x100
#define SIZES 0x5a534c4b

static struct bytes zimage;

static int setup(void **state)
{
	guest_memory_init(&memory);
	zimage = (struct bytes){ 0 };
	bytes_add(&zimage, NULL, SIZE);
	for (size_t i = 0x200; i < SIZE; i++)
		zimage.data[i] = i * 7 + (i >> 8);
	put32(zimage.data + 0x24, 0x016f2818);
	put32(zimage.data + 0x2c, SIZE);
	put32(zimage.data + 0x30, 0x04030201);
	return guest_memory_add_ram(&memory, RAM, ROOM);
}

static int teardown(void **state)
{
	forget();
	bytes_free(&zimage);
	guest_memory_destroy(&memory);
	return 0;
}

static int open_bytes(void)
{
	open_file(&zimage);
	return zimage_open(&image, &file);
}

static void refused(const char *words)
{
	struct ear ear = listen_to_stderr();
	int error = open_bytes();
	const char *said = heard(&ear);

	assert_int_equal(error, -EINVAL);
	assert_non_null(strstr(said, words));
}

/* A table with another tag before the one that tells the sizes. */
static void put_table(u32 unpacked, u32 bss)
{
	put32(zimage.data + 0x34, 0x45454545);
	put32(zimage.data + 0x38, TABLE);
	put32(zimage.data + TABLE, 3);
	put32(zimage.data + TABLE + 4, 0x12345678);
	put32(zimage.data + TABLE + 12, 6);
	put32(zimage.data + TABLE + 16, SIZES);
	put32(zimage.data + TABLE + 20, SIZE - 4);
	put32(zimage.data + TABLE + 24, bss);
	put32(zimage.data + SIZE - 4, unpacked);
}

static void taken(void **state)
{
	assert_int_equal(open_bytes(), 0);
	assert_true(image.has_header);
	assert_int_equal(image.text_offset, 0x8000);
	assert_int_equal(image.payload_size, SIZE);
	/* Nobody tells how much it unpacks to. */
	assert_true(image.size >= 5 * SIZE && image.size < 5 * SIZE + MIB(1));
	assert_int_equal(image_load(&image, &memory, RAM + 0x8000, ROOM / 2), 0);
	assert_memory_equal(guest_memory_hva(&memory, RAM + 0x8000, SIZE), zimage.data, SIZE);
	put32(zimage.data + 0x30, 0x01020304); /* a big-endian one */
	assert_int_equal(open_bytes(), 0);
	assert_true(image.has_header);
}

static void sizes_from_its_table(void **state)
{
	put_table(MIB(3), MIB(2));
	assert_int_equal(open_bytes(), 0);
	assert_true(image.size >= SIZE + MIB(5) && image.size < SIZE + MIB(6));
}

/* Whatever the table says, there is room for the file and as much as kernels usually need. */
static void nonsense_in_its_table(void **state)
{
	static const struct {
		unsigned at;
		u32 value;
	} rows[] = {
		{ 0x38, 0xffffffff },
		{ 0x38, SIZE - 2 },
		{ TABLE, 0 },
		{ TABLE, 0xffffffff },
		{ TABLE + 16, 0 },
		{ TABLE + 20, SIZE },
		{ TABLE + 20, 0xffffffff },
		{ TABLE + 24, 0xffffffff },
		{ SIZE - 4, 0 },
		{ SIZE - 4, 0xffffffff },
		{ 0x34, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		put_table(MIB(3), 0);
		put32(zimage.data + rows[i].at, rows[i].value);
		assert_int_equal(open_bytes(), 0);
		assert_true(image.size >= 5 * SIZE && image.size < 5 * SIZE + MIB(1));
	}
}

static void damaged(void **state)
{
	put32(zimage.data + 0x2c, SIZE + 1);
	refused("truncated");
	put32(zimage.data + 0x28, SIZE + 2);
	refused("makes no sense");
	put32(zimage.data + 0x28, SIZE);
	put32(zimage.data + 0x2c, SIZE + 16);
	refused("makes no sense");
}

/* As kernels were built with one that no boot loader gave them. */
static void with_a_device_tree_behind_it(void **state)
{
	bytes_add(&zimage, "\xd0\x0d\xfe\xed", 4);
	assert_int_equal(open_bytes(), 0);
	assert_int_equal(image.payload_size, SIZE + 4);
}

static void programs_and_others(void **state)
{
	struct bytes other = make_image("ARM\x64", SIZE, 0, MIB(1), 0xa);

	memset(zimage.data, 0, 64);
	assert_int_equal(open_bytes(), 0);
	assert_false(image.has_header);
	assert_int_equal(image.text_offset, 0x8000);
	assert_int_equal(image.size, SIZE);
	zimage.size = 8;
	assert_int_equal(open_bytes(), 0);
	bytes_free(&zimage);
	zimage = other;
	refused("is an arm64 Image; a 32-bit guest needs a zImage");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(taken),   TEST(sizes_from_its_table),	   TEST(nonsense_in_its_table),
		TEST(damaged), TEST(with_a_device_tree_behind_it), TEST(programs_and_others),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
