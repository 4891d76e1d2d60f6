// SPDX-License-Identifier: GPL-2.0-or-later
/* The requests that every guest answers. */
#include <signal.h>
#include <unistd.h>

#include "lkvm/arch.h"
#include "lkvm/config/key.h"
#include "lkvm/util/json.h"
#include "lkvm/vm/counters.h"
#include "lkvm/vm/device-kind.h"
#include "lkvm/vm/vm.h"
#include "protocol.h"

/* Members are added one by one: without memory for one the answer lacks it. */
static void request_put(json_t *object, const char *key, json_t *value)
{
	json_object_set_new_nocheck(object, key, value);
}

static bool is_gone(const struct control_call *call)
{
	return call->gone && call->gone(call->gone_arg);
}

/* A guest that is going to be started again is not ending. */
static bool is_ending(const struct control_call *call)
{
	struct vm *vm = call->vm;
	unsigned end = vm->end;

	if (call->main_left || vm->external_request || vm->status >= 0)
		return true;
	return end != VM_REQUEST_NONE && !(end == VM_REQUEST_REBOOT && vm->config->reboot);
}

static void put_state(struct control_call *call)
{
	const char *state = "running";

	if (is_ending(call))
		state = "ending";
	else if (!call->vm->started)
		state = "starting";
	else if (call->vm->paused)
		state = "paused";
	request_put(call->answer, "state", json_string(state));
}

/* ---- what can be done ---- */

static void refuse_ending(struct control_call *call)
{
	control_refuse(call, "ending", "the guest is about to end");
}

/* True: the guest is there, and so is who asked. */
static bool can_pause(struct control_call *call)
{
	if (vm_ending(call->vm))
		refuse_ending(call);
	else if (is_gone(call))
		control_refuse(call, "given-up", "the client has gone");
	return !call->refused;
}

/* If the client has gone before the pause is complete, it is undone: nobody else would resume the guest. */
static void pause_guest(struct control_call *call)
{
	bool was_paused = call->vm->paused;

	if (!can_pause(call))
		return;
	vm_pause(call->vm);
	/* A device may have taken long to finish what it was doing. */
	if (!was_paused && is_gone(call)) {
		vm_resume(call->vm);
		control_refuse(call, "given-up", "the client has gone");
	}
	put_state(call);
}

static void resume_guest(struct control_call *call)
{
	if (!can_pause(call))
		return;
	vm_resume(call->vm);
	put_state(call);
}

/* As if SIGTERM had come. The second one is no hurry: only a signal is. */
static void stop_guest(struct control_call *call)
{
	int none = 0;

	atomic_compare_exchange_strong(&call->vm->signal, &none, SIGTERM);
	vm_request(call->vm, VM_REQUEST_SIGNAL);
	call->until_end = true;
	put_state(call);
}

static void wait_for_end(struct control_call *call)
{
	call->until_end = true;
	put_state(call);
}

/* A paused guest is refused: it could neither shut down nor show that no driver listens to the button. */
static void press_power_button(struct control_call *call)
{
	struct vm *vm = call->vm;

	/* Devices are there, from the start until main_left. */
	if (call->main_left || vm_ending(vm))
		refuse_ending(call);
	else if (vm->started && !vm->power_button)
		control_refuse(call, "no-button", "it has no power button; 'lkvm stop' ends it");
	else if (vm->started && vm->paused)
		control_refuse(call, "paused", "it is paused; 'lkvm resume' lets it go on");
	else if (!vm->started || vm->power_button(vm))
		control_refuse(call, "not-listening",
			       "nothing in it listens to its power button; 'lkvm stop' ends it");
	call->until_end = true;
	put_state(call);
}

/* ---- what can be told ---- */

