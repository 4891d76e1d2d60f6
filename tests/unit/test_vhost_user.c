/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The front end of vhost-user, against a back end in a thread: what it is told and in which order, pause and reset, and
 * every wrong answer there can be, which breaks the device and nothing else.
 */
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include "../../virtio/vhost-user-private.h"
#include "fake_vm.h"
#include "said.h"
#include "vhost_back_end.h"
#include "virtio_driver.h"

#define RAM	 0x40000
#define QUEUES	 2
#define CONFIG	 60
#define PATIENCE 50000000ULL /* ns, for what will never come */

struct machine {
	struct vm vm;
	struct virtio_device dev;
	struct vhost_user *seat;
	struct test_transport transport;
	struct ring rings[QUEUES];
	struct back_end back_end;
	u8 *ram;
	char path[64];
	bool resumes, by_path;
};

static struct machine *machine_of(struct virtio_device *dev)
{
	return CONTAINER_OF(dev, struct machine, dev);
}

static int test_activate(struct virtio_device *dev)
{
	return vhost_user_activate(machine_of(dev)->seat);
}

static void test_reset(struct virtio_device *dev)
{
	vhost_user_reset(machine_of(dev)->seat);
}

static int test_start(struct virtio_device *dev)
{
	return vhost_user_start(machine_of(dev)->seat);
}

static void test_config_read(struct virtio_device *dev, u32 offset, u8 *data, u32 len)
{
	memcpy(data, vhost_user_config(machine_of(dev)->seat) + offset, len);
}

static void test_config_write(struct virtio_device *dev, u32 offset, const u8 *data, u32 len)
{
	vhost_user_config_write(machine_of(dev)->seat, offset, data, len);
}

static void test_stop(struct virtio_device *dev)
{
	vhost_user_stop(machine_of(dev)->seat);
}

static void test_destroy(struct virtio_device *dev)
{
	vhost_user_close(machine_of(dev)->seat);
	virtio_exit(dev);
}

static const struct virtio_device_ops test_ops = {
	.name = "test",
	.type = 63,
	.config_size = CONFIG,
	.queue_size = 64,
	.config_read = test_config_read,
	.config_write = test_config_write,
	.activate = test_activate,
	.reset = test_reset,
	.start = test_start,
	.stop = test_stop,
	.destroy = test_destroy,
};

static int setup(void **state)
{
	struct machine *m = calloc(1, sizeof(*m));
	struct guest_memory *memory = &m->vm.memory;

	TAILQ_INIT(&m->vm.devices);
	guest_memory_init(memory);
	memory->fd = memfd_create("ram", MFD_CLOEXEC);
	assert_int_equal(ftruncate(memory->fd, RAM + 4096), 0);
	m->ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_SHARED, memory->fd, 4096);
	assert_int_equal(guest_memory_add_buffer(memory, RING_BASE, m->ram, RAM), 0);
	memory->regions[0].shared = true;
	memory->regions[0].offset = 4096;
	for (unsigned i = 0; i < QUEUES; i++)
		ring_init_at(&m->rings[i], m->ram, RING_BASE, RAM, 16, RING_BASE + i * 0x8000,
			     RING_BASE + (i + 1) * 0x8000);
	back_end_init(&m->back_end);
	snprintf(m->path, sizeof(m->path), "test_vhost_user.%d", getpid());
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	struct machine *m = *state;

	unlink(m->path);
	munmap(m->ram, RAM);
	guest_memory_destroy(&m->vm.memory);
	free(m);
	return 0;
}

/* 0, or what vhost_user_open said. */
static int meet(struct machine *m)
{
	const struct vhost_user_want want = {
		.words = "--test ",
		.name = "test",
		.path = m->by_path ? m->path : NULL,
		.fd = m->by_path ? -1 : back_end_begin(&m->back_end),
		.queues = QUEUES,
		.features = 1,
		.config_size = CONFIG,
		.config_needed = true,
		.resumes = m->resumes,
		.patience = m->back_end.lie == LIE_SILENCE || m->back_end.lie == LIE_HALF ||
					    m->back_end.lie == LIE_SLOWLY
				    ? PATIENCE
				    : 0,
	};

	if (m->by_path)
		back_end_listen(&m->back_end, m->path);
	return vhost_user_open(&m->seat, &want);
}

