// SPDX-License-Identifier: GPL-2.0-or-later
/* Values of keys and options, and lists of them, as their rows describe them. */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lkvm/config/key.h"
#include "lkvm/config/nearest.h"
#include "lkvm/config/size.h"

int key_why(char why[KEY_WHY], const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, KEY_WHY, fmt, args);
	va_end(args);
	return -EINVAL;
}

static size_t key_append(char *text, size_t size, size_t used, const char *glue, const char *more)
{
	int len = snprintf(text + used, size - used, "%s%s", glue, more);

	return MIN(used + len, size - 1);
}

const char *key_names(char *text, size_t size, const char *const *names, unsigned which)
{
	unsigned last = 31 - __builtin_clz(which | 1);
	size_t used = 0;

	*text = '\0';
	for (unsigned i = 0; i < 32 && names[i]; i++) {
		bool is_last = i == last || !names[i + 1];

		if (which & BIT(i))
			used = key_append(text, size, used,
					  !used	    ? ""
					  : is_last ? " or "
						    : ", ",
					  names[i]);
	}
	return text;
}

/* ---- numbers ---- */

static u64 number_max(const struct key_row *row)
{
	return row->max ?: row->type == KEY_U32 ? UINT32_MAX : UINT64_MAX;
}

static void print_number(const struct key_row *row, char text[SIZE_TEXT], u64 number)
{
	if (row->type == KEY_SIZE)
		size_text(number, text);
	else
		snprintf(text, SIZE_TEXT,
			 row->type == KEY_U64 && number > 99999 ? "%#" PRIx64 : "%" PRIu64, number);
}

const char *key_bounds(const struct key_row *row, char text[KEY_BOUNDS])
{
	char min[SIZE_TEXT], max[SIZE_TEXT];

	if (row->type != KEY_U32 && row->type != KEY_U64 && row->type != KEY_SIZE)
		return NULL;
	print_number(row, min, row->min);
	print_number(row, max, number_max(row));
	if (number_max(row) != UINT64_MAX)
		snprintf(text, KEY_BOUNDS, "%s to %s", min, max);
	else if (row->min)
		snprintf(text, KEY_BOUNDS, "at least %s", min);
	else
		return NULL;
	return text;
}

static int take_number(const struct key_row *row, const char *value, u64 *number, char *why)
{
	char text[KEY_BOUNDS];
	const char *bounds = key_bounds(row, text), *wrong;
	int err = row->type == KEY_SIZE ? parse_size(value, row->unit ?: 1, number, NULL)
					: parse_u64(value, UINT64_MAX, number);

	if (!err && *number >= row->min && *number <= number_max(row))
		return 0;
	if (err == -ERANGE && number_max(row) == UINT64_MAX)
		return key_why(why, "more than 64 bits");
	if (err == -EINVAL)
		wrong = row->type == KEY_SIZE ? "not a size" : "not a whole number";
	else
		wrong = err || *number > row->min ? "too large" : "too small";
	if (bounds)
		return key_why(why, "%s; %s would work", wrong, bounds);
	return key_why(why, "%s; %s would work", wrong,
		       row->type == KEY_SIZE ? "512M or 2G" : "1000000 or 0xf4240");
}

/* ---- the other types ---- */

static int take_string(const struct key_row *row, const char *value, char *why)
{
	size_t len = strlen(value);
	char text[128];

	if (row->max && (!len || len < row->min || len > row->max))
		return key_why(why, "%" PRIu64 " to %" PRIu64 " characters would work, not %zu",
			       (row->min ?: 1), row->max, len);
	return len ? 0 : key_why(why, "give it a %s", key_argument(row, text));
}

static int take_choice(const struct key_row *row, const char *value, unsigned *choice, char *why)
{
	struct nearest nearest = { .word = value };
	char known[256];

	for (unsigned i = 0; row->choices[i]; i++) {
		if (!strcmp(row->choices[i], value)) {
			*choice = i;
			return 0;
		}
		nearest_try(&nearest, row->choices[i]);
	}
	key_names(known, sizeof(known), row->choices, ~0U);
	if (nearest.best)
		return key_why(why, "did you mean '%s'? It can be %s", nearest.best, known);
	return key_why(why, "not known; it can be %s", known);
}

