// SPDX-License-Identifier: GPL-2.0-or-later
/* The completions, from the tables of options. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "completion.h"
#include "lkvm/builtin.h"
#include "lkvm/guests.h"

#define MAX_OPTIONS 128
#define MAX_VALUES  16

enum value_kind { VALUE_NONE, VALUE_ANY, VALUE_WORDS, VALUE_FILE, VALUE_FOLDER, VALUE_GUEST };

struct offer {
	char letter;
	char name[40], help[200];
	enum value_kind kind;
	char words[MAX_VALUES][48]; /* VALUE_WORDS */
	bool repeats;
};

/* What one command takes. */
struct offers {
	const struct option_set *set;
	bool guests; /* its words, and values called NAME, are guests' names */
	struct offer list[MAX_OPTIONS];
	unsigned nr;
};

static struct offer *add(struct offers *offers, const char *name)
{
	struct offer *offer = &offers->list[offers->nr++];

	if (offers->nr > MAX_OPTIONS || strlen(name) >= sizeof(offer->name))
		exit(1);
	strcpy(offer->name, name);
	return offer;
}

/* ---- run's ---- */

/* "mode=user|tap|none[,KEY=VALUE...]": the alternatives before the bracket. */
static void words_from_argument(struct offer *offer, const char *argument)
{
	const char *equals = strchr(argument, '='), *p = equals + 1;
	unsigned nr = 0;

	while (*p && *p != '[' && nr < MAX_VALUES) {
		size_t len = strcspn(p, "|[");

		snprintf(offer->words[nr++], sizeof(offer->words[0]), "%.*s=%.*s",
			 (int)(equals - argument), argument, (int)len, p);
		p += len + (p[len] == '|');
	}
}

static void set_value(struct offer *offer, const struct option_row *row)
{
	offer->kind = VALUE_WORDS;
	if (row->choices)
		for (unsigned i = 0; row->choices[i] && i < MAX_VALUES; i++)
			snprintf(offer->words[i], sizeof(offer->words[0]), "%s", row->choices[i]);
	else if (!strncmp(row->argument, "FILE", 4))
		offer->kind = VALUE_FILE;
	else if (!strcmp(row->argument, "FOLDER") || !strncmp(row->argument, "DIR", 3))
		offer->kind = VALUE_FOLDER;
	else if (strchr(row->argument, '|'))
		words_from_argument(offer, row->argument);
	else
		offer->kind = VALUE_ANY;
}

static void add_row(struct offers *offers, const struct option_row *row)
{
	struct offer *offer;
	char opposite[40];

	if (row->kind == OPTION_GROUP)
		return;
	offer = add(offers, row->name);
	offer->letter = row->letter;
	offer->repeats = row->repeats;
	snprintf(offer->help, sizeof(offer->help), "%s", row->help);
	if (row->argument)
		set_value(offer, row);
	if (offers->guests && row->argument && !strcmp(row->argument, "NAME"))
		offer->kind = VALUE_GUEST;
	/* Any option can be taken back; that is of use to who has not typed it where it is there anyway. */
	if (!row->by_default)
		return;
	snprintf(opposite, sizeof(opposite), "no-%s", row->name);
	snprintf(add(offers, opposite)->help, sizeof(offer->help),
		 "Without what --%s has by default", row->name);
}

static void collect(struct offers *offers, const struct builtin *builtin)
{
	struct option_walk walk = { .set = &builtin->set };
	const struct option_row *row;

	memset(offers, 0, sizeof(*offers));
	offers->set = &builtin->set;
	offers->guests = builtin->guests & GUESTS_NAMES;
	/* `lkvm help` and the like offer nothing else. */
	if (builtin->set.tables[0] == option_help_rows)
		return;
	while ((row = options_next(&walk)))
		if (option_is_shown(&builtin->set, row))
			add_row(offers, row);
}

/* ---- what all shells write ---- */

#define GUESTS                                                                                     \
	"command lkvm list 2>/dev/null | awk 'NR > 2 && $2 ~ /^[A-Za-z0-9._-]+$/ { print $2 }'"