/* A device of it that a driver can use. */
static void serve(struct machine *m)
{
	memset(&m->dev, 0, sizeof(m->dev));
	assert_int_equal(virtio_init(&m->dev, &test_ops, &m->vm, NULL, vhost_user_features(m->seat),
				     QUEUES),
			 0);
	assert_int_equal(vhost_user_serve(m->seat, &m->dev, 0), 0);
	test_transport_init(&m->transport, &m->dev);
	m->dev.device.ops->reset(&m->dev.device);
	assert_int_equal(m->dev.device.ops->start(&m->dev.device), 0);
}

static void begin(struct machine *m)
{
	assert_int_equal(meet(m), 0);
	serve(m);
}

static void end(struct machine *m)
{
	m->dev.device.ops->stop(&m->dev.device);
	m->dev.device.ops->destroy(&m->dev.device);
	back_end_end(&m->back_end);
}

static bool drive(struct machine *m)
{
	return driver_start(&m->dev, 1, m->rings, QUEUES) && !m->dev.state.needs_reset;
}

static int position(const struct back_end *b, unsigned request, unsigned nth)
{
	for (unsigned i = 0; i < b->nr_requests; i++)
		if (b->requests[i] == request && !nth--)
			return i;
	return -1;
}

static unsigned count(const struct back_end *b, unsigned request)
{
	unsigned n = 0;

	while (position(b, request, n) >= 0)
		n++;
	return n;
}

static void quiesce(struct machine *m)
{
	m->dev.device.ops->quiesce(&m->dev.device);
}

static void resume(struct machine *m)
{
	m->dev.device.ops->resume(&m->dev.device);
}

static bool readable(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	return poll(&ready, 1, 10000) == 1;
}

/* ---- as it should be ---- */

static void a_driver_and_its_queues(void **state)
{
	struct machine *m = *state;
	struct back_end *b = &m->back_end;
	u64 hva = (uintptr_t)m->ram;

	begin(m);
	assert_int_equal(b->requests[0], VHOST_USER_SET_OWNER);
	assert_int_equal(vhost_user_queues(m->seat), BACK_END_QUEUES);
	assert_int_equal(vhost_user_features(m->seat), 1);
	/* Nothing of a guest yet. */
	assert_int_equal(count(b, VHOST_USER_SET_FEATURES), 0);
	assert_true(drive(m));
	assert_int_equal(b->acked,
			 BIT(VIRTIO_F_VERSION_1) | BIT(VHOST_USER_F_PROTOCOL_FEATURES) | 1);
	assert_int_equal(b->memory.regions[0].gpa, RING_BASE);
	assert_int_equal(b->memory.regions[0].size, RAM);
	assert_int_equal(b->memory.regions[0].user_addr, hva);
	assert_int_equal(b->memory.regions[0].offset, 4096);
	assert_true(b->memory_fds[0] >= 0);
	/* Sizes of all come before anything else of one. */
	assert_true(position(b, VHOST_USER_SET_VRING_NUM, 1) <
		    position(b, VHOST_USER_SET_VRING_ADDR, 0));
	for (unsigned i = 0; i < QUEUES; i++) {
		assert_int_equal(b->size[i], 16);
		assert_int_equal(b->base[i], 0);
		assert_int_equal(b->enabled[i], 1);
		assert_int_equal(b->addr[i].desc, hva + m->rings[i].desc_gpa - RING_BASE);
		assert_int_equal(b->addr[i].avail, hva + m->rings[i].avail_gpa - RING_BASE);
		assert_int_equal(b->addr[i].used, hva + m->rings[i].used_gpa - RING_BASE);
	}
	assert_int_equal(b->status, 0xf);
	/* A kick of the driver's, and an interrupt. */
	eventfd_t kicks;
	eventfd_read(b->kick[1], &kicks);
	driver_notify(&m->dev, 1);
	assert_true(readable(b->kick[1]));
	eventfd_write(b->call[1], 1);
	while (!m->transport.interrupts[1])
		sched_yield();
	assert_int_equal(m->transport.interrupts[0], 0);
	end(m);
}