static void put_info(struct control_call *call)
{
	const struct vm_config *config = call->vm->config;
	json_t *answer = call->answer;

	request_put(answer, "name", json_words(config->name));
	request_put(answer, "pid", json_integer(getpid()));
	put_state(call);
	request_put(answer, "protocol", json_integer(CONTROL_PROTOCOL));
	request_put(answer, "architecture", json_string(arch_name));
	request_put(answer, "vcpus", json_integer(config->cpus));
	request_put(answer, "memory", json_number(config->memory));
}

static void get_info(struct control_call *call)
{
	put_info(call);
	request_put(call->answer, "requests", control_request_names(call->kinds));
}

/* The reason's sum over all vCPUs, and each one's in a list. */
static void put_reason(struct vm *vm, unsigned reason, json_t *sums, json_t *by_vcpu)
{
	char name[EXIT_NAME_SIZE];
	json_t *list;
	u64 sum = 0;

	for (unsigned i = 0; i < vm->config->cpus; i++)
		sum += exit_counter_get(&vm->exits[i], reason);
	if (!sum)
		return;
	list = json_array();
	for (unsigned i = 0; i < vm->config->cpus; i++)
		json_array_append_new(list, json_number(exit_counter_get(&vm->exits[i], reason)));
	request_put(sums, exit_reason_name(reason, name), json_number(sum));
	request_put(by_vcpu, exit_reason_name(reason, name), list);
}

/* Each device's part, of those that count something. The list is whole from the start on, until main_left. */
static void put_devices(struct control_call *call, bool memory_alone)
{
	json_t *devices = json_object(), *part;
	struct device *device;

	if (call->vm->started && !call->main_left) {
		device_for_each (device, &call->vm->devices) {
			if (!device->kind || !device->kind->stat ||
			    (memory_alone && !device->kind->stat_memory))
				continue;
			part = json_object();
			device->kind->stat(device, part);
			request_put(devices, device->name, part);
		}
	}
	if (memory_alone && call->vm->started && !json_object_size(devices))
		control_refuse(
			call, "no-device",
			"it has no device that knows how it uses its memory; 'lkvm run --balloon' "
			"gives it one");
	request_put(call->answer, "devices", devices);
}

struct stat_args {
	bool memory;
};

static const struct key_row stat_keys[] = {
	KEY_ROW(FLAG, "memory", .offset = offsetof(struct stat_args, memory)),
	{ 0 },
};

static void get_stat(struct control_call *call)
{
	struct vm *vm = call->vm;
	const struct stat_args *args = (const void *)call->args;
	json_t *counters, *sums, *by_vcpu;

	if (args->memory) {
		put_devices(call, true);
		return;
	}
	counters = json_object();
	sums = json_object();
	by_vcpu = json_object();
	put_info(call);
	for (unsigned i = 0; i < COUNTER_WORD_NR; i++) {
		const char *word = vm->counters.words[i];

		request_put(call->answer, counter_word_names[i].key,
			    word ? json_string(word) : json_null());
	}
	for (unsigned i = 0; i < COUNTER_NR; i++)
		request_put(counters, counter_names[i].key,
			    json_number(counter_get(&vm->counters, i)));
	/* Not there before there are vCPUs. */
	for (unsigned reason = 0; vm->exits && reason < EXIT_REASONS; reason++)
		put_reason(vm, reason, sums, by_vcpu);
	request_put(call->answer, "counters", counters);
	request_put(call->answer, "exits", sums);
	request_put(call->answer, "exits_by_vcpu", by_vcpu);
	put_devices(call, false);
}

const struct control_request control_requests[] = {
	{ .name = "ping" },
	{ .name = "info", .act = get_info },
	{ .name = "stat", .act = get_stat, .args = stat_keys },
	{ .name = "pause", .act = pause_guest, .needs_main = true },
	{ .name = "resume", .act = resume_guest, .needs_main = true },
	{ .name = "stop", .act = stop_guest },
	{ .name = "wait", .act = wait_for_end },
	{ .name = "power-button", .act = press_power_button },
	{ 0 },
};