static bool read_hex(const char *text, u8 *bytes, size_t size, char separator)
{
	for (size_t i = 0; i < size; i++) {
		unsigned high = hex_digit(text[0]), low = high < 16 ? hex_digit(text[1]) : 16;

		if (low > 15)
			return false;
		bytes[i] = high << 4 | low;
		text += 2;
		if (separator && i + 1 < size && *text++ != separator)
			return false;
	}
	return !*text;
}

static int take_hex(const struct key_row *row, const char *value, u8 *bytes, char *why)
{
	if (read_hex(value + (strncmp(value, "0x", 2) ? 0 : 2), bytes, row->max, '\0'))
		return 0;
	return key_why(why, "%" PRIu64 " hexadecimal digits would work", 2 * row->max);
}

static int take_ipv4(const struct key_row *row, const char *value, char *why)
{
	struct in_addr address;
	unsigned bits;

	if (!parse_ipv4(value, &address, row->max ? &bits : NULL))
		return 0;
	return key_why(why, "not an IPv4 address like 10.0.2.15%s",
		       row->max ? " or 10.0.2.15/24" : "");
}

static int take_mac(const char *value, u8 *field, char *why)
{
	static const u8 zero[6];
	u8 mac[6];

	if (!read_hex(value, mac, sizeof(mac), ':'))
		return key_why(why, "not an address like 02:15:15:15:15:15");
	if (!memcmp(mac, zero, 6) || (mac[0] & 1))
		return key_why(why, "not the address of one card; one like 02:15:15:15:15:15 would "
				    "work");
	memcpy(field, mac, 6);
	return 0;
}

static int take_flag(const char *value, bool *flag, char *why)
{
	*flag = !value || !strcmp(value, "on");
	return *flag || !strcmp(value, "off") ? 0 : key_why(why, "it can be on or off");
}

static int key_set_field(const struct key_row *row, void *field, char *value, char *why)
{
	u64 number = 0;
	int err;

	switch (row->type) {
	case KEY_FLAG:
		return take_flag(value, field, why);
	case KEY_STRING:
	case KEY_IPV4:
		err = row->type == KEY_IPV4 ? take_ipv4(row, value, why)
					    : take_string(row, value, why);
		if (!err)
			*(const char **)field = value;
		return err;
	case KEY_U32:
	case KEY_U64:
	case KEY_SIZE:
		err = take_number(row, value, &number, why);
		if (err)
			return err;
		if (row->type == KEY_U32)
			*(u32 *)field = number;
		else
			*(u64 *)field = number;
		return 0;
	case KEY_CHOICE:
		return take_choice(row, value, field, why);
	case KEY_HEX:
		return take_hex(row, value, field, why);
	case KEY_MAC:
		return take_mac(value, field, why);
	case KEY_CALL:
		break;
	}
	return 0;
}

int key_store(const struct key_row *row, void *record, char *value, char why[KEY_WHY])
{
	char text[128];
	int err;

	if (!value && row->type != KEY_FLAG)
		return key_why(why, "it needs a value: %s=%s", row->name, key_argument(row, text));
	err = key_set_field(row, (char *)record + row->offset, value, why);
	return err || !row->check ? err : row->check(record, value, why);
}

/* ---- lists ---- */

char *key_list_next(char **cursor)
{
	char *item = *cursor, *from = item, *to = item;

	if (!item)
		return NULL;
	*cursor = NULL;
	for (; *from; from++) {
		if (*from == ',') {
			if (from[1] != ',') {
				*cursor = from + 1;
				break;
			}
			from++;
		}
		*to++ = *from;
	}
	*to = '\0';
	return item;
}

const char *key_argument(const struct key_row *row, char text[128])
{
	static const char *const words[] = {
		[KEY_STRING] = "TEXT",	[KEY_U32] = "N",      [KEY_U64] = "N",
		[KEY_SIZE] = "SIZE",	[KEY_HEX] = "HEX",    [KEY_MAC] = "MAC",
		[KEY_IPV4] = "ADDRESS", [KEY_CALL] = "VALUE",
	};
	size_t used = 0;

	if (row->argument || row->type == KEY_FLAG)
		return row->argument;
	if (row->type != KEY_CHOICE)
		return words[row->type];
	for (unsigned i = 0; row->choices[i]; i++)
		used = key_append(text, 128, used, i ? "|" : "", row->choices[i]);
	return text;
}