static void a_table_of_memory(void **state)
{
	struct machine *m = *state;
	struct back_end *b = &m->back_end;

	b->protocol = BIT(VHOST_USER_PROTOCOL_CONFIG);
	begin(m);
	assert_true(drive(m));
	end(m);
	/* Nothing was acknowledged, so only now it has read all. */
	assert_int_equal(count(b, VHOST_USER_ADD_MEM_REG), 0);
	assert_int_equal(b->memory.nr, 1);
	assert_int_equal(b->memory.regions[0].gpa, RING_BASE);
	assert_int_equal(count(b, VHOST_USER_SET_STATUS), 0);
	assert_int_equal(count(b, VHOST_USER_GET_INFLIGHT_FD), 0);
}

static void without_protocol_features(void **state)
{
	struct machine *m = *state;
	struct back_end *b = &m->back_end;

	b->features &= ~BIT(VHOST_USER_F_PROTOCOL_FEATURES);
	said_begin();
	/* So it cannot tell its configuration. */
	assert_int_equal(meet(m), -EPROTO);
	said_end();
	SAID("it does not tell its configuration");
	back_end_end(b);
}

/* By a process of our own; of others it is not asked. */
static void a_queue_that_makes_no_sense(void **state)
{
	struct machine *m = *state;
	struct back_end *b = &m->back_end;

	begin(m);
	assert_true(drive(m));
	said_begin();
	eventfd_write(b->error[1], 1);
	while (!m->dev.state.needs_reset)
		sched_yield();
	quiesce(m);
	resume(m);
	said_end();
	SAID("the guest's driver broke it: its process found a queue that makes no sense");
	virtio_set_status(&m->dev, 0);
	assert_true(drive(m));
	end(m);
	back_end_init(b);
	m->by_path = true;
	begin(m);
	assert_true(drive(m));
	assert_int_equal(count(b, VHOST_USER_SET_VRING_ERR), 0);
	end(m);
}

static void a_pause_keeps_the_place(void **state)
{
	struct machine *m = *state;
	struct back_end *b = &m->back_end;
	eventfd_t kicks;

	begin(m);
	assert_true(drive(m));
	b->base[0] = 7;
	b->base[1] = 65535;
	quiesce(m);
	assert_int_equal(b->enabled[0], 0);
	assert_int_equal(b->enabled[1], 0);
	b->base[0] = b->base[1] = 0;
	eventfd_read(b->kick[0], &kicks);
	driver_notify(&m->dev, 0);
	resume(m);
	assert_int_equal(b->base[0], 7);
	assert_int_equal(b->base[1], 65535);
	assert_int_equal(b->enabled[1], 1);
	/* What was asked for meanwhile is not lost. */
	assert_true(readable(b->kick[0]));
	assert_false(m->dev.state.needs_reset);
	/* Memory did not change, nor did the driver's wishes. */
	assert_int_equal(count(b, VHOST_USER_ADD_MEM_REG), 1);
	assert_int_equal(count(b, VHOST_USER_SET_FEATURES), 1);
	end(m);
}

static void a_reset_begins_anew(void **state)
{
	struct machine *m = *state;
	struct back_end *b = &m->back_end;

	begin(m);
	assert_true(drive(m));
	b->base[0] = 7;
	assert_true(drive(m));
	assert_int_equal(count(b, VHOST_USER_RESET_DEVICE), 1);
	assert_int_equal(count(b, VHOST_USER_SET_FEATURES), 2);
	assert_int_equal(b->base[0], 0);
	/* The whole machine's. */
	quiesce(m);
	m->dev.device.ops->reset(&m->dev.device);
	resume(m);
	assert_int_equal(b->enabled[0], 0);
	assert_int_equal(b->status, 0);
	assert_true(drive(m));
	assert_int_equal(b->enabled[0], 1);
	end(m);
}

static void one_queue_is_reset(void **state)
{
	struct machine *m = *state;
	struct back_end *b = &m->back_end;
	struct ring smaller;

	begin(m);
	assert_true(driver_negotiate(&m->dev, BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_RING_RESET)));
	driver_set_queue(&m->dev, 0, &m->rings[0]);
	driver_set_queue(&m->dev, 1, &m->rings[1]);
	driver_ok(&m->dev);
	b->base[0] = 3;
	b->base[1] = 5;
	driver_write_queue(&m->dev, 0, REG_QUEUE_RESET, 1);
	assert_int_equal(b->enabled[0], 0);
	assert_int_equal(b->enabled[1], 1);
	assert_int_equal(b->base[1], 5);
	ring_init_at(&smaller, m->ram, RING_BASE, RAM, 8, RING_BASE + 0x20000, RING_BASE + 0x28000);
	driver_set_queue(&m->dev, 0, &smaller);
	assert_int_equal(b->size[0], 8);
	assert_int_equal(b->base[0], 0);
	assert_int_equal(b->enabled[0], 1);
	assert_int_equal(b->addr[0].desc, (uintptr_t)m->ram + 0x20000);
	end(m);
}

