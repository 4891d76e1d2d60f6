// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lkvm/config/size.h"
#include "lkvm/net/backend.h"
#include "lkvm/util/log.h"
#include "script.h"
#include "uapi/virtio_net.h"

/*
 * What a guest may have queued in the host's stack before transmit says EAGAIN. Without a limit a
 * fast guest fills whatever qdisc is behind the tap with its frames only.
 */
#define TAP_SNDBUF (1 << 20)

/* What a guest's end waits for its downscript. */
#define DOWN_MS 60000

#define TAP_OFFLOADS (TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN)
#define TAP_USO	     (TUN_F_USO4 | TUN_F_USO6)

#define TAP_FEATURES                                                                               \
	(BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_HOST_TSO6) |      \
	 BIT(VIRTIO_NET_F_HOST_ECN) | BIT(VIRTIO_NET_F_GUEST_CSUM) |                               \
	 BIT(VIRTIO_NET_F_GUEST_TSO4) | BIT(VIRTIO_NET_F_GUEST_TSO6) |                             \
	 BIT(VIRTIO_NET_F_GUEST_ECN))
#define TAP_USO_FEATURES                                                                           \
	(BIT(VIRTIO_NET_F_HOST_USO) | BIT(VIRTIO_NET_F_GUEST_USO4) | BIT(VIRTIO_NET_F_GUEST_USO6))

struct tap_queue {
	struct tap *tap;
	unsigned index;
	/* The pair's loop, or before it runs. */
	struct loop *loop;
	struct loop_fd handler;
	u32 events; /* watched; 0: not on the loop */
	bool gone;  /* the interface was deleted under us */
};

struct tap {
	struct net_backend backend;
	const struct net_config *config; /* constant, as is: */
	char name[IFNAMSIZ];
	int control;		/* a socket for calls that take the name */
	const char *downscript; /* set once the interface is up and ours */
	unsigned nr_queues;
	_Atomic bool said_gone; /* any loop */
	/* set_pairs: one caller at a time. */
	unsigned attached;
	struct tap_queue queues[NET_MAX_PAIRS];
};

static struct tap *to_tap(struct net_backend *backend)
{
	return CONTAINER_OF(backend, struct tap, backend);
}

/* ---- what an administrator would do to the interface; `control` is any socket ---- */

static int interface_ioctl(int control, const char *name, unsigned long command,
			   struct ifreq *request)
{
	snprintf(request->ifr_name, sizeof(request->ifr_name), "%s", name);
	return ioctl(control, command, request) < 0 ? -errno : 0;
}

static int set_inet(int control, const char *name, unsigned long command, struct in_addr value)
{
	struct ifreq request = {};
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = value };

	memcpy(&request.ifr_addr, &address, sizeof(address));
	return interface_ioctl(control, name, command, &request);
}

/* Gives it "A.B.C.D" or "A.B.C.D/LEN" (24 when LEN is left out). */
static int tap_set_address(int control, const char *name, const char *text)
{
	struct in_addr address, mask;
	unsigned bits;
	int err;

	if (parse_ipv4(text, &address, &bits)) {
		log_error("--network host_ip=%s: not an IPv4 address; use A.B.C.D or A.B.C.D/BITS",
			  text);
		return -EINVAL;
	}
	mask.s_addr = bits ? htonl(~0u << (32 - bits)) : 0;
	err = set_inet(control, name, SIOCSIFADDR, address);
	if (!err)
		err = set_inet(control, name, SIOCSIFNETMASK, mask);
	if (err == -EPERM)
		log_error("--network host_ip=%s: giving %s an address needs CAP_NET_ADMIN; set it "
			  "beforehand with: ip address add %s%s dev %s",
			  text, name, text, strchr(text, '/') ? "" : "/24", name);
	else if (err)
		log_error("--network host_ip=%s: cannot be given to %s: %s", text, name,
			  strerror(-err));
	return err;
}

