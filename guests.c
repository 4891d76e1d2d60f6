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

static const struct option {
	unsigned needs; /* of the command's options; 0: every command has it */
	char letter;
	const char *name, *argument, *help;
} options[] = {
	{ GUESTS_HOST, 0, "host", NULL, "The host: kernel, devices, KVM's abilities" },
	{ GUESTS_NAMES, 'n', "name", "NAME", "The guest of that name; may be given several times" },
	{ GUESTS_NAMES, 'a', "all", NULL, "All guests" },
	{ GUESTS_RUN, 'i', "run", NULL, "Guests that run; no others are shown anyway" },
	{ GUESTS_ASK, 0, "ask", NULL,
	  "Press the power button, and wait until the guest has shut down" },
	{ GUESTS_JSON, 0, "json", NULL, "As one JSON object, for programs" },
	{ 0, 'h', "help", NULL, "Show this" },
};

static bool has_option(const struct guests_command *command, const struct option *option)
{
	return !option->needs || command->options & option->needs;
}

void guests_print_help(const struct guests_command *command, FILE *out)
{
	const struct exit_status_row *row;

	fprintf(out, "Usage: lkvm %s %s\n%s\n", command->name, command->usage, command->help);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *option = &options[i];
		char words[32];

		if (!has_option(command, option))
			continue;
		snprintf(words, sizeof(words), "%s%s%s", option->name, option->argument ? " " : "",
			 option->argument ?: "");
		fprintf(out, option->letter ? "  -%c, --%-21s %s\n" : "  %c   --%-21s %s\n",
			option->letter ?: ' ', words, option->help);
	}
	fputs("\nExit status:\n", out);
	for (row = exit_status_guests_rows; row->meaning; row++)
		if (command->options & GUESTS_NAMES || atoi(row->status) < EXIT_NO_GUEST)
			fprintf(out, "  %-4s %s\n", row->status, row->meaning);
	if (command->options & GUESTS_HOST)
		fputs("  241  With --host: /dev/kvm cannot be used; what can be told without it is "
		      "told\n",
		      out);
}

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

static int unknown_option(const struct guests_command *command, const char *word)
{
	struct nearest nearest = { .word = word };
	char names[ARRAY_SIZE(options)][16];

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		snprintf(names[i], sizeof(names[i]), "--%s", options[i].name);
		if (has_option(command, &options[i]))
			nearest_try(&nearest, names[i]);
	}
	if (nearest.best)
		log_error("%s: unknown option %s; did you mean %s?", command->name, word,
			  nearest.best);
	else
		log_error("%s: unknown option %s; 'lkvm help %s' shows those there are",
			  command->name, word, command->name);
	return usage_error();
}

/* "--name", "--name=NAME", "-n", "-nNAME": which option it is, and the value that is in the same word. */
static const struct option *find_option(const struct guests_command *command, const char *word,
					const char **value)
{
	size_t len = strcspn(word, "=");

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *option = &options[i];

		*value = NULL;
		if (!has_option(command, option))
			continue;
		if (word[1] != '-') {
			if (word[1] != option->letter || !option->letter)
				continue;
			if (word[2])
				*value = word + 2;
			return option;
		}
		if (len - 2 != strlen(option->name) || strncmp(word + 2, option->name, len - 2))
			continue;
		if (word[len])
			*value = word + len + 1;
		return option;
	}
	return NULL;
}

/* Given twice it is meant once: nothing can be stopped twice, and no JSON object has two members of one name. */
static int add_name(struct guests_args *args, const char *name)
{
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
		return no_memory() + 1;
	args->nr++;
	return 0;
}

/* Returns what guests_parse() does. */
static int take_option(const struct guests_command *command, const struct option *option,
		       const char *value, struct guests_args *args)
{
	if (option->argument)
		return add_name(args, value);
	if (value) {
		log_error("%s: --%s takes no value", command->name, option->name);
		return usage_error();
	}
	if (!strcmp(option->name, "help")) {
		guests_print_help(command, stdout);
		return builtin_end_output() + 1;
	}
	if (!strcmp(option->name, "all"))
		args->all = true;
	else if (!strcmp(option->name, "json"))
		args->json = true;
	else if (!strcmp(option->name, "host"))
		args->host = true;
	else if (!strcmp(option->name, "ask"))
		args->ask = true;
	return 0;
}

static int parse_words(const struct guests_command *command, int argc, char **argv,
		       struct guests_args *args)
{
	for (int i = 1; i < argc; i++) {
		const struct option *option;
		const char *value;
		int ret;

		if (argv[i][0] != '-' || !argv[i][1]) {
			if (!(command->options & GUESTS_NAMES)) {
				log_error("%s: '%s' has no meaning; it takes no names",
					  command->name, argv[i]);
				return usage_error();
			}
			ret = add_name(args, argv[i]);
			if (ret)
				return ret;
			continue;
		}
		option = find_option(command, argv[i], &value);
		if (!option)
			return unknown_option(command, argv[i]);
		if (option->argument && !value && ++i == argc) {
			log_error("%s: %s needs a value: --%s %s", command->name, argv[i - 1],
				  option->name, option->argument);
			return usage_error();
		}
		if (option->argument && !value)
			value = argv[i];
		ret = take_option(command, option, value, args);
		if (ret)
			return ret;
	}
	return 0;
}

