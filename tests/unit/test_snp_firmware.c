// SPDX-License-Identifier: GPL-2.0-or-later
/* An SNP firmware's own description, right and wrong. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "firmware.h"
#include "said.h"
#include "confidential/snp-firmware.h"
#include "snp_image.h"

static u8 image[SNP_IMAGE_SIZE];
static struct snp_firmware firmware;

static int setup(void **state)
{
	make_snp_image(image);
	return 0;
}

static int parse(const u8 *bytes, u64 size)
{
	int error;

	said_begin();
	error = snp_firmware_parse(&firmware, "fw", bytes, size);
	said_end();
	return error;
}

#define REFUSED(words)                                                                             \
	do {                                                                                       \
		assert_int_equal(parse(image, sizeof(image)), -EINVAL);                            \
		SAID("--firmware fw: ");                                                           \
		SAID(words);                                                                       \
	} while (0)

static void put32(u8 *at, u32 value)
{
	le32 le = htole32(value);

	memcpy(at, &le, sizeof(le));
}

static u8 *metadata(void)
{
	return image + SNP_IMAGE_SIZE - SNP_IMAGE_METADATA;
}

static void everything_is_found(void **state)
{
	assert_int_equal(parse(image, sizeof(image)), 0);
	SAID(NULL);
	assert_int_equal(firmware.size, SNP_IMAGE_SIZE);
	assert_int_equal(firmware.reset_eip, SNP_IMAGE_EIP);
	assert_int_equal(firmware.hashes, SNP_IMAGE_HASHES);
	assert_int_equal(firmware.nr_sections, ARRAY_SIZE(snp_image_sections));
	for (unsigned i = 0; i < firmware.nr_sections; i++) {
		assert_int_equal(firmware.sections[i].gpa, snp_image_sections[i].base);
		assert_int_equal(firmware.sections[i].size, snp_image_sections[i].size);
		assert_int_equal(firmware.sections[i].kind, snp_image_sections[i].kind);
	}
}

static void without_a_place_for_hashes(void **state)
{
	make_snp_image_with(image, snp_image_sections, ARRAY_SIZE(snp_image_sections) - 1);
	assert_int_equal(parse(image, sizeof(image)), 0);
	assert_int_equal(firmware.hashes, 0);
}

static void sizes_that_no_firmware_has(void **state)
{
	static const u64 sizes[] = { 0,
				     1,
				     31,
				     32,
				     4095,
				     SNP_IMAGE_SIZE - 1,
				     X86_FIRMWARE_MAX + 4096,
				     UINT64_MAX,
				     UINT64_MAX - 4095 };

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		assert_int_equal(parse(image, sizes[i]), -EINVAL);
		SAID("are no firmware");
	}
}

static void other_files(void **state)
{
	memset(image + SNP_IMAGE_SIZE - 64, 0, 64);
	REFUSED("no table of GUIDs");
}

static void a_table_that_begins_in_front_of_the_image(void **state)
{
	image[SNP_IMAGE_TABLE_LENGTH] = image[SNP_IMAGE_TABLE_LENGTH + 1] = 0xff;
	REFUSED("its table of GUIDs is damaged");
}

static void a_table_too_short_for_itself(void **state)
{
	image[SNP_IMAGE_TABLE_LENGTH] = 17;
	image[SNP_IMAGE_TABLE_LENGTH + 1] = 0;
	REFUSED("its table of GUIDs is damaged");
}

/* The entry in front of the table's own. */
static void an_entry_of_no_length(void **state)
{
	image[SNP_IMAGE_TABLE_LENGTH - 18] = 0;
	REFUSED("its table of GUIDs is damaged");
	image[SNP_IMAGE_TABLE_LENGTH - 17] = 0xff;
	REFUSED("its table of GUIDs is damaged");
}

static void a_table_cut_within_an_entry(void **state)
{
	u16 len;

	memcpy(&len, image + SNP_IMAGE_TABLE_LENGTH, 2);
	len -= 3;
	memcpy(image + SNP_IMAGE_TABLE_LENGTH, &len, 2);
	REFUSED("its table of GUIDs is damaged");
}

/* The offset is the last entry's, so the first thing of the table. */
static u8 *metadata_offset(void)
{
	u16 len;

	memcpy(&len, image + SNP_IMAGE_TABLE_LENGTH, 2);
	return image + SNP_IMAGE_TABLE_LENGTH + 18 - len;
}

