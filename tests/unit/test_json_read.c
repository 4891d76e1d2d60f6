// SPDX-License-Identifier: GPL-2.0-or-later
/* What the reader tells of a text, value by value, and what it refuses. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/util/json.h"
#include "test.h"

static char told[4096];
static size_t told_len;

static int tell(const struct json_value *value, void *arg)
{
	static const char kinds[] = "snxb0ol";

	told_len += snprintf(told + told_len, sizeof(told) - told_len, "%s=%c%s", value->path,
			     kinds[value->kind], value->text ?: "");
	if (value->kind == JSON_NUMBER || value->kind == JSON_BOOL)
		told_len += snprintf(told + told_len, sizeof(told) - told_len, "%" PRIu64,
				     value->number);
	told_len += snprintf(told + told_len, sizeof(told) - told_len, ";");
	return 0;
}

static int read_text(const char *text)
{
	told[0] = '\0';
	told_len = 0;
	return json_read(text, tell, NULL);
}

static void reads(const char *text, const char *expected)
{
	int ret = read_text(text);

	if (ret)
		print_error("%s: refused\n", text);
	assert_int_equal(ret, 0);
	assert_string_equal(told, expected);
}

static void refuses(const char *text)
{
	int ret = read_text(text);

	if (ret != -EINVAL)
		print_error("%s: not refused\n", text);
	assert_int_equal(ret, -EINVAL);
}

static void test_values(void **state)
{
	reads("{}", "=o;");
	reads(" { } \r\n", "=o;");
	reads("[]", "=l;");
	reads("7", "=n7;");
	reads("{\"a\":\"b\"}", "=o;a=sb;");
	reads("{\"a\": true,\t\"b\" :false, \"c\": null}", "=o;a=b1;b=b0;c=0;");
	reads("{\"a\":{\"b\":[1, {\"c\":2}]},\"d\":3}",
	      "=o;a=o;a.b=l;a.b[]=n1;a.b[]=o;a.b[].c=n2;d=n3;");
}

static void test_numbers(void **state)
{
	reads("[0,10,18446744073709551615]", "=l;[]=n0;[]=n10;[]=n18446744073709551615;");
	reads("[18446744073709551616,-1,1.5,1e3,2E-3,0.0e+1]", "=l;[]=x;[]=x;[]=x;[]=x;[]=x;[]=x;");
	refuses("[01]");
	refuses("[-]");
	refuses("[+1]");
	refuses("[1.]");
	refuses("[.5]");
	refuses("[1e]");
	refuses("[0x10]");
	refuses("[NaN]");
}

static void test_strings(void **state)
{
	reads("\"\\\"\\\\\\/\\n\"", "=s\"\\/\n;");
	reads("\"\\u0041\\u00fc\\u20ac\\ud83d\\uDC27\"",
	      "=sA\xc3\xbc\xe2\x82\xac\xf0\x9f\x90\xa7;");
	reads("\"\xc3\xbc\"", "=s\xc3\xbc;");
	refuses("\"");
	refuses("\"a");
	refuses("\"\\");
	refuses("\"\\x\"");
	refuses("\"\\u12");
	refuses("\"\\u12g4\"");
	refuses("\"\\u0000\"");
	refuses("\"\\ud83d\"");
	refuses("\"\\ud83d\\u0041\"");
	refuses("\"\\udc27\"");
	refuses("\"a\nb\"");
	refuses("\"\xc3\"");
	refuses("\"\xff\"");
	refuses("'a'");
}

static void test_structure(void **state)
{
	refuses("");
	refuses(" ");
	refuses("{");
	refuses("}");
	refuses("{]");
	refuses("{\"a\"}");
	refuses("{\"a\":}");
	refuses("{\"a\":1,}");
	refuses("{\"a\" 1}");
	refuses("{a:1}");
	refuses("{1:1}");
	refuses("[1 2]");
	refuses("[1,]");
	refuses("[,1]");
	refuses("{}{}");
	refuses("{} x");
	refuses("tru");
	refuses("truely");
}

static int take_length(const struct json_value *value, void *arg)
{
	*(size_t *)arg = strlen(value->text);
	return 0;
}

/* Reports and certificates come in hexadecimal. */
static void test_long_string(void **state)
{
	static char text[0x10000 + 3];
	size_t len = 0;

	memset(text, 'a', sizeof(text) - 1);
	text[0] = text[sizeof(text) - 2] = '"';
	assert_int_equal(json_read(text, take_length, &len), 0);
	assert_int_equal(len, sizeof(text) - 3);
}

static void test_limits(void **state)
{
	char text[JSON_MAX_PATH + 64];

	/* A path of the longest length: one key. */
	snprintf(text, sizeof(text), "{\"%0*d\":1}", JSON_MAX_PATH - 1, 0);
	assert_int_equal(read_text(text), 0);
	snprintf(text, sizeof(text), "{\"%0*d\":1}", JSON_MAX_PATH, 0);
	refuses(text);
	for (unsigned depth = 1; depth <= JSON_MAX_DEPTH + 1; depth++) {
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		text[2 * depth] = '\0';
		assert_int_equal(read_text(text), depth <= JSON_MAX_DEPTH ? 0 : -EINVAL);
	}
}

static int stop_at_second(const struct json_value *value, void *arg)
{
	return ++*(unsigned *)arg == 2 ? 42 : 0;
}

static void test_stops(void **state)
{
	unsigned calls = 0;

	assert_int_equal(json_read("[1,2,3]", stop_at_second, &calls), 42);
	assert_int_equal(calls, 2);
}

/* The writer's one-line form is one line, and read back the same. */
static void test_one_line(void **state)
{
	struct json json;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	json_begin_line(&json, out);
	json_object(&json, NULL);
	json_string(&json, "a", "x\n\"\x7f");
	json_object(&json, "o");
	json_number(&json, "n", 1);
	json_object_end(&json);
	json_list(&json, "l");
	json_number(&json, NULL, 2);
	json_number(&json, NULL, 3);
	json_list_end(&json);
	json_object_end(&json);
	json_end(&json);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text,
			    "{\"a\": \"x\\u000a\\\"\\u007f\", \"o\": {\"n\": 1}, \"l\": [2, 3]}\n");
	reads(text, "=o;a=sx\n\"\x7f;o=o;o.n=n1;l=l;l[]=n2;l[]=n3;");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),	    cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_strings),	    cmocka_unit_test(test_structure),
		cmocka_unit_test(test_long_string), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_stops),	    cmocka_unit_test(test_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
