// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lkvm/arch.h"
#include "lkvm/vm/counters.h"
#include "lkvm/util/json.h"
#include "lkvm/vm/vm.h"
#include "protocol.h"

/* One request being answered: what was done is kept here until it is told. */
struct answer {
	const struct control_asker *asker;
	struct vm *vm;
	u8 report[4096]; /* SEV-SNP's have 1184 bytes */
	size_t report_size;
	const char *why; /* words for an error, better than the usual ones; NULL: none */
	bool until_end;
};

struct control_request {
	const char *name;
	enum control_error (*act)(struct answer *answer); /* NULL: nothing but tell */
	void (*tell)(const struct answer *answer, struct json *json);
	bool needs_main;
};

static const struct {
	const char *code, *words;
} errors[] = {
	[CONTROL_TOO_LONG] = { "too-long", "the request has more than 4095 bytes" },
	[CONTROL_MALFORMED] = { "malformed", "not a JSON object with a member \"request\"" },
	[CONTROL_UNKNOWN_MEMBER] = { "unknown-member",
				     "a member that is no plain \"request\", or a second one" },
	[CONTROL_UNKNOWN_REQUEST] = { "unknown-request", "there is no such request" },
	[CONTROL_ENDING] = { "ending", "the guest is about to end" },
	[CONTROL_GIVEN_UP] = { "given-up", "who asked has gone" },
	[CONTROL_NOT_SNP] = { "not-snp", "this guest is not an SEV-SNP guest" },
	[CONTROL_NO_BUTTON] = { "no-button", "it has no power button; 'lkvm stop' ends it" },
	[CONTROL_NOT_LISTENING] = { "not-listening",
				    "nothing in it listens to its power button; 'lkvm stop' ends it" },
	[CONTROL_PAUSED] = { "paused", "it is paused; 'lkvm resume' lets it go on" },
	[CONTROL_NOT_OFFERED] = { "not-offered", "this kernel does not offer it" },
	[CONTROL_FAILED] = { "failed", "it did not work" },
};
_Static_assert(CONTROL_MAX_REQUEST == 4096, "the words above say this number");

/* ---- what can be done ---- */

static bool has_gone(const struct answer *answer)
{
	return answer->asker->gone && answer->asker->gone(answer->asker->arg);
}

/* A guest that is paused after all, by somebody who was told that it is not, would stay so. */
static enum control_error pause_guest(struct answer *answer)
{
	bool was_paused = answer->vm->paused;

	if (vm_ending(answer->vm))
		return CONTROL_ENDING;
	if (has_gone(answer))
		return CONTROL_GIVEN_UP;
	vm_pause(answer->vm);
	/* A device may have taken long to finish what it was doing. */
	if (was_paused || !has_gone(answer))
		return CONTROL_OK;
	vm_resume(answer->vm);
	return CONTROL_GIVEN_UP;
}

static enum control_error resume_guest(struct answer *answer)
{
	if (vm_ending(answer->vm))
		return CONTROL_ENDING;
	if (has_gone(answer))
		return CONTROL_GIVEN_UP;
	vm_resume(answer->vm);
	return CONTROL_OK;
}

/* As if SIGTERM had come. The second one is no hurry: only a signal is. */
static enum control_error stop_guest(struct answer *answer)
{
	int none = 0;

	atomic_compare_exchange_strong(&answer->vm->signal, &none, SIGTERM);
	vm_request(answer->vm, VM_REQUEST_SIGNAL);
	answer->until_end = true;
	return CONTROL_OK;
}

/* Who is asked while he stands still would neither shut down nor tell that nobody listens. */
static enum control_error press_power_button(struct answer *answer)
{
	struct vm *vm = answer->vm;

	/* Devices are there, from the start until main_left. */
	if (answer->asker->main_left || vm_ending(vm))
		return CONTROL_ENDING;
	if (!vm->started)
		return CONTROL_NOT_LISTENING;
	if (!vm->power_button)
		return CONTROL_NO_BUTTON;
	if (vm->paused)
		return CONTROL_PAUSED;
	if (vm->power_button(vm))
		return CONTROL_NOT_LISTENING;
	answer->until_end = true;
	return CONTROL_OK;
}

static enum control_error get_report(struct answer *answer)
{
	struct vm *vm = answer->vm;
	int error;

	if (!vm->snp_report)
		return CONTROL_NOT_SNP;
	answer->report_size = sizeof(answer->report);
	error = vm->snp_report(vm, answer->report, &answer->report_size, &answer->why);
	if (error == -EOPNOTSUPP)
		return CONTROL_NOT_OFFERED;
	return error || answer->report_size > sizeof(answer->report) ? CONTROL_FAILED : CONTROL_OK;
}

/* ---- what can be told ---- */

/* A guest that is going to be started again is not. */
static bool is_ending(const struct answer *answer)
{
	struct vm *vm = answer->vm;
	unsigned end = vm->end;

	if (answer->asker->main_left || vm->host_end || vm->status >= 0)
		return true;
	return end != VM_REQUEST_NONE && !(end == VM_REQUEST_REBOOT && vm->config->reboot);
}

static void tell_state(const struct answer *answer, struct json *json)
{
	struct vm *vm = answer->vm;
	const char *state = "running";

	if (is_ending(answer))
		state = "ending";
	else if (!vm->started)
		state = "starting";
	else if (vm->paused)
		state = "paused";
	json_string(json, "state", state);
}

