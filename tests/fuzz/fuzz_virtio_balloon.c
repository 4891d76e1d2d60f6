// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A driver of virtio-balloon, modern or legacy, made from the fuzzer's bytes: lists of pages, reports, hints and statistics, raw
 * descriptors, writes anywhere into its memory, kicks, pauses and resets; and who asks from outside. After each
 * input every request has come back, and what lies around the guest's memory is as it was.
 */
#include <linux/virtio_balloon.h>
#include <stdlib.h>
#include <string.h>
#include "lkvm/control/request.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/device-kind.h"
#include "lkvm/vm/vm.h"

#define RAM_SIZE  KIB(512)
#define QUEUE	  16
#define QUEUES	  5
#define RING_ROOM 1024

#include "fuzz_driver.h" /* which wants these */

extern const struct device_kind virtio_balloon_kind;

static struct vm vm;

int virtio_attach(struct virtio_device *device, struct vm *unused)
{
	dev = device;
	test_transport_init(&transport, device);
	return 0;
}

static void set_up(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	make_memory();
	TAILQ_INIT(&vm.devices);
	vm.loop = loop_create("fuzz");
	vm.memory = memory;
	if (!vm.loop || virtio_balloon_kind.create(&vm, NULL, 0, NULL))
		abort();
}

static void pause_and_go_on(void)
{
	dev->device.ops->quiesce(&dev->device);
	check_given_back();
	dev->device.ops->resume(&dev->device);
}

static gpa_t take_gpa(struct fuzz *in)
{
	return RING_BASE + QUEUES * RING_ROOM + take(in, 2);
}

/* What any of the queues may be sent: page numbers, a round's number, statistics. */
static void readable_request(struct fuzz *in)
{
	struct ring *r = &rings[take(in, 1) % QUEUES];
	gpa_t gpa = take_gpa(in);
	u32 nr = take(in, 1) % 64;

	for (u32 i = 0; i < nr; i++) {
		u32 pfn = RING_BASE / 4096 + take(in, 1);
		u32 value = ring32(r, take(in, 1) & 1 ? pfn : take(in, 4));

		memcpy(ring_ptr(r, gpa + 4 * i, 4), &value, 4);
	}
	ring_add(r, &(struct ring_buffer){ gpa, 4 * nr + take(in, 1) % 4, false }, 1);
}

/* Free pages, but not those with the rings. */
static void writable_request(struct fuzz *in)
{
	gpa_t gpa = RING_BASE + KIB(128) + take(in, 2);
	struct ring_buffer buffers[] = { { gpa, take(in, 2), true }, { gpa, 4096, true } };

	ring_add(&rings[take(in, 1) % QUEUES], buffers, 1 + take(in, 1) % 2);
}

/* From outside the guest, with good numbers and bad ones. */
static void ask(struct fuzz *in)
{
	const struct control_request *request = virtio_balloon_kind.requests;
	struct control_call call = { .vm = &vm, .device = &dev->device, .answer = json_object() };
	json_t *part = json_object();

	fuzz_bytes(in, call.args, 32);
	call.args[24] &= 1;
	request->act(&call);
	virtio_balloon_kind.stat(&dev->device, part);
	json_decref(part);
	json_decref(call.answer);
	json_decref(call.refusal);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz in = { data, size };

	if (!dev)
		set_up();
	memset(ram, 0, RAM_SIZE);
	boot(take(&in, 4), take(&in, 1));
	while (in.left) {
		switch (take(&in, 1) % 9) {
		case 0:
			readable_request(&in);
			break;
		case 1:
			writable_request(&in);
			break;
		case 2:
			raw_descriptor(&in);
			break;
		case 3:
			ring_offer(&rings[take(&in, 1) % QUEUES], take(&in, 1));
			break;
		case 4:
			write_memory(&in);
			break;
		case 5:
			touch_config(&in);
			break;
		case 6:
			kick(take(&in, 1) % QUEUES);
			break;
		case 7:
			ask(&in);
			break;
		case 8:
			if (take(&in, 1) > 200)
				boot(take(&in, 4), take(&in, 1));
			else
				pause_and_go_on();
			break;
		}
	}
	for (unsigned i = 0; i < QUEUES; i++)
		kick(i);
	pause_and_go_on();
	return 0;
}
