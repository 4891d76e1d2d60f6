// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lkvm/builtin.h"
#include "lkvm/config/exit-status.h"
#include "lkvm/control/folder.h"
#include "lkvm/control/names.h"
#include "lkvm/guests.h"
#include "lkvm/util/log.h"
#include "lkvm/util/loop.h"
#include "lkvm/config/nearest.h"
#include "lkvm/util/text.h"

/* For a second question, after the first was not answered. */
#define QUICK_MS 1000

/* ---- the command line ---- */

static int usage_error(void)
{
	return EXIT_USAGE + 1;
}

static int no_memory(void)
{
	log_error("out of memory");
	return EXIT_HOST_ERROR;
}

/* Given twice it is meant once: nothing can be stopped twice, and no JSON object has two members of one name. */
int guests_take_name(void *base, const char *name)
{
	struct guests_args *args = base;
	char **names;

	for (size_t i = 0; i < args->nr; i++)
		if (!strcmp(args->names[i], name))
			return 0;
	names = realloc(args->names, (args->nr + 1) * sizeof(*names));
	if (names) {
		args->names = names;
		names[args->nr] = strdup(name);
	}
	if (!names || !names[args->nr])
		return -ENOMEM;
	args->nr++;
	return 0;
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
		       "users, each as USER/NAME; other users' are stopped, paused and resumed only by their names."),
	{ 0 },
};

const struct option_row guests_json_rows[] = {
	OPTION_ROW(FLAG, "json", .offset = offsetof(struct guests_args, json),
		   .help = "As one JSON object, for programs"),
	{ 0 },
};

const struct exit_status_row *const guests_statuses[] = { exit_status_command_rows,
							  exit_status_guests_rows, NULL };

static int check_words(const struct guests_command *command, const struct guests_args *args)
{
	if (args->host && (args->nr || args->all)) {
		log_error("%s: --host is about the host; ask for guests without it",
			  command->set.command);
		return usage_error();
	}
	if (args->all && args->nr) {
		log_error("%s: '%s' and --all: one of them is too much", command->set.command,
			  args->names[0]);
		return usage_error();
	}
	if (!(command->flags & GUESTS_NAMES) || args->host || args->all || args->nr)
		return 0;
	if (command->flags & GUESTS_HOST)
		log_error("%s: which guest? --name NAME or --all ('lkvm list' shows them), or "
			  "--host for what this host's KVM offers",
			  command->set.command);
	else
		log_error("%s: which guest? --name NAME or --all; 'lkvm list' shows them",
			  command->set.command);
	return usage_error();
}

/* Without a folder to look in, "there is no guest X" would be a guess. */
static int check_folder(const struct guests_command *command, const struct guests_args *args)
{
	if (args->host || !control_bad_folder())
		return 0;
	log_error(
		"%s: LKVM_RUNTIME_DIR is '%s', which is not an absolute path; one would work, or none",
		command->set.command, control_bad_folder());
	return usage_error();
}

/* What changes something changes only the user's own guests unless others are named. */
static int all_names(const struct guests_command *command, struct guests_args *args)
{
	size_t nr = 0;

	if (control_names(&args->names, &args->nr))
		return no_memory() + 1;
	if (command->flags & GUESTS_LOOKS)
		return 0;
	for (size_t i = 0; i < args->nr; i++) {
		if (strchr(args->names[i], '/'))
			free(args->names[i]);
		else
			args->names[nr++] = args->names[i];
	}
	args->nr = nr;
	return 0;
}

/* The next of the names, each of which is USER/NAME, that ends so. */
static const char *next_of(char **names, size_t nr, size_t *i, const char *name)
{
	while (*i < nr) {
		const char *full = names[(*i)++];

		if (!strcmp(strchr(full, '/') + 1, name))
			return full;
	}
	return NULL;
}

/* Root may leave the user out as long as no guest of root's, and only one user's, has the name. */
static int find_owner(const struct guests_command *command, char **name)
{
	const char *first, *second;
	size_t nr, i = 0;
	char **names;
	int ret = 0;

	if (geteuid() != 0 || strchr(*name, '/') || control_has_own(*name))
		return 0;
	if (control_other_names(&names, &nr))
		return no_memory() + 1;
	first = next_of(names, nr, &i, *name);
	second = next_of(names, nr, &i, *name);
	if (second) {
		log_error("%s: more than one user has a guest '%s': %s, %s; which one?",
			  command->set.command, *name, first, second);
		ret = EXIT_NO_GUEST + 1;
	} else if (first) {
		free(*name);
		*name = strdup(first);
		ret = *name ? 0 : no_memory() + 1;
	}
	control_free_names(names, nr);
	return ret;
}