static void tell_info(const struct answer *answer, struct json *json)
{
	const struct vm_config *config = answer->vm->config;

	json_string(json, "name", config->name);
	json_number(json, "pid", getpid());
	tell_state(answer, json);
	json_number(json, "protocol", CONTROL_PROTOCOL);
	json_string(json, "architecture", arch_name);
	json_number(json, "vcpus", config->cpus);
	json_number(json, "memory", config->memory);
}

static u64 sum_of(const struct exit_counters *exits, unsigned nr_vcpus, unsigned reason)
{
	u64 sum = 0;

	for (unsigned i = 0; i < nr_vcpus; i++)
		sum += exit_counter_get(&exits[i], reason);
	return sum;
}

static void tell_exits(const struct answer *answer, struct json *json)
{
	/* Not there before there are vCPUs. */
	const struct exit_counters *exits = answer->vm->exits;
	unsigned nr_vcpus = exits ? answer->vm->config->cpus : 0;
	char buffer[EXIT_NAME_SIZE];

	json_object(json, "exits");
	for (unsigned reason = 0; reason < EXIT_REASONS; reason++) {
		u64 sum = sum_of(exits, nr_vcpus, reason);

		if (sum)
			json_number(json, exit_reason_name(reason, buffer), sum);
	}
	json_object_end(json);
	json_object(json, "exits_by_vcpu");
	for (unsigned reason = 0; reason < EXIT_REASONS; reason++) {
		if (!sum_of(exits, nr_vcpus, reason))
			continue;
		json_list(json, exit_reason_name(reason, buffer));
		for (unsigned i = 0; i < nr_vcpus; i++)
			json_number(json, NULL, exit_counter_get(&exits[i], reason));
		json_list_end(json);
	}
	json_object_end(json);
}

static void tell_stat(const struct answer *answer, struct json *json)
{
	struct vm *vm = answer->vm;

	tell_info(answer, json);
	for (unsigned i = 0; i < COUNTER_WORD_NR; i++) {
		const char *word = vm->counters.words[i];

		if (word)
			json_string(json, counter_word_names[i].key, word);
		else
			json_null(json, counter_word_names[i].key);
	}
	json_object(json, "counters");
	for (unsigned i = 0; i < COUNTER_NR; i++)
		json_number(json, counter_names[i].key, counter_get(&vm->counters, i));
	json_object_end(json);
	tell_exits(answer, json);
}

static void tell_report(const struct answer *answer, struct json *json)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * sizeof(answer->report) + 1];
	size_t i;

	for (i = 0; i < answer->report_size; i++) {
		text[2 * i] = digits[answer->report[i] >> 4];
		text[2 * i + 1] = digits[answer->report[i] & 15];
	}
	text[2 * i] = '\0';
	json_string(json, "report", text);
}

static const struct control_request requests[] = {
	{ "ping", NULL, NULL, false },
	{ "info", NULL, tell_info, false },
	{ "stat", NULL, tell_stat, false },
	{ "pause", pause_guest, tell_state, true },
	{ "resume", resume_guest, tell_state, true },
	{ "stop", stop_guest, tell_state, false },
	{ "power-button", press_power_button, tell_state, false },
	{ "snp-report", get_report, tell_report, true },
};

/* ---- a line in, a line out ---- */

struct parsed {
	enum control_error error;
	const struct control_request *request;
	bool begun, named;
};

/* The outermost value, the first, is the object; the only one in it is the request's name. */
static int on_value(const struct json_value *value, void *arg)
{
	struct parsed *parsed = arg;

	/* Not told by its path: a member named "" has that too. */
	if (!parsed->begun) {
		parsed->begun = true;
		return value->kind == JSON_OBJECT ? 0 : -EINVAL;
	}
	if (strcmp(value->path, "request") || value->kind != JSON_STRING || parsed->named) {
		parsed->error = CONTROL_UNKNOWN_MEMBER;
		return 0;
	}
	parsed->named = true;
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		if (!strcmp(requests[i].name, value->text))
			parsed->request = &requests[i];
	return 0;
}

enum control_error control_parse(const char *line, const struct control_request **request)
{
	struct parsed parsed = { .error = CONTROL_OK };

	*request = NULL;
	if (json_read(line, on_value, &parsed))
		return CONTROL_MALFORMED;
	if (parsed.error)
		return parsed.error;
	if (!parsed.named)
		return CONTROL_MALFORMED;
	*request = parsed.request;
	return parsed.request ? CONTROL_OK : CONTROL_UNKNOWN_REQUEST;
}

static void refuse(enum control_error error, const char *why, FILE *out)
{
	struct json json;

	json_begin_line(&json, out);
	json_object(&json, NULL);
	json_bool(&json, "ok", false);
	json_string(&json, "code", errors[error].code);
	json_string(&json, "error", why ?: errors[error].words);
	json_object_end(&json);
	json_end(&json);
}

void control_refuse(enum control_error error, FILE *out)
{
	refuse(error, NULL, out);
}

bool control_needs_main(const struct control_request *request)
{
	return request->needs_main;
}

bool control_answer(const struct control_asker *asker, const struct control_request *request,
		    FILE *out)
{
	struct answer answer = { .asker = asker, .vm = asker->vm };
	enum control_error err = request->act ? request->act(&answer) : CONTROL_OK;
	struct json json;

	if (err) {
		refuse(err, answer.why, out);
		return false;
	}
	json_begin_line(&json, out);
	json_object(&json, NULL);
	json_bool(&json, "ok", true);
	if (request->tell)
		request->tell(&answer, &json);
	json_object_end(&json);
	json_end(&json);
	return answer.until_end;
}
