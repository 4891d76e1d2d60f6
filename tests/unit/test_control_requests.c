// SPDX-License-Identifier: GPL-2.0-or-later
/* What a kind of device can be asked, with arguments, and what its devices count. */
#include <stddef.h>

#include "control_guest.h"
#include "lkvm/config/key.h"
#include "lkvm/control/request.h"
#include "lkvm/util/json.h"
#include "lkvm/config/options.h"
#include "lkvm/vm/device-kind.h"

struct mill_args {
	bool fast;
	u32 stones;
	u64 grain;
	const char *miller;
	unsigned wind;
};

static const char *const winds[] = { "none", "west", "east", NULL };

static const struct key_row mill_args[] = {
	{ .name = "fast", .type = KEY_FLAG, .offset = offsetof(struct mill_args, fast) },
	{ .name = "stones",
	  .type = KEY_U32,
	  .offset = offsetof(struct mill_args, stones),
	  .min = 1,
	  .max = 4 },
	{ .name = "grain",
	  .type = KEY_SIZE,
	  .offset = offsetof(struct mill_args, grain),
	  .max = GIB(1),
	  .unit = MIB(1) },
	{ .name = "miller",
	  .type = KEY_STRING,
	  .offset = offsetof(struct mill_args, miller),
	  .max = 8 },
	{ .name = "wind",
	  .type = KEY_CHOICE,
	  .offset = offsetof(struct mill_args, wind),
	  .choices = winds },
	{ 0 },
};

static void mill_grind(struct control_call *call)
{
	const struct mill_args *args = (const void *)call->args;

	assert_true(pthread_equal(pthread_self(), thread));
	if (args->stones == 3)
		control_refuse(call, "uneven", "%u stones do not grind", args->stones);
	json_object_set_new(call->answer, "mill", json_string(call->device->name));
	json_object_set_new(call->answer, "args",
			    json_pack("[b, i, I, s, i]", args->fast, (int)args->stones,
				      (json_int_t)args->grain, args->miller ?: "",
				      (int)args->wind));
}

static void mill_stat(struct device *device, json_t *part)
{
	json_object_set_new(part, "sacks_filled", json_integer(7));
}

static const struct control_request mill_requests[] = {
	{ .name = "grind", .act = mill_grind, .args = mill_args },
	{ 0 },
};

static const struct device_kind mill_kind = {
	.config = { .name = "mill", .max = 2 },
	.requests = mill_requests,
	.stat = mill_stat,
};

static void rock_stat(struct device *device, json_t *part)
{
	json_object_set_new(part, "moss_bytes", json_integer(4096));
	json_object_set_new(part, DEVICE_STAT_COMING, json_true());
}

static const struct option_row rock_rows[] = {
	{ .kind = OPTION_DEVICE, .name = "rocky" },
	{ 0 },
};
static const struct control_request rock_requests[] = {
	{ .name = "roll" },
	{ 0 },
};
/* One that knows the guest's memory. */
static const struct device_kind rock_kind = {
	.config = { .name = "rock", .max = 1, .rows = rock_rows },
	.requests = rock_requests,
	.stat = rock_stat,
	.stat_memory = true,
};

static const struct config_kind *const all_kinds[] = { &rock_kind.config, &mill_kind.config, NULL };
static const struct device_ops no_ops;
static struct device mills[2], rock, board;

static void add_device(struct device *device, const struct device_kind *kind, const char *name)
{
	device_init(device, &no_ops, "%s", name);
	device->kind = kind;
	device_add(&vm->devices, device);
}

static int setup_mills(void **state)
{
	int ret = setup(state);

	TAILQ_INIT(&vm->devices);
	kinds = all_kinds;
	add_device(&board, NULL, "board");
	add_device(&rock, &rock_kind, "rock0");
	return ret;
}

static void asks(const char *request, const char *expected)
{
	struct control_peer peer = connect_to("test");
	char line[256];

	snprintf(line, sizeof(line), "{\"request\": \"grind\"%s}\n", request);
	answers(&peer, line, expected);
	control_disconnect(&peer);
}

static void arguments_arrive(void **state)
{
	add_device(&mills[0], &mill_kind, "mill0");
	begin();
	asks("", "{\"ok\": true, \"mill\": \"mill0\", \"args\": [false, 0, 0, \"\", 0]}");
	asks(", \"fast\": true, \"stones\": 4, \"grain\": 512, \"miller\": \"Ann,e=\", \"wind\": \"east\"",
	     "\"args\": [true, 4, 512, \"Ann,e=\", 2]}");
	/* Bytes, whatever a bare number means on a command line; words as there. */
	asks(", \"grain\": \"512M\"", "\"args\": [false, 0, 536870912, \"\", 0]}");
	asks(", \"fast\": false", "\"args\": [false, 0, 0, \"\", 0]}");
	end();
}

