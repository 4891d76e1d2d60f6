/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tap back end on real interfaces, in a network namespace of the test's own. A packet socket plays
 * the host behind the interface. Skipped without the right to make one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lkvm/net/backend.h"
#include "lkvm/util/log.h"
#include "lkvm/util/helper.h"

static char directory[] = "/tmp/test_net_tap.XXXXXX";
static bool usable;

static int setup_all(void **state)
{
	int fd = unshare(CLONE_NEWNET) ? -1 : open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	struct ifreq request = { .ifr_name = "probe", .ifr_flags = IFF_TAP | IFF_NO_PI };

	usable = fd >= 0 && ioctl(fd, TUNSETIFF, &request) == 0;
	if (fd >= 0)
		close(fd);
	return mkdtemp(directory) ? 0 : -1;
}

static int teardown_all(void **state)
{
	return rmdir(directory);
}

#define NEED_TAP()                                                                                 \
	do {                                                                                       \
		if (!usable)                                                                       \
			skip();                                                                    \
	} while (0)

static struct net_config tap_config(const char *name)
{
	return (struct net_config){ .mode = NET_MODE_TAP, .tapif = name, .fd = -1 };
}

static struct net_backend *make(const struct net_config *config)
{
	struct net_backend *backend = net_backend_create(config);

	if (!backend || !backend->ops->up(backend))
		return backend;
	backend->ops->destroy(backend);
	return NULL;
}

/* What the back end says of the link and its frames. */
static unsigned incoming_calls, writable_calls, link_downs;

static void incoming(void *opaque, unsigned pair)
{
	incoming_calls++;
	loop_stop(opaque);
}

static void writable(void *opaque, unsigned pair)
{
	writable_calls++;
	loop_stop(opaque);
}

static void link_changed(void *opaque, bool up)
{
	link_downs += !up;
	loop_stop(opaque);
}

static struct loop *start(struct net_backend *backend)
{
	struct loop *loop = loop_create("test"), *loops[NET_MAX_PAIRS];

	for (unsigned i = 0; i < NET_MAX_PAIRS; i++)
		loops[i] = loop;
	incoming_calls = writable_calls = link_downs = 0;
	backend->opaque = loop;
	backend->incoming = incoming;
	backend->writable = writable;
	backend->link_changed = link_changed;
	assert_int_equal(backend->ops->start(backend, loops), 0);
	return loop;
}

static void end(struct net_backend *backend, struct loop *loop)
{
	backend->ops->stop(backend);
	backend->ops->destroy(backend);
	loop_destroy(loop);
}

/* The host's end: every frame of the test's own protocol on the interface. */
#define TEST_PROTOCOL 0x88b5

static int host_socket(const char *name)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(TEST_PROTOCOL));
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(TEST_PROTOCOL),
		.sll_ifindex = if_nametoindex(name),
	};

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void fill_frame(u8 *frame, size_t len)
{
	memset(frame, 0xff, 6);
	memcpy(frame + 6, "\x02\x01\x02\x03\x04\x05", 6);
	frame[12] = TEST_PROTOCOL >> 8;
	frame[13] = TEST_PROTOCOL & 0xff;
	for (size_t i = 14; i < len; i++)
		frame[i] = i * 3;
}

static bool has_flag(const char *name, short flag)
{
	struct ifreq request = {};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &request), 0);
	close(fd);
	return request.ifr_flags & flag;
}

static u32 inet_value(const char *name, unsigned long command)
{
	struct ifreq request = {};
	struct sockaddr_in address;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	assert_int_equal(ioctl(fd, command, &request), 0);
	close(fd);
	memcpy(&address, &request.ifr_addr, sizeof(address));
	return ntohl(address.sin_addr.s_addr);
}