static void the_configuration_changes(void **state)
{
	struct machine *m = *state;
	struct back_end *b = &m->back_end;
	struct vhost_user_header news = { .request = VHOST_USER_BACKEND_CONFIG_CHANGE,
					  .flags = VHOST_USER_VERSION | VHOST_USER_NEED_REPLY },
				 answer;
	u64 result = 1;
	u8 byte = 0;

	begin(m);
	assert_true(drive(m));
	virtio_config_read(&m->dev, 3, &byte, 1);
	assert_int_equal(byte, 4);
	b->config[3] = 77;
	virtio_config_read(&m->dev, 3, &byte, 1);
	assert_int_equal(byte, 4);
	assert_int_equal(write(b->channel, &news, sizeof(news)), sizeof(news));
	assert_int_equal(read(b->channel, &answer, sizeof(answer)), sizeof(answer));
	assert_int_equal(read(b->channel, &result, sizeof(result)), sizeof(result));
	assert_int_equal(answer.flags, VHOST_USER_VERSION | VHOST_USER_REPLY);
	assert_int_equal(result, 0);
	assert_int_equal(m->transport.config_interrupts, 1);
	virtio_config_read(&m->dev, 3, &byte, 1);
	assert_int_equal(byte, 77);
	/* The other way. */
	byte = 99;
	virtio_config_write(&m->dev, 5, &byte, 1);
	assert_int_equal(b->config[5], 99);
	virtio_config_read(&m->dev, 5, &byte, 1);
	assert_int_equal(byte, 99);
	/* News without end are one interrupt until somebody looks. */
	news.flags = VHOST_USER_VERSION;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(write(b->channel, &news, sizeof(news)), sizeof(news));
	news.flags |= VHOST_USER_NEED_REPLY;
	assert_int_equal(write(b->channel, &news, sizeof(news)), sizeof(news));
	assert_int_equal(read(b->channel, &answer, sizeof(answer)), sizeof(answer));
	assert_int_equal(m->transport.config_interrupts, 2);
	/* What nobody knows ends the channel, and nothing else. */
	news.request = 77;
	news.size = ~0U;
	assert_int_equal(write(b->channel, &news, sizeof(news)), sizeof(news));
	assert_false(m->dev.state.needs_reset);
	quiesce(m);
	resume(m);
	assert_false(m->dev.state.needs_reset);
	end(m);
}

/* ---- wrong answers ---- */

struct lie_case {
	unsigned request;
	u32 lies; /* BIT()s of those that are wrong here */
};

#define EVERYWHERE                                                                                 \
	(BIT(LIE_REQUEST) | BIT(LIE_FLAGS) | BIT(LIE_VERSION) | BIT(LIE_SHORT) | BIT(LIE_LONG) |   \
	 BIT(LIE_HUGE) | BIT(LIE_CUT) | BIT(LIE_HALF) | BIT(LIE_FD) | BIT(LIE_MANY_FDS) |          \
	 BIT(LIE_SILENCE) | BIT(LIE_END))

