// SPDX-License-Identifier: GPL-2.0-or-later
/* Examples that NIST publishes for FIPS 180-4, and base64. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lkvm/util/base64.h"
#include "lkvm/util/sha2.h"
#include "test.h"

static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
static const char four_blocks[] = "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
				  "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";

static void assert_hex(const u8 *bytes, size_t len, const char *hex)
{
	char text[2 * SHA384_SIZE + 1];

	for (size_t i = 0; i < len; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
	assert_string_equal(text, hex);
}

static void sha384_of_published_messages(void **state)
{
	u8 digest[SHA384_SIZE];

	assert_int_equal(sha384(digest, "abc", 3), 0);
	assert_hex(digest, sizeof(digest),
		   "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
		   "8086072ba1e7cc2358baeca134c825a7");
	assert_int_equal(sha384(digest, four_blocks, strlen(four_blocks)), 0);
	assert_hex(digest, sizeof(digest),
		   "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712"
		   "fcc7c71a557e2db966c3e9fa91746039");
}

static void sha256_in_pieces(void **state)
{
	u8 digest[SHA256_SIZE];
	struct sha256 *sha;

	sha256_end(sha256_begin(), digest);
	assert_hex(digest, sizeof(digest),
		   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	sha = sha256_begin();
	assert_non_null(sha);
	sha256_add(sha, two_blocks, 5);
	sha256_add(sha, two_blocks + 5, strlen(two_blocks) - 5);
	sha256_end(sha, digest);
	assert_hex(digest, sizeof(digest),
		   "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void base64(void **state)
{
	static const struct {
		const char *text;
		int size; /* or -EINVAL */
		const char *bytes;
	} texts[] = {
		{ "", 0, "" },
		{ "Zg==", 1, "f" },
		{ "Zm8=", 2, "fo" },
		{ "Zm9v", 3, "foo" },
		{ "Zm9vYmE=\n", 5, "fooba" },
		{ "Zm9v\r\nYmFy", 6, "foobar" },
		{ "+/+/", 3, "\xfb\xff\xbf" },
		{ "Z", -EINVAL, NULL },
		{ "Zg", -EINVAL, NULL },
		{ "Zg=", -EINVAL, NULL },
		{ "Zg===", -EINVAL, NULL },
		{ "Zg==Zg==", -EINVAL, NULL },
		{ "Zm9*", -EINVAL, NULL },
		{ "Zm9vYmFyIQ==", -EINVAL, NULL }, /* seven bytes */
	};
	u8 bytes[6];

	for (unsigned i = 0; i < ARRAY_SIZE(texts); i++) {
		ssize_t got =
			base64_decode(bytes, sizeof(bytes), texts[i].text, strlen(texts[i].text));

		assert_int_equal(got, texts[i].size);
		if (got > 0)
			assert_memory_equal(bytes, texts[i].bytes, got);
	}
}

static void without_the_library_nobody_pretends(void **state)
{
	u8 digest[SHA384_SIZE];

	assert_int_equal(base64_decode(digest, sizeof(digest), "Zg==", 4), -EOPNOTSUPP);
	assert_int_equal(sha384(digest, "abc", 3), -EOPNOTSUPP);
	assert_null(sha256_begin());
	sha256_end(NULL, digest);
}

int main(void)
{
	const struct CMUnitTest with[] = {
		cmocka_unit_test(sha384_of_published_messages),
		cmocka_unit_test(sha256_in_pieces),
		cmocka_unit_test(base64),
	};
	const struct CMUnitTest without[] = {
		cmocka_unit_test(without_the_library_nobody_pretends),
	};

	return sha2_available() ? cmocka_run_group_tests(with, NULL, NULL)
				: cmocka_run_group_tests(without, NULL, NULL);
}
