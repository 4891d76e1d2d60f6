// SPDX-License-Identifier: GPL-2.0-or-later
/* What the writer says, byte by byte: nesting, commas, and strings that must be escaped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/util/json.h"
#include "test.h"

static struct json json;
static char *text;
static size_t size;

static void begin(void)
{
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	json_begin(&json, out);
}

static void wrote(const char *expected)
{
	json_end(&json);
	assert_int_equal(fclose(json.out), 0);
	assert_string_equal(text, expected);
	free(text);
}

static void test_empty(void **state)
{
	begin();
	json_object(&json, NULL);
	json_object_end(&json);
	wrote("{}\n");
}

static void test_members(void **state)
{
	begin();
	json_object(&json, NULL);
	json_string(&json, "a", "b");
	json_number(&json, "n", UINT64_MAX);
	json_bool(&json, "yes", true);
	json_bool(&json, "no", false);
	json_null(&json, "nothing");
	json_object_end(&json);
	wrote("{\n  \"a\": \"b\",\n  \"n\": 18446744073709551615,\n  \"yes\": true,\n"
	      "  \"no\": false,\n  \"nothing\": null\n}\n");
}

static void test_nesting(void **state)
{
	begin();
	json_object(&json, NULL);
	json_object(&json, "empty");
	json_object_end(&json);
	json_object(&json, "outer");
	json_object(&json, "inner");
	json_number(&json, "x", 0);
	json_object_end(&json);
	json_number(&json, "y", 1);
	json_object_end(&json);
	json_number(&json, "z", 2);
	json_object_end(&json);
	wrote("{\n  \"empty\": {},\n  \"outer\": {\n    \"inner\": {\n      \"x\": 0\n    },\n"
	      "    \"y\": 1\n  },\n  \"z\": 2\n}\n");
}

static void test_lists(void **state)
{
	begin();
	json_object(&json, NULL);
	json_list(&json, "none");
	json_list_end(&json);
	json_list(&json, "mixed");
	json_number(&json, NULL, 1);
	json_string(&json, NULL, "two");
	json_null(&json, NULL);
	json_list_end(&json);
	json_number(&json, "after", 3);
	json_object_end(&json);
	wrote("{\n  \"none\": [],\n  \"mixed\": [1, \"two\", null],\n  \"after\": 3\n}\n");
}

static void escaped(const char *raw, const char *expected)
{
	char whole[128];

	begin();
	json_object(&json, NULL);
	json_string(&json, "s", raw);
	json_object_end(&json);
	snprintf(whole, sizeof(whole), "{\n  \"s\": \"%s\"\n}\n", expected);
	wrote(whole);
}

static void test_escapes(void **state)
{
	escaped("", "");
	escaped("say \"hi\"", "say \\\"hi\\\"");
	escaped("C:\\kvm", "C:\\\\kvm");
	escaped("a\nb\tc", "a\\u000ab\\u0009c");
	escaped("\x01\x1f\x7f", "\\u0001\\u001f\\u007f");
	escaped("/dev/kvm", "/dev/kvm");
}

static void test_key_is_escaped_too(void **state)
{
	begin();
	json_object(&json, NULL);
	json_null(&json, "a\"b");
	json_object_end(&json);
	wrote("{\n  \"a\\\"b\": null\n}\n");
}

static void test_utf8(void **state)
{
	escaped("Gr\xc3\xbc\xc3\x9f", "Gr\xc3\xbc\xc3\x9f");
	escaped("\xe2\x82\xac\xf0\x9f\x90\xa7", "\xe2\x82\xac\xf0\x9f\x90\xa7");
	escaped("\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf");
}

static void test_no_utf8(void **state)
{
	escaped("a\x80z", "a\\ufffdz");
	escaped("\xff", "\\ufffd");
	/* Cut short by the end, and by another character. */
	escaped("\xe2\x82", "\\ufffd\\ufffd");
	escaped("\xc3\"", "\\ufffd\\\"");
	/* Too long forms of '/', a surrogate, above the last code point. */
	escaped("\xc0\xaf", "\\ufffd\\ufffd");
	escaped("\xe0\x80\xaf", "\\ufffd\\ufffd\\ufffd");
	escaped("\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd");
	escaped("\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd");
	escaped("\xf5\x80\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),	cmocka_unit_test(test_members),
		cmocka_unit_test(test_nesting), cmocka_unit_test(test_lists),
		cmocka_unit_test(test_escapes), cmocka_unit_test(test_key_is_escaped_too),
		cmocka_unit_test(test_utf8),	cmocka_unit_test(test_no_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
