// SPDX-License-Identifier: GPL-2.0-or-later
/* The parser: turns words into calls on rows of the table. What the rows are it does not know. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/config/nearest.h"
#include "lkvm/config/options.h"
#include "lkvm/util/log.h"
#include "records.h"

const struct option_row option_help_rows[] = {
	OPTION_ROW(HELP, "help", .letter = 'h', .help = "Show this"),
	{ 0 },
};

/* One command's words while they are read. */
struct parse {
	const struct option_set *set;
	void *base;
	char **next; /* what is left of them */
	char **end;
};

/* One way to write a row: its name, or the opposite of it. */
struct spelling {
	char name[64];
	const struct option_row *row;
	const struct config_kind *kind; /* whose row it is; NULL: the command's own */
	bool off;
};

bool option_can_be_negated(const struct option_row *row)
{
	return row->kind == OPTION_FLAG || row->kind == OPTION_STRING || row->kind == OPTION_UINT ||
	       row->kind == OPTION_GIVEN || row->kind == OPTION_DEVICE ||
	       (row->kind == OPTION_CALL && row->can_clear);
}

int option_error(const struct option_row *row, const char *value, const char *fmt, ...)
{
	char reason[KEY_WHY];
	va_list args;

	va_start(args, fmt);
	vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	log_error("--%s %s: %s", row->name, *value ? value : "''", reason);
	return -EINVAL;
}

int option_keys(struct vm_config *config, const struct option_row *row, const char *value,
		void *record)
{
	char *text = config_text(config, "%s", value);
	struct key_error error;

	if (!text)
		return -ENOMEM;
	if (row->keys->first && !row->keys[1].name)
		return key_store(row->keys, record, text, error.why)
			       ? option_error(row, value, "%s", error.why)
			       : 0;
	if (!keys_parse(row->keys, record, text, &error))
		return 0;
	return option_error(row, error.item, "%s", error.why);
}

/* Reads a value of one of a key's types (a number, a choice ...) into the field. */
static int option_store(void *field, const struct option_row *row, const char *value)
{
	static const enum key_type types[] = {
		[OPTION_STRING] = KEY_STRING, [OPTION_UINT] = KEY_U32,
		[OPTION_U64] = KEY_U64,	      [OPTION_SIZE] = KEY_SIZE,
		[OPTION_CHOICE] = KEY_CHOICE, [OPTION_GIVEN] = KEY_U64,
	};
	const struct key_row key = {
		.name = row->name,
		.type = types[row->kind],
		.min = row->min,
		.max = row->max,
		.unit = row->unit,
		.choices = row->choices,
		.argument = row->argument,
	};
	char why[KEY_WHY];

	if (!key_store(&key, field, (char *)value, why))
		return 0;
	return option_error(row, value, "%s", why);
}

static int fill_record(struct vm_config *config, const struct option_row *row, const char *value,
		       void *record)
{
	char why[KEY_WHY];
	int err = value && row->keys ? option_keys(config, row, value, record) : 0;

	if (err || !row->check)
		return err;
	err = row->check(record, why);
	return err < 0 ? option_error(row, value ?: "", "%s", why) : err;
}

/* A new record of the kind that the value is for. */
static void *device_record(struct vm_config *config, const struct option_row **row,
			   const struct config_kind **kind, const char *value)
{
	const struct config_kind *const *other = config->options->kinds;
	void *record;

	for (; value && *other; other++) {
		if (!(*other)->claims || strcmp((*other)->claims, (*row)->name))
			continue;
		record = record_new(*other);
		if (!record || (*other)->claim(value, record)) {
			*row = (*other)->rows;
			*kind = *other;
			return record;
		}
		free(record);
	}
	return record_new(*kind);
}

static int add_device(struct vm_config *config, const struct option_row *row,
		      const struct config_kind *kind, const char *value)
{
	void *record = device_record(config, &row, &kind, value);
	int err;

	if (!record)
		return -ENOMEM;
	err = fill_record(config, row, value, record);
	if (!err)
		err = config_add(config, kind, record);
	else if (err > 0)
		err = config_remove_all(config, kind);
	free(record);
	if (err == -ENOSPC)
		return option_error(row, value ?: "", "that is one too many; %u work", kind->max);
	return err;
}