/* Not being allowed to is a warning: somebody else may do it later. */
static void tap_bring_up(int control, const char *name)
{
	struct ifreq request = {};
	int err = interface_ioctl(control, name, SIOCGIFFLAGS, &request);

	if (!err && !(request.ifr_flags & IFF_UP)) {
		request.ifr_flags |= IFF_UP;
		err = interface_ioctl(control, name, SIOCSIFFLAGS, &request);
	}
	if (err)
		log_warning("network interface %s stays down (%s): nothing passes until somebody "
			    "runs: ip link set %s up",
			    name, strerror(-err), name);
}

static u16 tap_mtu(int control, const char *name)
{
	struct ifreq request = {};

	if (interface_ioctl(control, name, SIOCGIFMTU, &request) || request.ifr_mtu < 68 ||
	    request.ifr_mtu > 65535)
		return NET_DEFAULT_MTU;
	return request.ifr_mtu;
}

/* "tap" and "tun" told apart; NULL: it does not say. */
static const char *tap_driver_of(int control, const char *name, char *buffer, size_t len)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq request = { .ifr_data = (void *)&info };

	if (interface_ioctl(control, name, SIOCETHTOOL, &request))
		return NULL;
	/* Both are driver "tun"; the bus says which of the two it is. */
	if (!strcmp(info.driver, "tun"))
		snprintf(buffer, len, "%s", info.bus_info);
	else
		snprintf(buffer, len, "%s", info.driver);
	return buffer;
}

/* ---- frames ---- */

static void watch_events(struct tap_queue *queue, u32 events)
{
	if (queue->gone)
		events = 0;
	if (events == queue->events)
		return;
	if (!events)
		loop_fd_del(&queue->handler);
	else if (!queue->events)
		loop_fd_add(queue->loop, &queue->handler, events);
	else
		loop_fd_mod(&queue->handler, events);
	queue->events = events;
}

/*
 * Somebody deleted the interface. The descriptor stays readable with an error for ever, so it must
 * leave the loop, or the thread would spin on it.
 */
static int queue_gone(struct tap_queue *queue)
{
	queue->gone = true;
	watch_events(queue, 0);
	if (!atomic_exchange(&queue->tap->said_gone, true)) {
		log_warning("network interface %s was deleted: the guest is cut off",
			    queue->tap->name);
		queue->tap->backend.link_changed(queue->tap->backend.opaque, false);
	}
	return -ENODEV;
}

static int tap_transmit(struct net_backend *backend, unsigned pair, const struct iovec *iov,
			unsigned nr, size_t len)
{
	struct tap_queue *queue = &to_tap(backend)->queues[pair];

	if (queue->gone)
		return -ENODEV;
	while (writev(queue->handler.fd, iov, nr) < 0) {
		if (errno == EINTR)
			continue;
		if (errno == EBADFD)
			return queue_gone(queue);
		return -errno;
	}
	return 0;
}

static ssize_t tap_receive(struct net_backend *backend, unsigned pair, const struct iovec *iov,
			   unsigned nr)
{
	struct tap_queue *queue = &to_tap(backend)->queues[pair];

	if (queue->gone)
		return -ENODEV;
	for (;;) {
		ssize_t n = readv(queue->handler.fd, iov, nr);

		if (n >= 0)
			return n;
		if (errno == EBADFD)
			return queue_gone(queue);
		if (errno != EINTR)
			return errno == EAGAIN ? 0 : -errno;
	}
}

static void tap_watch(struct net_backend *backend, unsigned pair, bool incoming, bool writable)
{
	watch_events(&to_tap(backend)->queues[pair],
		     (incoming ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0));
}

static void tap_ready(struct loop_fd *handler, u32 events)
{
	struct tap_queue *queue = CONTAINER_OF(handler, struct tap_queue, handler);
	struct net_backend *backend = &queue->tap->backend;

	if (events & (EPOLLERR | EPOLLHUP)) {
		queue_gone(queue);
		return;
	}
	if (events & EPOLLOUT)
		backend->writable(backend->opaque, queue->index);
	if (events & EPOLLIN)
		backend->incoming(backend->opaque, queue->index);
}

/* ---- control ---- */

