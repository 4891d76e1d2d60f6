/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A helper's queue server, told what to do by raw messages: requests that block, wait or are broken hold up nobody else, nothing
 * is written while a queue is stopped, a reset leaves nothing, and nonsense ends it.
 */
#include <errno.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "../../virtio/vhost-user-protocol.h"
#include "../../virtio/vhost-user-server.h"
#include "ring.h"
#include "test.h"

#define RAM	0x80000
#define QUEUES	3
#define SIZE	16
#define WORKERS 2
/* Where the front end says that it has guest memory. */
#define USER	0x7f0000000000ULL

/* What a request's first byte wants. */
enum want {
	ANSWER, /* four bytes */
	BLOCK,	/* inside handle(), until released; then four bytes */
	PARK,	/* four bytes when released, or 0 at a reset */
};

struct protocol {
	struct share_protocol protocol; /* first */
	sem_t entered, release[QUEUES]; /* of BLOCK */
	sem_t parked;
	pthread_mutex_t lock;
	struct share_request *waiting; /* lock */
	unsigned resets;	       /* the server's thread */
};

struct machine {
	struct protocol protocol;
	pthread_t thread;
	int fd, server_fd, memory, result;
	u8 *ram;
	struct ring rings[QUEUES];
	int kick[QUEUES], call[QUEUES], error[QUEUES];
};

/* ---- the protocol ---- */

static void protocol_handle(struct share_protocol *protocol, struct share_request *request)
{
	struct protocol *p = (struct protocol *)protocol;
	u8 want = *(u8 *)request->out[0].iov_base;

	if (want == PARK) {
		pthread_mutex_lock(&p->lock);
		request->next = p->waiting;
		p->waiting = request;
		pthread_mutex_unlock(&p->lock);
		sem_post(&p->parked);
		return;
	}
	if (want == BLOCK) {
		sem_post(&p->entered);
		sem_wait(&p->release[request->queue]);
	}
	memcpy(request->in[0].iov_base, "done", 4);
	request->done(request, 4);
}

static void end_parked(struct protocol *p, u32 written)
{
	struct share_request *request;

	while ((request = p->waiting)) {
		p->waiting = request->next;
		request->done(request, written);
	}
}

static void protocol_reset(struct share_protocol *protocol)
{
	struct protocol *p = (struct protocol *)protocol;

	p->resets++;
	end_parked(p, 0);
}

static const struct share_protocol_ops protocol_ops = {
	.handle = protocol_handle,
	.reset = protocol_reset,
};

/* ---- messages ---- */

static void send_message(struct machine *m, u32 request, u32 flags, const void *payload, u32 size,
			 const int *fds, unsigned nr_fds)
{
	struct vhost_user_header header = { request, VHOST_USER_VERSION | flags, size };
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int) * 8)];
	} control = { 0 };
	struct iovec iov[] = { { &header, sizeof(header) }, { (void *)payload, size } };
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = 2 };

	if (nr_fds) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * nr_fds);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int) * nr_fds);
		memcpy(CMSG_DATA(&control.head), fds, sizeof(int) * nr_fds);
	}
	assert_int_equal(sendmsg(m->fd, &message, MSG_NOSIGNAL), sizeof(header) + size);
}

/* False: the server has ended the connection. */
static bool read_answer(struct machine *m, void *payload, u32 size)
{
	struct vhost_user_header header;

	if (recv(m->fd, &header, sizeof(header), MSG_WAITALL) != sizeof(header))
		return false;
	assert_true(header.flags & VHOST_USER_REPLY);
	assert_int_equal(header.size, size);
	assert_int_equal(recv(m->fd, payload, size, MSG_WAITALL), size);
	return true;
}

/* True: it was taken. */
static bool told(struct machine *m, u32 request, const void *payload, u32 size, const int *fds,
		 unsigned nr_fds)
{
	u64 refused;

	send_message(m, request, VHOST_USER_NEED_REPLY, payload, size, fds, nr_fds);
	return read_answer(m, &refused, sizeof(refused)) && !refused;
}

