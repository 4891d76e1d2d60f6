// SPDX-License-Identifier: GPL-2.0-or-later
/* JSON that a hostile peer may send, and the lines that scripts read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/util/json.h"
#include "test.h"

static json_t *read_text(const char *text)
{
	return json_read(text, strlen(text));
}

static void reads(const char *text, const char *expected)
{
	json_t *value = read_text(text);
	size_t len;
	char *line;

	if (!value)
		print_error("%s: refused\n", text);
	assert_non_null(value);
	line = json_line(value, &len);
	assert_non_null(line);
	assert_int_equal(len, strlen(line));
	assert_int_equal(line[len - 1], '\n');
	line[len - 1] = '\0';
	assert_string_equal(line, expected);
	free(line);
	json_decref(value);
}

static void refuses(const char *text)
{
	json_t *value = read_text(text);

	if (value)
		print_error("%s: not refused\n", text);
	assert_null(value);
}

static void objects_are_read(void **state)
{
	reads("{}", "{}");
	reads(" { } \r\n", "{}");
	reads("{\"b\":true,\t\"a\" :false, \"c\": null}",
	      "{\"b\": true, \"a\": false, \"c\": null}");
	reads("{\"a\":{\"b\":[1,{\"c\":2}]}}", "{\"a\": {\"b\": [1, {\"c\": 2}]}}");
	reads("{\"a\":[-1,9223372036854775807]}", "{\"a\": [-1, 9223372036854775807]}");
	reads("{\"a\":\"\\u0041\\u00fc\\ud83d\\uDC27\"}", "{\"a\": \"A\xc3\xbc\xf0\x9f\x90\xa7\"}");
}

static void all_else_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"7",
		"\"a\"",
		"[]",
		"null",
		"{",
		"}",
		"{]",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1,}",
		"{\"a\" 1}",
		"{a:1}",
		"{1:1}",
		"{}{}",
		"{} x",
		"{\"a\":tru}",
		"{\"a\":'b'}",
		"{\"a\":[1,]}",
		/* A member given twice. */
		"{\"a\":1,\"a\":1}",
		"{\"x\":{\"a\":1,\"\\u0061\":2}}",
		/* Numbers. */
		"{\"a\":01}",
		"{\"a\":+1}",
		"{\"a\":.5}",
		"{\"a\":1.}",
		"{\"a\":0x10}",
		"{\"a\":NaN}",
		"{\"a\":9223372036854775808}",
		"{\"a\":-9223372036854775809}",
		"{\"a\":1e999}",
		/* Strings. */
		"{\"a\":\"",
		"{\"a\":\"\\\"}",
		"{\"a\":\"\\x\"}",
		"{\"a\":\"\\u12g4\"}",
		"{\"a\":\"\\u0000\"}",
		"{\"\\u0000\":1}",
		"{\"a\":\"\\ud83d\"}",
		"{\"a\":\"\\udc27\"}",
		"{\"a\":\"b\nc\"}",
		"{\"a\":\"\xc3\"}",
		"{\"a\":\"\xff\"}",
		"{\"a\":\"\xc0\xaf\"}",
		"{\"a\":\"\xed\xa0\x80\"}",
		"{\"\xff\":1}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		refuses(texts[i]);
}

/* The length counts, not a NUL. */
static void no_nul_ends_it(void **state)
{
	json_t *value = json_read("{}x", 2);

	assert_non_null(value);
	json_decref(value);
	assert_null(json_read("{}\0", 3));
	assert_null(json_read("{\"a\":\"b\0\"}", 11));
}

static void nesting(char *text, unsigned depth)
{
	text += sprintf(text, "{\"a\":");
	memset(text, '[', depth - 1);
	text += depth - 1;
	memset(text, ']', depth - 1);
	strcpy(text + depth - 1, "}");
}

/* Deeper than a thread's stack may be, too. */
static void nesting_has_a_limit(void **state)
{
	static char text[1 << 20];
	json_t *value;

	nesting(text, JSON_MAX_DEPTH);
	value = read_text(text);
	assert_non_null(value);
	json_decref(value);
	nesting(text, JSON_MAX_DEPTH + 1);
	refuses(text);
	nesting(text, 500000);
	refuses(text);
	memset(text, '{', sizeof(text) - 1);
	refuses(text);
	memset(text, ']', sizeof(text) - 1);
	refuses(text);
	/* Brackets in strings are text. */
	reads("{\"[[[[[[[[[[\":\"{{{{{{{{{{\\\"{{\"}", "{\"[[[[[[[[[[\": \"{{{{{{{{{{\\\"{{\"}");
}

static void words_are(const char *text, const char *expected)
{
	json_t *words = json_words(text);

	assert_string_equal(json_string_value(words), expected);
	json_decref(words);
}

static void words_are_always_text(void **state)
{
	words_are("", "");
	words_are("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f");
	words_are("a\nb", "a\nb");
	words_are("a\xffz", "a?z");
	words_are("\xe2\x82", "??");
}

static void numbers_have_a_sign_bit(void **state)
{
	json_t *number = json_number(UINT64_MAX);

	assert_int_equal(json_integer_value(number), INT64_MAX);
	json_decref(number);
}

static void printed(unsigned levels, const char *expected)
{
	json_t *value = json_pack("{s:s, s:{s:[i,i], s:{}, s:{s:i}}}", "a\"", "\xc3\xbc\x1b\x7f",
				  "b", "list", 1, 2, "empty", "c", "d", 3);
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	json_print(value, levels, out);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, expected);
	free(text);
	json_decref(value);
}

static void members_have_lines(void **state)
{
	printed(0,
		"{\"a\\\"\": \"\\u00FC\\u001B\\u007f\", \"b\": {\"list\": [1, 2], \"empty\": {}, \"c\": {\"d\": 3}}}\n");
	printed(1,
		"{\n  \"a\\\"\": \"\\u00FC\\u001B\\u007f\",\n  \"b\": {\"list\": [1, 2], \"empty\": {}, \"c\": {\"d\": 3}}\n}\n");
	printed(3,
		"{\n  \"a\\\"\": \"\\u00FC\\u001B\\u007f\",\n  \"b\": {\n    \"list\": [1, 2],\n    \"empty\": {},\n"
		"    \"c\": {\n      \"d\": 3\n    }\n  }\n}\n");
}

static void nothing_is_no_line(void **state)
{
	size_t len;

	assert_null(json_line(NULL, &len));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_read),	 cmocka_unit_test(all_else_is_refused),
		cmocka_unit_test(no_nul_ends_it),	 cmocka_unit_test(nesting_has_a_limit),
		cmocka_unit_test(words_are_always_text), cmocka_unit_test(numbers_have_a_sign_bit),
		cmocka_unit_test(members_have_lines),	 cmocka_unit_test(nothing_is_no_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
