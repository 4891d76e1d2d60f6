// SPDX-License-Identifier: GPL-2.0-or-later
/* --help, from the tables. */

#include "lkvm/config/exit-status.h"
#include "lkvm/config/options.h"

#define HELP_COLUMN 30

/* "  -c, --cpus N": returns how many columns it took. */
static int print_names(FILE *out, const struct option_row *row)
{
	int columns;

	if (row->letter)
		columns = fprintf(out, "  -%c, --%s", row->letter, row->name);
	else
		columns = fprintf(out, "      --%s", row->name);
	if (row->argument)
		columns += fprintf(out, " %s", row->argument);
	return columns;
}

static void print_row(FILE *out, const struct option_row *row)
{
	int columns;

	if (row->kind == OPTION_GROUP) {
		fprintf(out, "\n%s:\n", row->help);
		return;
	}
	columns = print_names(out, row);
	if (columns >= HELP_COLUMN) {
		fputc('\n', out);
		columns = 0;
	}
	fprintf(out, "%*s%s\n", HELP_COLUMN - columns, "", row->help);
}

void options_print_help(const struct option_set *set, FILE *out)
{
	struct option_walk walk = { .set = set };
	const struct option_row *option;

	fprintf(out, "Usage: lkvm %s%s%s\n%s", set->command, set->usage ? " " : "",
		set->usage ?: "", set->help);
	if (set->tables[0]->kind != OPTION_GROUP || set->shown)
		fputc('\n', out);
	while ((option = options_next(&walk)))
		if (option_is_shown(set, option))
			print_row(out, option);
	if (set->kinds)
		fputs("\nLong options may be shortened to any prefix that fits only one; --no-NAME undoes most of them.\n",
		      out);
	if (!set->statuses)
		return;
	fputs("\nExit status:\n", out);
	for (const struct exit_status_row *row = exit_status_rows; row->meaning; row++)
		if (row->of & set->statuses)
			fprintf(out, "  %-6s %s\n", row->status, row->meaning);
}
