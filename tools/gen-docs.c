// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Build tool: writes what the option table and the other tables say into the man pages, the shell
 * completion and the README. It links the same objects as lkvm, so they cannot disagree.
 *
 *   gen-docs man VERSION DATE < PAGE.in    a line @OPTIONS@ (run's, of all architectures), @OPTIONS COMMAND@,
 *                                          @COMMANDS@, @EXIT_STATUS COMMAND@ or @FACTS@ is replaced
 *   gen-docs completion bash|zsh|fish  the completion for that shell (tools/completion.c)
 *   gen-docs exit-status               the exit statuses as a Markdown table
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/arch.h"
#include "lkvm/builtin.h"
#include "lkvm/config/exit-status.h"
#include "lkvm/host/host.h"
#include "lkvm/config/options.h"
#include "completion.h"

/*
 * OTHER_ARCHITECTURES names those that this lkvm is not for: X(arm64) X(riscv). Few have kinds of devices of their own.
 */
#define X(arch)                                                                                    \
	extern const struct option_row arch##_arch_options[];                                      \
	extern const struct config_kind *const arch##_arch_kinds[] __attribute__((weak));
OTHER_ARCHITECTURES
#undef X

static const struct architecture {
	const struct option_row *options;
	const struct config_kind *const *kinds; /* NULL: none */
} others[] = {
#define X(arch) { arch##_arch_options, arch##_arch_kinds },
	OTHER_ARCHITECTURES
#undef X
};

/* ---- roff ---- */

/* A backslash, a dash that is to be copied and pasted, and a line that looks like a request. */
static void roff_text(const char *text, bool line_start)
{
	for (; *text; text++) {
		if (line_start && (*text == '.' || *text == '\''))
			fputs("\\&", stdout);
		line_start = *text == '\n';
		if (*text == '\\')
			fputs("\\e", stdout);
		else if (*text == '-')
			fputs("\\-", stdout);
		else if (*text == '\'')
			fputs("\\(aq", stdout);
		else
			putchar(*text);
	}
}

/* Sentences in the table are one long line; roff wants each to begin on its own. */
static void roff_sentences(const char *text)
{
	const char *p = text;
	char sentence[2048];

	while (*p) {
		const char *end = strstr(p, ". "), *paragraph = strchr(p, '\n');
		size_t len;

		if (paragraph && (!end || paragraph < end))
			end = paragraph;
		else if (end)
			end++;
		len = end ? (size_t)(end - p) : strlen(p);
		if (len >= sizeof(sentence))
			exit(1);
		memcpy(sentence, p, len);
		sentence[len] = '\0';
		roff_text(sentence, true);
		putchar('\n');
		if (!end)
			return;
		if (*end == '\n')
			puts(".IP");
		p = end + 1;
	}
}

static void roff_names(const struct option_row *row)
{
	fputs(".TP\n", stdout);
	if (row->letter)
		printf("\\fB\\-%c\\fR, ", row->letter);
	fputs("\\fB\\-\\-", stdout);
	roff_text(row->name, false);
	fputs("\\fR", stdout);
	if (row->argument) {
		fputs(" \\fI", stdout);
		roff_text(row->argument, false);
		fputs("\\fR", stdout);
	}
	putchar('\n');
}

/* Key by key: what it is, with which choice it goes, what it takes. */
static void roff_key(const struct key_row *key, const struct key_row *selector)
{
	char argument[128], bounds[KEY_BOUNDS], names[256];
	const char *value = key_argument(key, argument);

	printf(".TP\n\\fB%s\\fR", key->name);
	if (value) {
		fputs("=\\fI", stdout);
		roff_text(value, false);
		fputs("\\fR", stdout);
	}
	if (key->alias)
		printf(" (\\fB%s\\fR)", key->alias);
	putchar('\n');
	if (key->goes_with) {
		fputs("With ", stdout);
		roff_text(key_names(names, sizeof(names), selector->choices, key->goes_with),
			  false);
		puts(":");
	}
	roff_text(key->help, true);
	puts(".");
	if (key->type == KEY_HEX)
		printf("%u bytes.\n", (unsigned)key->max);
	else if (key->type == KEY_STRING && key->max)
		printf("At most %u characters.\n", (unsigned)key->max);
	else if (key_bounds(key, bounds))
		printf("Takes %s.\n", bounds);
}

static void roff_keys(const struct key_row *keys)
{
	const struct key_row *selector = keys;

	while (selector->name && !selector->selects)
		selector++;
	puts(".RS");
	for (const struct key_row *key = keys; key->name; key++)
		if (key->help)
			roff_key(key, selector);
	puts(".RE\n.IP\nA comma in a value is written twice.");
}

static bool is_of_architecture(const struct option_row *heading)
{
	for (unsigned i = 0; i < ARRAY_SIZE(others); i++)
		if (heading == others[i].options)
			return true;
	return heading == arch_options;
}

static void roff_row(const struct option_row *row)
{
	if (row->kind == OPTION_GROUP) {
		printf(".SS %s\n", row->help);
		if (is_of_architecture(row))
			puts("Only in an lkvm that was built for this architecture.");
		return;
	}
	roff_names(row);
	roff_text(row->help, true);
	puts(".");
	if (row->repeats)
		puts("May be given several times.");
	if (row->man)
		roff_sentences(row->man);
	if (row->keys && !(row->keys->first && !row->keys[1].name))
		roff_keys(row->keys);
}

static void roff_table(const struct option_row *row)
{
	for (; row->name || row->help; row++)
		roff_row(row);
}

static void roff_set(const struct option_set *set)
{
	struct option_walk walk = { .set = set };
	const struct option_row *row;

	while ((row = options_next(&walk)))
		if (option_is_shown(set, row))
			roff_row(row);
}

static void roff_options(void)
{
	roff_set(&builtin_run.set);
	for (unsigned i = 0; i < ARRAY_SIZE(others); i++) {
		roff_table(others[i].options);
		for (unsigned k = 0; others[i].kinds && others[i].kinds[k]; k++)
			roff_table(others[i].kinds[k]->rows);
	}
}

/* A command that this architecture has not got has its page, too: without what is not known here. */
static void roff_command(const struct builtin *builtin)
{
	if (builtin)
		roff_set(&builtin->set);
	else
		puts("Those that \\fBlkvm help\\fR tells of.");
}

static void roff_commands(void)
{
	const struct builtin *builtin;

	for (size_t i = 0; (builtin = builtins[i]); i++)
		printf(".TP\n.B %s\n%s.\n", builtin->set.command, builtin->help);
}

static void roff_exit_status(unsigned of)
{
	for (const struct exit_status_row *row = exit_status_rows; row->meaning; row++) {
		if (!(row->of & of))
			continue;
		printf(".TP\n.B %s\n", row->status);
		roff_text(row->meaning, true);
		puts(".");
	}
}

/* "kvm.vcpus_max": as jq has it. */
static void roff_fact(const struct host_fact *fact)
{
	printf(".TP 28\n.B %s.%s\n", host_groups[fact->group].key, fact->key);
	roff_text(fact->words, true);
	if (fact->unit)
		printf(", in %s", strcmp(fact->unit, "B") ? fact->unit : "bytes");
	puts(".");
}

/* Many and short: no blank lines between them. */
static void roff_facts(void)
{
	const struct host_fact *fact;

	puts(".PD 0");
	for (unsigned i = 0; (fact = host_fact(i)); i++)
		roff_fact(fact);
	puts(".PD");
}

/* The title line comes as ".TH NAME SECTION" and gets date, version and the manual's name. */
static void roff_title(char *line, const char *version, const char *date)
{
	line[strcspn(line, "\n")] = '\0';
	printf("%s %s \"lkvm %s\" \"User Commands\"\n", line, date, version);
}

static int man(const char *version, const char *date)
{
	char line[4096], command[32];

	while (fgets(line, sizeof(line), stdin)) {
		if (!strcmp(line, "@OPTIONS@\n"))
			roff_options();
		else if (sscanf(line, "@OPTIONS %31[a-z-]@", command) == 1)
			roff_command(builtin_find(command));
		else if (!strcmp(line, "@COMMANDS@\n"))
			roff_commands();
		else if (sscanf(line, "@EXIT_STATUS %31[a-z-]@", command) == 1)
			roff_exit_status(builtin_find(command)->set.statuses);
		else if (!strcmp(line, "@FACTS@\n"))
			roff_facts();
		else if (!strncmp(line, ".TH ", 4))
			roff_title(line, version, date);
		else
			fputs(line, stdout);
	}
	return ferror(stdin) ? 1 : 0;
}

/* ---- Markdown ---- */

static int exit_status(void)
{
	const struct exit_status_row *row;

	puts("| status | meaning |\n|---|---|");
	for (row = exit_status_rows; row->meaning; row++)
		if (row->of & STATUS_OF_RUN)
			printf("| %s | %s |\n", row->status, row->meaning);
	return 0;
}

int main(int argc, char **argv)
{
	int ret = 2;

	if (argc == 4 && !strcmp(argv[1], "man"))
		ret = man(argv[2], argv[3]);
	else if (argc == 3 && !strcmp(argv[1], "completion"))
		ret = completion(argv[2]);
	else if (argc == 2 && !strcmp(argv[1], "exit-status"))
		ret = exit_status();
	else
		fputs("usage: gen-docs man VERSION DATE | completion bash|zsh|fish | exit-status\n",
		      stderr);
	if (fflush(stdout) || ferror(stdout))
		return 1;
	return ret;
}
