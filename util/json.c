// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "lkvm/util/json.h"
#include "lkvm/util/text.h"

/* jansson allows 2048, which takes more stack than a thread of ours may have left. */
static bool is_too_deep(const char *text, size_t len)
{
	bool quoted = false;
	unsigned depth = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"')
			quoted = !quoted;
		else if (quoted && text[i] == '\\')
			i++;
		else if (!quoted && (text[i] == '[' || text[i] == '{') && ++depth > JSON_MAX_DEPTH)
			return true;
		else if (!quoted && (text[i] == ']' || text[i] == '}'))
			depth--;
	}
	return false;
}

json_t *json_read(const char *text, size_t len)
{
	json_error_t error;
	json_t *value;

	if (is_too_deep(text, len))
		return NULL;
	value = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (json_is_object(value))
		return value;
	json_decref(value);
	return NULL;
}

json_t *json_words(const char *text)
{
	json_t *words = json_string(text);
	char *clean = words ? NULL : strdup(text);

	if (clean) {
		text_clean(clean);
		words = json_string(clean);
		free(clean);
	}
	return words;
}

json_t *json_number(u64 number)
{
	return json_integer(MIN(number, (u64)INT64_MAX));
}

char *json_line(const json_t *value, size_t *len)
{
	char *line = NULL;
	FILE *out = open_memstream(&line, len);
	int err;

	if (!out)
		return NULL;
	err = json_dumpf(value, out, JSON_ENCODE_ANY);
	fputc('\n', out);
	if (!fclose(out) && !err)
		return line;
	free(line);
	return NULL;
}

/* DEL, which may only be in strings, is ASCII to jansson, and no text to a terminal. */
static int print_bytes(const char *bytes, size_t len, void *out)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == 0x7f)
			fputs("\\u007f", out);
		else
			fputc(bytes[i], out);
	}
	return 0;
}

static void print_value(const json_t *value, FILE *out)
{
	json_dump_callback(value, print_bytes, out, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
}

static void print_at(json_t *value, unsigned levels, unsigned depth, FILE *out);

static void print_members(json_t *object, unsigned levels, unsigned depth, FILE *out)
{
	const char *key, *before = "{";
	json_t *value;

	json_object_foreach (object, key, value) {
		json_t *name = json_string(key);

		fprintf(out, "%s\n%*s", before, depth * 2 + 2, "");
		print_value(name, out);
		fputs(": ", out);
		print_at(value, levels, depth + 1, out);
		json_decref(name);
		before = ",";
	}
	fprintf(out, "\n%*s}", depth * 2, "");
}

static void print_at(json_t *value, unsigned levels, unsigned depth, FILE *out)
{
	if (depth < levels && json_object_size(value))
		print_members(value, levels, depth, out);
	else
		print_value(value, out);
}

void json_print(json_t *value, unsigned levels, FILE *out)
{
	print_at(value, levels, 0, out);
	fputc('\n', out);
}
