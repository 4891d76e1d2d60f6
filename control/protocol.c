// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lkvm/config/key.h"
#include "lkvm/config/options.h"
#include "lkvm/util/json.h"
#include "lkvm/util/text.h"
#include "lkvm/vm/device-kind.h"
#include "lkvm/vm/vm.h"
#include "protocol.h"

void control_refuse(struct control_call *call, const char *code, const char *fmt, ...)
{
	char words[KEY_WHY + 128];
	va_list args;

	if (call->refused)
		return;
	va_start(args, fmt);
	vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	call->refusal =
		json_pack("{s:b, s:s, s:o}", "ok", 0, "code", code, "error", json_words(words));
	call->refused = true;
}

/* ---- which request it is ---- */

static const struct control_request *find_row(const struct control_request *rows, const char *name)
{
	for (; rows && rows->name; rows++)
		if (!strcmp(rows->name, name))
			return rows;
	return NULL;
}

static void find_request(struct control_call *call, const char *name)
{
	call->request = find_row(control_requests, name);
	for (size_t i = 0; !call->request && call->kinds && call->kinds[i]; i++) {
		call->kind = call->kinds[i];
		call->request = find_row(device_kind(call->kind)->requests, name);
	}
	if (!call->request)
		control_refuse(call, "unknown-request",
			       "there is no such request; \"info\" has those there are");
}

static void append_names(json_t *names, const struct control_request *rows)
{
	for (; rows && rows->name; rows++)
		json_array_append_new(names, json_string(rows->name));
}

json_t *control_request_names(const struct config_kind *const *kinds)
{
	json_t *names = json_array();

	append_names(names, control_requests);
	for (size_t i = 0; kinds && kinds[i]; i++)
		append_names(names, device_kind(kinds[i])->requests);
	return names;
}

bool control_needs_main(const struct control_call *call)
{
	return call->kind || call->request->needs_main;
}

/* ---- its arguments ---- */

static const struct key_row *find_key(const struct control_call *call, const char *name)
{
	for (const struct key_row *row = call->request->args; row && row->name; row++)
		if (!strcmp(row->name, name))
			return row;
	return NULL;
}

/*
 * As a command line would have it, in `buffer` or the value's own; NULL: it is of another type than *wanted. Strings may be
 * cut up: they are nobody else's.
 */
static char *value_text(const struct key_row *row, const json_t *value, char buffer[32],
			const char **wanted)
{
	bool is_size = row->type == KEY_SIZE;
	bool is_number = row->type == KEY_U32 || row->type == KEY_U64;

	if (row->type == KEY_FLAG) {
		*wanted = "true or false";
		if (!json_is_boolean(value))
			return NULL;
		return strcpy(buffer, json_is_true(value) ? "on" : "off");
	}
	*wanted = is_size     ? "a number of bytes, or a string like \"512M\""
		  : is_number ? "a whole number"
			      : "a string";
	if ((is_size || is_number) && json_is_integer(value)) {
		snprintf(buffer, 32, "%" JSON_INTEGER_FORMAT "%s", json_integer_value(value),
			 is_size ? "B" : "");
		return buffer;
	}
	return is_number ? NULL : (char *)json_string_value(value);
}

static void take_argument(struct control_call *call, const char *name, const json_t *value)
{
	const struct key_row *row = find_key(call, name);
	char buffer[32], why[KEY_WHY], clean[65], *text;
	const char *wanted;

	snprintf(clean, sizeof(clean), "%s", name);
	text_clean(clean);
	if (!row) {
		control_refuse(call, "unknown-member", "\"%s\" has no argument \"%s\"",
			       call->request->name, clean);
		return;
	}
	text = value_text(row, value, buffer, &wanted);
	if (!text)
		control_refuse(call, "bad-argument", "\"%s\": not %s", clean, wanted);
	else if (key_store(row, call->args, text, why))
		control_refuse(call, "bad-argument", "\"%s\": %s", clean, why);
}

bool control_parse(struct control_call *call, const char *line, size_t len)
{
	json_t *name, *value;
	const char *key;

	call->line = json_read(line, len);
	name = json_object_get(call->line, "request");
	if (!name)
		control_refuse(call, "malformed", "not a JSON object with a member \"request\"");
	else if (!json_is_string(name))
		control_refuse(call, "unknown-member", "\"request\" is not a string");
	else
		find_request(call, json_string_value(name));
	if (call->refused)
		return false;
	/* What is left are arguments, and which device. */
	json_object_del(call->line, "request");
	json_object_foreach (call->line, key, value)
		if (!call->kind || strcmp(key, "device"))
			take_argument(call, key, value);
	return !call->refused;
}

/* ---- answering it ---- */

/* The only device of that kind, or the one that was named. Main thread. */
static void find_device(struct control_call *call)
{
	json_t *wanted = json_object_get(call->line, "device");
	const char *name = json_string_value(wanted);
	const char *option = call->kind->rows ? call->kind->rows->name : NULL;
	struct device *device;
	unsigned found = 0;

	device_for_each (device, &call->vm->devices) {
		if (!device->kind || &device->kind->config != call->kind)
			continue;
		if (wanted && (!name || strcmp(device->name, name)))
			continue;
		call->device = device;
		found++;
	}
	if (!found)
		control_refuse(call, "no-device", "the guest has no such device (%s)%s%s%s",
			       call->kind->name, option ? "; 'lkvm run --" : "", option ?: "",
			       option ? "' gives it one" : "");
	else if (found > 1)
		control_refuse(call, "no-device",
			       "the guest has %u devices of that kind; \"device\" says which, by a "
			       "name like \"%s\"",
			       found, call->device->name);
}

static void protocol_act(struct control_call *call)
{
	if (call->main_left && control_needs_main(call))
		control_refuse(call, "ending", "the guest is about to end");
	else if (call->kind)
		find_device(call);
	if (!call->refused && call->request->act)
		call->request->act(call);
}

json_t *control_answer(struct control_call *call)
{
	call->answer = json_pack("{s:b}", "ok", 1);
	if (!call->refused)
		protocol_act(call);
	json_decref(call->line);
	if (!call->refused)
		return call->answer;
	json_decref(call->answer);
	call->until_end = false;
	return call->refusal;
}