static void metadata_outside_of_the_image(void **state)
{
	static const u32 offsets[] = { 0, 15, SNP_IMAGE_SIZE + 1, UINT32_MAX };

	for (unsigned i = 0; i < ARRAY_SIZE(offsets); i++) {
		put32(metadata_offset(), offsets[i]);
		REFUSED("its SEV metadata lie outside of it");
	}
}

static void an_image_without_metadata(void **state)
{
	metadata_offset()[4 + 2] ^= 0xff; /* its GUID */
	REFUSED("it has no SEV metadata");
}

static void metadata_damaged(void **state)
{
	metadata()[0] = 'B';
	REFUSED("its SEV metadata are damaged");
	make_snp_image(image);
	put32(metadata() + 12, UINT32_MAX);
	REFUSED("its SEV metadata are damaged");
	make_snp_image(image);
	put32(metadata() + 12, 200); /* more than there is behind it */
	REFUSED("its SEV metadata are damaged");
	make_snp_image(image);
	put32(metadata() + 8, 2);
	REFUSED("version 2");
	make_snp_image(image);
	put32(metadata() + 4, 16);
	REFUSED("its SEV metadata are damaged");
}

static void sections_that_are_none(void **state)
{
	static const struct {
		struct snp_image_section section;
		const char *words;
	} wrong[] = {
		{ { 0x900000, 0x1000, 5 }, "kind of page (5)" },
		{ { 0x900000, 0x1000, 0 }, "kind of page (0)" },
		{ { 0x900000, 0, 1 }, "not made of pages" },
		{ { 0x900001, 0x1000, 1 }, "not made of pages" },
		{ { 0x900000, 0x1001, 1 }, "not made of pages" },
		{ { 0xfffff000, 0x2000, 1 }, "not made of pages" },
		{ { 0xffff0000, 0x1000, 1 }, "0xffff0000 lies in the image itself" },
		{ { 0xfffe0000, 0x20000, 1 }, "lies in the image itself" },
		{ { 0x801000, 0x1000, 1 }, "overlap" },
		{ { 0x7ff000, 0x100000, 1 }, "overlap" },
		{ { 0x900000, 0x2000, 2 }, "one page would work" },
		{ { 0x900000, 0x1000, 2 }, "2 pages for secrets and 1 for CPUID" },
	};
	struct snp_image_section sections[3] = { { 0x800000, 0x3000, 1 }, { 0x803000, 0x1000, 3 } };

	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct snp_image_section both[4] = {
			sections[0], sections[1], { 0x804000, 0x1000, 2 }, wrong[i].section
		};

		make_snp_image_with(image, both, 4);
		REFUSED(wrong[i].words);
	}
	make_snp_image_with(image, sections, 2);
	REFUSED("0 pages for secrets and 1 for CPUID");
}

static void too_many_sections(void **state)
{
	struct snp_image_section sections[SNP_MAX_SECTIONS + 1];

	for (u32 i = 0; i < ARRAY_SIZE(sections); i++)
		sections[i] = (struct snp_image_section){ 0x800000 + i * 0x1000, 0x1000, 1 };
	make_snp_image_with(image, sections, ARRAY_SIZE(sections));
	REFUSED("more than 32 sections");
}

static void hashes_outside_of_their_section(void **state)
{
	struct snp_image_section sections[ARRAY_SIZE(snp_image_sections)];

	memcpy(sections, snp_image_sections, sizeof(sections));
	sections[5].base = 0x80a000;
	make_snp_image_with(image, sections, ARRAY_SIZE(sections));
	REFUSED("is not in its section for them");
	sections[5].base = 0x807000;
	sections[4].size = 0x1000;
	make_snp_image_with(image, sections, ARRAY_SIZE(sections));
	REFUSED("is not in its section for them");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(everything_is_found),
		T(without_a_place_for_hashes),
		T(sizes_that_no_firmware_has),
		T(other_files),
		T(a_table_that_begins_in_front_of_the_image),
		T(a_table_too_short_for_itself),
		T(an_entry_of_no_length),
		T(a_table_cut_within_an_entry),
		T(metadata_outside_of_the_image),
		T(an_image_without_metadata),
		T(metadata_damaged),
		T(sections_that_are_none),
		T(too_many_sections),
		T(hashes_outside_of_their_section),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