static int tap_set_offload(struct net_backend *backend, u64 guest_features)
{
	struct tap *tap = to_tap(backend);
	unsigned long offload = 0;

	/* The kernel knows no segmentation without checksums, and USO only for both protocols. */
	if (guest_features & BIT(VIRTIO_NET_F_GUEST_CSUM)) {
		offload |= TUN_F_CSUM;
		if (guest_features & BIT(VIRTIO_NET_F_GUEST_TSO4))
			offload |= TUN_F_TSO4;
		if (guest_features & BIT(VIRTIO_NET_F_GUEST_TSO6))
			offload |= TUN_F_TSO6;
		if ((offload & (TUN_F_TSO4 | TUN_F_TSO6)) &&
		    (guest_features & BIT(VIRTIO_NET_F_GUEST_ECN)))
			offload |= TUN_F_TSO_ECN;
		if ((guest_features & BIT(VIRTIO_NET_F_GUEST_USO4)) &&
		    (guest_features & BIT(VIRTIO_NET_F_GUEST_USO6)))
			offload |= TAP_USO;
	}
	if (ioctl(tap->queues[0].handler.fd, TUNSETOFFLOAD, offload) < 0)
		return errno == EBADFD ? 0 : -errno;
	return 0;
}

static int set_attached(struct tap_queue *queue, bool attach)
{
	struct ifreq request = { .ifr_flags = attach ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE };

	return ioctl(queue->handler.fd, TUNSETQUEUE, &request) < 0 ? -errno : 0;
}

static int tap_set_pairs(struct net_backend *backend, unsigned pairs)
{
	struct tap *tap = to_tap(backend);

	while (tap->attached != pairs) {
		bool attach = tap->attached < pairs;
		int err = set_attached(&tap->queues[tap->attached - !attach], attach);

		if (err)
			return err;
		tap->attached += attach ? 1 : -1;
	}
	return 0;
}

/*
 * An interface that nobody named or sets up would be of no use without an address; this is the one that
 * scripts for this command line know.
 */
static const char *host_ip_of(const struct net_config *config)
{
	if (config->host_ip || config->tapif || config->fd >= 0 || net_script(config->script))
		return config->host_ip;
	return "192.168.33.1";
}

static int tap_up(struct net_backend *backend)
{
	struct tap *tap = to_tap(backend);
	const char *script = net_script(tap->config->script), *ip = host_ip_of(tap->config);
	int err = ip ? tap_set_address(tap->control, tap->name, ip) : 0;

	if (!err && script)
		err = net_run_script("script", script, tap->name, -1);
	if (err)
		return err;
	tap_bring_up(tap->control, tap->name);
	backend->mtu = tap_mtu(tap->control, tap->name);
	tap->downscript = net_script(tap->config->downscript);
	log_debug("network interface %s: %u queue pair(s), mtu %u, features %#llx", tap->name,
		  backend->pairs, backend->mtu, (unsigned long long)backend->features);
	return 0;
}

static int tap_start(struct net_backend *backend, struct loop *const *loops)
{
	struct tap *tap = to_tap(backend);

	for (unsigned i = 0; i < tap->nr_queues; i++)
		tap->queues[i].loop = loops[i];
	return 0;
}

static void tap_stop(struct net_backend *backend)
{
	struct tap *tap = to_tap(backend);

	for (unsigned i = 0; i < tap->nr_queues; i++)
		watch_events(&tap->queues[i], 0);
}

static void tap_destroy(struct net_backend *backend)
{
	struct tap *tap = to_tap(backend);

	if (tap->downscript)
		net_run_script("downscript", tap->downscript, tap->name, DOWN_MS);
	for (unsigned i = 0; i < tap->nr_queues; i++)
		if (tap->queues[i].handler.fd >= 0)
			close(tap->queues[i].handler.fd);
	if (tap->control >= 0)
		close(tap->control);
	free(tap);
}

