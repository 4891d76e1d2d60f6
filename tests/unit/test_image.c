// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <sys/stat.h>

#include "opened_image.h"
#include "lkvm/boot/zstd.h"

#define ARM64	"ARM\x64"
#define RISCV64 "RSC\x05"

#define PE_ARM64   0xaa64
#define PE_RISCV64 0x5064

static struct bytes plain; /* an arm64 Image */

static int setup(void **state)
{
	guest_memory_init(&memory);
	plain = make_image(ARM64, SIZE, 0, MIB(1), 0xa);
	return guest_memory_add_ram(&memory, RAM, ROOM);
}

static int teardown(void **state)
{
	forget();
	bytes_free(&plain);
	guest_memory_destroy(&memory);
	return 0;
}

static int open_for(const struct image_arch *arch, const struct bytes *b)
{
	open_file(b);
	return image_open(&image, &file, arch);
}

static const char *refusal_for(const struct image_arch *arch, const struct bytes *b)
{
	struct ear ear = listen_to_stderr();
	int error = open_for(arch, b);
	const char *said = heard(&ear);

	assert_true(error < 0);
	return said;
}

static const char *refusal(const struct bytes *b)
{
	return refusal_for(&image_arm64, b);
}

/* It opens, and then what is said when it is loaded. */
static const char *load_refusal(const struct bytes *b, u64 room)
{
	const char *said;
	struct ear ear;
	int error;

	assert_int_equal(open_for(&image_arm64, b), 0);
	ear = listen_to_stderr();
	error = image_load(&image, &memory, RAM, room);
	said = heard(&ear);
	assert_true(error < 0);
	return said;
}

#define assert_says(said, words) assert_non_null(strstr(said, words))

static u8 *ram(u64 offset)
{
	return guest_memory_hva(&memory, RAM + offset, 1);
}

/* After an open: `b` is at the beginning of RAM and nothing behind it. */
static void expect_loaded(const struct bytes *b)
{
	assert_int_equal(image_load(&image, &memory, RAM, ROOM), 0);
	assert_memory_equal(ram(0), b->data, b->size);
	for (u64 i = b->size; i < b->size + 100000; i++)
		assert_int_equal(*ram(i), 0);
	assert_int_equal(guest_memory_clear(&memory), 0);
}

static void header(void **state)
{
	assert_int_equal(open_for(&image_arm64, &plain), 0);
	assert_true(image.has_header);
	assert_null(image.unpacker);
	assert_int_equal(image.text_offset, 0);
	assert_int_equal(image.size, MIB(1));
	expect_loaded(&plain);
}

/* Byte order, page size, place: whatever the kernel says of itself, it is taken. */
static void flags(void **state)
{
	for (unsigned i = 0; i < 16; i++) {
		struct bytes b = make_image(ARM64, SIZE, 0x80000, SIZE, i);

		assert_int_equal(open_for(&image_arm64, &b), 0);
		assert_int_equal(image.text_offset, 0x80000);
		bytes_free(&b);
	}
}

static void riscv(void **state)
{
	struct bytes b = make_image(RISCV64, SIZE, MIB(2), MIB(3), 0xe);

	assert_int_equal(open_for(&image_riscv64, &b), 0);
	assert_true(image.has_header);
	assert_int_equal(image.text_offset, MIB(2));
	assert_int_equal(image.size, MIB(3));
	put64(b.data + 16, 0);
	assert_says(refusal_for(&image_riscv64, &b), "does not give its size");
	bytes_free(&b);
}

static void before_linux_3_17(void **state)
{
	/* The offset may be big-endian, so it is not looked at. */
	struct bytes b = make_image(ARM64, SIZE, htobe64(0x80000), 0, 0);

	assert_int_equal(open_for(&image_arm64, &b), 0);
	assert_true(image.has_header);
	assert_int_equal(image.text_offset, 0x80000);
	assert_int_equal(image.size, SIZE);
	bytes_free(&b);
}

static void larger_than_its_header_says(void **state)
{
	/* A signature lies behind. */
	put64(plain.data + 16, MIB(1) / 16);
	assert_int_equal(open_for(&image_arm64, &plain), 0);
	assert_int_equal(image.size, SIZE);
	expect_loaded(&plain);
}