/* Frames both ways, scattered over buffers, with what the back end says of them. */
static void frames(void **state)
{
	struct net_config config = tap_config("lk0");
	struct net_backend *backend;
	struct loop *loop;
	u8 out[NET_HDR_LEN + 1514] = {}, in[NET_HDR_LEN + 1514] = {}, host[2000];
	struct iovec iov[3] = { { out, 5 }, { out + 5, 20 }, { out + 25, sizeof(out) - 25 } };
	struct pollfd poll_host;
	int fd;

	NEED_TAP();
	backend = make(&config);
	assert_non_null(backend);
	assert_true(has_flag("lk0", IFF_UP));
	assert_true(backend->features & BIT(VIRTIO_NET_F_HOST_TSO4));
	assert_int_equal(backend->mtu, 1500);
	loop = start(backend);
	fd = host_socket("lk0");
	fill_frame(out + NET_HDR_LEN, 1514);
	assert_int_equal(backend->ops->transmit(backend, 0, iov, 3, sizeof(out)), 0);
	poll_host = (struct pollfd){ fd, POLLIN, 0 };
	assert_int_equal(poll(&poll_host, 1, 2000), 1);
	assert_int_equal(recv(fd, host, sizeof(host), 0), 1514);
	assert_memory_equal(host, out + NET_HDR_LEN, 1514);

	/* Nothing is there of our protocol yet; the kernel may send some of its own. */
	backend->ops->watch(backend, 0, true, false);
	assert_int_equal(send(fd, out + NET_HDR_LEN, 700, 0), 700);
	for (;;) {
		struct iovec to[2] = { { in, 100 }, { in + 100, sizeof(in) - 100 } };
		ssize_t len = backend->ops->receive(backend, 0, to, 2);

		assert_true(len >= 0);
		if (!len) {
			loop_run(loop);
			continue;
		}
		if (in[NET_HDR_LEN + 12] != TEST_PROTOCOL >> 8)
			continue;
		assert_int_equal(len, NET_HDR_LEN + 700);
		break;
	}
	assert_memory_equal(in + NET_HDR_LEN, out + NET_HDR_LEN, 700);
	close(fd);
	end(backend, loop);
	/* It was made for us, so it goes with us. */
	assert_int_equal(if_nametoindex("lk0"), 0);
}

static void bad_headers(void **state)
{
	struct net_config config = tap_config("lk0");
	struct net_backend *backend;
	struct loop *loop;
	u8 out[NET_HDR_LEN + 200];
	struct iovec iov = { out, sizeof(out) };
	struct virtio_net_hdr_v1 *header = (void *)out;

	NEED_TAP();
	backend = make(&config);
	assert_non_null(backend);
	loop = start(backend);
	memset(out, 0xff, sizeof(out));
	fill_frame(out + NET_HDR_LEN, 200);
	assert_int_equal(backend->ops->transmit(backend, 0, &iov, 1, sizeof(out)), -EINVAL);
	memset(out, 0, NET_HDR_LEN);
	header->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	header->csum_start = 60000;
	header->csum_offset = 60000;
	assert_int_equal(backend->ops->transmit(backend, 0, &iov, 1, sizeof(out)), -EINVAL);
	memset(out, 0, NET_HDR_LEN);
	header->gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
	header->gso_size = 0;
	assert_int_equal(backend->ops->transmit(backend, 0, &iov, 1, sizeof(out)), -EINVAL);
	iov.iov_len = NET_HDR_LEN + 5;
	memset(out, 0, NET_HDR_LEN);
	assert_int_equal(backend->ops->transmit(backend, 0, &iov, 1, iov.iov_len), -EINVAL);
	end(backend, loop);
}

static void deleted_meanwhile(void **state)
{
	struct net_config config = tap_config("lk0");
	struct net_backend *backend;
	struct loop *loop;
	u8 out[NET_HDR_LEN + 64] = {};
	struct iovec iov = { out, sizeof(out) };

	NEED_TAP();
	backend = make(&config);
	assert_non_null(backend);
	loop = start(backend);
	backend->ops->watch(backend, 0, true, false);
	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(system("ip link del lk0"), 0);
	while (!link_downs)
		loop_run(loop);
	assert_int_equal(backend->ops->transmit(backend, 0, &iov, 1, sizeof(out)), -ENODEV);
	assert_true(backend->ops->receive(backend, 0, &iov, 1) < 0);
	backend->ops->watch(backend, 0, true, true);
	backend->ops->set_offload(backend, BIT(VIRTIO_NET_F_GUEST_CSUM));
	assert_int_equal(link_downs, 1);
	end(backend, loop);
}

