// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/builtin.h"
#include "lkvm/exit_status.h"
#include "lkvm/guests.h"
#include "lkvm/json.h"
#include "lkvm/log.h"

/* One that is busy must not keep the others from being shown. */
#define PATIENCE_MS 2000

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
};

static int on_value(const struct json_value *value, void *arg)
{
	struct shown *shown = arg;

	if (!strcmp(value->path, "state") && value->kind == JSON_STRING)
		snprintf(shown->state, sizeof(shown->state), "%s", value->text);
	return 0;
}

/* False: it has gone meanwhile. */
static bool look_at(const char *name, struct shown *shown)
{
	struct control_peer peer;
	int error = control_connect(name, PATIENCE_MS, &peer);
	char *answer = NULL;

	*shown = (struct shown){ .state = "not answering" };
	if (!error) {
		shown->pid = peer.pid;
		error = control_ask(&peer, "info", PATIENCE_MS, &answer);
	}
	if (!error)
		json_read(answer, on_value, shown);
	free(answer);
	control_disconnect(&peer);
	return error != -ENOENT && error != -EPIPE;
}

static void show_all(char **names, size_t nr)
{
	struct shown shown;

	printf("%6s %-20s %s\n------------------------------------\n", "PID", "NAME", "STATE");
	for (size_t i = 0; i < nr; i++)
		if (look_at(names[i], &shown))
			printf("%6d %-20s %s\n", shown.pid, names[i], shown.state);
}

static void show_json(char **names, size_t nr)
{
	struct shown shown;
	struct json json;

	json_begin(&json, stdout);
	json_object(&json, NULL);
	for (size_t i = 0; i < nr; i++) {
		if (!look_at(names[i], &shown))
			continue;
		json_object(&json, names[i]);
		json_number(&json, "pid", shown.pid);
		json_string(&json, "state", shown.state);
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