static void nonsense_in_the_header(void **state)
{
	static const struct {
		u64 text_offset, image_size;
	} bad[] = {
		{ 1, MIB(1) },	       { 0x80800, MIB(1) },	{ 1ULL << 63, MIB(1) },
		{ ~0xfffULL, MIB(1) }, { 0x80000, 1ULL << 63 }, { 0, ~0ULL },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		put64(plain.data + 8, bad[i].text_offset);
		put64(plain.data + 16, bad[i].image_size);
		assert_says(refusal(&plain), "make no sense");
	}
}

static void program_without_header(void **state)
{
	struct bytes b = { 0 };

	for (unsigned i = 0; i < 5000; i++)
		bytes_add(&b, (u8[]){ 0xe0, i, i >> 8, 0xd2 }, 4);
	assert_int_equal(open_for(&image_arm64, &b), 0);
	assert_false(image.has_header);
	assert_int_equal(image.text_offset, 0x80000);
	assert_int_equal(image.size, 20000);
	expect_loaded(&b);
	assert_int_equal(open_for(&image_riscv64, &b), 0);
	assert_int_equal(image.text_offset, MIB(2));
	/* One instruction is enough for a program. */
	b.size = 4;
	assert_int_equal(open_for(&image_arm64, &b), 0);
	assert_int_equal(image.size, 4);
	bytes_free(&b);
}

static void gzipped(void **state)
{
	struct bytes packed = gzip_bytes(plain.data, plain.size);

	assert_int_equal(open_for(&image_arm64, &packed), 0);
	assert_true(image.has_header);
	assert_non_null(image.unpacker);
	assert_int_equal(image.size, MIB(1));
	expect_loaded(&plain);
	bytes_free(&packed);

	/* Without a size in the header: the compressor tells. */
	put64(plain.data + 16, 0);
	packed = gzip_bytes(plain.data, plain.size);
	assert_int_equal(open_for(&image_arm64, &packed), 0);
	assert_int_equal(image.size, SIZE);
	expect_loaded(&plain);
	bytes_free(&packed);
}

static void gzip_exactly_full(void **state)
{
	struct bytes packed = gzip_bytes(plain.data, plain.size);

	assert_int_equal(open_for(&image_arm64, &packed), 0);
	assert_int_equal(image_load(&image, &memory, RAM, SIZE), 0);
	assert_says(load_refusal(&packed, SIZE - 1), "more than fits");
	assert_int_equal(*ram(SIZE - 1), plain.data[SIZE - 1]);
	assert_int_equal(*ram(SIZE), 0);
	bytes_free(&packed);
}

static void gzip_in_parts(void **state)
{
	struct bytes packed = gzip_bytes(plain.data, 70000);
	struct bytes second = gzip_bytes(plain.data + 70000, plain.size - 70000);

	bytes_add(&packed, second.data, second.size);
	bytes_add(&packed, NULL, 511);
	assert_int_equal(open_for(&image_arm64, &packed), 0);
	expect_loaded(&plain);
	bytes_free(&packed);
	bytes_free(&second);
}

static void gzip_and_garbage(void **state)
{
	static const char *const garbage[] = { "\xd0\x0d\xfe\xed", "\x1f", "\x1f\x8b",
					       "\x1f\x8b\x08\xff\xff\xff\xff" };

	for (unsigned i = 0; i < ARRAY_SIZE(garbage); i++) {
		struct bytes packed = gzip_bytes(plain.data, plain.size);

		bytes_add(&packed, NULL, 3);
		bytes_add(&packed, garbage[i], strlen(garbage[i]));
		if (i == 0 || i == 3)
			assert_says(load_refusal(&packed, ROOM), "lies behind its compressed data");
		else
			assert_says(load_refusal(&packed, ROOM), "Fatal: ");
		bytes_free(&packed);
	}
}

static void gzip_damaged(void **state)
{
	struct bytes packed = gzip_bytes(plain.data, plain.size);
	size_t size = packed.size;

	/* Every one of the trailer's bytes counts, and most others. */
	for (size_t i = size - 8; i < size; i++) {
		packed.data[i] ^= 0x10;
		assert_says(load_refusal(&packed, ROOM), "damaged");
		packed.data[i] ^= 0x10;
	}
	for (packed.size = 1; packed.size < size; packed.size += packed.size < 600 ? 1 : 991) {
		struct ear ear = listen_to_stderr();
		int error =
			open_for(&image_arm64, &packed) ?: image_load(&image, &memory, RAM, ROOM);
		const char *said = heard(&ear);

		/* A file of one byte is a program. */
		if (packed.size > 1)
			assert_true(error < 0 && strstr(said, "truncated"));
	}
	bytes_free(&packed);
}

