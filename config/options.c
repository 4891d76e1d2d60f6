// SPDX-License-Identifier: GPL-2.0-or-later
/* The parser: turns words into calls on rows of the table. What the rows are it does not know. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/config/nearest.h"
#include "lkvm/config/options.h"
#include "lkvm/config/size.h"
#include "lkvm/util/log.h"

/* What is left of the command line. */
struct words {
	char **next;
	char **end;
};

/* One way to write a row: its name, or the opposite of it. */
struct spelling {
	char name[64];
	const struct option_row *row;
	bool off;
};

bool option_can_be_negated(const struct option_row *row)
{
	switch (row->kind) {
	case OPTION_FLAG:
	case OPTION_STRING:
	case OPTION_UINT:
		return true;
	case OPTION_CALL:
	case OPTION_CALL_FLAG:
		return row->can_clear;
	default:
		return false;
	}
}

static bool takes_value(const struct option_row *row)
{
	return row->kind == OPTION_STRING || row->kind == OPTION_UINT || row->kind == OPTION_CALL;
}

/* "KEY=WORD: ..." about one of the words that commas separate in the value: it need not be told twice. */
static bool names_part(const char *reason, const char *value)
{
	while (*value) {
		size_t len = strcspn(value, ",");

		if (len && !strncmp(reason, value, len) && reason[len] == ':')
			return true;
		value += len + (value[len] == ',');
	}
	return false;
}