int guests_parse(const struct guests_command *command, int argc, char **argv,
		 struct guests_args *args)
{
	int ret, status;

	if (builtin_parse(&command->set, argc, argv, args, &status))
		ret = check_words(command, args);
	else
		ret = status + 1;
	if (!ret)
		ret = check_folder(command, args);
	if (!ret && !args->host)
		control_warn_folders();
	if (!ret && args->all)
		ret = all_names(command, args);
	for (size_t i = 0; !ret && !args->all && i < args->nr; i++)
		ret = find_owner(command, &args->names[i]);
	if (ret)
		guests_release(args);
	return ret;
}

void guests_release(struct guests_args *args)
{
	control_free_names(args->names, args->nr);
	args->names = NULL;
	args->nr = 0;
}

/* ---- one after the other ---- */

bool guests_turn(struct guests_turn *turn, const char *name, unsigned ms)
{
	size_t len = strchr(name, '/') ? strcspn(name, "/") : 0;

	len = MIN(len, sizeof(turn->user) - 1);
	if (strlen(turn->user) != len || memcmp(turn->user, name, len)) {
		memcpy(turn->user, name, len);
		turn->user[len] = '\0';
		turn->spent = 0;
		turn->told = false;
	}
	turn->began = clock_now();
	return !len || turn->spent < ms * 1000000ULL;
}

void guests_turn_end(struct guests_turn *turn)
{
	turn->spent += clock_now() - turn->began;
}

/* ---- talking to one ---- */

const char *guests_word(const json_t *answer, const char *key, char word[GUESTS_WORD])
{
	const char *text = json_string_value(json_object_get(answer, key));

	snprintf(word, GUESTS_WORD, "%s", text ?: "");
	text_clean(word);
	return word;
}

static int no_such_guest(const struct guests_command *command, const char *name)
{
	struct nearest nearest = { .word = name };
	char **names;
	size_t nr;

	if (control_names(&names, &nr))
		return no_memory();
	for (size_t i = 0; i < nr; i++)
		nearest_try(&nearest, names[i]);
	if (!nr)
		log_error("%s: there is no guest '%s', nor any other", command->set.command, name);
	else if (nearest.best)
		log_error("%s: there is no guest '%s'; did you mean %s?", command->set.command,
			  name, nearest.best);
	else
		log_error("%s: there is no guest '%s'; 'lkvm list' shows those there are",
			  command->set.command, name);
	control_free_names(names, nr);
	return EXIT_NO_GUEST;
}

/* Some things it only does when it runs. */
static bool is_starting(const char *name)
{
	char state[GUESTS_WORD];
	struct control_peer peer;
	json_t *answer = NULL;
	bool starting;

	if (!control_connect(name, QUICK_MS, &peer))
		control_ask(&peer, "info", NULL, QUICK_MS, &answer);
	starting = !strcmp(guests_word(answer, "state", state), "starting");
	json_decref(answer);
	control_disconnect(&peer);
	return starting;
}

static int no_answer(const struct guests_command *command, const char *name, pid_t pid, int error)
{
	if (error == -ETIMEDOUT && is_starting(name))
		log_error("%s: guest %s is still starting after %d seconds; nothing was done",
			  command->set.command, name, GUESTS_PATIENCE_MS / 1000);
	else if (error != -ETIMEDOUT)
		log_error("%s: guest %s: %s", command->set.command, name,
			  error == -EPROTO ? "its answer makes no sense" : strerror(-error));
	/* Another user's number may have become anybody's. */
	else if (pid && command->flags & GUESTS_END && !strchr(name, '/'))
		log_error(
			"%s: guest %s, PID %d, does not answer within %d seconds; 'kill -KILL %d' would end it at once",
			command->set.command, name, pid, GUESTS_PATIENCE_MS / 1000, pid);
	else if (pid)
		log_error("%s: guest %s, PID %d, does not answer within %d seconds",
			  command->set.command, name, pid, GUESTS_PATIENCE_MS / 1000);
	else
		log_error("%s: guest %s does not answer within %d seconds", command->set.command,
			  name, GUESTS_PATIENCE_MS / 1000);
	return EXIT_NO_ANSWER;
}

int guests_hung_up(const struct guests_command *command, const struct guests_args *args,
		   const char *name, pid_t pid)
{
	struct control_peer peer;
	int error = control_connect(name, QUICK_MS, &peer);

	control_disconnect(&peer);
	/* Another of that name may have begun. */
	if (!error && (!pid || !peer.pid || peer.pid == pid))
		error = -ECONNRESET;
	if (error && error != -ENOENT)
		return no_answer(command, name, pid, error);
	if (command->flags & (GUESTS_END | GUESTS_ASK))
		return -EPIPE;
	if (args->all)
		return -ENOENT;
	log_error("%s: guest %s has ended meanwhile", command->set.command, name);
	return EXIT_NO_GUEST;
}