static void print_commands(void)
{
	const struct builtin *builtin;

	for (size_t i = 0; (builtin = builtins[i]); i++)
		printf("%s%s", i ? " " : "", builtin->set.command);
}

static void print_words(const struct offer *offer)
{
	for (unsigned i = 0; i < MAX_VALUES && *offer->words[i]; i++)
		printf("%s%s", i ? " " : "", offer->words[i]);
}

/* Text between single quotes, with a backslash before each of `special`. */
static void print_quoted(const char *text, const char *special, const char *apostrophe)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs(apostrophe, stdout);
		else if (strchr(special, *text))
			printf("\\%c", *text);
		else
			putchar(*text);
	}
}

/* ---- bash ---- */

static void bash_value(const struct offer *offer)
{
	if (offer->kind == VALUE_NONE)
		return;
	printf("\t--%s", offer->name);
	if (offer->letter)
		printf(" | -%c", offer->letter);
	fputs(") ", stdout);
	if (offer->kind == VALUE_FILE || offer->kind == VALUE_FOLDER) {
		printf("_lkvm_files %s ;;\n", offer->kind == VALUE_FILE ? "-f" : "-d");
		return;
	}
	fputs("_lkvm_words \"", stdout);
	if (offer->kind == VALUE_GUEST)
		fputs("$(_lkvm_guests)", stdout);
	print_words(offer);
	puts("\" ;;");
}

/* _lkvm_value_COMMAND OPTION and _lkvm_options_COMMAND. */
static void bash_command(const struct builtin *builtin, const struct offers *offers)
{
	printf("_lkvm_options_%s() {\n\techo \"", builtin->set.command);
	for (unsigned i = 0; i < offers->nr; i++)
		printf("%s--%s", i ? " " : "", offers->list[i].name);
	printf("%s\"\n}\n\n_lkvm_value_%s() {\n\tcase $1 in\n",
	       offers->guests ? " $(_lkvm_guests)" : "", builtin->set.command);
	for (unsigned i = 0; i < offers->nr; i++)
		bash_value(&offers->list[i]);
	puts("\t*) return 1 ;;\n\tesac\n}\n");
}

static const char bash_begin[] =
	"# SPDX-License-Identifier: GPL-2.0-or-later\n"
	"# bash completion for lkvm; made from its option tables, not to be edited\n"
	"\n"
	"# readline replaces the word it knows, which ends at the last character of COMP_WORDBREAKS:\n"
	"# with '=' among them nothing of what stands before is to be offered again, else all of it.\n"
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
	"\tmapfile -t COMPREPLY < <(compgen \"$1\" -- \"$word\")\n"
	"\t_lkvm_offer\n"
	"}\n"
	"\n"
	"_lkvm_words() {\n"
	"\tmapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$word\")\n"
	"\t_lkvm_offer\n"
	"}\n"
	"\n"
	"# _lkvm_words expands its words: names that are more than letters are not offered.\n"
	"_lkvm_guests() {\n"
	"\tcommand \"${words[0]}\" list 2>/dev/null | awk 'NR > 2 && $2 ~ /^[A-Za-z0-9._-]+$/ { print $2 }'\n"
	"}\n";

static const char bash_middle[] =
	"# bash cuts words at '=': puts \"--option = value\" and \"mode = user\" together again.\n"
	"_lkvm() {\n"
	"\tlocal i word='' before='' cut='' option='' before_value='' command=''\n"
	"\tlocal -a words=()\n"
	"\tCOMPREPLY=()\n"
	"\tfor ((i = 0; i <= COMP_CWORD; i++)); do\n"
	"\t\tif [[ ${COMP_WORDS[i]} == '=' && ${#words[@]} -gt 0 ]]; then\n"
	"\t\t\twords[-1]+='='\n"
	"\t\telif [[ ${#words[@]} -gt 0 && ${words[-1]} == *= && ${COMP_WORDS[i-1]} == '=' ]]; then\n"
	"\t\t\twords[-1]+=${COMP_WORDS[i]}\n"
	"\t\telse\n"
	"\t\t\twords+=(\"${COMP_WORDS[i]}\")\n"
	"\t\tfi\n"
	"\tdone\n"
	"\tword=${words[-1]}\n"
	"\t((${#words[@]} > 1)) && before=${words[-2]}\n";