static void addresses(void **state)
{
	struct net_config config = tap_config("lk1");
	struct net_backend *backend;

	NEED_TAP();
	config.host_ip = "192.168.33.1";
	backend = make(&config);
	assert_non_null(backend);
	assert_int_equal(inet_value("lk1", SIOCGIFADDR), 0xc0a82101);
	assert_int_equal(inet_value("lk1", SIOCGIFNETMASK), 0xffffff00);
	backend->ops->destroy(backend);
	config.host_ip = "10.1.2.3/8";
	backend = make(&config);
	assert_non_null(backend);
	assert_int_equal(inet_value("lk1", SIOCGIFADDR), 0x0a010203);
	assert_int_equal(inet_value("lk1", SIOCGIFNETMASK), 0xff000000);
	backend->ops->destroy(backend);
	for (unsigned i = 0; i < 6; i++) {
		static const char *const bad[] = { "",		"10.1.2",      "10.1.2.3/33",
						   "10.1.2.3/", "10.1.2.3/-1", "host" };

		config.host_ip = bad[i];
		assert_null(make(&config));
	}
	assert_int_equal(if_nametoindex("lk1"), 0);
}

static void names(void **state)
{
	struct net_config config = tap_config(NULL);
	struct net_backend *first, *second;

	NEED_TAP();
	first = make(&config);
	second = make(&config);
	assert_non_null(first);
	assert_non_null(second);
	assert_int_not_equal(if_nametoindex("tap0"), 0);
	assert_int_not_equal(if_nametoindex("tap1"), 0);
	assert_int_equal(inet_value("tap0", SIOCGIFADDR), 0xc0a82101);
	first->ops->destroy(first);
	second->ops->destroy(second);
	config.tapif = "a-name-of-16-cha";
	assert_null(make(&config));
	config.tapif = "a/b";
	assert_null(make(&config));
	config.tapif = "";
	assert_null(make(&config));
	/* Not a tap. */
	config.tapif = "lo";
	assert_null(make(&config));
	config.tapif = "lk2";
	first = make(&config);
	assert_non_null(first);
	/* In use. */
	assert_null(make(&config));
	first->ops->destroy(first);
}

static void persistent(void **state)
{
	struct net_config config = tap_config("lk3");
	struct net_backend *backend;

	NEED_TAP();
	assert_int_equal(system("ip tuntap add dev lk3 mode tap && ip link set lk3 mtu 9000"), 0);
	backend = make(&config);
	assert_non_null(backend);
	assert_int_equal(backend->mtu, 9000);
	backend->ops->destroy(backend);
	assert_int_not_equal(if_nametoindex("lk3"), 0);
	/* One queue only. */
	config.queue_pairs = 2;
	assert_null(make(&config));
	assert_int_equal(system("ip link del lk3; ip tuntap add dev lk3 mode tap multi_queue"), 0);
	config.queue_pairs = 0;
	backend = make(&config);
	assert_non_null(backend);
	backend->ops->destroy(backend);
	assert_int_equal(system("ip link del lk3; ip tuntap add dev lk3 mode tun"), 0);
	assert_null(make(&config));
	assert_int_equal(system("ip link del lk3"), 0);
}

static void queue_pairs(void **state)
{
	struct net_config config = tap_config("lk4");
	struct net_backend *backend;
	struct loop *loop;
	u8 out[NET_HDR_LEN + 64] = {};
	struct iovec iov = { out, sizeof(out) };

	NEED_TAP();
	/* As many as can be asked for. */
	config.queue_pairs = NET_MAX_PAIRS;
	backend = make(&config);
	assert_non_null(backend);
	assert_int_equal(backend->pairs, NET_MAX_PAIRS);
	backend->ops->destroy(backend);
	config.queue_pairs = 4;
	backend = make(&config);
	assert_non_null(backend);
	assert_int_equal(backend->pairs, 4);
	loop = start(backend);
	fill_frame(out + NET_HDR_LEN, 64);
	assert_int_equal(backend->ops->transmit(backend, 0, &iov, 1, sizeof(out)), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(backend->ops->set_pairs(backend, 4), 0);
		for (unsigned pair = 0; pair < 4; pair++)
			assert_int_equal(
				backend->ops->transmit(backend, pair, &iov, 1, sizeof(out)), 0);
		assert_int_equal(backend->ops->set_pairs(backend, 1), 0);
	}
	end(backend, loop);
}