static const struct net_backend_ops tap_ops = {
	.name = "tap",
	.up = tap_up,
	.transmit = tap_transmit,
	.receive = tap_receive,
	.watch = tap_watch,
	.set_offload = tap_set_offload,
	.set_pairs = tap_set_pairs,
	.start = tap_start,
	.stop = tap_stop,
	.destroy = tap_destroy,
};

/* ---- making one ---- */

static int open_tun(void)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	fd = -errno;
	if (fd == -ENOENT || fd == -ENODEV || fd == -ENXIO)
		log_error("--network mode=tap: no /dev/net/tun on this host; load the kernel's tun "
			  "module (modprobe tun), or use mode=user");
	else if (fd == -EACCES || fd == -EPERM)
		log_error("--network mode=tap: no permission on /dev/net/tun; use mode=user, or "
			  "have it opened for you (fd=N)");
	else
		log_error("--network mode=tap: /dev/net/tun: %s", strerror(-fd));
	return fd;
}

static void say_refused(int control, const char *name, bool existed, unsigned pairs, int err)
{
	const char *driver = NULL;
	char buffer[32];

	if (existed)
		driver = tap_driver_of(control, name, buffer, sizeof(buffer));
	if (existed && err == -EINVAL && (!driver || strcmp(driver, "tap")))
		log_error("--network tapif=%s: that interface is not a tap device%s%s", name,
			  driver ? ", its driver is " : "", driver ?: "");
	else if (err == -EBUSY)
		log_error("--network tapif=%s: in use by another program", name);
	else if (err == -EPERM && existed)
		log_error(
			"--network tapif=%s: no permission to use it: it belongs to another user; "
			"make it with: ip tuntap add dev %s mode tap user YOU",
			name, name);
	else if (err == -EPERM)
		log_error("--network mode=tap: making an interface needs CAP_NET_ADMIN; have one "
			  "made with: ip tuntap add dev NAME mode tap user YOU, then use "
			  "tapif=NAME, or use mode=user");
	else if (err == -EINVAL && existed && pairs > 1)
		log_error(
			"--network tapif=%s: it has one queue, %u were asked for; make it with: ip "
			"tuntap add dev %s mode tap multi_queue",
			name, pairs, name);
	else if (err == -EINVAL)
		log_error("--network tapif=%s: the kernel does not take this interface name", name);
	else
		log_error("--network tapif=%s: %s", name, strerror(-err));
}

static int attach_interface(int fd, struct ifreq *request, bool multi_queue)
{
	request->ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	if (multi_queue)
		request->ifr_flags |= IFF_MULTI_QUEUE;
	return ioctl(fd, TUNSETIFF, request) < 0 ? -errno : 0;
}

/* Opens or makes the interface, all its queues. Its name is in tap->name then. */
static int open_interface(struct tap *tap, const char *wished, unsigned pairs)
{
	bool multi_queue = pairs > 1, existed = wished && if_nametoindex(wished);
	struct ifreq request = {};
	int err;

	if (wished && (!*wished || strlen(wished) >= IFNAMSIZ)) {
		log_error("--network tapif=%s: an interface name has 1 to %d characters", wished,
			  IFNAMSIZ - 1);
		return -EINVAL;
	}
	memcpy(tap->name, wished ?: "tap%d", strlen(wished ?: "tap%d") + 1);
	for (unsigned i = 0; i < pairs; i++) {
		struct tap_queue *queue = &tap->queues[i];

		queue->handler.fd = open_tun();
		if (queue->handler.fd < 0)
			return queue->handler.fd;
		tap->nr_queues = i + 1;
		memcpy(request.ifr_name, tap->name, IFNAMSIZ);
		err = attach_interface(queue->handler.fd, &request, multi_queue);
		/* A persistent tap made with multi_queue serves a guest with one queue as well. */
		if (err == -EINVAL && existed && !multi_queue)
			err = attach_interface(queue->handler.fd, &request, true);
		if (err) {
			say_refused(tap->control, tap->name, existed, pairs, err);
			return err;
		}
		memcpy(tap->name, request.ifr_name, IFNAMSIZ - 1);
	}
	return 0;
}

