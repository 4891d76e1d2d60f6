// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lkvm/builtin.h"
#include "lkvm/config/exit-status.h"
#include "lkvm/guests.h"
#include "lkvm/util/log.h"

struct stop_args {
	struct guests_args guests;
	bool ask;
};

static const struct option_row rows[] = {
	OPTION_ROW(FLAG, "ask", .offset = offsetof(struct stop_args, ask),
		   .help = "Press the power button, and wait until the guest has shut down"),
	{ 0 },
};

static const struct guests_command command = {
	.set = {
		.command = "stop",
		.usage = "[--ask] NAME...|-n NAME|-a",
		.help = "Ends guests within a second, as SIGTERM does, and returns when they have ended; their lkvm\n"
		"run returns 143. The guest itself is not asked: let it shut down by itself, or use --ask,\n"
		"if it must. What it wrote is brought to the disks as far as that is possible in this time;\n"
		"the host's kernel writes the rest later. A guest that does not answer gets SIGTERM, which\n"
		"is logged.\n"
		"--ask waits as long as the guests take, and sends no signal. Ctrl-C stops the waiting, not\n"
		"the guests.\n",
		.tables = (const struct option_row *const[]){ guests_name_rows, rows, option_help_rows, NULL },
		.word = guests_take_name,
		.guests = true,
		.statuses = guests_statuses,
	},
	.flags = GUESTS_NAMES | GUESTS_END | GUESTS_ASK,
};

/* With --ask a guest that does not answer gets no SIGTERM, and no message about one. */
static const struct guests_command asking = { .set.command = "stop",
					      .flags = GUESTS_NAMES | GUESTS_ASK };

static int ask_one(const struct guests_args *args, const char *name, struct control_peer *peer)
{
	struct guests_call call = { .request = "power-button" };
	int ret = guests_ask(&asking, args, name, &call);

	*peer = call.peer;
	if (!ret)
		json_decref(call.answer);
	return ret;
}

/* However long it takes. */
static int wait_for_one(const struct guests_args *args, const char *name, struct control_peer *peer)
{
	control_wait_end(peer, -1);
	control_disconnect(peer);
	return guests_hung_up(&asking, args, name, peer->pid);
}

/* All buttons are pressed before any guest is waited for. */
static int stop_asking(const struct guests_args *args)
{
	struct control_peer *peers = calloc(args->nr + 1, sizeof(*peers));
	int *rets = calloc(args->nr + 1, sizeof(*rets)), status = 0, ret;

	if (!peers || !rets) {
		log_error("out of memory");
		status = EXIT_HOST_ERROR;
		goto out;
	}
	for (size_t i = 0; i < args->nr; i++)
		rets[i] = ask_one(args, args->names[i], &peers[i]);
	for (size_t i = 0; i < args->nr; i++) {
		ret = rets[i] ?: wait_for_one(args, args->names[i], &peers[i]);
		if (ret == -EPIPE)
			printf("Guest %s has ended\n", args->names[i]);
		else if (ret > 0 && !status)
			status = ret;
	}
	ret = builtin_end_output();
	status = status ?: ret;
out:
	free(peers);
	free(rets);
	return status;
}

static int stop_main(int argc, char **argv)
{
	struct stop_args args = { .ask = false };
	int ret = guests_parse(&command, argc, argv, &args.guests);

	if (ret)
		return ret - 1;
	ret = args.ask ? stop_asking(&args.guests) : guests_request(&command, &args.guests, "stop");
	guests_release(&args.guests);
	return ret;
}

const struct builtin builtin_stop = {
	.name = "stop",
	.help = "End guests",
	.run = stop_main,
	.options = &command.set,
};