static void lies_at_the_beginning(void **state)
{
	static const struct lie_case cases[] = {
		{ VHOST_USER_SET_OWNER, BIT(LIE_END) },
		{ VHOST_USER_GET_FEATURES, EVERYWHERE | BIT(LIE_ZERO) },
		{ VHOST_USER_GET_PROTOCOL_FEATURES, EVERYWHERE | BIT(LIE_ZERO) },
		{ VHOST_USER_GET_QUEUE_NUM, EVERYWHERE },
		{ VHOST_USER_GET_MAX_MEM_SLOTS, EVERYWHERE },
		{ VHOST_USER_GET_CONFIG, EVERYWHERE | BIT(LIE_NUMBERS) | BIT(LIE_ZERO) },
		{ VHOST_USER_SET_BACKEND_REQ_FD, EVERYWHERE | BIT(LIE_REFUSAL) },
	};
	struct machine *m = *state;

	for (unsigned c = 0; c < ARRAY_SIZE(cases); c++)
		for (unsigned lie = 1; lie < NR_LIES; lie++) {
			if (!(cases[c].lies & BIT(lie)))
				continue;
			back_end_init(&m->back_end);
			m->back_end.lie = lie;
			m->back_end.lie_at = cases[c].request;
			said_begin();
			if (!meet(m)) {
				said_end();
				print_error("request %u, lie %u: accepted\n", cases[c].request,
					    lie);
				fail();
			}
			said_end();
			SAID("--test : the back end cannot be used: ");
			back_end_end(&m->back_end);
		}
}

static void lies_that_are_only_numbers(void **state)
{
	static const unsigned requests[] = { VHOST_USER_GET_FEATURES,
					     VHOST_USER_GET_PROTOCOL_FEATURES,
					     VHOST_USER_GET_QUEUE_NUM,
					     VHOST_USER_GET_MAX_MEM_SLOTS };
	struct machine *m = *state;

	/* Nothing is taken for more than there can be. */
	for (unsigned i = 0; i < ARRAY_SIZE(requests); i++) {
		back_end_init(&m->back_end);
		m->back_end.lie = LIE_NUMBERS;
		m->back_end.lie_at = requests[i];
		begin(m);
		assert_true(vhost_user_queues(m->seat) <= VIRTIO_MAX_QUEUES);
		assert_true(drive(m));
		end(m);
	}
	back_end_init(&m->back_end);
	m->back_end.queues = 1;
	said_begin();
	assert_int_equal(meet(m), -EPROTO);
	said_end();
	SAID("it serves 1 queues, and this takes 2");
	back_end_end(&m->back_end);
}

/* The device is broken, with one line, and takes a reset; nothing waits for its back end any more. */
static void is_broken(struct machine *m, unsigned request, unsigned lie)
{
	if (!m->dev.state.needs_reset) {
		print_error("request %u, lie %u: it goes on\n", request, lie);
		fail();
	}
	virtio_set_status(&m->dev, 0);
	assert_int_equal(virtio_get_status(&m->dev), 0);
}

static void lies_when_a_driver_begins(void **state)
{
	static const struct lie_case cases[] = {
		{ VHOST_USER_SET_FEATURES, EVERYWHERE | BIT(LIE_REFUSAL) },
		{ VHOST_USER_ADD_MEM_REG, EVERYWHERE | BIT(LIE_REFUSAL) },
		{ VHOST_USER_SET_STATUS, BIT(LIE_SILENCE) | BIT(LIE_END) },
		{ VHOST_USER_SET_VRING_NUM, EVERYWHERE | BIT(LIE_REFUSAL) },
		{ VHOST_USER_SET_VRING_ADDR, BIT(LIE_REFUSAL) | BIT(LIE_END) },
		{ VHOST_USER_SET_VRING_BASE, BIT(LIE_REFUSAL) | BIT(LIE_END) },
		{ VHOST_USER_SET_VRING_CALL, BIT(LIE_REFUSAL) | BIT(LIE_END) },
		{ VHOST_USER_SET_VRING_KICK, BIT(LIE_REFUSAL) | BIT(LIE_END) },
		{ VHOST_USER_SET_VRING_ENABLE, EVERYWHERE | BIT(LIE_REFUSAL) },
	};
	struct machine *m = *state;

	for (unsigned c = 0; c < ARRAY_SIZE(cases); c++)
		for (unsigned lie = 1; lie < NR_LIES; lie++) {
			if (!(cases[c].lies & BIT(lie)))
				continue;
			back_end_init(&m->back_end);
			m->back_end.lie = lie;
			m->back_end.lie_at = cases[c].request;
			begin(m);
			said_begin();
			driver_start(&m->dev, 1, m->rings, QUEUES);
			said_end();
			SAID("test: its back end (its own process) is lost: ");
			is_broken(m, cases[c].request, lie);
			/* There is none any more, and that is said. */
			said_begin();
			driver_start(&m->dev, 1, m->rings, QUEUES);
			said_end();
			SAID("test: its back end (its own process) is not there");
			end(m);
		}
}