static const char bash_end[] =
	"\tcommand=${words[1]}\n"
	"\tdeclare -F \"_lkvm_value_$command\" >/dev/null || return\n"
	"\tif [[ $word == --*=* ]]; then\n"
	"\t\toption=${word%%=*} word=${word#*=}\n"
	"\t\tbefore_value=$option=\n"
	"\t\t[[ $word == *=* ]] && cut=${word%=*}=\n"
	"\t\t\"_lkvm_value_$command\" \"$option\"\n"
	"\t\treturn\n"
	"\tfi\n"
	"\t[[ $word == *=* ]] && cut=${word%=*}=\n"
	"\t[[ $before == -* ]] && \"_lkvm_value_$command\" \"$before\" && return\n"
	"\tif [[ $word == -* || ( $command != run && $command != snp-digest ) ]]; then\n"
	"\t\t_lkvm_words \"$(\"_lkvm_options_$command\")\"\n"
	"\telse\n"
	"\t\t_lkvm_files -f\n"
	"\tfi\n"
	"}\n"
	"\n"
	"complete -F _lkvm lkvm";

static void bash(void)
{
	static struct offers offers;
	const struct builtin *builtin;

	puts(bash_begin);
	for (size_t i = 0; (builtin = builtins[i]); i++) {
		collect(&offers, builtin);
		if (offers.nr)
			bash_command(builtin, &offers);
	}
	fputs(bash_middle, stdout);
	fputs("\tif ((${#words[@]} == 2)); then\n\t\t_lkvm_words \"", stdout);
	print_commands();
	fputs(" --help --version\"\n\t\treturn\n\tfi\n"
	      "\tif [[ ${words[1]} == help ]]; then\n\t\t_lkvm_words \"",
	      stdout);
	print_commands();
	puts("\"\n\t\treturn\n\tfi");
	puts(bash_end);
}

/* ---- zsh ---- */

static void zsh_action(const struct offer *offer)
{
	switch (offer->kind) {
	case VALUE_NONE:
		return;
	case VALUE_ANY:
		fputs(":value: ", stdout);
		return;
	case VALUE_FILE:
		fputs(":file:_files", stdout);
		return;
	case VALUE_FOLDER:
		fputs(":folder:_files -/", stdout);
		return;
	case VALUE_GUEST:
		fputs(":guest:_lkvm_guests", stdout);
		return;
	case VALUE_WORDS:
		fputs(":value:(", stdout);
		print_words(offer);
		putchar(')');
		return;
	}
}

static void zsh_option(const struct offer *offer)
{
	const char *value = offer->kind == VALUE_NONE ? "" : "=";
	const char *short_value = offer->kind == VALUE_NONE ? "" : "+";

	fputs(" \\\n\t\t\t", stdout);
	if (offer->repeats)
		fputs("'*'", stdout);
	else if (offer->letter)
		printf("'(-%c --%s)'", offer->letter, offer->name);
	if (offer->letter)
		printf("{-%c%s,--%s%s}'[", offer->letter, short_value, offer->name, value);
	else
		printf("'--%s%s[", offer->name, value);
	print_quoted(offer->help, ":[]\\", "'\\''");
	putchar(']');
	zsh_action(offer);
	putchar('\'');
}

static void zsh_command(const struct builtin *builtin, const struct offers *offers)
{
	printf("\t%s)\n\t\t_arguments", builtin->set.command);
	for (unsigned i = 0; i < offers->nr; i++)
		zsh_option(&offers->list[i]);
	if (offers->set->kinds)
		fputs(" \\\n\t\t\t':kernel:_files'", stdout);
	else if (offers->guests)
		fputs(" \\\n\t\t\t'*:guest:_lkvm_guests'", stdout);
	puts("\n\t\t;;");
}

