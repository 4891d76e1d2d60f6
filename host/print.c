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

static json_t *host_ask(struct host *host, const struct host_fact *fact)
{
	host->why[0] = '\0';
	return fact->ask(host, fact);
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
static bool in_equal_steps(const json_t *list)
{
	size_t nr = json_array_size(list);
	json_int_t number, last = 0, step = 0;

	for (size_t i = 0; i < nr; i++) {
		if (!json_is_integer(json_array_get(list, i)))
			return false;
		number = json_integer_value(json_array_get(list, i));
		if (i > 1 && number - last != step)
			return false;
		step = number - last;
		last = number;
	}
	return nr > 4;
}

static void print_plain(FILE *out, const json_t *answer, const char *unit)
{
	if (!answer)
		fputs("unknown", out);
	else if (json_is_boolean(answer))
		fputs(json_is_true(answer) ? "yes" : "no", out);
	else if (json_is_string(answer))
		fputs(json_string_value(answer), out);
	else
		print_number(out, json_integer_value(answer), unit);
}

static void print_list(FILE *out, const json_t *list)
{
	bool steps = in_equal_steps(list);
	size_t i, nr = json_array_size(list);
	json_t *item;

	json_array_foreach (list, i, item) {
		if (steps && i > 1 && i + 1 < nr)
			continue;
		if (i)
			fputs(steps && i > 1 ? ", ..., " : ", ", out);
		print_plain(out, item, NULL);
	}
}

static void print_counts(FILE *out, json_t *counts)
{
	const char *key, *comma = "";
	json_t *number;

	json_object_foreach (counts, key, number) {
		fprintf(out, "%s%s: ", comma, key);
		print_plain(out, number, NULL);
		comma = ", ";
	}
}

void host_print_answer(const struct host_fact *fact, json_t *answer, const char *why, FILE *out)
{
	int columns = fprintf(out, "  %s:", fact->words);

	fprintf(out, "%*s", COLUMN - columns, "");
	if (!json_is_array(answer) && !json_is_object(answer)) {
		print_plain(out, answer, fact->unit);
	} else if (!json_array_size(answer) && !json_object_size(answer)) {
		fputs("none", out);
	} else {
		print_list(out, answer);
		print_counts(out, answer);
		if (fact->unit)
			fprintf(out, " %s", fact->unit);
	}
	if (*why)
		fprintf(out, " (%s)", why);
	fputc('\n', out);
}

void host_print(struct host *host, FILE *out)
{
	const struct host_fact *fact;
	int group = -1;

	for (unsigned i = 0; (fact = host_fact(i)); i++) {
		json_t *answer;

		/* The error about KVM was logged already; thirty unknowns would add nothing. */
		if (fact->group >= HOST_KVM && host->kvm_fd < 0)
			break;
		if ((int)fact->group != group)
			fprintf(out, "%s\n", host_groups[fact->group].words);
		group = fact->group;
		answer = host_ask(host, fact);
		host_print_answer(fact, answer, host->why, out);
		json_decref(answer);
	}
}

/* ---- JSON ---- */

void host_print_json(struct host *host, FILE *out)
{
	json_t *all = json_object();
	const struct host_fact *fact;
	char why[64];

	for (unsigned i = 0; (fact = host_fact(i)); i++) {
		const char *key = host_groups[fact->group].key;
		json_t *group = json_object_get(all, key);

		if (!group) {
			group = json_object();
			json_object_set_new(all, key, group);
		}
		json_object_set_new(group, fact->key, host_ask(host, fact) ?: json_null());
		if (!host->why[0])
			continue;
		snprintf(why, sizeof(why), "%s_reason", fact->key);
		json_object_set_new(group, why, json_words(host->why));
	}
	json_print(all, HOST_LEVELS, out);
	json_decref(all);
}