static void lies_when_a_queue_is_stopped(void **state)
{
	const u32 lies = EVERYWHERE | BIT(LIE_NUMBERS);
	struct machine *m = *state;

	for (unsigned lie = 1; lie < NR_LIES; lie++) {
		if (!(lies & BIT(lie)))
			continue;
		back_end_init(&m->back_end);
		m->back_end.lie = lie;
		m->back_end.lie_at = VHOST_USER_GET_VRING_BASE;
		begin(m);
		assert_true(drive(m));
		said_begin();
		quiesce(m);
		said_end();
		SAID("test: its back end (its own process) is lost: ");
		resume(m);
		is_broken(m, VHOST_USER_GET_VRING_BASE, lie);
		end(m);
	}
}

static void it_ends_by_itself(void **state)
{
	struct machine *m = *state;

	begin(m);
	assert_true(drive(m));
	said_begin();
	shutdown(m->back_end.fd, SHUT_RDWR);
	while (!m->dev.state.needs_reset)
		sched_yield();
	/* Its loop is done with it. */
	pthread_mutex_lock(&m->dev.lock);
	pthread_mutex_unlock(&m->dev.lock);
	said_end();
	SAID("test: its back end (its own process) is lost: it has ended; it fails until lkvm is started again");
	quiesce(m);
	resume(m);
	end(m);
}

/* Eventfds are shared, with what they are set to: a full one that blocks. Nobody waits. */
static void eventfds_are_made_to_block(void **state)
{
	struct machine *m = *state;
	struct back_end *b = &m->back_end;
	eventfd_t count;

	begin(m);
	assert_true(drive(m));
	for (unsigned i = 0; i < QUEUES; i++) {
		fcntl(b->kick[i], F_SETFL, 0);
		fcntl(b->call[i], F_SETFL, 0);
		eventfd_read(b->kick[i], &count);
		eventfd_write(b->kick[i], ~1ULL);
		driver_notify(&m->dev, i);
		eventfd_write(b->call[i], 1);
		while (!m->transport.interrupts[i])
			sched_yield();
	}
	quiesce(m);
	resume(m);
	/* Now one that is empty. */
	eventfd_read(b->kick[0], &count);
	assert_true(count > 1);
	virtio_set_status(&m->dev, 0);
	assert_true(drive(m));
	end(m);
}

/* It breaks, and works with the next one after a reset. */
static void another_after_a_reset(void **state)
{
	struct machine *m = *state;
	struct back_end *b = &m->back_end;

	m->by_path = true;
	begin(m);
	assert_true(drive(m));
	said_begin();
	back_end_end(b);
	while (!m->dev.state.needs_reset)
		sched_yield();
	back_end_init(b);
	back_end_listen(b, m->path);
	/* Whoever is not there yet is found sooner or later. */
	while (!drive(m))
		sched_yield();
	said_end();
	assert_non_null(
		strstr(said, "fails until there is one again and the guest resets the device"));
	assert_int_equal(b->enabled[1], 1);
	assert_int_equal(count(b, VHOST_USER_GET_INFLIGHT_FD), 0);
	end(m);
}

/* Each of its answers would come in time; all of them together do not. */
static void slow_answers_add_up(void **state)
{
	struct machine *m = *state;

	m->back_end.lie = LIE_SLOWLY;
	begin(m);
	m->back_end.lie_at = ~0U;
	said_begin();
	driver_start(&m->dev, 1, m->rings, QUEUES);
	said_end();
	SAID("it did not answer ");
	is_broken(m, 0, LIE_SLOWLY);
	end(m);
}

/* ---- the next one on the same path ---- */

