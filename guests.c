// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lkvm/config/exit-status.h"
#include "lkvm/config/nearest.h"
#include "lkvm/control/folder.h"
#include "lkvm/guests.h"
#include "lkvm/util/json.h"
#include "lkvm/util/loop.h"
#include "lkvm/util/text.h"

#define MS 1000000ULL /* ns */

/* How long a guest may take, in milliseconds. */
#define PATIENCE_MS 10000
/* The same until one that is to end has answered; then it gets a signal, and the rest of the time. */
#define STOP_MS	    2000
/* For a second question, after the first was not answered. */
#define QUICK_MS    1000
/* Before a guest is asked again that has more to tell. */
#define PAUSE_MS    20

/* ---- the command line ---- */

static int no_memory(void)
{
	log_error("out of memory");
	return EXIT_HOST_ERROR;
}

/* Given twice it is meant once: nothing can be stopped twice, and no JSON object has two members of one name. */
int guests_take_name(void *base, const char *name)
{
	return control_add_name(&((struct guests_args *)base)->names, name);
}

static int parse_name(void *base, const struct option_row *row, const char *value)
{
	return guests_take_name(base, value);
}

const struct option_row guests_name_rows[] = {
	OPTION_ROW(CALL, "name", .letter = 'n', .argument = "NAME", .parse = parse_name,
		   .repeats = true, .help = "A guest; a bare NAME means the same"),
	OPTION_ROW(
		FLAG, "all", .offset = offsetof(struct guests_args, all), .letter = 'a',
		.help = "All guests",
		.man = "They are this user's, and none at all is no error. For root, stat shows those of all "
		       "users, each as USER/NAME; other commands reach other users' only by their names."),
	{ 0 },
};

const struct option_row guests_json_rows[] = {
	OPTION_ROW(FLAG, "json", .offset = offsetof(struct guests_args, json),
		   .help = "As one JSON object, for programs"),
	{ 0 },
};

static int check_words(const struct guests_args *args)
{
	if (args->host && (args->names.nr || args->all))
		return guests_error(args, EXIT_USAGE,
				    "--host is about the host; ask for guests without it");
	if (args->all && args->names.nr)
		return guests_error(args, EXIT_USAGE, "'%s' and --all: one of them is too much",
				    args->names.list[0]);
	if (args->host)
		return 0;
	if (args->flags & GUESTS_NAMES && !args->all && !args->names.nr)
		return guests_error(args, EXIT_USAGE, "which guest? --name NAME or --all%s",
				    args->flags & GUESTS_HOST
					    ? " ('lkvm list' shows them), or "
					      "--host for what this host's KVM offers"
					    : "; 'lkvm list' shows them");
	/* Without a folder to look in, "there is no guest X" would be a guess. */
	if (control_bad_folder())
		return guests_error(args, EXIT_USAGE,
				    "LKVM_RUNTIME_DIR is '%s', which is not an absolute path; one "
				    "would work, or none",
				    control_bad_folder());
	return 0;
}

/* What changes something changes only the user's own guests unless others are named. */
static int all_names(struct guests_args *args)
{
	size_t nr = 0;

	if (control_names(&args->names))
		return no_memory();
	if (args->flags & GUESTS_LOOKS)
		return 0;
	for (size_t i = 0; i < args->names.nr; i++) {
		if (strchr(args->names.list[i], '/'))
			free(args->names.list[i]);
		else
			args->names.list[nr++] = args->names.list[i];
	}
	args->names.nr = nr;
	return 0;
}

/* Root may leave the user out as long as no guest of root's, and only one user's, has the name. */
static int find_owner(const struct guests_args *args, char **name)
{
	unsigned owners = 0;
	struct control_names names;
	char *found[2];
	int status = 0;

	if (geteuid() != 0 || strchr(*name, '/') || control_has_own(*name))
		return 0;
	if (control_names(&names))
		return no_memory();
	for (size_t i = 0; i < names.nr; i++) {
		const char *slash = strchr(names.list[i], '/');

		if (slash && !strcmp(slash + 1, *name) && owners < 2)
			found[owners++] = names.list[i];
	}
	if (owners == 2) {
		status = guests_error(args, EXIT_NO_GUEST,
				      "more than one user has a guest '%s': %s, %s; which one?",
				      *name, found[0], found[1]);
	} else if (owners == 1) {
		free(*name);
		*name = strdup(found[0]);
		status = *name ? 0 : no_memory();
	}
	control_free_names(&names);
	return status;
}