static void zsh(void)
{
	static struct offers offers;
	const struct builtin *builtin;

	puts("#compdef lkvm\n"
	     "# SPDX-License-Identifier: GPL-2.0-or-later\n"
	     "# zsh completion for lkvm; made from its option tables, not to be edited\n"
	     "\n"
	     "_lkvm_guests() {\n"
	     "\tlocal -a guests\n"
	     "\tguests=(${(f)\"$(" GUESTS ")\"})\n"
	     "\tcompadd -a guests\n"
	     "}\n"
	     "\n"
	     "_lkvm() {\n"
	     "\tlocal -a commands\n"
	     "\tcommands=(");
	for (size_t i = 0; (builtin = builtins[i]); i++) {
		printf("\t\t'%s:", builtin->set.command);
		print_quoted(builtin->help, ":\\", "'\\''");
		puts("'");
	}
	puts("\t)\n"
	     "\tif ((CURRENT == 2)) || [[ $words[2] == help ]]; then\n"
	     "\t\t_describe -t commands command commands\n"
	     "\t\t((CURRENT > 2)) || compadd -- --help --version\n"
	     "\t\treturn\n"
	     "\tfi\n"
	     "\tshift words\n"
	     "\t((CURRENT--))\n"
	     "\tcase $words[1] in");
	for (size_t i = 0; (builtin = builtins[i]); i++) {
		collect(&offers, builtin);
		if (offers.nr)
			zsh_command(builtin, &offers);
	}
	puts("\tesac\n"
	     "}\n"
	     "\n"
	     "if [[ $funcstack[1] == _lkvm ]]; then\n"
	     "\t_lkvm \"$@\"\n"
	     "else\n"
	     "\tcompdef _lkvm lkvm\n"
	     "fi");
}

/* ---- fish ---- */

static void fish_option(const struct builtin *builtin, const struct offer *offer)
{
	printf("complete -c lkvm -n '__fish_seen_subcommand_from %s' -l %s", builtin->set.command,
	       offer->name);
	if (offer->letter)
		printf(" -s %c", offer->letter);
	if (offer->kind == VALUE_FILE)
		fputs(" -r -F", stdout);
	else if (offer->kind == VALUE_FOLDER)
		fputs(" -x -a '(__fish_complete_directories)'", stdout);
	else if (offer->kind == VALUE_GUEST)
		fputs(" -x -a '(__lkvm_guests)'", stdout);
	else if (offer->kind != VALUE_NONE)
		fputs(" -x", stdout);
	if (offer->kind == VALUE_WORDS) {
		fputs(" -a '", stdout);
		print_words(offer);
		putchar('\'');
	}
	fputs(" -d '", stdout);
	print_quoted(offer->help, "\\", "\\'");
	puts("'");
}

static void fish_command(const struct builtin *builtin, const struct offers *offers)
{
	printf("complete -c lkvm -n '__fish_is_nth_token 1; or __fish_seen_subcommand_from help' -a %s -d '",
	       builtin->set.command);
	print_quoted(builtin->help, "\\", "\\'");
	puts("'");
	for (unsigned i = 0; i < offers->nr; i++)
		fish_option(builtin, &offers->list[i]);
	if (offers->set->kinds)
		printf("complete -c lkvm -n '__fish_seen_subcommand_from %s' -F\n",
		       builtin->set.command);
	else if (offers->guests)
		printf("complete -c lkvm -n '__fish_seen_subcommand_from %s' -a '(__lkvm_guests)'\n",
		       builtin->set.command);
}

static void fish(void)
{
	static struct offers offers;
	const struct builtin *builtin;

	puts("# SPDX-License-Identifier: GPL-2.0-or-later\n"
	     "# fish completion for lkvm; made from its option tables, not to be edited\n"
	     "\n"
	     "function __lkvm_guests\n"
	     "\t" GUESTS "\n"
	     "end\n"
	     "\n"
	     "complete -c lkvm -f\n"
	     "complete -c lkvm -n '__fish_is_nth_token 1' -l help -l version");
	for (size_t i = 0; (builtin = builtins[i]); i++) {
		collect(&offers, builtin);
		fish_command(builtin, &offers);
	}
}

int completion(const char *shell)
{
	if (!strcmp(shell, "bash"))
		bash();
	else if (!strcmp(shell, "zsh"))
		zsh();
	else if (!strcmp(shell, "fish"))
		fish();
	else
		return 2;
	return 0;
}
