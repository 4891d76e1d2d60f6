// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes to the JSON reader: what it takes is nested no deeper than it says, and is the same when written and read again. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "lkvm/util/json.h"

static unsigned depth_of(json_t *value)
{
	unsigned deepest = 0;
	const char *key;
	json_t *member;
	size_t i;

	json_object_foreach (value, key, member)
		deepest = MAX(deepest, depth_of(member));
	json_array_foreach (value, i, member)
		deepest = MAX(deepest, depth_of(member));
	return deepest + (json_is_object(value) || json_is_array(value));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	json_t *value = json_read((const char *)data, size), *again;
	size_t len;
	char *line;

	if (!value)
		return 0;
	if (!json_is_object(value) || depth_of(value) > JSON_MAX_DEPTH)
		abort();
	line = json_line(value, &len);
	if (!line || memchr(line, '\n', len) != line + len - 1)
		abort();
	again = json_read(line, len);
	if (!again || !json_equal(value, again))
		abort();
	free(line);
	json_decref(again);
	json_decref(value);
	return 0;
}
