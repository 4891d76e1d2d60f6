// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/builtin.h"
#include "lkvm/config/exit-status.h"
#include "lkvm/guests.h"
#include "lkvm/util/json.h"
#include "lkvm/util/log.h"
#include "lkvm/util/text.h"

/* One that is busy must not keep the others from being shown. */
#define PATIENCE_MS 2000
/* All of another user's; those that come then are shown without being asked. */
#define USER_MS	    (2 * PATIENCE_MS)

static const struct guests_command command = {
	.name = "list",
	.usage = "[--json]",
	.help = "Shows the guests that run, with their process, name and state.\n",
	.options = GUESTS_JSON | GUESTS_RUN,
};

void builtin_list_help(FILE *out)
{
	guests_print_help(&command, out);
}

struct shown {
	pid_t pid;
	char state[16];
	char user[40];	  /* whose it is; "": ours */
	const char *name; /* its own */
};

static int on_value(const struct json_value *value, void *arg)
{
	struct shown *shown = arg;

	if (!strcmp(value->path, "state") && value->kind == JSON_STRING) {
		snprintf(shown->state, sizeof(shown->state), "%s", value->text);
		text_clean(shown->state);
	}
	return 0;
}

/* A user's guests, or what poses as them, do not make root wait one after the other. */
static int patience(const struct shown *shown, const char *last_busy)
{
	return *shown->user && !strcmp(shown->user, last_busy) ? PATIENCE_MS / 20 : PATIENCE_MS;
}

struct looking {
	char last_busy[40]; /* the last user one of whose guests did not answer */
	struct guests_turn turn;
};

/* False: it has gone meanwhile, or is nobody's guest. */
static bool ask(const char *name, char last_busy[40], struct shown *shown)
{
	struct control_peer peer;
	char *answer = NULL;
	int error;

	error = control_connect(name, patience(shown, last_busy), &peer);
	if (!error) {
		shown->pid = peer.pid;
		error = control_ask(&peer, "info", patience(shown, last_busy), &answer);
	}
	if (!error)
		json_read(answer, on_value, shown);
	if (error == -ETIMEDOUT)
		strcpy(last_busy, shown->user);
	free(answer);
	control_disconnect(&peer);
	return error != -ENOENT && error != -EPIPE && !(*shown->user && error == -EPERM);
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
	struct shown shown;
	struct json json;

	json_begin(&json, stdout);
	json_object(&json, NULL);
	for (size_t i = 0; i < nr; i++) {
		if (!look_at(names[i], &looking, &shown))
			continue;
		json_object(&json, names[i]);
		json_number(&json, "pid", shown.pid);
		json_string(&json, "state", shown.state);
		if (*shown.user)
			json_string(&json, "user", shown.user);
		json_object_end(&json);
	}
	json_object_end(&json);
	json_end(&json);
}

int builtin_list(int argc, char **argv)
{
	struct guests_args args;
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
