// SPDX-License-Identifier: GPL-2.0-or-later
/* The facts on paper: for people, and as JSON. */
#include <inttypes.h>
#include <string.h>

#include "lkvm/arch.h"
#include "lkvm/host/host.h"
#include "lkvm/util/json.h"

/* Groups, facts, and what a fact counts have lines of their own. */
#define HOST_LEVELS 3

/* Where values begin. */
#define COLUMN 32

struct printer {
	struct host *host;
	FILE *out;
	int group; /* the last fact's; -1: none yet */
};

static void ask(struct host *host, const struct host_fact *fact, struct host_answer *answer)
{
	memset(answer, 0, sizeof(*answer));
	fact->ask(host, fact, answer);
}

/* ---- for people ---- */

static void print_bytes(FILE *out, u64 bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	u64 tenths = bytes * 10;
	unsigned unit = 0;

	/* No host has so much that ten times its bytes are more than 64 bits. */
	while (tenths >= 10240 && unit + 1 < ARRAY_SIZE(units)) {
		tenths /= 1024;
		unit++;
	}
	if (tenths % 10)
		fprintf(out, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10, units[unit]);
	else
		fprintf(out, "%" PRIu64 " %s", tenths / 10, units[unit]);
}

static void print_number(FILE *out, u64 number, const char *unit)
{
	if (unit && !strcmp(unit, "B")) {
		print_bytes(out, number);
		return;
	}
	fprintf(out, "%" PRIu64, number);
	if (unit)
		fprintf(out, " %s", unit);
}

/* "128, 256, ..., 2048" is as clear as all sixteen. */
static bool in_equal_steps(const struct host_answer *answer)
{
	u64 step = answer->items[1].number - answer->items[0].number;

	for (unsigned i = 2; i < answer->nr_items; i++) {
		if (answer->items[i].number - answer->items[i - 1].number != step)
			return false;
	}
	return true;
}

static void print_steps(FILE *out, const struct host_answer *answer)
{
	fprintf(out, "%" PRIu64 ", %" PRIu64 ", ..., %" PRIu64, answer->items[0].number,
		answer->items[1].number, answer->items[answer->nr_items - 1].number);
}

static void print_each(FILE *out, const struct host_answer *answer)
{
	for (unsigned i = 0; i < answer->nr_items; i++) {
		if (i)
			fputs(", ", out);
		if (answer->kind != HOST_NUMBERS)
			fputs(answer->items[i].name, out);
		if (answer->kind == HOST_COUNTS)
			fputs(": ", out);
		if (answer->kind != HOST_NAMES)
			fprintf(out, "%" PRIu64, answer->items[i].number);
	}
}

static void print_items(FILE *out, const struct host_fact *fact, const struct host_answer *answer)
{
	if (!answer->nr_items) {
		fputs("none", out);
		return;
	}
	if (answer->kind == HOST_NUMBERS && answer->nr_items > 4 && in_equal_steps(answer))
		print_steps(out, answer);
	else
		print_each(out, answer);
	if (fact->unit)
		fprintf(out, " %s", fact->unit);
}

static void print_value(FILE *out, const struct host_fact *fact, const struct host_answer *answer)
{
	switch (answer->kind) {
	case HOST_UNKNOWN:
		fputs("unknown", out);
		break;
	case HOST_NO:
	case HOST_YES:
		fputs(answer->kind == HOST_YES ? "yes" : "no", out);
		break;
	case HOST_NUMBER:
		print_number(out, answer->number, fact->unit);
		break;
	case HOST_TEXT:
		fputs(answer->text, out);
		break;
	case HOST_NAMES:
	case HOST_NUMBERS:
	case HOST_COUNTS:
		print_items(out, fact, answer);
		break;
	}
}

void host_print_answer(const struct host_fact *fact, const struct host_answer *answer, FILE *out)
{
	int columns = fprintf(out, "  %s:", fact->words);

	fprintf(out, "%*s", COLUMN - columns, "");
	print_value(out, fact, answer);
	if (answer->why[0])
		fprintf(out, " (%s)", answer->why);
	fputc('\n', out);
}

static int print_fact(const struct host_fact *fact, void *arg)
{
	struct printer *printer = arg;
	struct host_answer answer;

	/* The error about KVM was logged already; thirty unknowns would add nothing. */
	if (fact->group >= HOST_KVM && printer->host->kvm_fd < 0)
		return 0;
	if ((int)fact->group != printer->group)
		fprintf(printer->out, "%s\n", host_groups[fact->group].words);
	printer->group = fact->group;
	ask(printer->host, fact, &answer);
	host_print_answer(fact, &answer, printer->out);
	return 0;
}

void host_print(struct host *host, FILE *out)
{
	struct printer printer = { .host = host, .out = out, .group = -1 };

	host_for_each_fact(print_fact, &printer);
}

/* ---- JSON ---- */

static json_t *list_of(const struct host_answer *answer)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < answer->nr_items; i++)
		json_array_append_new(list, answer->kind == HOST_NAMES
						    ? json_words(answer->items[i].name)
						    : json_number(answer->items[i].number));
	return list;
}

static json_t *counts_of(const struct host_answer *answer)
{
	json_t *counts = json_object();

	for (unsigned i = 0; i < answer->nr_items; i++)
		json_object_set_new(counts, answer->items[i].name,
				    json_number(answer->items[i].number));
	return counts;
}

static json_t *value_of(const struct host_answer *answer)
{
	switch (answer->kind) {
	case HOST_UNKNOWN:
		return json_null();
	case HOST_NO:
	case HOST_YES:
		return json_boolean(answer->kind == HOST_YES);
	case HOST_NUMBER:
		return json_number(answer->number);
	case HOST_TEXT:
		return json_words(answer->text);
	case HOST_NAMES:
	case HOST_NUMBERS:
		return list_of(answer);
	case HOST_COUNTS:
		return counts_of(answer);
	}
	return NULL;
}

struct collecting {
	struct host *host;
	json_t *all;
};

static int collect_fact(const struct host_fact *fact, void *arg)
{
	struct collecting *collecting = arg;
	const char *key = host_groups[fact->group].key;
	json_t *group = json_object_get(collecting->all, key);
	struct host_answer answer;
	char why[64];

	if (!group) {
		group = json_object();
		json_object_set_new(collecting->all, key, group);
	}
	ask(collecting->host, fact, &answer);
	json_object_set_new(group, fact->key, value_of(&answer));
	if (answer.why[0]) {
		snprintf(why, sizeof(why), "%s_reason", fact->key);
		json_object_set_new(group, why, json_words(answer.why));
	}
	return 0;
}

void host_print_json(struct host *host, FILE *out)
{
	struct collecting collecting = { .host = host, .all = json_object() };

	host_for_each_fact(collect_fact, &collecting);
	json_print(collecting.all, HOST_LEVELS, out);
	json_decref(collecting.all);
}
