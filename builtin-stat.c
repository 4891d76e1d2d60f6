// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/builtin.h"
#include "lkvm/vm/counters.h"
#include "lkvm/config/exit-status.h"
#include "lkvm/guests.h"
#include "lkvm/host/host.h"
#include "lkvm/util/json.h"
#include "lkvm/util/log.h"
#include "lkvm/util/text.h"

static const struct guests_command command = {
	.name = "stat",
	.usage = "NAME...|-n NAME|-a [--json]\n       lkvm stat --host [--json]",
	.help = "Shows what guests consist of and what was counted since they started: exits from the\n"
		"guest by reason, and what their memory went through. With --host, shows what this host\n"
		"and its KVM offer of what lkvm can use.\n",
	.options = GUESTS_NAMES | GUESTS_JSON | GUESTS_HOST | GUESTS_LOOKS,
};

void builtin_stat_help(FILE *out)
{
	guests_print_help(&command, out);
}

static int show_host(bool json)
{
	struct host host;
	int error = host_open(&host), ret;

	if (json)
		host_print_json(&host, stdout);
	else
		host_print(&host, stdout);
	host_close(&host);
	ret = builtin_end_output();
	return ret ? ret : error ? EXIT_START : 0;
}

/* ---- a guest, for people ---- */

/* The last part of a path: "io" of "exits.io". */
static const char *last_key(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot ? dot + 1 : path;
}

static const char *words_for(const char *path)
{
	static const struct counter_name others[] = {
		{ "pid", "PID" },
		{ "vcpus", "vCPUs" },
	};
	const char *key = last_key(path);

	for (size_t i = 0; i < COUNTER_NR; i++)
		if (!strcmp(counter_names[i].key, key))
			return counter_names[i].words;
	for (size_t i = 0; i < COUNTER_WORD_NR; i++)
		if (!strcmp(counter_word_names[i].key, key))
			return counter_word_names[i].words;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (!strcmp(others[i].key, key))
			return others[i].words;
	return key;
}

/* A guest of root's asking may be anybody's. */
static char *cleaned(const char *text)
{
	char *clean = strdup(text);

	if (clean)
		text_clean(clean);
	return clean;
}

static void print_words(const char *words)
{
	char *clean = cleaned(words);
	int len = clean ? strlen(clean) : 1;

	printf("  %s:%*s", clean ?: "?", MAX(28 - len, 0), "");
	free(clean);
}

static bool is_list_element(const char *path)
{
	size_t len = strlen(path);

	return len > 2 && !strcmp(path + len - 2, "[]");
}

static void print_text(const char *text)
{
	char *clean = cleaned(text);

	printf(" %s\n", clean ?: "?");
	free(clean);
}

struct printing {
	bool line_open;
	const char *
		heading; /* of the members that come next, if any do; NULL: none, or it was printed */
};

/* Line by line as it comes: headings for what has members, numbers of a list behind each other. */
static int print_value(const struct json_value *value, void *arg)
{
	struct printing *printing = arg;

	if (is_list_element(value->path)) {
		printf(" %" PRIu64, value->number);
		return 0;
	}
	if (printing->line_open)
		putchar('\n');
	printing->line_open = value->kind == JSON_LIST;
	/* The first is told above all others, and the protocol's is no news. */
	if (!*value->path || !strcmp(value->path, "ok") || !strcmp(value->path, "name") ||
	    !strcmp(value->path, "protocol"))
		return 0;
	if (value->kind == JSON_OBJECT) {
		printing->heading = NULL;
		if (!strcmp(value->path, "exits"))
			printing->heading = "Exits";
		else if (!strcmp(value->path, "exits_by_vcpu"))
			printing->heading = "Exits of each vCPU";
		return 0;
	}
	/* Most of what can be counted never happens to most guests. */
	if (value->kind == JSON_NUMBER && !value->number && !strncmp(value->path, "counters.", 9))
		return 0;
	if (printing->heading)
		puts(printing->heading);
	printing->heading = NULL;
	print_words(words_for(value->path));
	if (value->kind == JSON_STRING)
		print_text(value->text);
	else if (value->kind == JSON_NULL)
		puts(" unknown");
	else if (value->kind == JSON_NUMBER && !strcmp(value->path, "memory"))
		printf(" %" PRIu64 " MiB\n", value->number >> 20);
	else if (value->kind == JSON_NUMBER)
		printf(" %" PRIu64 "\n", value->number);
	return 0;
}

static void print_guest(const char *name, const char *answer)
{
	struct printing printing = { .line_open = false };

	printf("Guest %s\n", name);
	json_read(answer, print_value, &printing);
	if (printing.line_open)
		putchar('\n');
}

/* ---- all of them ---- */

static int show_one(const struct guests_args *args, const char *name, struct json *json)
{
	struct guests_answer answer;
	struct control_peer peer;
	int ret = guests_ask(&command, args, name, "stat", &peer, &answer);

	if (ret)
		return ret;
	if (args->json)
		json_raw(json, name, answer.json);
	else
		print_guest(name, answer.json);
	guests_answer_release(&answer);
	control_disconnect(&peer);
	return 0;
}

/* Those of another user's who take too long are left out, which is told once. */
static int show_in_turn(const struct guests_args *args, size_t i, struct guests_turn *turn,
			struct json *json)
{
	const char *name = args->names[i];
	int ret;

	if (!args->all)
		return show_one(args, name, json);
	if (!guests_turn(turn, name, GUESTS_PATIENCE_MS)) {
		if (!turn->told)
			log_error(
				"stat: the guests of user %s take too long to answer; the others of that "
				"user's are not asked",
				turn->user);
		turn->told = true;
		return EXIT_NO_ANSWER;
	}
	ret = show_one(args, name, json);
	guests_turn_end(turn);
	return ret;
}

static int show_guests(const struct guests_args *args)
{
	struct guests_turn turn = { 0 };
	struct json json;
	int status = 0, ret;

	json_begin(&json, stdout);
	if (args->json)
		json_object(&json, NULL);
	for (size_t i = 0; i < args->nr; i++) {
		ret = show_in_turn(args, i, &turn, &json);
		if (ret > 0 && !status)
			status = ret;
	}
	if (args->json) {
		json_object_end(&json);
		json_end(&json);
	}
	ret = builtin_end_output();
	return status ?: ret;
}

int builtin_stat(int argc, char **argv)
{
	struct guests_args args;
	int ret = guests_parse(&command, argc, argv, &args);

	if (ret)
		return ret - 1;
	ret = args.host ? show_host(args.json) : show_guests(&args);
	guests_release(&args);
	return ret;
}