/* value is NULL for a flag and for anything switched off. */
static int option_apply(struct parse *parse, const struct spelling *option, const char *value)
{
	const struct option_row *row = option->row;
	void *field = (char *)parse->base + row->offset;
	struct given_u64 *number = field;
	bool off = option->off;

	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)field = !off;
		return 0;
	case OPTION_STRING:
		if (!off)
			return option_store(field, row, value);
		*(const char **)field = NULL;
		return 0;
	case OPTION_UINT:
		if (!off)
			return option_store(field, row, value);
		*(unsigned *)field = 0;
		return 0;
	case OPTION_GIVEN:
		number->given = !off;
		return off ? 0 : option_store(&number->value, row, value);
	case OPTION_U64:
	case OPTION_SIZE:
	case OPTION_CHOICE:
		return option_store(field, row, value);
	case OPTION_DEVICE:
		if (!off)
			return add_device(parse->base, row, option->kind, value);
		return config_remove_all(parse->base, option->kind);
	case OPTION_CALL:
		return row->parse(parse->base, row, off ? NULL : value ?: "");
	case OPTION_IGNORED:
		return 0;
	case OPTION_HELP:
		return 1;
	case OPTION_GROUP:
		break;
	}
	return -EINVAL;
}

/* ---- finding the row ---- */

static bool is_end(const struct option_row *row)
{
	return !row->name && !row->help;
}

/* Kinds' rows are the last of their group. */
static const struct option_row *next_of_kinds(struct option_walk *walk)
{
	const struct config_kind *const *kinds = walk->set->kinds;

	for (; kinds && walk->group && kinds[walk->nr_kind]; walk->nr_kind++, walk->kind_row = 0) {
		const struct config_kind *kind = kinds[walk->nr_kind];

		if (!kind->rows || strcmp(kind->group, walk->group) ||
		    is_end(&kind->rows[walk->kind_row]))
			continue;
		walk->kind = kind;
		return &kind->rows[walk->kind_row++];
	}
	walk->kind = NULL;
	walk->nr_kind = 0;
	return NULL;
}

const struct option_row *options_next(struct option_walk *walk)
{
	const struct option_row *const *tables = walk->set->tables, *row, *of_kind;

	for (; tables[walk->table]; walk->table++, walk->row = 0) {
		row = &tables[walk->table][walk->row];
		if (is_end(row) || row->kind == OPTION_GROUP) {
			of_kind = next_of_kinds(walk);
			if (of_kind)
				return of_kind;
			walk->group = row->help;
		}
		walk->row++;
		if (!is_end(row))
			return row;
	}
	return NULL;
}

bool option_is_shown(const struct option_set *set, const struct option_row *row)
{
	if (!set->shown)
		return true;
	for (unsigned i = 0; row->name && set->shown[i]; i++)
		if (!strcmp(set->shown[i], row->name))
			return true;
	return false;
}

/* A row's name, then, if there is one, the opposite of it. False: there are no more. */
static bool next_spelling(struct option_walk *walk, struct spelling *spelling)
{
	const struct option_row *row = spelling->row;

	spelling->off = row && !spelling->off && option_can_be_negated(row);
	if (spelling->off) {
		bool starts_no = !strncmp(row->name, "no-", 3);

		snprintf(spelling->name, sizeof(spelling->name), "%s%s", starts_no ? "" : "no-",
			 row->name + (starts_no ? 3 : 0));
		return true;
	}
	do
		row = options_next(walk);
	while (row && !row->name);
	spelling->row = row;
	spelling->kind = walk->kind;
	if (row)
		snprintf(spelling->name, sizeof(spelling->name), "%s", row->name);
	return row;
}

struct search {
	const char *word;
	size_t len;
	struct spelling found; /* the shortest */
	unsigned matches;
	size_t common;	/* as many characters do all that match begin with */
	char list[256]; /* what it could have been */
	unsigned listed;
};