bool guests_parse(const struct builtin *command, int argc, char **argv, struct guests_args *args,
		  int *status)
{
	args->command = command;
	args->flags = command->guests;
	if (builtin_parse(&command->set, argc, argv, args, status)) {
		*status = check_words(args);
		if (!*status && !args->host)
			control_warn_folders();
		if (!*status && args->all)
			*status = all_names(args);
		for (size_t i = 0; !*status && !args->all && i < args->names.nr; i++)
			*status = find_owner(args, &args->names.list[i]);
		if (!*status)
			return true;
	}
	guests_release(args);
	return false;
}

void guests_release(struct guests_args *args)
{
	control_free_names(&args->names);
}

/* ---- one after the other ---- */

bool guests_turn(struct guests_turn *turn, const char *name, unsigned ms)
{
	size_t len = strchr(name, '/') ? strcspn(name, "/") : 0;

	len = MIN(len, sizeof(turn->user) - 1);
	if (strlen(turn->user) != len || memcmp(turn->user, name, len)) {
		*turn = (struct guests_turn){ .spent = 0 };
		memcpy(turn->user, name, len);
	}
	turn->began = clock_now();
	return !len || turn->spent < ms * MS;
}

void guests_turn_end(struct guests_turn *turn)
{
	turn->spent += clock_now() - turn->began;
}

/* ---- talking to one ---- */

/* A member that is a string, for a terminal and cut to `word`; "" if there is none. */
static const char *member_word(const json_t *answer, const char *key, char word[GUESTS_WORD])
{
	const char *text = json_string_value(json_object_get(answer, key));

	snprintf(word, GUESTS_WORD, "%s", text ?: "");
	text_clean(word);
	return word;
}

int guests_state(const char *name, unsigned ms, pid_t *pid, char state[GUESTS_WORD])
{
	struct control_peer peer;
	json_t *answer = NULL;
	int err = control_connect(name, ms, &peer);

	*pid = peer.pid;
	if (!err)
		err = control_ask(&peer, "info", NULL, ms, &answer);
	member_word(answer, "state", state);
	json_decref(answer);
	control_disconnect(&peer);
	return err;
}

static int no_such_guest(const struct guests_args *args, const char *name)
{
	struct nearest nearest = { .word = name };
	const char *advice = "; 'lkvm list' shows those there are";
	struct control_names names;

	if (control_names(&names))
		return no_memory();
	for (size_t i = 0; i < names.nr; i++)
		nearest_try(&nearest, names.list[i]);
	if (nearest.best)
		advice = "; did you mean ";
	else if (!names.nr)
		advice = ", nor any other";
	guests_error(args, 0, "there is no guest '%s'%s%s%s", name, advice, nearest.best ?: "",
		     nearest.best ? "?" : "");
	control_free_names(&names);
	return EXIT_NO_GUEST;
}

/* Some things it only does when it runs. */
static bool is_starting(const char *name)
{
	char state[GUESTS_WORD];
	pid_t pid;

	return !guests_state(name, QUICK_MS, &pid, state) && !strcmp(state, "starting");
}

/* For messages: ", PID N,", or nothing where the process is out of our sight. */
struct process {
	char words[32];
};

static struct process process_of(pid_t pid)
{
	struct process process = { "" };

	if (pid)
		snprintf(process.words, sizeof(process.words), ", PID %d,", pid);
	return process;
}

static int no_answer(const struct guests_args *args, const char *name, pid_t pid, int error)
{
	char advice[64] = "";

	if (error != -ETIMEDOUT)
		return guests_error(args, EXIT_NO_ANSWER, "guest %s: %s", name,
				    error == -EPROTO ? "its answer makes no sense"
						     : strerror(-error));
	if (is_starting(name))
		return guests_error(args, EXIT_NO_ANSWER,
				    "guest %s is still starting after %d seconds; nothing was done",
				    name, PATIENCE_MS / 1000);
	/* Another user's number may have become anybody's. */
	if (pid && args->flags & GUESTS_END && !strchr(name, '/'))
		snprintf(advice, sizeof(advice), "; 'kill -KILL %d' would end it at once", pid);
	return guests_error(args, EXIT_NO_ANSWER, "guest %s%s does not answer within %d seconds%s",
			    name, process_of(pid).words, PATIENCE_MS / 1000, advice);
}

