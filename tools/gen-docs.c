// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Build tool: writes what the option table and the other tables say into the man pages, the shell
 * completion and the README. It links the same objects as lkvm, so they cannot disagree.
 *
 *   gen-docs man VERSION DATE < PAGE.in    a line @OPTIONS@, @COMMANDS@, @EXIT_STATUS@,
 *                                          @GUESTS_EXIT_STATUS@ or @FACTS@ is replaced
 *   gen-docs completion                the bash completion
 *   gen-docs exit-status               the exit statuses as a Markdown table
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/builtin.h"
#include "lkvm/exit_status.h"
#include "lkvm/host.h"
#include "lkvm/options.h"

/* OTHER_ARCHITECTURES names those that this lkvm is not for: X(arm64) X(riscv). */
#define X(arch) extern const struct option_row arch##_arch_options[];
OTHER_ARCHITECTURES
#undef X

static const struct option_row *const other_options[] = {
#define X(arch) arch##_arch_options,
	OTHER_ARCHITECTURES
#undef X
		NULL,
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

static int roff_row(const struct option_row *row, void *arg)
{
	if (row->kind == OPTION_GROUP) {
		printf(".SS %s\n", row->help);
		return 0;
	}
	roff_names(row);
	roff_text(row->help, true);
	puts(".");
	if (row->repeats)
		puts("May be given several times.");
	if (row->man)
		roff_sentences(row->man);
	return 0;
}

static void roff_options(void)
{
	options_for_each(roff_row, NULL);
	for (unsigned i = 0; other_options[i]; i++)
		for (const struct option_row *row = other_options[i]; row->name || row->help; row++)
			roff_row(row, NULL);
}

static void roff_commands(void)
{
	const struct builtin *builtin;

	for (builtin = builtin_next(NULL); builtin; builtin = builtin_next(builtin))
		printf(".TP\n.B %s\n%s.\n", builtin->name, builtin->help);
}

static void roff_exit_status(const struct exit_status_row *row)
{
	for (; row->meaning; row++) {
		printf(".TP\n.B %s\n", row->status);
		roff_text(row->meaning, true);
		puts(".");
	}
}

/* "kvm.vcpus_max": as jq has it. */
static int roff_fact(const struct host_fact *fact, void *arg)
{
	printf(".TP 28\n.B %s.%s\n", host_groups[fact->group].key, fact->key);
	roff_text(fact->words, true);
	if (fact->unit)
		printf(", in %s", strcmp(fact->unit, "B") ? fact->unit : "bytes");
	puts(".");
	return 0;
}

/* Many and short: no blank lines between them. */
static void roff_facts(void)
{
	puts(".PD 0");
	host_for_each_fact(roff_fact, NULL);
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
	char line[4096];

	while (fgets(line, sizeof(line), stdin)) {
		if (!strcmp(line, "@OPTIONS@\n"))
			roff_options();
		else if (!strcmp(line, "@COMMANDS@\n"))
			roff_commands();
		else if (!strcmp(line, "@EXIT_STATUS@\n"))
			roff_exit_status(exit_status_rows);
		else if (!strcmp(line, "@GUESTS_EXIT_STATUS@\n"))
			roff_exit_status(exit_status_guests_rows);
		else if (!strcmp(line, "@FACTS@\n"))
			roff_facts();
		else if (!strncmp(line, ".TH ", 4))
			roff_title(line, version, date);
		else
			fputs(line, stdout);
	}
	return ferror(stdin) ? 1 : 0;
}

/* ---- bash ---- */

static int completion_names(const struct option_row *row, void *arg)
{
	if (row->kind == OPTION_GROUP)
		return 0;
	printf(" --%s", row->name);
	if (option_can_be_negated(row) && strncmp(row->name, "no-", 3))
		printf(" --no-%s", row->name);
	return 0;
}

static bool takes_file(const struct option_row *row)
{
	return row->argument && !strncmp(row->argument, "FILE", 4);
}

/* "mode=user|tap|none[,KEY=VALUE...]": the alternatives before the bracket. */
static void completion_from_argument(const struct option_row *row)
{
	const char *equals = strchr(row->argument, '='), *p = equals + 1;
	int key = equals - row->argument;

	while (*p && *p != '[') {
		size_t len = strcspn(p, "|[");

		printf("%s%.*s=%.*s", p == equals + 1 ? "" : " ", key, row->argument, (int)len, p);
		p += len + (p[len] == '|');
	}
}

static int completion_value(const struct option_row *row, void *arg)
{
	unsigned i;

	if (row->kind == OPTION_GROUP || !row->argument)
		return 0;
	printf("\t--%s", row->name);
	if (row->letter)
		printf(" | -%c", row->letter);
	fputs(")", stdout);
	if (takes_file(row)) {
		puts(" _lkvm_files ;;");
		return 0;
	}
	fputs(" _lkvm_words \"", stdout);
	if (row->choices) {
		for (i = 0; row->choices[i]; i++)
			printf("%s%s", i ? " " : "", row->choices[i]);
	} else if (strchr(row->argument, '|')) {
		completion_from_argument(row);
	}
	puts("\" ;;");
	return 0;
}

static int completion(void)
{
	const struct builtin *builtin;

	puts("# SPDX-License-Identifier: GPL-2.0-or-later\n"
	     "# bash completion for lkvm; made from its option table, not to be edited\n"
	     "\n"
	     "# readline replaces the word it knows, which ends at the last character of "
	     "COMP_WORDBREAKS:\n"
	     "# with '=' among them nothing of what stands before is to be offered again, else all "
	     "of it.\n"
	     "_lkvm_offer() {\n"
	     "\tif [[ $COMP_WORDBREAKS == *=* ]]; then\n"
	     "\t\tCOMPREPLY=(\"${COMPREPLY[@]#\"$cut\"}\")\n"
	     "\telif ((${#COMPREPLY[@]})); then\n"
	     "\t\tCOMPREPLY=(\"${COMPREPLY[@]/#/$before_value}\")\n"
	     "\tfi\n"
	     "}\n"
	     "\n"
	     "_lkvm_files() {\n"
	     "\tcompopt -o filenames 2>/dev/null\n"
	     "\tmapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
	     "\t_lkvm_offer\n"
	     "}\n"
	     "\n"
	     "_lkvm_words() {\n"
	     "\tmapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$word\")\n"
	     "\t_lkvm_offer\n"
	     "}\n"
	     "\n"
	     "# What the commands that talk to guests take. _lkvm_words expands its words: names "
	     "that are "
	     "more\n"
	     "# than letters are not offered.\n"
	     "_lkvm_guests() {\n"
	     "\techo --name --all --help\n"
	     "\tcommand \"${words[0]}\" list 2>/dev/null | awk 'NR > 2 && $2 ~ "
	     "/^[A-Za-z0-9._-]+$/ { print $2 }'\n"
	     "}\n"
	     "\n"
	     "# What the value of option $1 can be.\n"
	     "_lkvm_value() {\n"
	     "\tcase $1 in");
	options_for_each(completion_value, NULL);
	puts("\t*) return 1 ;;\n"
	     "\tesac\n"
	     "}\n"
	     "\n"
	     "# bash cuts words at '=': puts \"--option = value\" and \"mode = user\" together "
	     "again.\n"
	     "_lkvm() {\n"
	     "\tlocal i word='' before='' cut='' option='' before_value=''\n"
	     "\tlocal -a words=()\n"
	     "\tCOMPREPLY=()\n"
	     "\tfor ((i = 0; i <= COMP_CWORD; i++)); do\n"
	     "\t\tif [[ ${COMP_WORDS[i]} == '=' && ${#words[@]} -gt 0 ]]; then\n"
	     "\t\t\twords[-1]+='='\n"
	     "\t\telif [[ ${#words[@]} -gt 0 && ${words[-1]} == *= && ${COMP_WORDS[i-1]} == '=' "
	     "]]; then\n"
	     "\t\t\twords[-1]+=${COMP_WORDS[i]}\n"
	     "\t\telse\n"
	     "\t\t\twords+=(\"${COMP_WORDS[i]}\")\n"
	     "\t\tfi\n"
	     "\tdone\n"
	     "\tword=${words[-1]}\n"
	     "\t((${#words[@]} > 1)) && before=${words[-2]}\n"
	     "\tif ((${#words[@]} == 2)); then");
	fputs("\t\t_lkvm_words \"", stdout);
	for (builtin = builtin_next(NULL); builtin; builtin = builtin_next(builtin))
		printf("%s ", builtin->name);
	puts("--help --version\"\n"
	     "\t\treturn\n"
	     "\tfi\n"
	     "\tif [[ ${words[1]} == help ]]; then");
	fputs("\t\t_lkvm_words \"", stdout);
	for (builtin = builtin_next(NULL); builtin; builtin = builtin_next(builtin))
		printf("%s%s", builtin == builtins ? "" : " ", builtin->name);
	puts("\"\n"
	     "\t\treturn\n"
	     "\tfi\n"
	     "\tcase ${words[1]} in\n"
	     "\tlist) _lkvm_words \"--json --help\" && return ;;\n"
	     "\tstat) _lkvm_words \"--host --json $(_lkvm_guests)\" && return ;;\n"
	     "\tstop) _lkvm_words \"--ask $(_lkvm_guests)\" && return ;;\n"
	     "\tpause | resume) _lkvm_words \"$(_lkvm_guests)\" && return ;;\n"
	     "\tesac\n"
	     "\t[[ ${words[1]} == run ]] || return\n"
	     "\tif [[ $word == --*=* ]]; then\n"
	     "\t\toption=${word%%=*} word=${word#*=}\n"
	     "\t\tbefore_value=$option=\n"
	     "\t\t[[ $word == *=* ]] && cut=${word%=*}=\n"
	     "\t\t_lkvm_value \"$option\"\n"
	     "\t\treturn\n"
	     "\tfi\n"
	     "\t[[ $word == *=* ]] && cut=${word%=*}=\n"
	     "\t[[ $before == -* ]] && _lkvm_value \"$before\" && return\n"
	     "\tif [[ $word == -* ]]; then");
	fputs("\t\t_lkvm_words \"", stdout);
	options_for_each(completion_names, NULL);
	puts("\"\n"
	     "\telse\n"
	     "\t\t_lkvm_files\n"
	     "\tfi\n"
	     "}\n"
	     "\n"
	     "complete -F _lkvm lkvm");
	return 0;
}

/* ---- Markdown ---- */

static int exit_status(void)
{
	const struct exit_status_row *row;

	puts("| status | meaning |\n|---|---|");
	for (row = exit_status_rows; row->meaning; row++)
		printf("| %s | %s |\n", row->status, row->meaning);
	return 0;
}

int main(int argc, char **argv)
{
	int ret = 2;

	if (argc == 4 && !strcmp(argv[1], "man"))
		ret = man(argv[2], argv[3]);
	else if (argc == 2 && !strcmp(argv[1], "completion"))
		ret = completion();
	else if (argc == 2 && !strcmp(argv[1], "exit-status"))
		ret = exit_status();
	else
		fputs("usage: gen-docs man VERSION DATE | completion | exit-status\n", stderr);
	if (fflush(stdout) || ferror(stdout))
		return 1;
	return ret;
}