/* Its socket is not the only way to end it. */
static int terminate(const struct guests_command *command, const char *name,
		     const struct control_peer *peer)
{
	int err;

	log_warning(
		"%s: guest %s, PID %d, does not answer within %d seconds on its socket; it is sent SIGTERM instead",
		command->set.command, name, peer->pid, GUESTS_STOP_MS / 1000);
	err = control_terminate(peer, GUESTS_PATIENCE_MS - GUESTS_STOP_MS);
	if (!err)
		return -EPIPE;
	if (err != -ETIMEDOUT)
		log_error("%s: guest %s, PID %d: SIGTERM cannot be sent: %s", command->set.command,
			  name, peer->pid, strerror(-err));
	return no_answer(command, name, peer->pid, -ETIMEDOUT);
}

static void log_refusal(const struct guests_command *command, const char *name,
			const json_t *answer)
{
	const char *error = json_string_value(json_object_get(answer, "error"));
	char words[256];

	snprintf(words, sizeof(words), "%s", error ?: "it refused without a reason");
	text_clean(words);
	log_error("%s: guest %s: %s", command->set.command, name, words);
}

/* Why there is no answer, or none that is one. */
static int not_answered(const struct guests_command *command, const struct guests_args *args,
			const char *name, const struct control_peer *peer, int error)
{
	if (error == -ETIMEDOUT && command->flags & GUESTS_END && peer->pid)
		return terminate(command, name, peer);
	if (error == -EPIPE)
		return guests_hung_up(command, args, name, peer->pid);
	if (error == -ENOENT)
		return args->all ? -ENOENT : no_such_guest(command, name);
	return no_answer(command, name, peer->pid, error);
}

int guests_ask(const struct guests_command *command, const struct guests_args *args,
	       const char *name, struct guests_call *call)
{
	int patience = command->flags & GUESTS_END ? GUESTS_STOP_MS : GUESTS_PATIENCE_MS;
	int error = control_connect(name, GUESTS_PATIENCE_MS, &call->peer), ret;

	call->answer = NULL;
	if (!error)
		error = control_ask(&call->peer, call->request, call->args, patience,
				    &call->answer);
	if (!error && json_is_true(json_object_get(call->answer, "ok")))
		return 0;
	if (error) {
		ret = not_answered(command, args, name, &call->peer, error);
	} else {
		log_refusal(command, name, call->answer);
		ret = EXIT_NO_ANSWER;
	}
	json_decref(call->answer);
	control_disconnect(&call->peer);
	return ret;
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

static int has_not_ended(const struct guests_command *command, const char *name, pid_t pid)
{
	char process[32] = "";

	/* 0: it is out of our sight. */
	if (pid)
		snprintf(process, sizeof(process), ", PID %d,", pid);
	log_error("%s: guest %s%s has not ended within %d seconds", command->set.command, name,
		  process, GUESTS_PATIENCE_MS / 1000);
	return EXIT_NO_ANSWER;
}

static int run_one(const struct guests_command *command, const struct guests_args *args,
		   const char *name, const char *request)
{
	struct guests_call call = { .request = request };
	char state[GUESTS_WORD];
	int ret = guests_ask(command, args, name, &call);

	if (ret == -EPIPE)
		printf("Guest %s has ended\n", name);
	if (ret)
		return ret;
	if (!(command->flags & GUESTS_END))
		say_state(name, guests_word(call.answer, "state", state));
	else if (!control_wait_end(&call.peer, GUESTS_PATIENCE_MS))
		printf("Guest %s has ended\n", name);
	else
		ret = has_not_ended(command, name, call.peer.pid);
	json_decref(call.answer);
	control_disconnect(&call.peer);
	return ret;
}

int guests_request(const struct guests_command *command, const struct guests_args *args,
		   const char *request)
{
	int status = 0, ret;

	for (size_t i = 0; i < args->nr; i++) {
		ret = run_one(command, args, args->names[i], request);
		/* The first failure is told, but does not spare the other guests. */
		if (ret > 0 && !status)
			status = ret;
	}
	ret = builtin_end_output();
	return status ?: ret;
}

int guests_run(const struct guests_command *command, const char *request, int argc, char **argv)
{
	struct guests_args args = { 0 };
	int ret = guests_parse(command, argc, argv, &args);

	if (ret)
		return ret - 1;
	ret = guests_request(command, &args, request);
	guests_release(&args);
	return ret;
}