/* The guest closed the connection, as one does that ends. As guests_ask(). */
static int hung_up(const struct guests_args *args, const char *name, pid_t pid)
{
	struct control_peer peer;
	int error = control_connect(name, QUICK_MS, &peer);

	control_disconnect(&peer);
	/* Another of that name may have begun. */
	if (!error && (!pid || !peer.pid || peer.pid == pid))
		error = -ECONNRESET;
	if (error && error != -ENOENT)
		return no_answer(args, name, pid, error);
	if (args->flags & (GUESTS_END | GUESTS_ASK))
		return -EPIPE;
	if (args->all)
		return -ENOENT;
	return guests_error(args, EXIT_NO_GUEST, "guest %s has ended meanwhile", name);
}

/* Its socket is not the only way to end it. */
static int guests_terminate(const struct guests_args *args, const char *name,
			    const struct control_peer *peer)
{
	int err;

	log_warning(
		"%s: guest %s, PID %d, does not answer within %d seconds on its socket; it is sent SIGTERM instead",
		args->command->set.command, name, peer->pid, STOP_MS / 1000);
	err = control_terminate(peer, PATIENCE_MS - STOP_MS);
	if (!err)
		return -EPIPE;
	if (err != -ETIMEDOUT)
		guests_error(args, 0, "guest %s, PID %d: SIGTERM cannot be sent: %s", name,
			     peer->pid, strerror(-err));
	return no_answer(args, name, peer->pid, -ETIMEDOUT);
}

static int guests_refused(const struct guests_args *args, const char *name, const json_t *answer)
{
	const char *error = json_string_value(json_object_get(answer, "error"));
	char words[256];

	snprintf(words, sizeof(words), "%s", error ?: "it refused without a reason");
	text_clean(words);
	return guests_error(args, EXIT_NO_ANSWER, "guest %s: %s", name, words);
}

/* Why there is no answer, or none that is one. */
static int not_answered(const struct guests_args *args, const char *name,
			const struct control_peer *peer, int error)
{
	if (error == -ETIMEDOUT && args->flags & GUESTS_END && peer->pid)
		return guests_terminate(args, name, peer);
	if (error == -EPIPE)
		return hung_up(args, name, peer->pid);
	if (error == -ENOENT)
		return args->all ? -ENOENT : no_such_guest(args, name);
	return no_answer(args, name, peer->pid, error);
}

/*
 * Connects and asks. 0: *peer and *answer are the caller's; or an exit status after logging what is wrong. Logs
 * nothing: -ENOENT: it is gone, and was only meant by -a; -EPIPE: it ended while it was asked to (GUESTS_END, GUESTS_ASK).
 */
static int guests_ask(const struct guests_args *args, const char *name, const char *request,
		      json_t *request_args, struct control_peer *peer, json_t **answer)
{
	int patience = args->flags & GUESTS_END ? STOP_MS : PATIENCE_MS;
	int error = control_connect(name, PATIENCE_MS, peer), ret;

	*answer = NULL;
	if (!error)
		error = control_ask(peer, request, request_args, patience, answer);
	if (!error && json_is_true(json_object_get(*answer, "ok")))
		return 0;
	ret = error ? not_answered(args, name, peer, error) : guests_refused(args, name, *answer);
	json_decref(*answer);
	control_disconnect(peer);
	return ret;
}

/* ---- the commands that show an answer ---- */

/* As guests_ask(), until the guest has told all, or its time is over. */
static int ask_for_all(const struct guests_args *args, const struct guests_show *show,
		       const char *name, json_t **answer)
{
	u64 end = clock_now() + show->patience_ms * MS;
	json_t *request_args = show->args;
	struct control_peer peer;

	for (;;) {
		int ret = guests_ask(args, name, show->request, request_args, &peer, answer);

		if (ret)
			return ret;
		control_disconnect(&peer);
		if (!show->is_coming || !show->is_coming(args, *answer) || clock_now() >= end)
			return 0;
		json_decref(*answer);
		request_args = show->args_again;
		usleep(PAUSE_MS * 1000);
	}
}

