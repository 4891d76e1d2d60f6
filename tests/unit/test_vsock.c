// SPDX-License-Identifier: GPL-2.0-or-later
/* The device as a whole, with a driver that a test plays, and programs of the host's on real sockets. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "test.h"
#include "hw_vm.h"
#include "virtio_driver.h"
#include "lkvm/memory/guard.h"
#include "lkvm/util/helper.h"
#include "lkvm/vm/device-kind.h"
#include "../../virtio/vsock.h"

extern const struct device_kind virtio_vsock_kind;

#define QUEUE 64
#define RAM   MIB(4)
#define CID   5
#define ALLOC 100000
#define SPACE 4096

/* As the device's record. */
struct record {
	u32 cid;
	const char *path;
};

static struct test_transport transport;
static struct virtio_device *dev;
static u8 *ram;
static struct ring rings[3];
static char folder[] = "/tmp/test-vsock-XXXXXX", path[64];
static gpa_t tx_page, rx_pages;
static unsigned rx_slot;

int virtio_attach(struct virtio_device *device, struct vm *vm)
{
	dev = device;
	test_transport_init(&transport, device);
	device_add(&vm->devices, &device->device);
	return 0;
}

static void offer(void)
{
	struct ring_buffer buffer = { rx_pages + rx_slot++ % QUEUE * SPACE, SPACE, true };

	ring_add(&rings[0], &buffer, 1);
}

static void start_driver(void)
{
	gpa_t at = RING_BASE;

	for (unsigned i = 0; i < 3; i++, at += RAM / 4)
		ring_init_at(&rings[i], ram, RING_BASE, RAM, QUEUE, at, at + RAM / 4);
	rx_pages = ring_alloc(&rings[0], QUEUE * SPACE);
	tx_page = ring_alloc(&rings[1], 70000);
	rx_slot = 0;
	for (unsigned i = 0; i < QUEUE / 2; i++)
		offer();
	assert_true(driver_start(dev, BIT(VIRTIO_VSOCK_F_SEQPACKET), rings, 3));
	driver_notify(dev, 0);
}

static int begin(void **state)
{
	return helpers_begin();
}

static int finish(void **state)
{
	helpers_end();
	return 0;
}

static int setup(void **state)
{
	struct vm *vm = test_vm_init();
	struct record record = { CID, path };
	void *opened = NULL;

	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/sock", folder);
	ram = calloc(1, RAM);
	guest_memory_add_buffer(&vm->memory, RING_BASE, ram, RAM);
	assert_int_equal(virtio_vsock_kind.open(vm, &record, 0, &opened), 0);
	assert_int_equal(virtio_vsock_kind.create(vm, &record, 0, &opened), 0);
	assert_null(opened);
	devices_reset(&vm->devices);
	assert_int_equal(devices_start(&vm->devices), 0);
	start_driver();
	return 0;
}

static int teardown(void **state)
{
	char other[80];

	test_vm_exit();
	free(ram);
	/* The socket is gone with the device; those that a test made go here. */
	assert_int_not_equal(access(path, F_OK), 0);
	snprintf(other, sizeof(other), "%s_7", path);
	unlink(other);
	assert_int_equal(rmdir(folder), 0);
	return 0;
}

/* ---- the driver's packets ---- */

static struct virtio_vsock_hdr last;
static u8 data[SPACE];

/* Waits for the next packet of the device's. */
static void expect(unsigned op)
{
	u32 id, len;

	for (unsigned i = 0; !ring_used(&rings[0], &id, &len); i++) {
		assert_true(i < 5000);
		poll(NULL, 0, 1);
	}
	assert_true(len >= sizeof(last));
	memcpy(&last, ring_ptr(&rings[0], rings[0].desc[id].addr, len), sizeof(last));
	memcpy(data, ring_ptr(&rings[0], rings[0].desc[id].addr + sizeof(last), len - sizeof(last)),
	       len - sizeof(last));
	offer();
	driver_notify(dev, 0);
	assert_int_equal(le16toh(last.op), op);
	assert_int_equal(le32toh(last.len), len - sizeof(last));
	assert_int_equal(le64toh(last.dst_cid), CID);
}