/* 64 MiB of zeroes in a few hundred KiB, behind a header. */
static void gzip_bomb(void **state)
{
	struct bytes b = { malloc(MIB(1)), 0 };
	z_stream z = { .next_out = b.data };
	static u8 zeroes[MIB(1)];
	const char *said;

	z.avail_out = MIB(1);
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = plain.data;
	z.avail_in = plain.size;
	assert_int_equal(deflate(&z, Z_NO_FLUSH), Z_OK);
	for (unsigned i = 0; i < 64; i++) {
		z.next_in = zeroes;
		z.avail_in = sizeof(zeroes);
		assert_int_equal(deflate(&z, Z_NO_FLUSH), Z_OK);
	}
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	b.size = z.total_out;
	deflateEnd(&z);
	said = load_refusal(&b, ROOM - 4096);
	assert_says(said, "more than fits");
	assert_says(said, "-m");
	bytes_free(&b);
}

static void no_memory_there(void **state)
{
	assert_says(load_refusal(&plain, ROOM + 1), "no guest memory");
	assert_says(load_refusal(&plain, SIZE - 1), "does not fit");
}

static void zboot(void **state)
{
	struct bytes packed = gzip_bytes(plain.data, plain.size);
	struct bytes efi = zboot_bytes(&packed, "gzip", PE_ARM64);

	assert_int_equal(open_for(&image_arm64, &efi), 0);
	assert_true(image.zboot);
	assert_true(image.has_header);
	assert_int_equal(image.payload, 0x1000);
	assert_int_equal(image.size, MIB(1));
	expect_loaded(&plain);

	assert_says(refusal_for(&image_riscv64, &efi), "for arm64, not for riscv64");
	efi.size -= 5;
	assert_says(refusal(&efi), "truncated");
	for (efi.size = 8; efi.size < 0x1000; efi.size += 8)
		assert_says(refusal(&efi), "truncated");
	bytes_free(&efi);
	bytes_free(&packed);
}

static void zboot_with_nonsense(void **state)
{
	struct bytes packed = gzip_bytes(plain.data, plain.size);
	struct bytes efi = zboot_bytes(&packed, "gzip", PE_ARM64);
	static const u32 bad[][2] = { { 0x1000, 0 }, { 0, 4096 }, { 63, 4096 } };

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		put32(efi.data + 8, bad[i][0]);
		put32(efi.data + 12, bad[i][1]);
		assert_says(refusal(&efi), "makes no sense");
	}
	put32(efi.data + 8, 0xffffffff);
	put32(efi.data + 12, 0xffffffff);
	assert_says(refusal(&efi), "truncated");
	put32(efi.data + 8, 0x1001);
	put32(efi.data + 12, packed.size);
	assert_says(refusal(&efi), "damaged");
	bytes_free(&efi);
	bytes_free(&packed);
}

static void zboot_of_other_kinds(void **state)
{
	static const char *const kinds[] = { "lz4",    "lzma", "lzo",
					     "xzkern", "",     "thirty-two characters and no end" };

	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct bytes efi = zboot_bytes(&plain, kinds[i], PE_ARM64);
		const char *said = refusal(&efi);

		assert_says(said, "cannot unpack");
		assert_says(said, kinds[i]);
		assert_says(said, "gzip");
		bytes_free(&efi);
	}
	struct bytes efi = zboot_bytes(&plain, "lz4\033[2J", PE_ARM64);

	assert_null(strchr(refusal(&efi), '\033'));
	bytes_free(&efi);
}

static void zboot_of_no_kernel(void **state)
{
	struct bytes text = { 0 }, packed, efi;

	bytes_add(&text, "Hello", 5);
	packed = gzip_bytes(text.data, text.size);
	efi = zboot_bytes(&packed, "gzip", 0);
	assert_says(refusal(&efi), "no Image");
	bytes_free(&efi);
	bytes_free(&packed);
	bytes_free(&text);
}