static bool told_number(struct machine *m, u32 request, u64 number)
{
	return told(m, request, &number, sizeof(number), NULL, 0);
}

static bool told_state(struct machine *m, u32 request, u32 index, u32 num)
{
	const struct vhost_user_vring_state state = { index, num };

	return told(m, request, &state, sizeof(state), NULL, 0);
}

static bool told_fd(struct machine *m, u32 request, u64 index, int fd)
{
	return told(m, request, &index, sizeof(index), &fd, 1);
}

static u64 ask_number(struct machine *m, u32 request)
{
	u64 number;

	send_message(m, request, 0, NULL, 0, NULL, 0);
	assert_true(read_answer(m, &number, sizeof(number)));
	return number;
}

static u32 stop_queue(struct machine *m, u32 index)
{
	struct vhost_user_vring_state state = { .index = index };

	send_message(m, VHOST_USER_GET_VRING_BASE, 0, &state, sizeof(state), NULL, 0);
	assert_true(read_answer(m, &state, sizeof(state)));
	assert_int_equal(state.index, index);
	return state.num;
}

static struct vhost_user_memory memory_table(void)
{
	return (struct vhost_user_memory){
		.nr = 1,
		.regions = { { .gpa = RING_BASE, .size = RAM, .user_addr = USER, .offset = 4096 } },
	};
}

#define TABLE_SIZE(nr) offsetof(struct vhost_user_memory, regions[nr])

static void start_queue(struct machine *m, u32 index, u16 base)
{
	const struct ring *r = &m->rings[index];
	const struct vhost_user_vring_addr addr = {
		.index = index,
		.desc = USER + r->desc_gpa - RING_BASE,
		.avail = USER + r->avail_gpa - RING_BASE,
		.used = USER + r->used_gpa - RING_BASE,
	};

	assert_true(told_state(m, VHOST_USER_SET_VRING_NUM, index, SIZE));
	assert_true(told(m, VHOST_USER_SET_VRING_ADDR, &addr, sizeof(addr), NULL, 0));
	assert_true(told_state(m, VHOST_USER_SET_VRING_BASE, index, base));
	assert_true(told_fd(m, VHOST_USER_SET_VRING_CALL, index, m->call[index]));
	assert_true(told_fd(m, VHOST_USER_SET_VRING_ERR, index, m->error[index]));
	assert_true(told_fd(m, VHOST_USER_SET_VRING_KICK, index, m->kick[index]));
	assert_true(told_state(m, VHOST_USER_SET_VRING_ENABLE, index, 1));
}

static void tell_device(struct machine *m)
{
	const struct vhost_user_memory table = memory_table();

	assert_true(told_number(m, VHOST_USER_SET_FEATURES,
				BIT(VIRTIO_F_VERSION_1) | BIT(VHOST_USER_F_PROTOCOL_FEATURES)));
	assert_true(told(m, VHOST_USER_SET_MEM_TABLE, &table, TABLE_SIZE(1), &m->memory, 1));
}

/* ---- life ---- */

static void *serve(void *arg)
{
	struct machine *m = arg;
	const struct vhost_user_server_want want = {
		.protocol = &m->protocol.protocol,
		.queues = QUEUES,
		.queue_size = SIZE,
		.workers = WORKERS,
	};

	m->result = vhost_user_server_run(&want, m->server_fd);
	return NULL;
}

static void begin(struct machine *m)
{
	const u64 acks = BIT(VHOST_USER_PROTOCOL_REPLY_ACK);
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	m->fd = ends[0];
	m->server_fd = ends[1];
	m->result = 1;
	assert_int_equal(pthread_create(&m->thread, NULL, serve, m), 0);
	send_message(m, VHOST_USER_SET_PROTOCOL_FEATURES, 0, &acks, sizeof(acks), NULL, 0);
}

static void begin_device(struct machine *m)
{
	begin(m);
	tell_device(m);
	for (unsigned i = 0; i < QUEUES; i++)
		start_queue(m, i, 0);
}

/* The server has ended by itself, or does now: what it returned. */
static int end(struct machine *m)
{
	close(m->fd);
	pthread_join(m->thread, NULL);
	assert_null(m->protocol.waiting);
	return m->result;
}

