// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>

#include "lkvm/util/json.h"
#include "json-utf8.h"

unsigned utf8_length(const u8 *text)
{
	static const u32 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned length, i;
	u32 c = text[0];

	if (c < 0x80)
		return 1;
	length = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	c &= 0x7fu >> length;
	for (i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (text[i] & 0x3f);
	}
	if (c < least[length] || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
		return 0;
	return length;
}

static void quoted(FILE *out, const char *text)
{
	const u8 *p = (const u8 *)text;

	fputc('"', out);
	while (*p) {
		unsigned length = utf8_length(p);

		if (!length)
			fputs("\\ufffd", out);
		else if (*p == '"' || *p == '\\')
			fprintf(out, "\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f)
			fprintf(out, "\\u%04x", *p);
		else
			fwrite(p, 1, length, out);
		p += MAX(length, 1u);
	}
	fputc('"', out);
}

static void new_line(struct json *json)
{
	if (!json->one_line)
		fprintf(json->out, "\n%*s", (int)json->depth * 2, "");
}

static void member(struct json *json, const char *key)
{
	if (json->more)
		fputs(json->in_list || json->one_line ? ", " : ",", json->out);
	json->more = true;
	if (!json->in_list && json->depth)
		new_line(json);
	if (key) {
		quoted(json->out, key);
		fputs(": ", json->out);
	}
}

void json_begin(struct json *json, FILE *out)
{
	*json = (struct json){ .out = out };
}

void json_begin_line(struct json *json, FILE *out)
{
	*json = (struct json){ .out = out, .one_line = true };
}

void json_end(struct json *json)
{
	fputc('\n', json->out);
}

void json_object(struct json *json, const char *key)
{
	member(json, key);
	fputc('{', json->out);
	json->depth++;
	json->more = false;
}

void json_object_end(struct json *json)
{
	json->depth--;
	if (json->more)
		new_line(json);
	fputc('}', json->out);
	json->more = true;
}

void json_list(struct json *json, const char *key)
{
	member(json, key);
	fputc('[', json->out);
	json->in_list = true;
	json->more = false;
}

void json_list_end(struct json *json)
{
	fputc(']', json->out);
	json->in_list = false;
	json->more = true;
}

void json_string(struct json *json, const char *key, const char *text)
{
	member(json, key);
	quoted(json->out, text);
}

void json_number(struct json *json, const char *key, u64 number)
{
	member(json, key);
	fprintf(json->out, "%" PRIu64, number);
}

void json_bool(struct json *json, const char *key, bool value)
{
	member(json, key);
	fputs(value ? "true" : "false", json->out);
}

void json_null(struct json *json, const char *key)
{
	member(json, key);
	fputs("null", json->out);
}

void json_raw(struct json *json, const char *key, const char *text)
{
	member(json, key);
	fputs(text, json->out);
}