static void zstd(void **state)
{
	struct bytes packed = zstd_bytes(plain.data, plain.size, 0), second;
	struct bytes efi = zboot_bytes(&packed, "zstd22", PE_ARM64);

	if (!boot_zstd_available()) {
		assert_says(refusal(&packed), "compressed with zstd");
		assert_says(refusal(&efi), "compressed with zstd");
		bytes_free(&efi);
		bytes_free(&packed);
		return;
	}
	assert_int_equal(open_for(&image_arm64, &packed), 0);
	assert_true(image.has_header);
	expect_loaded(&plain);
	assert_int_equal(open_for(&image_arm64, &efi), 0);
	assert_int_equal(image.size, MIB(1));
	expect_loaded(&plain);
	assert_int_equal(image_load(&image, &memory, RAM, SIZE), 0);
	assert_says(load_refusal(&efi, SIZE - 1), "more than fits");
	bytes_free(&efi);

	/* Two frames, zeroes, and something else. */
	second = zstd_bytes(plain.data, plain.size, 0);
	bytes_add(&packed, second.data, second.size);
	bytes_free(&second);
	bytes_add(&packed, NULL, 9);
	assert_int_equal(open_for(&image_arm64, &packed), 0);
	assert_int_equal(image_load(&image, &memory, RAM, ROOM), 0);
	assert_memory_equal(ram(SIZE), plain.data, SIZE);
	bytes_add(&packed, "\xd0\x0d\xfe\xed", 4);
	assert_says(load_refusal(&packed, ROOM), "lies behind");
	bytes_free(&packed);
}

/* A header and 336 bytes of words, by a real compressor: its end is a copy of something before. */
static const char words[] =
	"\x28\xb5\x2f\xfd\x04\x68\x5d\x03\x00\x62\x83\x0b\x11\xa0\x6d\x0c\x78\xf8\x39\xab"
	"\x01\xde\xb3\xf7\xdf\x1d\xae\x16\x30\x05\x6b\xe2\x9a\xb8\xf6\x28\x63\x8a\x52\xd3"
	"\x5b\x9a\xcd\x2d\x05\xdf\xa6\xc6\x35\xff\x87\x94\x31\xf8\x3f\x2c\x3e\x04\x19\xa0"
	"\xb0\x83\x24\xcb\xfe\x19\x50\x22\x43\xc7\x07\xeb\x1e\x2d\x6b\xed\xf8\x6f\x76\xd2"
	"\xbc\xa3\xf0\xfc\x41\x74\xc2\x19\xbb\x21\xd0\x39\x65\x10\xd3\x71\xdc\x0b\xaf\xee"
	"\xe5\x62\x1d\x32\x5e\x36\x1f\x2d\xa4\x04\x9f\x9b\x2c\xca\xa3\xec\xe1\xca\xba\x43";

static void zstd_scratch(void **state)
{
	struct bytes packed = { 0 };

	bytes_add(&packed, words, sizeof(words) - 1);
	if (!boot_zstd_available()) {
		bytes_free(&packed);
		skip();
	}
	assert_int_equal(open_for(&image_arm64, &packed), 0);
	assert_int_equal(image_load(&image, &memory, RAM, ROOM), 0);
	assert_memory_equal(ram(400 - 14), "ta epsilon bet", 14);
	for (unsigned i = 400; i < 1000; i++)
		assert_int_equal(*ram(i), 0);
	bytes_free(&packed);
}

/* A file with holes has any size: what is packed is held in memory, but not more than the guest has. */
static void zstd_with_holes(void **state)
{
	struct bytes packed = zstd_bytes(plain.data, plain.size, 0);

	if (!boot_zstd_available()) {
		bytes_free(&packed);
		skip();
	}
	assert_int_equal(open_for(&image_arm64, &packed), 0);
	assert_int_equal(ftruncate(memfd.fd, GIB(1)), 0);
	boot_file_close(&file);
	assert_int_equal(boot_file_open(&file, "kernel", memfd.path, GIB(1)), 0);
	assert_int_equal(image_open(&image, &file, &image_arm64), 0);
	struct ear ear = listen_to_stderr();
	assert_int_equal(image_load(&image, &memory, RAM, ROOM), -EFBIG);
	assert_says(heard(&ear), "more than fits");
	bytes_free(&packed);
}

static void zstd_damaged(void **state)
{
	struct bytes packed = zstd_bytes(plain.data, plain.size, GIB(1));

	if (!boot_zstd_available()) {
		bytes_free(&packed);
		skip();
	}
	/* A bomb of 1 GiB. */
	assert_says(load_refusal(&packed, ROOM), "more than fits");
	packed.size = 100000;
	assert_says(load_refusal(&packed, ROOM), "truncated");
	packed.size = 10;
	assert_says(refusal(&packed), "truncated");
	packed.size = 100000;
	packed.data[6] |= 6; /* a block of the reserved type */
	assert_says(refusal(&packed), "damaged");
	bytes_free(&packed);
}