static int check_words(const struct guests_command *command, const struct guests_args *args)
{
	if (args->host && (args->nr || args->all)) {
		log_error("%s: --host is about the host; ask for guests without it", command->name);
		return usage_error();
	}
	if (args->all && args->nr) {
		log_error("%s: '%s' and --all: one of them is too much", command->name,
			  args->names[0]);
		return usage_error();
	}
	if (!(command->options & GUESTS_NAMES) || args->host || args->all || args->nr)
		return 0;
	if (command->options & GUESTS_HOST)
		log_error("%s: of what? --name NAME or --all for guests ('lkvm list' shows them); "
			  "'lkvm stat --host' shows what this host's KVM offers",
			  command->name);
	else
		log_error("%s: which guest? --name NAME or --all; 'lkvm list' shows them",
			  command->name);
	return usage_error();
}

/* Of no guest can be said that it is not there if nobody knows where to look. */
static int check_folder(const struct guests_command *command, const struct guests_args *args)
{
	if (args->host || !control_bad_folder())
		return 0;
	log_error(
		"%s: LKVM_RUNTIME_DIR is '%s', which is not an absolute path; one would work, or none",
		command->name, control_bad_folder());
	return usage_error();
}

/* What changes something changes only the user's own guests unless others are named. */
static int all_names(const struct guests_command *command, struct guests_args *args)
{
	size_t nr = 0;

	if (control_names(&args->names, &args->nr))
		return no_memory() + 1;
	if (command->options & GUESTS_LOOKS)
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
			  command->name, *name, first, second);
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
	int ret;

	*args = (struct guests_args){ 0 };
	ret = parse_words(command, argc, argv, args);
	if (!ret)
		ret = check_words(command, args);
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
		log_error("%s: there is no guest '%s', nor any other", command->name, name);
	else if (nearest.best)
		log_error("%s: there is no guest '%s'; did you mean %s?", command->name, name,
			  nearest.best);
	else
		log_error("%s: there is no guest '%s'; 'lkvm list' shows those there are",
			  command->name, name);
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
			  command->name, name, GUESTS_PATIENCE_MS / 1000);
	else if (error != -ETIMEDOUT)
		log_error("%s: guest %s: %s", command->name, name,
			  error == -EPROTO ? "its answer makes no sense" : strerror(-error));
	/* Another user's number may have become anybody's. */
	else if (pid && command->options & GUESTS_END && !strchr(name, '/'))
		log_error(
			"%s: guest %s, PID %d, does not answer within %d seconds; 'kill -KILL %d' would end it at once",
			command->name, name, pid, GUESTS_PATIENCE_MS / 1000, pid);
	else if (pid)
		log_error("%s: guest %s, PID %d, does not answer within %d seconds", command->name,
			  name, pid, GUESTS_PATIENCE_MS / 1000);
	else
		log_error("%s: guest %s does not answer within %d seconds", command->name, name,
			  GUESTS_PATIENCE_MS / 1000);
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
	if (command->options & (GUESTS_END | GUESTS_ASK))
		return -EPIPE;
	if (args->all)
		return -ENOENT;
	log_error("%s: guest %s has ended meanwhile", command->name, name);
	return EXIT_NO_GUEST;
}

/* Its socket is not the only way to end it. */
static int terminate(const struct guests_command *command, const char *name,
		     const struct control_peer *peer)
{
	int err;

	log_warning(
		"%s: guest %s, PID %d, does not answer within %d seconds on its socket; it is sent SIGTERM instead",
		command->name, name, peer->pid, GUESTS_STOP_MS / 1000);
	err = control_terminate(peer, GUESTS_PATIENCE_MS - GUESTS_STOP_MS);
	if (!err)
		return -EPIPE;
	if (err != -ETIMEDOUT)
		log_error("%s: guest %s, PID %d: SIGTERM cannot be sent: %s", command->name, name,
			  peer->pid, strerror(-err));
	return no_answer(command, name, peer->pid, -ETIMEDOUT);
}

static void log_refusal(const struct guests_command *command, const char *name,
			const json_t *answer)
{
	const char *error = json_string_value(json_object_get(answer, "error"));
	char words[256];

	snprintf(words, sizeof(words), "%s", error ?: "it refuses, and does not say why");
	text_clean(words);
	log_error("%s: guest %s: %s", command->name, name, words);
}

/* Why there is no answer, or none that is one. */
static int not_answered(const struct guests_command *command, const struct guests_args *args,
			const char *name, const struct control_peer *peer, int error)
{
	if (error == -ETIMEDOUT && command->options & GUESTS_END && peer->pid)
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
	int patience = command->options & GUESTS_END ? GUESTS_STOP_MS : GUESTS_PATIENCE_MS;
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
		printf("Guest %s %s\n", name, !strcmp(state, "paused") ? "is paused" : "goes on");
}

static int has_not_ended(const struct guests_command *command, const char *name, pid_t pid)
{
	char process[32] = "";

	/* 0: it is out of our sight. */
	if (pid)
		snprintf(process, sizeof(process), ", PID %d,", pid);
	log_error("%s: guest %s%s has not ended within %d seconds", command->name, name, process,
		  GUESTS_PATIENCE_MS / 1000);
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
	if (!(command->options & GUESTS_END))
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
	struct guests_args args;
	int ret = guests_parse(command, argc, argv, &args);

	if (ret)
		return ret - 1;
	ret = guests_request(command, &args, request);
	guests_release(&args);
	return ret;
}