static int show_one(const struct guests_args *args, const struct guests_show *show,
		    const char *name, json_t *guests)
{
	json_t *answer, *key;
	int ret = ask_for_all(args, show, name, &answer);

	if (ret)
		return ret;
	if (args->json) {
		key = json_words(name);
		json_object_set(guests, json_string_value(key), answer);
		json_decref(key);
	} else {
		show->print(name, answer);
	}
	json_decref(answer);
	return 0;
}

/* Of --all, those of another user's who take too long are left out, which is told once. */
static int show_in_turn(const struct guests_args *args, const struct guests_show *show, size_t i,
			struct guests_turn *turn, json_t *guests)
{
	int ret;

	if (args->all && !guests_turn(turn, args->names.list[i], PATIENCE_MS)) {
		if (!turn->mark)
			guests_error(args, 0,
				     "the guests of user %s take too long to answer; the others of "
				     "that user's are not asked",
				     turn->user);
		turn->mark = true;
		return EXIT_NO_ANSWER;
	}
	ret = show_one(args, show, args->names.list[i], guests);
	guests_turn_end(turn);
	return ret;
}

int guests_show(const struct guests_args *args, const struct guests_show *show)
{
	struct guests_turn turn = { .spent = 0 };
	json_t *guests = json_object();
	int status = 0, ret;

	for (size_t i = 0; i < args->names.nr; i++) {
		ret = show_in_turn(args, show, i, &turn, guests);
		/* The first failure is told, but does not spare the other guests. */
		if (ret > 0 && !status)
			status = ret;
	}
	if (args->json)
		json_print(guests, 1, stdout);
	json_decref(guests);
	ret = builtin_end_output();
	return status ?: ret;
}

/* ---- the commands that only ask for something ---- */

static void say_state(const char *name, const char *state)
{
	/* What was asked for was done, and then the guest ended by itself. */
	if (!strcmp(state, "ending"))
		printf("Guest %s is ending\n", name);
	else
		printf("Guest %s %s\n", name, !strcmp(state, "paused") ? "is paused" : "resumed");
}

/* What was asked for, and of whose end the connection tells. */
struct asked {
	int ret;
	struct control_peer peer;
};

static void guests_ask_name(const struct guests_args *args, const char *name, const char *request,
			    struct asked *asked)
{
	char state[GUESTS_WORD];
	json_t *answer;

	asked->ret = guests_ask(args, name, request, NULL, &asked->peer, &answer);
	if (asked->ret)
		return;
	if (!(args->flags & (GUESTS_END | GUESTS_ASK))) {
		say_state(name, member_word(answer, "state", state));
		control_disconnect(&asked->peer);
	}
	json_decref(answer);
}

/* Those that are asked have as long as they take. */
static int wait_for_end(const struct guests_args *args, const char *name, struct asked *asked)
{
	bool patient = args->flags & GUESTS_ASK;
	pid_t pid = asked->peer.pid;
	int ms = args->seconds ? (int)args->seconds * 1000 : patient ? -1 : PATIENCE_MS;
	int err = control_wait_end(&asked->peer, ms);

	control_disconnect(&asked->peer);
	if (err)
		return guests_error(args, EXIT_NO_ANSWER,
				    "guest %s%s has not ended within %d second%s", name,
				    process_of(pid).words, ms / 1000, plural(ms / 1000));
	return patient ? hung_up(args, name, pid) : -EPIPE;
}

/* All are asked before any guest's end is waited for. */
int guests_request(const struct guests_args *args, const char *request)
{
	struct asked *asked = calloc(args->names.nr + 1, sizeof(*asked));
	int status = 0, ret;

	if (!asked)
		return no_memory();
	for (size_t i = 0; i < args->names.nr; i++)
		guests_ask_name(args, args->names.list[i], request, &asked[i]);
	for (size_t i = 0; i < args->names.nr; i++) {
		ret = asked[i].ret;
		if (!ret && args->flags & (GUESTS_END | GUESTS_ASK))
			ret = wait_for_end(args, args->names.list[i], &asked[i]);
		if (ret == -EPIPE)
			printf("Guest %s has ended\n", args->names.list[i]);
		else if (ret > 0 && !status)
			status = ret;
	}
	free(asked);
	ret = builtin_end_output();
	return status ?: ret;
}

int guests_run(const struct builtin *command, int argc, char **argv)
{
	struct guests_args args = { .all = false };
	int status;

	if (!guests_parse(command, argc, argv, &args, &status))
		return status;
	status = guests_request(&args, command->request);
	guests_release(&args);
	return status;
}