struct ports {
	u32 guest, host;
	u16 type;
	u32 fwd;
};

static void give(const struct ports *p, unsigned op, u32 flags, const void *bytes, u32 len)
{
	struct virtio_vsock_hdr hdr = { .src_cid = htole64(CID),
					.dst_cid = htole64(2),
					.src_port = htole32(p->guest),
					.dst_port = htole32(p->host),
					.len = htole32(len),
					.type = htole16(p->type),
					.op = htole16(op),
					.flags = htole32(flags),
					.buf_alloc = htole32(ALLOC),
					.fwd_cnt = htole32(p->fwd) };
	struct ring_buffer buffer = { tx_page, sizeof(hdr) + len, false };

	memcpy(ring_ptr(&rings[1], tx_page, sizeof(hdr)), &hdr, sizeof(hdr));
	if (len)
		memcpy(ring_ptr(&rings[1], tx_page + sizeof(hdr), len), bytes, len);
	ring_add(&rings[1], &buffer, 1);
	driver_notify(dev, 1);
	for (unsigned i = 0; !ring_used(&rings[1], NULL, NULL); i++) {
		assert_true(i < 5000);
		poll(NULL, 0, 1);
	}
}

/* ---- the host's programs ---- */

static int client(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void hears(int fd, const char *text)
{
	char got[256];
	size_t len = 0;

	while (len < strlen(text)) {
		ssize_t n = recv(fd, got + len, strlen(text) - len, 0);

		assert_true(n > 0);
		len += n;
	}
	assert_memory_equal(got, text, len);
}

static void hears_end(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

static int server(int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s_7", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

/* A client's connection that the guest accepted. */
static int connected(struct ports *p)
{
	int fd = client();

	say(fd, "CONNECT 22\nearly");
	expect(VIRTIO_VSOCK_OP_REQUEST);
	assert_int_equal(le32toh(last.dst_port), 22);
	assert_true(le32toh(last.src_port) >= VSOCK_PORTS);
	*p = (struct ports){ 22, le32toh(last.src_port), VIRTIO_VSOCK_TYPE_STREAM, 0 };
	give(p, VIRTIO_VSOCK_OP_RESPONSE, 0, NULL, 0);
	expect(VIRTIO_VSOCK_OP_RW);
	assert_int_equal(le32toh(last.len), 5);
	assert_memory_equal(data, "early", 5);
	return fd;
}

static void client_reaches_the_guest(void **state)
{
	char line[32];
	struct ports p;
	int fd = connected(&p);

	snprintf(line, sizeof(line), "OK %u\n", p.host);
	hears(fd, line);
	give(&p, VIRTIO_VSOCK_OP_RW, 0, "from the guest", 14);
	hears(fd, "from the guest");
	/* Half an end: the guest still speaks. */
	shutdown(fd, SHUT_WR);
	expect(VIRTIO_VSOCK_OP_SHUTDOWN);
	assert_int_equal(le32toh(last.flags), VIRTIO_VSOCK_SHUTDOWN_SEND);
	give(&p, VIRTIO_VSOCK_OP_RW, 0, "more", 4);
	hears(fd, "more");
	give(&p, VIRTIO_VSOCK_OP_SHUTDOWN, 3, NULL, 0);
	expect(VIRTIO_VSOCK_OP_RST);
	hears_end(fd);
	close(fd);
}

static void refused_client_hears_the_end(void **state)
{
	static const char *const bad[] = { "CONNECT x\n", "HELLO\n", "CONNECT 4294967296\n",
					   "CONNECT 1111111111111111111111111111111111\n" };
	struct ports p = { 22, 0, VIRTIO_VSOCK_TYPE_STREAM, 0 };
	int fd = client();

	say(fd, "CONNECT 22\n");
	expect(VIRTIO_VSOCK_OP_REQUEST);
	p.host = le32toh(last.src_port);
	give(&p, VIRTIO_VSOCK_OP_RST, 0, NULL, 0);
	hears_end(fd);
	close(fd);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		char byte;

		fd = client();
		say(fd, bad[i]);
		assert_true(recv(fd, &byte, 1, 0) <= 0);
		close(fd);
	}
}

static void guest_reaches_the_host(void **state)
{
	struct ports p = { 1000, 7, VIRTIO_VSOCK_TYPE_STREAM, 0 };
	int listener, fd;

	give(&p, VIRTIO_VSOCK_OP_REQUEST, 0, NULL, 0);
	expect(VIRTIO_VSOCK_OP_RST); /* nobody listens */
	listener = server(SOCK_STREAM);
	give(&p, VIRTIO_VSOCK_OP_REQUEST, 0, NULL, 0);
	expect(VIRTIO_VSOCK_OP_RESPONSE);
	fd = accept(listener, NULL, NULL);
	give(&p, VIRTIO_VSOCK_OP_RW, 0, "hello", 5);
	hears(fd, "hello");
	say(fd, "world");
	expect(VIRTIO_VSOCK_OP_RW);
	assert_memory_equal(data, "world", 5);
	close(fd);
	expect(VIRTIO_VSOCK_OP_SHUTDOWN);
	assert_int_equal(le32toh(last.flags), 3);
	give(&p, VIRTIO_VSOCK_OP_RST, 0, NULL, 0);
	/* The ports are free at once. */
	give(&p, VIRTIO_VSOCK_OP_REQUEST, 0, NULL, 0);
	expect(VIRTIO_VSOCK_OP_RESPONSE);
	close(listener);
}

static void messages_keep_their_bounds(void **state)
{
	struct ports p = { 1000, 7, VIRTIO_VSOCK_TYPE_SEQPACKET, 0 };
	static u8 big[6000], got[8192];
	int listener = server(SOCK_SEQPACKET), fd;

	give(&p, VIRTIO_VSOCK_OP_REQUEST, 0, NULL, 0);
	expect(VIRTIO_VSOCK_OP_RESPONSE);
	fd = accept(listener, NULL, NULL);
	give(&p, VIRTIO_VSOCK_OP_RW, 0, "one ", 4);
	give(&p, VIRTIO_VSOCK_OP_RW, VIRTIO_VSOCK_SEQ_EOM, "message", 7);
	assert_int_equal(recv(fd, got, sizeof(got), 0), 11);
	assert_memory_equal(got, "one message", 11);
	expect(VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	assert_int_equal(le32toh(last.fwd_cnt), 11);
	assert_int_equal(send(fd, big, sizeof(big), 0), sizeof(big));
	expect(VIRTIO_VSOCK_OP_RW);
	assert_int_equal(le32toh(last.len), SPACE - sizeof(last));
	assert_int_equal(le32toh(last.flags), 0);
	expect(VIRTIO_VSOCK_OP_RW);
	assert_int_equal(le32toh(last.len), sizeof(big) - (SPACE - sizeof(last)));
	assert_int_equal(le32toh(last.flags), VIRTIO_VSOCK_SEQ_EOM);
	close(fd);
	close(listener);
}

/* The guest's credit ends what the host sends, and is asked for; counters wrap. */
static void credit_bounds_both_ways(void **state)
{
	static u8 chunk[60000];
	struct ports p;
	int fd = connected(&p), full = 0;
	u32 got = 5;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (full < ALLOC * 2) {
		ssize_t n = send(fd, chunk, sizeof(chunk), MSG_NOSIGNAL);

		if (n > 0)
			full += n;
		if (got == ALLOC)
			break;
		expect(VIRTIO_VSOCK_OP_RW);
		got += le32toh(last.len);
	}
	while (got < ALLOC) {
		expect(VIRTIO_VSOCK_OP_RW);
		got += le32toh(last.len);
	}
	assert_int_equal(got, ALLOC);
	expect(VIRTIO_VSOCK_OP_CREDIT_REQUEST);
	p.fwd = got;
	give(&p, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0, NULL, 0);
	expect(VIRTIO_VSOCK_OP_RW);
	give(&p, VIRTIO_VSOCK_OP_RST, 0, NULL, 0);
	close(fd);
}

/* A host that never reads: the guest may fill its credit, and who sends more is reset. */
static void guest_that_ignores_credit_is_reset(void **state)
{
	static u8 chunk[32768];
	struct ports p;
	int fd = connected(&p);

	for (unsigned i = 0; i < 64; i++) {
		give(&p, VIRTIO_VSOCK_OP_RW, 0, chunk, sizeof(chunk));
		if (rings[0].next_used !=
		    le16toh(__atomic_load_n(&rings[0].used->idx, __ATOMIC_ACQUIRE))) {
			u32 id = 0, len = 0;

			assert_true(ring_used(&rings[0], &id, &len));
			memcpy(&last, ring_ptr(&rings[0], rings[0].desc[id].addr, len),
			       sizeof(last));
			offer();
			driver_notify(dev, 0);
			if (le16toh(last.op) == VIRTIO_VSOCK_OP_RST)
				break;
			assert_int_equal(le16toh(last.op), VIRTIO_VSOCK_OP_CREDIT_UPDATE);
		}
	}
	assert_int_equal(le16toh(last.op), VIRTIO_VSOCK_OP_RST);
	close(fd);
}

static void wrong_packets_are_refused(void **state)
{
	struct ports none = { 99, 98, VIRTIO_VSOCK_TYPE_STREAM, 0 }, p;
	int fd;

	give(&none, VIRTIO_VSOCK_OP_RW, 0, "x", 1);
	expect(VIRTIO_VSOCK_OP_RST);
	assert_int_equal(le32toh(last.src_port), 98);
	give(&none, VIRTIO_VSOCK_OP_RST, 0, NULL, 0); /* no answer */
	none.type = 9;
	give(&none, VIRTIO_VSOCK_OP_REQUEST, 0, NULL, 0);
	expect(VIRTIO_VSOCK_OP_RST);
	assert_int_equal(le16toh(last.type), 9);
	fd = connected(&p);
	give(&p, 77, 0, NULL, 0);
	expect(VIRTIO_VSOCK_OP_RST);
	close(fd);
	fd = connected(&p);
	give(&p, VIRTIO_VSOCK_OP_REQUEST, 0, NULL, 0);
	expect(VIRTIO_VSOCK_OP_RST);
	close(fd);
}

static void reset_ends_connections(void **state)
{
	char line[32];
	struct ports p;
	int fd = connected(&p);

	snprintf(line, sizeof(line), "OK %u\n", p.host);
	hears(fd, line);
	virtio_set_status(dev, 0);
	hears_end(fd);
	close(fd);
	start_driver();
	close(connected(&p));
}

static void pause_keeps_connections(void **state)
{
	struct ports p;
	int fd = connected(&p);

	devices_quiesce(&test_vm.vm.devices);
	say(fd, "while paused");
	devices_resume(&test_vm.vm.devices);
	expect(VIRTIO_VSOCK_OP_RW);
	assert_memory_equal(data, "while paused", 12);
	close(fd);
}

static void live_socket_is_not_taken(void **state)
{
	struct record record = { CID, path };
	void *opened = NULL;

	assert_int_equal(virtio_vsock_kind.open(&test_vm.vm, &record, 0, &opened), -EADDRINUSE);
	assert_null(opened);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(client_reaches_the_guest),	 CASE(refused_client_hears_the_end),
		CASE(guest_reaches_the_host),	 CASE(messages_keep_their_bounds),
		CASE(credit_bounds_both_ways),	 CASE(guest_that_ignores_credit_is_reset),
		CASE(wrong_packets_are_refused), CASE(reset_ends_connections),
		CASE(pause_keeps_connections),	 CASE(live_socket_is_not_taken),
	};

	return cmocka_run_group_tests(tests, begin, finish);
}
