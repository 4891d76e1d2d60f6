// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "lkvm/config/exit-status.h"
#include "lkvm/guests.h"
#include "lkvm/util/json.h"

/* One that is busy must not keep the others from being shown. */
#define PATIENCE_MS 2000
/* All of another user's; those that come then are shown without being asked. */
#define USER_MS	    (2 * PATIENCE_MS)

static const struct option_row rows[] = {
	OPTION_ROW(IGNORED, "run", .letter = 'i',
		   .help = "Running guests only; there are no others"),
	{ 0 },
};

struct shown {
	pid_t pid;
	char state[GUESTS_WORD];
	char user[40];	  /* whose it is; "": ours */
	const char *name; /* its own */
};

/* False: it has ended meanwhile, or what listens there is no guest. */
static bool list_ask(const char *name, struct guests_turn *turn, struct shown *shown)
{
	/* A user's guests, or what poses as them, do not make root wait one after the other. */
	unsigned patience = turn->mark ? PATIENCE_MS / 20 : PATIENCE_MS;
	int err = guests_state(name, patience, &shown->pid, shown->state);

	if (!*shown->state)
		strcpy(shown->state, "not answering");
	if (err == -ETIMEDOUT)
		turn->mark = *shown->user;
	return err != -ENOENT && err != -EPIPE && !(*shown->user && err == -EPERM);
}

/* False as of ask(). */
static bool look_at(const char *name, struct guests_turn *turn, struct shown *shown)
{
	const char *slash = strchr(name, '/');
	bool is_there;

	*shown = (struct shown){ .state = "not answering", .name = slash ? slash + 1 : name };
	if (slash)
		snprintf(shown->user, sizeof(shown->user), "%.*s", (int)(slash - name), name);
	if (!guests_turn(turn, name, USER_MS))
		return true;
	is_there = list_ask(name, turn, shown);
	guests_turn_end(turn);
	return is_there;
}

static bool others_are_among(const struct control_names *names)
{
	for (size_t i = 0; i < names->nr; i++)
		if (strchr(names->list[i], '/'))
			return true;
	return false;
}

static void print_row(const struct shown *shown, bool users)
{
	const char *user = *shown->user ? shown->user : "root";

	printf("%6d %-20s %-*s%s\n", shown->pid, shown->name, users ? 14 : 0, shown->state,
	       users ? user : "");
}

static void add_member(json_t *guests, const char *name, const struct shown *shown)
{
	json_t *guest = json_pack("{s:i, s:s}", "pid", shown->pid, "state", shown->state);
	json_t *key = json_words(name);

	if (*shown->user)
		json_object_set_new(guest, "user", json_string(shown->user));
	json_object_set_new(guests, json_string_value(key), guest);
	json_decref(key);
}

/* Whose they are is told when not all are ours. */
static void show_all(const struct guests_args *args)
{
	bool users = others_are_among(&args->names);
	struct guests_turn turn = { .spent = 0 };
	json_t *guests = json_object();
	struct shown shown;

	if (!args->json)
		printf("%6s %-20s %-*s%s\n------------------------------------%s\n", "PID", "NAME",
		       users ? 14 : 0, "STATE", users ? "USER" : "", users ? "----------" : "");
	for (size_t i = 0; i < args->names.nr; i++) {
		if (!look_at(args->names.list[i], &turn, &shown))
			continue;
		if (args->json)
			add_member(guests, args->names.list[i], &shown);
		else
			print_row(&shown, users);
	}
	if (args->json)
		json_print(guests, 2, stdout);
	json_decref(guests);
}

static int list_main(const struct builtin *command, int argc, char **argv)
{
	struct guests_args args = { .all = true };
	int status;

	if (!guests_parse(command, argc, argv, &args, &status))
		return status;
	show_all(&args);
	guests_release(&args);
	return builtin_end_output();
}

const struct builtin builtin_list = {
	.set = {
		.command = "list",
		.usage = "[--json]",
		.help = "Lists running guests, with their process, name and state.\n",
		.tables = (const struct option_row *const[]){ rows, guests_json_rows, option_help_rows, NULL },
		.statuses = STATUS_OF_COMMANDS,
	},
	.help = "Show the guests that run",
	.run = list_main,
	.guests = GUESTS_LOOKS,
};