static int setup(void **state)
{
	struct machine *m = calloc(1, sizeof(*m));

	m->protocol.protocol.ops = &protocol_ops;
	pthread_mutex_init(&m->protocol.lock, NULL);
	sem_init(&m->protocol.entered, 0, 0);
	sem_init(&m->protocol.parked, 0, 0);
	m->memory = memfd_create("ram", MFD_CLOEXEC);
	assert_int_equal(ftruncate(m->memory, RAM + 4096), 0);
	m->ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_SHARED, m->memory, 4096);
	assert_true(m->ram != MAP_FAILED);
	for (unsigned i = 0; i < QUEUES; i++) {
		sem_init(&m->protocol.release[i], 0, 0);
		ring_init_at(&m->rings[i], m->ram, RING_BASE, RAM, SIZE, RING_BASE + i * 0x20000,
			     RING_BASE + (i + 1) * 0x20000);
		m->kick[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		m->call[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		m->error[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	}
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	struct machine *m = *state;

	for (unsigned i = 0; i < QUEUES; i++) {
		close(m->kick[i]);
		close(m->call[i]);
		close(m->error[i]);
	}
	munmap(m->ram, RAM);
	close(m->memory);
	free(m);
	return 0;
}

/* ---- requests ---- */

static u16 offer(struct machine *m, unsigned queue, enum want want)
{
	struct ring *r = &m->rings[queue];
	const struct ring_buffer buffers[] = { { ring_alloc(r, 16), 16, false },
					       { ring_alloc(r, 16), 16, true } };

	*(u8 *)ring_ptr(r, buffers[0].gpa, 1) = want;
	return ring_add(r, buffers, 2);
}

static void kick(struct machine *m, unsigned queue)
{
	eventfd_write(m->kick[queue], 1);
}

/* An event that must come. */
static void wait_event(int fd)
{
	struct pollfd event = { fd, POLLIN, 0 };
	eventfd_t count;

	assert_int_equal(poll(&event, 1, 20000), 1);
	eventfd_read(fd, &count);
}

/* The next one to be done, of which `written` bytes are. */
static u16 wait_used(struct machine *m, unsigned queue, u32 written)
{
	u32 head, len;

	while (!ring_used(&m->rings[queue], &head, &len))
		wait_event(m->call[queue]);
	assert_int_equal(len, written);
	return head;
}

static void features_are_what_it_has(void **state)
{
	struct machine *m = *state;

	begin(m);
	assert_true(ask_number(m, VHOST_USER_GET_FEATURES) & BIT(VIRTIO_F_VERSION_1));
	assert_true(ask_number(m, VHOST_USER_GET_PROTOCOL_FEATURES) & BIT(VHOST_USER_PROTOCOL_MQ));
	assert_int_equal(ask_number(m, VHOST_USER_GET_QUEUE_NUM), QUEUES);
	assert_int_equal(end(m), 0);
	assert_int_equal(m->protocol.resets, 1);
}

/* Many times the ring's size, on all queues. */
static void requests_on_all_queues(void **state)
{
	struct machine *m = *state;

	begin_device(m);
	for (unsigned i = 0; i < 20 * SIZE; i++) {
		unsigned queue = i % QUEUES;
		u16 head = offer(m, queue, ANSWER);

		kick(m, queue);
		assert_int_equal(wait_used(m, queue, 4), head);
	}
	assert_int_equal(end(m), 0);
}

static void one_that_blocks_holds_up_nobody(void **state)
{
	struct machine *m = *state;
	u16 blocked, quick;

	begin_device(m);
	blocked = offer(m, 1, BLOCK);
	quick = offer(m, 1, ANSWER);
	kick(m, 1);
	assert_int_equal(wait_used(m, 1, 4), quick);
	sem_post(&m->protocol.release[1]);
	assert_int_equal(wait_used(m, 1, 4), blocked);
	assert_int_equal(end(m), 0);
}

/* What came while all threads were at work, is taken by the first that is free: that was another queue's. */
static void who_is_free_again_looks_at_all_queues(void **state)
{
	struct machine *m = *state;
	u16 quick;

	begin_device(m);
	offer(m, 2, BLOCK);
	kick(m, 2);
	sem_wait(&m->protocol.entered);
	offer(m, 1, BLOCK);
	quick = offer(m, 1, ANSWER);
	kick(m, 1);
	sem_wait(&m->protocol.entered);
	sem_post(&m->protocol.release[2]);
	assert_int_equal(wait_used(m, 1, 4), quick);
	sem_post(&m->protocol.release[1]);
	assert_int_equal(end(m), 0);
}

/* The first queue's are never behind the others'. */
static void urgent_ones_have_a_thread(void **state)
{
	struct machine *m = *state;
	u16 head;

	begin_device(m);
	for (unsigned i = 0; i < WORKERS; i++) {
		offer(m, 1, BLOCK);
		kick(m, 1);
		sem_wait(&m->protocol.entered);
	}
	head = offer(m, 0, ANSWER);
	kick(m, 0);
	assert_int_equal(wait_used(m, 0, 4), head);
	for (unsigned i = 0; i < WORKERS; i++)
		sem_post(&m->protocol.release[1]);
	assert_int_equal(end(m), 0);
}

static void nothing_is_written_in_a_pause(void **state)
{
	struct machine *m = *state;
	u16 head, later;

	begin_device(m);
	head = offer(m, 1, PARK);
	kick(m, 1);
	sem_wait(&m->protocol.parked);
	assert_int_equal(stop_queue(m, 1), 1);
	end_parked(&m->protocol, 4);
	later = offer(m, 1, ANSWER);
	kick(m, 1);
	/* The ring stays as the front end has noted it. */
	assert_int_equal(stop_queue(m, 1), 1);
	assert_false(ring_used(&m->rings[1], NULL, NULL));
	start_queue(m, 1, 1);
	assert_int_equal(wait_used(m, 1, 4), head);
	assert_int_equal(wait_used(m, 1, 4), later);
	assert_int_equal(end(m), 0);
}

static void a_reset_ends_those_that_wait(void **state)
{
	struct machine *m = *state;
	u16 head;

	begin_device(m);
	offer(m, 1, PARK);
	kick(m, 1);
	sem_wait(&m->protocol.parked);
	assert_true(told(m, VHOST_USER_RESET_DEVICE, NULL, 0, NULL, 0));
	assert_int_equal(m->protocol.resets, 1);
	assert_null(m->protocol.waiting);
	/* The next driver's ring has nothing of that. */
	ring_init_at(&m->rings[1], m->ram, RING_BASE, RAM, SIZE, RING_BASE + 0x20000,
		     RING_BASE + 0x40000);
	tell_device(m);
	start_queue(m, 1, 0);
	head = offer(m, 1, ANSWER);
	kick(m, 1);
	assert_int_equal(wait_used(m, 1, 4), head);
	assert_false(ring_used(&m->rings[1], NULL, NULL));
	assert_int_equal(end(m), 0);
}

static void a_broken_ring_is_told(void **state)
{
	struct machine *m = *state;
	u16 head;

	begin_device(m);
	ring_desc(&m->rings[1], 0, RING_BASE + RAM, 16, 0, 0);
	ring_offer(&m->rings[1], 0);
	kick(m, 1);
	wait_event(m->error[1]);
	/* The others go on. */
	head = offer(m, 2, ANSWER);
	kick(m, 2);
	assert_int_equal(wait_used(m, 2, 4), head);
	assert_int_equal(end(m), 0);
}

/* ---- nonsense ---- */

static void nonsense_ends_it(void **state)
{
	struct machine *m = *state;
	static const struct vhost_user_vring_state far = { QUEUES, 0 }, big = { 1, 4096 };
	static const struct vhost_user_vring_addr wild = { .index = 1 },
						  flags = { .index = 1, .flags = 1 };
	static const struct vhost_user_vring_state on = { 1, 1 };
	static const u64 all = ~0ULL, one = 1, no_fd = 1 | VHOST_USER_VRING_NO_FD;
	struct vhost_user_memory nine = memory_table(), none = memory_table();
	const struct {
		u32 request;
		const void *payload;
		u32 size;
		unsigned nr_fds;
	} cases[] = {
		{ 0, NULL, 0, 0 },
		{ 4096, NULL, 0, 0 },
		{ VHOST_USER_GET_FEATURES, &one, 8, 0 },
		{ VHOST_USER_GET_FEATURES, NULL, 0, 1 },
		{ VHOST_USER_SET_FEATURES, &all, 8, 0 },
		{ VHOST_USER_SET_FEATURES, &one, 4, 0 },
		{ VHOST_USER_SET_PROTOCOL_FEATURES, &all, 8, 0 },
		{ VHOST_USER_SET_VRING_NUM, &far, sizeof(far), 0 },
		{ VHOST_USER_SET_VRING_NUM, &big, sizeof(big), 0 },
		{ VHOST_USER_SET_VRING_BASE, &far, sizeof(far), 0 },
		{ VHOST_USER_SET_VRING_ADDR, &flags, sizeof(flags), 0 },
		{ VHOST_USER_SET_VRING_ADDR, &wild, 8, 0 },
		{ VHOST_USER_GET_VRING_BASE, &far, sizeof(far), 0 },
		{ VHOST_USER_SET_VRING_ENABLE, &far, sizeof(far), 0 },
		{ VHOST_USER_SET_VRING_ENABLE, &on, sizeof(on), 0 },
		{ VHOST_USER_SET_VRING_KICK, &all, 8, 1 },
		{ VHOST_USER_SET_VRING_KICK, &one, 8, 0 },
		{ VHOST_USER_SET_VRING_CALL, &no_fd, 8, 1 },
		{ VHOST_USER_SET_VRING_ERR, &one, 8, 2 },
		{ VHOST_USER_SET_MEM_TABLE, &nine, TABLE_SIZE(1), 1 },
		{ VHOST_USER_SET_MEM_TABLE, &none, TABLE_SIZE(1), 0 },
		{ VHOST_USER_SET_MEM_TABLE, &none, TABLE_SIZE(1), 2 },
		{ VHOST_USER_SET_MEM_TABLE, &none, TABLE_SIZE(2), 1 },
		{ VHOST_USER_SET_MEM_TABLE, &none, 4, 1 },
	};

	nine.nr = 9;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const int fds[] = { m->memory, m->memory };

		begin(m);
		assert_false(told(m, cases[i].request, cases[i].payload, cases[i].size, fds,
				  cases[i].nr_fds));
		assert_true(end(m) < 0);
	}
}

/* Rings that are nowhere, and a size that is none. */
static void wrong_rings_end_it(void **state)
{
	struct machine *m = *state;
	struct vhost_user_vring_addr addr = { .index = 1, .desc = USER + RAM };

	for (unsigned size = 0; size <= 2 * SIZE; size += SIZE) {
		begin(m);
		tell_device(m);
		assert_true(told_state(m, VHOST_USER_SET_VRING_NUM, 1, size));
		addr.desc = size == SIZE ? USER + RAM : USER;
		addr.avail = USER + 0x4000;
		addr.used = USER + 0x8000;
		assert_true(told(m, VHOST_USER_SET_VRING_ADDR, &addr, sizeof(addr), NULL, 0));
		assert_true(told_fd(m, VHOST_USER_SET_VRING_KICK, 1, m->kick[1]));
		assert_false(told_state(m, VHOST_USER_SET_VRING_ENABLE, 1, 1));
		assert_int_equal(end(m), -EINVAL);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(features_are_what_it_has),
		T(requests_on_all_queues),
		T(one_that_blocks_holds_up_nobody),
		T(who_is_free_again_looks_at_all_queues),
		T(urgent_ones_have_a_thread),
		T(nothing_is_written_in_a_pause),
		T(a_reset_ends_those_that_wait),
		T(a_broken_ring_is_told),
		T(nonsense_ends_it),
		T(wrong_rings_end_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