static size_t same_beginning(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

/* True: it is the very word. */
static bool option_match(struct search *search, const struct spelling *spelling)
{
	size_t used = strlen(search->list);

	if (strncmp(spelling->name, search->word, search->len))
		return false;
	if (spelling->row->exact && strlen(spelling->name) != search->len)
		return false;
	/* --n is short for --name, not for the opposite of everything. */
	if (spelling->off && !strncmp(spelling->name, "no-", 3) && search->len < 2)
		return false;
	if (strlen(spelling->name) == search->len) {
		search->found = *spelling;
		search->matches = 1;
		return true;
	}
	if (!search->matches++) {
		search->found = *spelling;
		search->common = strlen(spelling->name);
	}
	search->common = MIN(search->common, same_beginning(search->found.name, spelling->name));
	if (strlen(spelling->name) < strlen(search->found.name))
		search->found = *spelling;
	if (used + strlen(spelling->name) + sizeof(", --") > sizeof(search->list))
		return false;
	snprintf(search->list + used, sizeof(search->list) - used, "%s--%s", used ? ", " : "",
		 spelling->name);
	search->listed++;
	return false;
}

static int unknown_long(const struct option_set *set, const char *word)
{
	struct option_walk walk = { .set = set };
	struct spelling spelling = { .row = NULL };
	struct nearest nearest = { .word = word };
	char best[sizeof(spelling.name)] = "";

	while (next_spelling(&walk, &spelling)) {
		nearest_try(&nearest, spelling.name);
		/* The next one takes its place. */
		if (nearest.best == spelling.name)
			nearest.best = strcpy(best, spelling.name);
	}
	if (nearest.best)
		log_error("unknown option --%s; did you mean --%s?", word, best);
	else
		log_error("unknown option --%s; 'lkvm help %s' shows those there are", word,
			  set->command);
	return -EINVAL;
}

static int find_long(const struct option_set *set, const char *word, struct spelling *found)
{
	struct search search = { .word = word, .len = strlen(word) };
	struct option_walk walk = { .set = set };
	struct spelling spelling = { .row = NULL };

	while (search.len && next_spelling(&walk, &spelling) && !option_match(&search, &spelling))
		;
	if (!search.matches)
		return unknown_long(set, word);
	/* --m is --mem, though there is --mem-backend too. */
	if (search.matches > 1 && strlen(search.found.name) != search.common) {
		log_error("--%s could be %s%s", word, search.list,
			  search.listed < search.matches ? " and others" : "");
		return -EINVAL;
	}
	*found = search.found;
	return 0;
}

/* found->row is NULL where there is none. */
static void find_letter(const struct option_set *set, char letter, struct spelling *found)
{
	struct option_walk walk = { .set = set };

	do
		found->row = options_next(&walk);
	while (found->row && (found->row->kind == OPTION_GROUP || found->row->letter != letter));
	found->kind = walk.kind;
}

/* ---- walking the words ---- */

/* Where a value may be left out, the next word is one only if it does not look like an option. */
static const char *next_value(const struct option_row *row, struct parse *parse)
{
	if (parse->next < parse->end && !(row->bare && **parse->next == '-'))
		return *parse->next++;
	return row->bare;
}

/* `value`: what stands in the same word; NULL: nothing. `typed`: the option, for messages. */
static int apply_value(struct parse *parse, const struct spelling *option, const char *value,
		       const char *typed)
{
	const struct option_row *row = option->row;

	value = value ?: next_value(row, parse);
	if (value)
		return option_apply(parse, option, value);
	log_error("%s needs a value: --%s %s", typed, row->name, row->argument);
	return -EINVAL;
}

static int parse_long(struct parse *parse, const char *typed)
{
	const char *equals = strchr(typed, '=');
	struct spelling option;
	char word[sizeof(option.name)];
	int err;

	/* A longer word is none of the names even when it is cut off. */
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(typed, "=") - 2, typed + 2);
	err = find_long(parse->set, word, &option);
	if (err)
		return err;
	if (!option.off && option.row->argument)
		return apply_value(parse, &option, equals ? equals + 1 : NULL, typed);
	if (!equals)
		return option_apply(parse, &option, NULL);
	log_error("--%s takes no value, so '%s' has no meaning", option.name, equals);
	return -EINVAL;
}

static int unknown_letter(const struct option_set *set, const char *word, const char *letter)
{
	if (letter == word + 1)
		log_error("unknown option %s; 'lkvm help %s' shows those there are", word,
			  set->command);
	else
		log_error("unknown option -%c in %s; 'lkvm help %s' shows those there are", *letter,
			  word, set->command);
	return -EINVAL;
}

/* "-c4", "-c 4"; letters without a value may stand together, one with a value last. */
static int parse_letters(struct parse *parse, const char *word)
{
	const char *p;

	for (p = word + 1; *p; p++) {
		struct spelling found = { .off = false };
		char typed[] = { '-', *p, '\0' };
		int ret;

		find_letter(parse->set, *p, &found);
		if (!found.row)
			return unknown_letter(parse->set, word, p);
		if (found.row->argument)
			return apply_value(parse, &found, p[1] ? p + 1 : NULL, typed);
		ret = option_apply(parse, &found, NULL);
		if (ret)
			return ret;
	}
	return 0;
}

static int parse_bare(struct parse *parse, const char *word)
{
	const struct option_set *set = parse->set;

	if (set->word)
		return set->word(parse->base, word);
	log_error("unexpected '%s': lkvm %s takes only options", word, set->command);
	return -EINVAL;
}

static int parse_word(struct parse *parse, const char *word)
{
	if (word[0] != '-' || !word[1])
		return parse_bare(parse, word);
	if (word[1] != '-')
		return parse_letters(parse, word);
	if (word[2])
		return parse_long(parse, word);
	if (parse->next == parse->end || !parse->set->kinds)
		return 0;
	log_error("-- %s: a command for the guest cannot be given; put it into the initrd's /init, "
		  "or into init= of --params",
		  *parse->next);
	return -EINVAL;
}

int options_parse(const struct option_set *set, int argc, char **argv, void *base)
{
	struct parse parse = { .set = set, .base = base, .next = argv + 1, .end = argv + argc };
	int ret = 0;

	while (!ret && parse.next < parse.end)
		ret = parse_word(&parse, *parse.next++);
	if (ret == -ENOMEM)
		log_error("out of memory");
	return ret;
}