int option_error(const struct option_row *row, const char *value, const char *fmt, ...)
{
	char reason[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	if (names_part(reason, value))
		log_error("--%s %s", row->name, reason);
	else
		log_error("--%s %s: %s", row->name, *value ? value : "''", reason);
	return -EINVAL;
}

int option_choice(const struct option_row *row, const char *value)
{
	struct nearest nearest = { .word = value };
	char known[256] = "";
	size_t len = 0;
	int i;

	for (i = 0; row->choices[i]; i++) {
		const char *glue = !i ? "" : row->choices[i + 1] ? ", " : " and ";

		if (!strcmp(row->choices[i], value))
			return i;
		nearest_try(&nearest, row->choices[i]);
		len += snprintf(known + len, len < sizeof(known) ? sizeof(known) - len : 0, "%s%s",
				glue, row->choices[i]);
		len = MIN(len, sizeof(known));
	}
	if (nearest.best)
		return option_error(row, value, "did you mean '%s'? There are %s", nearest.best,
				    known);
	return option_error(row, value, "there are %s", known);
}

int option_parse_choice(struct vm_config *config, const struct option_row *row, const char *value)
{
	int choice = option_choice(row, value);

	if (choice < 0)
		return choice;
	/* An enum without negative values is an unsigned int. */
	*(unsigned *)((char *)config + row->offset) = choice;
	return 0;
}

int option_u64(const struct option_row *row, const char *value, u64 *number)
{
	switch (parse_u64(value, UINT64_MAX, number)) {
	case 0:
		return 0;
	case -ERANGE:
		return option_error(row, value, "more than 64 bits");
	default:
		return option_error(row, value, "not a number; 1000000 or 0xf4240 would work");
	}
}

char *option_list_next(char **cursor)
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

static int store_uint(struct vm_config *config, const struct option_row *row, const char *value)
{
	unsigned max = row->max ? row->max : UINT32_MAX;
	u64 number;
	int ret = parse_u64(value, max, &number);

	if (ret == -EINVAL)
		return option_error(row, value, "not a whole number; %u to %u would work", row->min,
				    max);
	if (ret < 0)
		return option_error(row, value, "too large; %u to %u would work", row->min, max);
	if (number < row->min)
		return option_error(row, value, "too small; %u to %u would work", row->min, max);
	*(unsigned *)((char *)config + row->offset) = number;
	return 0;
}

/* value is NULL for a flag and for anything switched off. */
static int apply(struct vm_config *config, const struct option_row *row, const char *value,
		 bool off)
{
	void *field = (char *)config + row->offset;

	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)field = !off;
		return 0;
	case OPTION_STRING:
		if (!off && !*value)
			return option_error(row, value, "give it a %s", row->argument);
		*(const char **)field = off ? NULL : value;
		return 0;
	case OPTION_UINT:
		if (!off)
			return store_uint(config, row, value);
		*(unsigned *)field = 0;
		return 0;
	case OPTION_CALL:
		return row->parse(config, row, value);
	case OPTION_CALL_FLAG:
		return row->parse(config, row, off ? "" : NULL);
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

static int spellings(const struct option_row *row,
		     int (*fn)(const struct spelling *spelling, void *arg), void *arg)
{
	struct spelling spelling = { .row = row };
	bool starts_no = row->name && !strncmp(row->name, "no-", 3);
	int ret;

	if (!row->name)
		return 0;
	snprintf(spelling.name, sizeof(spelling.name), "%s", row->name);
	ret = fn(&spelling, arg);
	if (ret || !option_can_be_negated(row))
		return ret;
	spelling.off = true;
	snprintf(spelling.name, sizeof(spelling.name), "%s%s", starts_no ? "" : "no-",
		 row->name + (starts_no ? 3 : 0));
	return fn(&spelling, arg);
}

struct search {
	const char *word;
	size_t len;
	int (*each)(const struct spelling *spelling, void *arg);
	struct spelling found; /* the shortest */
	unsigned matches;
	size_t common;	/* as many characters do all that match begin with */
	char list[256]; /* what it could have been */
	struct nearest nearest;
	char best[64];
};

static size_t same_beginning(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

static int match(const struct spelling *spelling, void *arg)
{
	struct search *search = arg;
	size_t used = strlen(search->list);

	if (strncmp(spelling->name, search->word, search->len))
		return 0;
	if (spelling->row->exact && strlen(spelling->name) != search->len)
		return 0;
	/* --n is short for --name, not for the opposite of everything. */
	if (spelling->off && !strncmp(spelling->name, "no-", 3) && search->len < 2)
		return 0;
	if (strlen(spelling->name) == search->len) {
		search->found = *spelling;
		search->matches = 1;
		return 1;
	}
	if (!search->matches++) {
		search->found = *spelling;
		search->common = strlen(spelling->name);
	}
	search->common = MIN(search->common, same_beginning(search->found.name, spelling->name));
	if (strlen(spelling->name) < strlen(search->found.name))
		search->found = *spelling;
	snprintf(search->list + used, sizeof(search->list) - used, "%s--%s", used ? ", " : "",
		 spelling->name);
	return 0;
}

static int compare(const struct spelling *spelling, void *arg)
{
	struct search *search = arg;
	const char *before = search->nearest.best;

	/* The spelling lives on the walker's stack: what wins is copied. */
	nearest_try(&search->nearest, spelling->name);
	if (search->nearest.best != before) {
		snprintf(search->best, sizeof(search->best), "%s", spelling->name);
		search->nearest.best = search->best;
	}
	return 0;
}

static int walk_row(const struct option_row *row, void *arg)
{
	struct search *search = arg;

	return spellings(row, search->each, search);
}

static int unknown_long(struct search *search)
{
	search->nearest.word = search->word;
	search->each = compare;
	options_for_each(walk_row, search);
	if (search->nearest.best)
		log_error("unknown option --%s; did you mean --%s?", search->word, search->best);
	else
		log_error("unknown option --%s; 'lkvm help run' shows those there are",
			  search->word);
	return -EINVAL;
}

static int find_long(const char *word, struct spelling *spelling)
{
	struct search search = { .word = word, .len = strlen(word), .each = match };

	if (search.len)
		options_for_each(walk_row, &search);
	if (!search.matches)
		return unknown_long(&search);
	/* --m is --mem, though there is --mem-backend too. */
	if (search.matches > 1 && strlen(search.found.name) != search.common) {
		log_error("--%s could be %s", word, search.list);
		return -EINVAL;
	}
	*spelling = search.found;
	return 0;
}

struct letter_search {
	char letter;
	const struct option_row *row;
};

static int match_letter(const struct option_row *row, void *arg)
{
	struct letter_search *search = arg;

	if (row->kind == OPTION_GROUP || row->letter != search->letter)
		return 0;
	search->row = row;
	return 1;
}

/* ---- walking the words ---- */

/* Of those options that need none: the next word is one only if it does not look like an option. */
static const char *next_value(const struct option_row *row, struct words *words)
{
	if (words->next < words->end && !(row->bare && **words->next == '-'))
		return *words->next++;
	return row->bare;
}

static int missing_value(const struct option_row *row, const char *typed)
{
	log_error("%s needs a value: --%s %s", typed, row->name, row->argument);
	return -EINVAL;
}

/* word is what follows the two dashes, ours to cut. */
static int parse_long(struct vm_config *config, char *word, const char *typed, struct words *words)
{
	char *value = strchr(word, '=');
	struct spelling option;
	const char *next;
	int ret;

	if (value)
		*value++ = '\0';
	ret = find_long(word, &option);
	if (ret < 0)
		return ret;
	if (option.off || !takes_value(option.row)) {
		if (value) {
			log_error("--%s takes no value, so '=%s' has no meaning", option.name,
				  value);
			return -EINVAL;
		}
		return apply(config, option.row, NULL, option.off);
	}
	if (value)
		/* From argv, not from our copy: strings must live as long as the configuration. */
		return apply(config, option.row, typed + (value - word) + 2, false);
	next = next_value(option.row, words);
	return next ? apply(config, option.row, next, false) : missing_value(option.row, typed);
}

/* "-c4", "-c 4"; letters without a value may stand together, one with a value last. */
static int parse_letters(struct vm_config *config, const char *word, struct words *words)
{
	const char *p;

	for (p = word + 1; *p; p++) {
		struct letter_search search = { .letter = *p };
		char typed[] = { '-', *p, '\0' };
		const char *next;
		int ret;

		options_for_each(match_letter, &search);
		if (!search.row) {
			if (p == word + 1)
				log_error(
					"unknown option %s; 'lkvm help run' shows those there are",
					word);
			else
				log_error("unknown option -%c in %s; 'lkvm help run' shows those "
					  "there are",
					  *p, word);
			return -EINVAL;
		}
		if (takes_value(search.row)) {
			if (p[1])
				return apply(config, search.row, p + 1, false);
			next = next_value(search.row, words);
			return next ? apply(config, search.row, next, false)
				    : missing_value(search.row, typed);
		}
		ret = apply(config, search.row, NULL, false);
		if (ret)
			return ret;
	}
	return 0;
}

static int parse_bare(struct vm_config *config, const char *word)
{
	if (!*word) {
		log_error("'' is no kernel: an empty word stands on the command line");
		return -EINVAL;
	}
	if (config->kernel) {
		log_error(
			"'%s': the kernel is %s already, and run takes nothing else without a dash",
			word, config->kernel);
		return -EINVAL;
	}
	config->kernel = word;
	return 0;
}

static int parse_word(struct vm_config *config, const char *word, struct words *words)
{
	char *copy;
	int ret;

	if (word[0] != '-' || !word[1])
		return parse_bare(config, word);
	if (word[1] != '-')
		return parse_letters(config, word, words);
	if (word[2]) {
		copy = strdup(word + 2);
		if (!copy) {
			log_error("out of memory");
			return -ENOMEM;
		}
		ret = parse_long(config, copy, word, words);
		free(copy);
		return ret;
	}
	if (words->next == words->end)
		return 0;
	log_error("-- %s: a command for the guest cannot be given; put it into the initrd's /init, "
		  "or into init= of --params",
		  *words->next);
	return -EINVAL;
}

int options_parse_run(int argc, char **argv, struct vm_config *config)
{
	struct words words = { .next = argv + 1, .end = argv + argc };
	int ret = 0;

	while (!ret && words.next < words.end)
		ret = parse_word(config, *words.next++, &words);
	return ret;
}