static void other_kinds(void **state)
{
	static const struct {
		unsigned at;
		const char *magic;
		unsigned len;
		const char *words;
	} kinds[] = {
		{ 0x202, "HdrS", 4, "an x86 bzImage" },
		{ 0x38, RISCV64, 4, "a riscv64 Image" },
		{ 0x24, "\x18\x28\x6f\x01", 4, "a 32-bit ARM zImage" },
		{ 0,
		  "\x7f"
		  "ELF",
		  4, "an ELF file" },
		{ 0, "MZ", 2, "an EFI program" },
		{ 0,
		  "\xfd"
		  "7zXZ",
		  5, "an xz file" },
		{ 0, "BZh9", 4, "a bzip2 file" },
		{ 0, "\x02\x21\x4c\x18", 4, "an lz4 file" },
		{ 0, "\x04\x22\x4d\x18", 4, "an lz4 file" },
		{ 0, "\x89LZO\0\r\n\x1a\n", 9, "an lzop file" },
		{ 0, "\x5d\0\0\x80", 4, "an lzma file" },
		{ 0, "070701", 6, "a cpio archive" },
		{ 0, "QFI\xfb", 4, "a qcow2 disk image" },
		{ 0, "#!/bin/sh", 9, "a script" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct bytes b = { 0 }, packed;

		bytes_add(&b, NULL, 4096);
		memcpy(b.data + kinds[i].at, kinds[i].magic, kinds[i].len);
		assert_says(refusal(&b), kinds[i].words);
		assert_says(refusal(&b), "arch/arm64/boot/Image");
		packed = gzip_bytes(b.data, b.size);
		assert_says(refusal(&packed), kinds[i].words);
		assert_says(refusal(&packed), ", compressed;");
		bytes_free(&packed);
		bytes_free(&b);
	}
	assert_says(refusal_for(&image_riscv64, &plain), "an arm64 Image; riscv64 needs");
}

/* The EFI header's sections tell how long the file must be. */
static void truncated_image(void **state)
{
	u8 *pe = plain.data + 0x40, *section = pe + 24 + 112;

	put32(plain.data + 0x3c, 0x40);
	memset(pe, 0, 24 + 112 + 2 * 40);
	memcpy(pe, "PE\0\0", 4);
	pe[4] = 0x64;
	pe[5] = 0xaa;
	pe[6] = 2;
	pe[20] = 112;
	put32(section + 16, 0x1000);
	put32(section + 20, 0x1000);
	put32(section + 40 + 16, SIZE - 0x2000);
	put32(section + 40 + 20, 0x2000);
	assert_int_equal(open_for(&image_arm64, &plain), 0);
	expect_loaded(&plain);
	plain.size--;
	assert_says(refusal(&plain), "truncated");
	/* Not believed where it is damaged itself. */
	put32(plain.data + 0x3c, plain.size - 10);
	assert_int_equal(open_for(&image_arm64, &plain), 0);
	put32(plain.data + 0x3c, 0xffffffff);
	assert_int_equal(open_for(&image_arm64, &plain), 0);
}

static void file_became_shorter(void **state)
{
	struct ear ear;

	assert_int_equal(open_for(&image_arm64, &plain), 0);
	assert_int_equal(ftruncate(memfd.fd, 1000), 0);
	ear = listen_to_stderr();
	assert_int_equal(image_load(&image, &memory, RAM, ROOM), -ENODATA);
	assert_says(heard(&ear), "became shorter");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(header),
		TEST(flags),
		TEST(riscv),
		TEST(before_linux_3_17),
		TEST(larger_than_its_header_says),
		TEST(nonsense_in_the_header),
		TEST(program_without_header),
		TEST(gzipped),
		TEST(gzip_exactly_full),
		TEST(gzip_in_parts),
		TEST(gzip_and_garbage),
		TEST(gzip_damaged),
		TEST(gzip_bomb),
		TEST(no_memory_there),
		TEST(zboot),
		TEST(zboot_with_nonsense),
		TEST(zboot_of_other_kinds),
		TEST(zboot_of_no_kernel),
		TEST(zstd),
		TEST(zstd_scratch),
		TEST(zstd_with_holes),
		TEST(zstd_damaged),
		TEST(other_kinds),
		TEST(truncated_image),
		TEST(file_became_shorter),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
