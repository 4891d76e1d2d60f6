// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lkvm/util/json.h"
#include "protocol.h"

static json_t *refusal_of(const char *code, const char *words)
{
	return json_pack("{s:b, s:s, s:o}", "ok", 0, "code", code, "error", json_words(words));
}

json_t *control_too_long(void)
{
	_Static_assert(CONTROL_MAX_REQUEST == 4096, "the words below say this number");
	return refusal_of("too-long", "the request has more than 4095 bytes");
}

json_t *control_ending(void)
{
	return refusal_of("ending", "the guest is about to end");
}

json_t *control_too_many(void)
{
	return refusal_of("failed", "too many requests wait for the guest already");
}

void control_refuse(struct control_call *call, const char *code, const char *fmt, ...)
{
	char words[256];
	va_list args;

	if (call->refused)
		return;
	va_start(args, fmt);
	vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	json_decref(call->answer);
	call->answer = refusal_of(code, words);
	call->refused = true;
}

bool control_asker_gone(const struct control_call *call)
{
	return call->asker->gone && call->asker->gone(call->asker->arg);
}

bool control_main_left(const struct control_call *call)
{
	return call->asker->main_left;
}

/* ---- a line in, an answer out ---- */

static json_t *unknown_member(json_t *object)
{
	const char *key;
	json_t *value;
	char words[128];

	json_object_foreach (object, key, value) {
		if (!strcmp(key, "request"))
			continue;
		snprintf(words, sizeof(words), "this request has no argument \"%.64s\"", key);
		return refusal_of("unknown-member", words);
	}
	return NULL;
}

static const struct control_request *find_request(json_t *object, json_t **refusal)
{
	const struct control_request *request = control_requests;
	json_t *name = json_object_get(object, "request");

	if (!name) {
		*refusal = refusal_of("malformed", "not a JSON object with a member \"request\"");
		return NULL;
	}
	if (!json_is_string(name)) {
		*refusal = refusal_of("unknown-member", "\"request\" is not a string");
		return NULL;
	}
	while (request->name && strcmp(request->name, json_string_value(name)))
		request++;
	if (!request->name) {
		*refusal = refusal_of("unknown-request",
				      "there is no such request; \"info\" has those there are");
		return NULL;
	}
	*refusal = unknown_member(object);
	return *refusal ? NULL : request;
}

const struct control_request *control_parse(const char *line, size_t len, json_t **refusal)
{
	json_t *object = json_read(line, len);
	const struct control_request *request = find_request(object, refusal);

	json_decref(object);
	return request;
}

json_t *control_answer(const struct control_asker *asker, const struct control_request *request,
		       bool *until_end)
{
	struct control_call call = {
		.vm = asker->vm,
		.request = request,
		.asker = asker,
		.answer = json_pack("{s:b}", "ok", 1),
	};

	if (request->act)
		request->act(&call);
	*until_end = call.until_end && !call.refused;
	return call.answer;
}