static void offloads(void **state)
{
	struct net_config config = tap_config("lk5");
	struct net_backend *backend;
	u64 all;

	NEED_TAP();
	backend = make(&config);
	assert_non_null(backend);
	all = backend->features;
	assert_int_equal(backend->ops->set_offload(backend, all), 0);
	/* Any subset a driver may come up with, sensible or not. */
	for (unsigned bit = 0; bit < 64; bit++) {
		assert_int_equal(backend->ops->set_offload(backend, all & ~BIT(bit)), 0);
		assert_int_equal(backend->ops->set_offload(backend, all & BIT(bit)), 0);
	}
	backend->ops->destroy(backend);
}

static void write_script(char *path, size_t size, const char *name, const char *text)
{
	FILE *file;

	snprintf(path, size, "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", text);
	fclose(file);
	assert_int_equal(chmod(path, 0755), 0);
}

static void scripts(void **state)
{
	struct net_config config = tap_config("lk6");
	struct net_backend *backend;
	/* What helpers are told of them is where they are. */
	static char up[64], down[64];
	char seen[128], line[64] = "", text[256];
	FILE *file;

	NEED_TAP();
	snprintf(seen, sizeof(seen), "%s/seen", directory);
	snprintf(text, sizeof(text), "echo \"$# $1 $SECRET\" >%s; ip link set \"$1\" mtu 1400",
		 seen);
	write_script(up, sizeof(up), "up", text);
	snprintf(text, sizeof(text), "ip link show \"$1\" >/dev/null && echo down $1 >%s", seen);
	write_script(down, sizeof(down), "down", text);
	setenv("SECRET", "told", 1);
	assert_int_equal(helpers_begin(), 0);
	config.script = up;
	config.downscript = down;
	backend = make(&config);
	assert_non_null(backend);
	assert_int_equal(backend->mtu, 1400);
	file = fopen(seen, "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	assert_string_equal(line, "1 lk6 \n");
	backend->ops->destroy(backend);
	file = fopen(seen, "r");
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	assert_string_equal(line, "down lk6\n");
	unlink(seen);

	/* A script that fails is a reason not to start, and then nothing is to be undone. */
	write_script(up, sizeof(up), "up", "exit 3");
	assert_null(make(&config));
	assert_int_equal(access(seen, F_OK), -1);
	write_script(up, sizeof(up), "up", "kill -9 $$");
	assert_null(make(&config));
	unlink(up);
	assert_null(make(&config));
	config.script = "none";
	config.downscript = "no";
	backend = make(&config);
	assert_non_null(backend);
	backend->ops->destroy(backend);
	helpers_end();
	unlink(down);
	assert_int_equal(if_nametoindex("lk6"), 0);
}

static int open_tap(const char *name, short flags)
{
	struct ifreq request = { .ifr_flags = flags };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	assert_int_equal(ioctl(fd, TUNSETIFF, &request), 0);
	return fd;
}

static void descriptors(void **state)
{
	struct net_config config = tap_config(NULL);
	struct net_backend *backend;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	config.fd = null;
	assert_null(make(&config));
	assert_int_equal(fcntl(null, F_GETFD), FD_CLOEXEC); /* not ours: still open */
	close(null);
	config.fd = 999;
	assert_null(make(&config));
	NEED_TAP();
	config.fd = open_tap("lk7", IFF_TAP | IFF_NO_PI);
	assert_null(make(&config));
	close(config.fd);
	config.fd = open_tap("lk7", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
	config.queue_pairs = 2;
	assert_null(make(&config));
	config.queue_pairs = 1;
	backend = make(&config);
	assert_non_null(backend);
	assert_true(has_flag("lk7", IFF_UP));
	backend->ops->destroy(backend);
	assert_int_equal(if_nametoindex("lk7"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames),
		cmocka_unit_test(bad_headers),
		cmocka_unit_test(deleted_meanwhile),
		cmocka_unit_test(addresses),
		cmocka_unit_test(names),
		cmocka_unit_test(persistent),
		cmocka_unit_test(queue_pairs),
		cmocka_unit_test(offloads),
		cmocka_unit_test(scripts),
		cmocka_unit_test(descriptors),
	};

	return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
