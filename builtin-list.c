// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/builtin.h"
#include "lkvm/config/exit-status.h"
#include "lkvm/control/names.h"
#include "lkvm/guests.h"
#include "lkvm/util/json.h"
#include "lkvm/util/log.h"

/* One that is busy must not keep the others from being shown. */
#define PATIENCE_MS 2000
/* All of another user's; those that come then are shown without being asked. */
#define USER_MS	    (2 * PATIENCE_MS)

static const struct option_row rows[] = {
	OPTION_ROW(IGNORED, "run", .letter = 'i',
		   .help = "Running guests only; there are no others"),
	{ 0 },
};

static const struct guests_command command = {
	.set = {
		.command = "list",
		.usage = "[--json]",
		.help = "Lists running guests, with their process, name and state.\n",
		.tables = (const struct option_row *const[]){ rows, guests_json_rows, option_help_rows, NULL },
		.statuses = (const struct exit_status_row *const[]){ exit_status_command_rows, NULL },
	},
	.flags = 0,
};

struct shown {
	pid_t pid;
	char state[GUESTS_WORD];
	char user[40];	  /* whose it is; "": ours */
	const char *name; /* its own */
};

/* A user's guests, or what poses as them, do not make root wait one after the other. */
static int patience(const struct shown *shown, const char *last_busy)
{
	return *shown->user && !strcmp(shown->user, last_busy) ? PATIENCE_MS / 20 : PATIENCE_MS;
}

struct looking {
	char last_busy[40]; /* the last user one of whose guests did not answer */
	struct guests_turn turn;
};

/* False: it has ended meanwhile, or what listens there is no guest. */
static bool ask(const char *name, char last_busy[40], struct shown *shown)
{
	struct control_peer peer;
	json_t *answer = NULL;
	int err;

	err = control_connect(name, patience(shown, last_busy), &peer);
	if (!err) {
		shown->pid = peer.pid;
		err = control_ask(&peer, "info", NULL, patience(shown, last_busy), &answer);
	}
	if (json_object_get(answer, "state"))
		guests_word(answer, "state", shown->state);
	if (err == -ETIMEDOUT)
		strcpy(last_busy, shown->user);
	json_decref(answer);
	control_disconnect(&peer);
	return err != -ENOENT && err != -EPIPE && !(*shown->user && err == -EPERM);
}

/* False as of ask(). */
static bool look_at(const char *name, struct looking *looking, struct shown *shown)
{
	const char *slash = strchr(name, '/');
	bool is_there;

	*shown = (struct shown){ .state = "not answering", .name = slash ? slash + 1 : name };
	if (slash)
		snprintf(shown->user, sizeof(shown->user), "%.*s", (int)(slash - name), name);
	if (!guests_turn(&looking->turn, name, USER_MS))
		return true;
	is_there = ask(name, looking->last_busy, shown);
	guests_turn_end(&looking->turn);
	return is_there;
}

static bool others_are_among(char **names, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (strchr(names[i], '/'))
			return true;
	return false;
}

/* Whose they are is told when not all are ours. */
static void show_all(char **names, size_t nr)
{
	bool users = others_are_among(names, nr);
	struct looking looking = { 0 };
	struct shown shown;

	printf("%6s %-20s %-*s%s\n------------------------------------%s\n", "PID", "NAME",
	       users ? 14 : 0, "STATE", users ? "USER" : "", users ? "----------" : "");
	for (size_t i = 0; i < nr; i++) {
		if (!look_at(names[i], &looking, &shown))
			continue;
		printf("%6d %-20s %-*s%s\n", shown.pid, shown.name, users ? 14 : 0, shown.state,
		       !users	     ? ""
		       : *shown.user ? shown.user
				     : "root");
	}
}

static void show_json(char **names, size_t nr)
{
	struct looking looking = { 0 };
	json_t *guests = json_object();
	struct shown shown;

	for (size_t i = 0; i < nr; i++) {
		json_t *guest, *key;

		if (!look_at(names[i], &looking, &shown))
			continue;
		guest = json_pack("{s:i, s:s}", "pid", shown.pid, "state", shown.state);
		if (*shown.user)
			json_object_set_new(guest, "user", json_string(shown.user));
		key = json_words(names[i]);
		json_object_set_new(guests, json_string_value(key), guest);
		json_decref(key);
	}
	json_print(guests, 2, stdout);
	json_decref(guests);
}

static int list_main(int argc, char **argv)
{
	struct guests_args args = { 0 };
	int ret = guests_parse(&command, argc, argv, &args);
	char **names;
	size_t nr;

	if (ret)
		return ret - 1;
	guests_release(&args);
	if (control_names(&names, &nr)) {
		log_error("out of memory");
		return EXIT_HOST_ERROR;
	}
	if (args.json)
		show_json(names, nr);
	else
		show_all(names, nr);
	control_free_names(names, nr);
	return builtin_end_output();
}

const struct builtin builtin_list = {
	.name = "list",
	.help = "Show the guests that run",
	.run = list_main,
	.options = &command.set,
};
