// SPDX-License-Identifier: GPL-2.0-or-later
/* Any text to the JSON reader: what it takes for a string must be one, and no limit is passed. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "lkvm/util/json.h"

static int check(const struct json_value *value, void *arg)
{
	if (strlen(value->path) >= JSON_MAX_PATH)
		abort();
	if (value->kind == JSON_STRING && strlen(value->text) > *(size_t *)arg)
		abort();
	if (value->kind == JSON_BOOL && value->number > 1)
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	json_read(text, check, &size);
	free(text);
	return 0;
}