/* "a=N, b and c=TEXT": the keys that documentation shows. */
static void list_keys(const struct key_row *rows, char *text, size_t size)
{
	const struct key_row *row, *last = NULL;
	char argument[128], key[192];
	size_t used = 0;

	for (row = rows; row->name; row++)
		if (row->help && !row->first)
			last = row;
	*text = '\0';
	for (row = rows; row->name; row++) {
		const char *value = key_argument(row, argument);

		if (!row->help || row->first)
			continue;
		snprintf(key, sizeof(key), "%s%s%s", row->name, value ? "=" : "", value ?: "");
		used = key_append(text, size, used, !used ? "" : row == last ? " and " : ", ", key);
	}
}

static int unknown_key(const struct key_row *rows, const char *name, char *why)
{
	struct nearest nearest = { .word = name };
	char known[512];

	for (const struct key_row *row = rows; row->name; row++) {
		if (row->first)
			continue;
		nearest_try(&nearest, row->name);
		if (row->alias)
			nearest_try(&nearest, row->alias);
	}
	if (nearest.best)
		return key_why(why, "did you mean %s?", nearest.best);
	list_keys(rows, known, sizeof(known));
	return key_why(why, "not known; there are %s (a comma in a value is written twice)", known);
}

static bool is_bare(const struct key_row *row, const char *word)
{
	for (unsigned i = 0; row->bare && row->choices && row->choices[i]; i++)
		if (!strcmp(row->choices[i], word))
			return true;
	return false;
}

/* The row for "NAME" or "NAME=VALUE", which it cuts; *value is NULL for the first. */
static const struct key_row *key_find(const struct key_row *rows, char *item, char **value)
{
	*value = strchr(item, '=');
	if (*value)
		*(*value)++ = '\0';
	for (const struct key_row *row = rows; row->name; row++) {
		if (!*value && is_bare(row, item)) {
			*value = item;
			return row;
		}
		if (!row->first &&
		    (!strcmp(row->name, item) || (row->alias && !strcmp(row->alias, item))))
			return row;
	}
	/* No key's name: a value without one. */
	for (const struct key_row *row = rows; row->name && !*value; row++) {
		if (row->type == KEY_STRING && row->bare) {
			*value = item;
			return row;
		}
	}
	return NULL;
}

/*
 * Refuses a key that does not belong to the selected choice; without a choice the first such key selects its own. Done
 * at the end, since keys may come in any order.
 */
static int check_selection(const struct key_row *rows, void *record, u64 given,
			   struct key_error *error)
{
	const struct key_row *row, *selector = rows;
	unsigned *selected;
	char names[256];

	while (selector->name && !selector->selects)
		selector++;
	if (!selector->name)
		return 0;
	selected = (unsigned *)((char *)record + selector->offset);
	for (row = rows; row->name; row++) {
		if (!(given & BIT(row - rows)) || !row->goes_with ||
		    row->goes_with & BIT(*selected))
			continue;
		if (!(given & BIT(selector - rows))) {
			*selected = __builtin_ctz(row->goes_with);
			given |= BIT(selector - rows);
			return check_selection(rows, record, given, error);
		}
		snprintf(error->item, sizeof(error->item), "%s", row->name);
		return key_why(error->why, "it goes with %s%s%s",
			       selector->first ? "" : selector->name, selector->first ? "" : "=",
			       key_names(names, sizeof(names), selector->choices, row->goes_with));
	}
	return 0;
}

int keys_parse(const struct key_row *rows, void *record, char *text, struct key_error *error)
{
	char *cursor = text, *item, *value;
	u64 given = 0;
	int err = 0;

	error->item[0] = '\0';
	for (unsigned n = 0; !err && (item = key_list_next(&cursor)); n++) {
		const struct key_row *row = rows;

		snprintf(error->item, sizeof(error->item), "%s", item);
		if (!n && rows->first)
			value = item;
		else
			row = key_find(rows, item, &value);
		if (!row)
			return unknown_key(rows, item, error->why);
		err = key_store(row, record, value, error->why);
		given |= BIT(row - rows);
	}
	return err ?: check_selection(rows, record, given, error);
}