static void another_takes_over(void **state)
{
	struct machine *m = *state;
	struct back_end *b = &m->back_end;
	unsigned calls;

	m->resumes = m->by_path = true;
	begin(m);
	assert_true(drive(m));
	assert_int_equal(count(b, VHOST_USER_GET_INFLIGHT_FD), 1);
	assert_int_equal(count(b, VHOST_USER_SET_INFLIGHT_FD), 1);
	/* The guest's ring says how far it came. */
	m->rings[0].used->idx = htole16(3);
	calls = m->transport.interrupts[0];
	said_begin();
	back_end_end(b);
	while (!readable(fileno(said_caught)) || lseek(fileno(said_caught), 0, SEEK_END) == 0)
		sched_yield();
	/* A pause without any. */
	quiesce(m);
	resume(m);
	back_end_init(b);
	back_end_listen(b, m->path);
	while (m->transport.interrupts[0] == calls)
		sched_yield();
	said_end();
	assert_non_null(strstr(said, "is lost: "));
	assert_non_null(strstr(said, "requests wait for the next one there"));
	assert_false(m->dev.state.needs_reset);
	/* It has what the guest settled with the first, and its log. */
	pthread_mutex_lock(&m->dev.lock);
	assert_int_equal(b->acked & 1, 1);
	assert_int_equal(count(b, VHOST_USER_GET_INFLIGHT_FD), 0);
	assert_int_equal(count(b, VHOST_USER_SET_INFLIGHT_FD), 1);
	assert_int_equal(b->base[0], 3);
	assert_int_equal(b->base[1], 0);
	assert_int_equal(b->enabled[0], 1);
	assert_true(readable(b->kick[0]));
	pthread_mutex_unlock(&m->dev.lock);
	end(m);
}

/* One that accepts and says nothing: lkvm's end does not wait for it. */
static void an_end_while_another_is_met(void **state)
{
	struct machine *m = *state;
	struct back_end *b = &m->back_end;

	m->resumes = m->by_path = true;
	begin(m);
	assert_true(drive(m));
	said_begin();
	back_end_end(b);
	back_end_init(b);
	b->lie = LIE_SILENCE;
	b->lie_at = VHOST_USER_GET_FEATURES;
	back_end_listen(b, m->path);
	while (!b->met)
		sched_yield();
	/* Its time would be longer. */
	alarm(VHOST_USER_ANSWER_NS / 1000000000 - 1);
	end(m);
	alarm(0);
	said_end();
}

static void another_of_less(void **state)
{
	struct machine *m = *state;
	struct back_end *b = &m->back_end;

	m->resumes = m->by_path = true;
	begin(m);
	assert_true(drive(m));
	said_begin();
	back_end_end(b);
	back_end_init(b);
	b->features &= ~1ULL;
	back_end_listen(b, m->path);
	/* It is left again. */
	pthread_join(b->thread, NULL);
	assert_int_equal(count(b, VHOST_USER_SET_FEATURES), 0);
	put_fd(&b->fd, -1);
	put_fd(&b->listener, -1);
	back_end_init(b);
	back_end_listen(b, m->path);
	while (!b->enabled[1])
		sched_yield();
	said_end();
	assert_non_null(strstr(said, "lacks what the guest was offered"));
	end(m);
}

static void lies_about_the_log(void **state)
{
	const u32 lies = EVERYWHERE | BIT(LIE_NO_FD) | BIT(LIE_NUMBERS);
	struct machine *m = *state;

	m->resumes = m->by_path = true;
	for (unsigned lie = 1; lie < NR_LIES; lie++) {
		if (!(lies & BIT(lie)))
			continue;
		back_end_init(&m->back_end);
		m->back_end.lie = lie;
		m->back_end.lie_at = VHOST_USER_GET_INFLIGHT_FD;
		begin(m);
		said_begin();
		driver_start(&m->dev, 1, m->rings, QUEUES);
		said_end();
		assert_non_null(strstr(said, "is lost: "));
		/* A device that waits for the next one is not broken. */
		assert_false(m->dev.state.needs_reset);
		end(m);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_driver_and_its_queues),
		T(a_table_of_memory),
		T(without_protocol_features),
		T(a_queue_that_makes_no_sense),
		T(a_pause_keeps_the_place),
		T(a_reset_begins_anew),
		T(one_queue_is_reset),
		T(the_configuration_changes),
		T(lies_at_the_beginning),
		T(lies_that_are_only_numbers),
		T(lies_when_a_driver_begins),
		T(lies_when_a_queue_is_stopped),
		T(it_ends_by_itself),
		T(slow_answers_add_up),
		T(eventfds_are_made_to_block),
		T(another_after_a_reset),
		T(another_takes_over),
		T(an_end_while_another_is_met),
		T(another_of_less),
		T(lies_about_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