static void what_makes_no_sense_is_refused(void **state)
{
	add_device(&mills[0], &mill_kind, "mill0");
	begin();
	asks(", \"water\": 1",
	     "\"code\": \"unknown-member\", \"error\": \"\\\"grind\\\" has no argument \\\"water\\\"\"");
	asks(", \"stones\": 0",
	     "\"code\": \"bad-argument\", \"error\": \"\\\"stones\\\": too small; 1 to 4 would work\"");
	asks(", \"stones\": 5", "too large; 1 to 4 would work");
	asks(", \"stones\": -1", "\"code\": \"bad-argument\"");
	asks(", \"stones\": 9223372036854775807", "too large");
	asks(", \"stones\": 9223372036854775808", "\"code\": \"malformed\"");
	asks(", \"stones\": \"2\"", "\"stones\\\": not a whole number\"");
	asks(", \"stones\": 2.0", "not a whole number");
	asks(", \"stones\": [2]", "not a whole number");
	asks(", \"stones\": null", "not a whole number");
	asks(", \"stones\": 1, \"stones\": 2", "\"code\": \"malformed\"");
	asks(", \"grain\": 1073741825", "too large");
	asks(", \"grain\": {}", "not a number of bytes, or a string like \\\"512M\\\"");
	asks(", \"fast\": \"on\"", "not true or false");
	asks(", \"miller\": \"\"", "\"code\": \"bad-argument\"");
	asks(", \"miller\": \"Bartholomew\"", "\"code\": \"bad-argument\"");
	asks(", \"miller\": 7", "not a string");
	asks(", \"wind\": \"ea\\u0073t\\u001b\"", "\"code\": \"bad-argument\"");
	/* The device has its own word on it. */
	asks(", \"stones\": 3",
	     "{\"ok\": false, \"code\": \"uneven\", \"error\": \"3 stones do not grind\"}");
	end();
}

static void which_device_is_meant(void **state)
{
	struct control_peer peer;

	begin();
	asks("", "\"code\": \"no-device\", \"error\": \"the guest has no such device (mill)\"");
	end();
	add_device(&mills[0], &mill_kind, "mill0");
	run_loop();
	asks(", \"device\": \"mill0\"", "\"mill\": \"mill0\"");
	end();
	add_device(&mills[1], &mill_kind, "mill1");
	run_loop();
	asks("",
	     "the guest has 2 devices of that kind; \\\"device\\\" says which, by a name like \\\"mill1\\\"");
	asks(", \"device\": \"mill0\"", "\"mill\": \"mill0\"");
	asks(", \"device\": \"mill1\"", "\"mill\": \"mill1\"");
	asks(", \"device\": \"rock0\"", "\"code\": \"no-device\"");
	asks(", \"device\": 1", "\"code\": \"no-device\"");
	peer = connect_to("test");
	answers(&peer, "{\"request\": \"stat\", \"device\": \"mill0\"}\n",
		"\"code\": \"unknown-member\"");
	answers(&peer, "{\"request\": \"stat\"}\n",
		"\"devices\": {\"rock0\": {\"moss_bytes\": 4096, \"coming\": true}, "
		"\"mill0\": {\"sacks_filled\": 7}, \"mill1\": {\"sacks_filled\": 7}}}");
	answers(&peer, "{\"request\": \"info\"}\n", "\"power-button\", \"roll\", \"grind\"]");
	control_disconnect(&peer);
	end();
}

static void memory_alone(void **state)
{
	static const char request[] = "{\"request\": \"stat\", \"memory\": true}\n";
	struct control_peer peer;

	add_device(&mills[0], &mill_kind, "mill0");
	begin();
	peer = connect_to("test");
	answers(&peer, request,
		"{\"ok\": true, \"devices\": {\"rock0\": {\"moss_bytes\": 4096, \"coming\": true}}}");
	TAILQ_REMOVE(&vm->devices, &rock, link);
	answers(&peer, request,
		"\"code\": \"no-device\", \"error\": \"it has no device that knows how");
	answers(&peer, "{\"request\": \"roll\"}\n",
		"the guest has no such device (rock); 'lkvm run --rocky' gives it one");
	answers(&peer, "{\"request\": \"stat\", \"memory\": 1}\n", "\"code\": \"bad-argument\"");
	control_disconnect(&peer);
	end();
}

/* Before there are devices, and when they go. */
static void it_waits_for_the_start_and_not_after_the_end(void **state)
{
	struct control_peer peer, early;

	begin_start();
	early = connect_to("test");
	peer = connect_to("test");
	send_bytes(&early, "{\"request\": \"grind\"}\n", 21);
	answers(&peer, "{\"request\": \"stat\"}\n", "\"devices\": {}}");
	add_device(&mills[0], &mill_kind, "mill0");
	run_loop();
	assert_non_null(strstr(read_line(&early), "\"mill\": \"mill0\""));
	end();
	control_stop(control);
	answers(&peer, "{\"request\": \"grind\"}\n", "\"code\": \"ending\"");
	answers(&peer, "{\"request\": \"stat\"}\n", "\"devices\": {}}");
	control_disconnect(&peer);
	control_disconnect(&early);
}

/* As a subcommand asks. */
static void a_client_gives_arguments(void **state)
{
	struct control_peer peer;
	json_t *answer, *args = json_pack("{s:i, s:s}", "stones", 2, "miller", "Bo\"b");

	add_device(&mills[0], &mill_kind, "mill0");
	begin();
	peer = connect_to("test");
	assert_int_equal(control_ask(&peer, "grind", args, PATIENCE_MS, &answer), 0);
	assert_string_equal(json_string_value(json_array_get(json_object_get(answer, "args"), 3)),
			    "Bo\"b");
	json_decref(answer);
	json_decref(args);
	control_disconnect(&peer);
	end();
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_mills, teardown)
	const struct CMUnitTest tests[] = {
		TEST(arguments_arrive),
		TEST(what_makes_no_sense_is_refused),
		TEST(which_device_is_meant),
		TEST(it_waits_for_the_start_and_not_after_the_end),
		TEST(memory_alone),
		TEST(it_waits_for_the_start_and_not_after_the_end),
		TEST(a_client_gives_arguments),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