/* A descriptor opened for us by the process that started lkvm. */
static int tap_adopt(struct tap *tap, int fd, unsigned pairs)
{
	struct ifreq request = {};
	int flags, err;

	if (pairs > 1) {
		log_error("--network fd=%d: one descriptor is one queue pair, %u were asked for",
			  fd, pairs);
		return -EINVAL;
	}
	if (ioctl(fd, TUNGETIFF, &request) < 0) {
		err = errno == EBADF ? -EBADF : -EINVAL;
		log_error("--network fd=%d: %s", fd,
			  err == -EBADF ? "no such open file" : "not an open tap device");
		return err;
	}
	flags = request.ifr_flags;
	if (!(flags & IFF_TAP) || !(flags & IFF_NO_PI) || !(flags & IFF_VNET_HDR)) {
		log_error("--network fd=%d: it must be opened with IFF_TAP, IFF_NO_PI and "
			  "IFF_VNET_HDR",
			  fd);
		return -EINVAL;
	}
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
		err = -errno;
		log_error("--network fd=%d: %s", fd, strerror(-err));
		return err;
	}
	tap->queues[0].handler.fd = fd;
	tap->nr_queues = 1;
	memcpy(tap->name, request.ifr_name, IFNAMSIZ - 1);
	return 0;
}

static int set_up_queues(struct tap *tap)
{
	int header = NET_HDR_LEN, sndbuf = TAP_SNDBUF, err;

	_Static_assert(sizeof(struct virtio_net_hdr_v1) == NET_HDR_LEN, "virtio 1.3, 5.1.6");
	for (unsigned i = 0; i < tap->nr_queues; i++) {
		struct tap_queue *queue = &tap->queues[i];

		queue->tap = tap;
		queue->index = i;
		queue->handler.ready = tap_ready;
		if (ioctl(queue->handler.fd, TUNSETVNETHDRSZ, &header) < 0) {
			err = -errno;
			log_error("--network tapif=%s: no %d-byte frame headers: %s", tap->name,
				  NET_HDR_LEN, strerror(-err));
			return err;
		}
		/* Only macvtap may refuse; its default will do. */
		ioctl(queue->handler.fd, TUNSETSNDBUF, &sndbuf);
	}
	tap->attached = tap->nr_queues;
	return tap_set_pairs(&tap->backend, 1);
}

static void probe_features(struct tap *tap)
{
	int fd = tap->queues[0].handler.fd;

	if (ioctl(fd, TUNSETOFFLOAD, TAP_OFFLOADS) == 0) {
		tap->backend.features |= TAP_FEATURES;
		if (ioctl(fd, TUNSETOFFLOAD, TAP_OFFLOADS | TAP_USO) == 0)
			tap->backend.features |= TAP_USO_FEATURES;
	}
	/* Until a driver says what it can take. */
	ioctl(fd, TUNSETOFFLOAD, 0);
}

static int tap_open(struct tap *tap)
{
	const struct net_config *config = tap->config;
	int err;

	tap->control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (tap->control < 0) {
		err = -errno;
		log_error("--network mode=tap: %s", strerror(-err));
		return err;
	}
	if (config->fd >= 0)
		err = tap_adopt(tap, config->fd, tap->backend.pairs);
	else
		err = open_interface(tap, config->tapif, tap->backend.pairs);
	if (!err)
		err = set_up_queues(tap);
	if (!err)
		probe_features(tap);
	return err;
}

struct net_backend *net_tap_create(const struct net_config *config)
{
	struct tap *tap;

	if (net_check_script("script", net_script(config->script)) ||
	    net_check_script("downscript", net_script(config->downscript)))
		return NULL;
	tap = calloc(1, sizeof(*tap));
	if (!tap) {
		log_error("--network mode=tap: out of memory");
		return NULL;
	}
	tap->config = config;
	tap->backend.ops = &tap_ops;
	tap->backend.pairs = config->queue_pairs ?: 1;
	if (!tap_open(tap))
		return &tap->backend;
	tap_destroy(&tap->backend);
	return NULL;
}
