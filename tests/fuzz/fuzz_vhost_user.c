// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A back end of vhost-user made from the fuzzer's bytes: its answers are right, wrong in one place, or anything, with and
 * without descriptors; it has news, signals and ends when it likes. A driver meanwhile begins, pauses and resets. Nothing
 * may wait, and every descriptor that came has gone again.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "../../virtio/vhost-user-private.h"
#include "fuzz.h"
#include "lkvm/util/eventfd.h"
#include "lkvm/vm/vm.h"
#include "quiet.h"
#include "virtio_driver.h"

#define RAM	    KIB(64)
#define QUEUES	    2
#define CONFIG_SIZE 60

static struct vm vm;
static struct virtio_device dev;
static struct vhost_user *seat;
static struct test_transport transport;
static struct ring rings[QUEUES];
static u8 *ram;
static struct fuzz input;
static int peer;	 /* the back end's end of the connection */
static int channel = -1; /* and of the one for what it asks; -1: none */

/* ---- the back end ---- */

static void answer_bytes(int to, const void *bytes, size_t size, unsigned fds)
{
	char control[CMSG_SPACE(sizeof(int) * 16)] = { 0 };
	struct iovec iov = { (void *)bytes, size };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *head;

	if (fds) {
		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * fds);
		head = CMSG_FIRSTHDR(&message);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int) * fds);
		for (unsigned i = 0; i < fds; i++)
			memcpy(CMSG_DATA(head) + i * sizeof(int), &vm.memory.fd, sizeof(int));
	}
	syscall(SYS_sendmsg, to, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void right_answer(struct vhost_user_header *header, union vhost_user_payload *payload,
			 unsigned *fds)
{
	u32 size = 8;

	switch (header->request) {
	case VHOST_USER_GET_FEATURES:
		payload->number = BIT(VIRTIO_F_VERSION_1) | BIT(VHOST_USER_F_PROTOCOL_FEATURES) | 1;
		break;
	case VHOST_USER_GET_PROTOCOL_FEATURES:
		payload->number = ~0ULL;
		break;
	case VHOST_USER_GET_QUEUE_NUM:
	case VHOST_USER_GET_MAX_MEM_SLOTS:
		payload->number = 8;
		break;
	case VHOST_USER_GET_CONFIG:
		size = header->size;
		break;
	case VHOST_USER_GET_VRING_BASE:
		payload->state.num = fuzz16(&input);
		break;
	case VHOST_USER_GET_INFLIGHT_FD:
		payload->inflight.mmap_size = 4096;
		size = sizeof(payload->inflight);
		*fds = 1;
		break;
	default:
		payload->number = 0;
	}
	header->size = size;
	header->flags = VHOST_USER_VERSION | VHOST_USER_REPLY;
}

static bool has_answer(const struct vhost_user_header *header)
{
	switch (header->request) {
	case VHOST_USER_GET_FEATURES:
	case VHOST_USER_GET_PROTOCOL_FEATURES:
	case VHOST_USER_GET_QUEUE_NUM:
	case VHOST_USER_GET_MAX_MEM_SLOTS:
	case VHOST_USER_GET_CONFIG:
	case VHOST_USER_GET_VRING_BASE:
	case VHOST_USER_GET_INFLIGHT_FD:
		return true;
	default:
		return header->flags & VHOST_USER_NEED_REPLY;
	}
}

static void answer(struct vhost_user_header header, union vhost_user_payload *payload)
{
	u8 bytes[sizeof(header) + sizeof(*payload)], what = fuzz8(&input);
	unsigned fds = 0;
	u32 size;

	right_answer(&header, payload, &fds);
	size = header.size;
	if (what & 1)
		((u8 *)payload)[fuzz8(&input) % sizeof(*payload)] ^= fuzz8(&input);
	if (what & 2 && what & 4)
		((u8 *)&header)[fuzz8(&input) % sizeof(header)] ^= fuzz8(&input);
	if (what & 8 && what & 16)
		fds = fuzz8(&input) % 17;
	if (what & 32 && what & 64)
		size = fuzz16(&input) % sizeof(*payload);
	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), payload, sizeof(*payload));
	/* An answer that would never come is cut off: nobody waits here. */
	answer_bytes(peer, bytes, sizeof(header) + size, fds);
	if (size < header.size || what == 0x80)
		shutdown(peer, SHUT_WR);
}

/* In the place of libc's: what the front end sends comes here. */
ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	union vhost_user_payload payload = { 0 };
	struct vhost_user_header header = { 0 };
	u32 size;

	iov_read(message->msg_iov, message->msg_iovlen, 0, &header, sizeof(header));
	size = iov_read(message->msg_iov, message->msg_iovlen, sizeof(header), &payload,
			sizeof(payload));
	if (size != header.size)
		abort();
	if (header.request == VHOST_USER_SET_BACKEND_REQ_FD)
		channel = dup(*(const int *)CMSG_DATA(CMSG_FIRSTHDR((struct msghdr *)message)));
	if (has_answer(&header))
		answer(header, &payload);
	return sizeof(header) + size;
}

/* ---- the device ---- */

static int fuzz_activate(struct virtio_device *device)
{
	return vhost_user_activate(seat);
}

static void fuzz_reset(struct virtio_device *device)
{
	vhost_user_reset(seat);
}

static void fuzz_config_read(struct virtio_device *device, u32 offset, u8 *data, u32 len)
{
	memcpy(data, vhost_user_config(seat) + offset, len);
}

static void fuzz_config_write(struct virtio_device *device, u32 offset, const u8 *data, u32 len)
{
	vhost_user_config_write(seat, offset, data, len);
}

static void fuzz_destroy(struct virtio_device *device)
{
	vhost_user_close(seat);
	virtio_exit(device);
}

static const struct virtio_device_ops fuzz_ops = {
	.name = "fuzz",
	.type = 63,
	.config_size = CONFIG_SIZE,
	.queue_size = 64,
	.config_read = fuzz_config_read,
	.config_write = fuzz_config_write,
	.activate = fuzz_activate,
	.reset = fuzz_reset,
	.destroy = fuzz_destroy,
};

static void set_up(void)
{
	guest_memory_init(&vm.memory);
	/* What it opens stays. */
	eventfd_poke(eventfd(0, EFD_CLOEXEC));
	vm.memory.fd = memfd_create("ram", MFD_CLOEXEC);
	if (ftruncate(vm.memory.fd, RAM))
		abort();
	ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_SHARED, vm.memory.fd, 0);
	if (guest_memory_add_buffer(&vm.memory, RING_BASE, ram, RAM))
		abort();
	vm.memory.regions[0].shared = true;
	for (unsigned i = 0; i < QUEUES; i++)
		ring_init_at(&rings[i], ram, RING_BASE, RAM, 16, RING_BASE + i * 0x4000,
			     RING_BASE + (i + 1) * 0x4000);
}

static unsigned count_fds(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(folder))
		n++;
	closedir(folder);
	return n;
}

static bool open_device(u8 choices)
{
	int ends[2];
	struct vhost_user_want want = {
		.words = "--fuzz",
		.name = "fuzz",
		.queues = QUEUES,
		.features = 1,
		.config_size = CONFIG_SIZE,
		.config_needed = true,
		.resumes = choices & 1,
		.patience = 1000000,
	};

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		abort();
	peer = ends[1];
	want.fd = ends[0];
	if (vhost_user_open(&seat, &want)) {
		close(peer);
		return false;
	}
	memset(&dev, 0, sizeof(dev));
	if (virtio_init(&dev, &fuzz_ops, &vm, NULL, vhost_user_features(seat), QUEUES) ||
	    vhost_user_serve(seat, &dev, 0))
		abort();
	test_transport_init(&transport, &dev);
	return true;
}

static void have_news(void)
{
	u8 bytes[24];
	unsigned n = fuzz8(&input) % sizeof(bytes);

	memset(bytes, 0, sizeof(bytes));
	bytes[0] = VHOST_USER_BACKEND_CONFIG_CHANGE;
	bytes[4] = VHOST_USER_VERSION;
	if (fuzz8(&input) & 1)
		fuzz_bytes(&input, bytes, n);
	if (channel >= 0)
		answer_bytes(channel, bytes, n, fuzz8(&input) % 3);
}

static void one_step(void)
{
	u8 data[8];

	switch (fuzz8(&input) % 9) {
	case 0:
	case 1:
		driver_start(&dev, 1, rings, QUEUES);
		break;
	case 2:
		dev.device.ops->quiesce(&dev.device);
		dev.device.ops->resume(&dev.device);
		break;
	case 3:
		driver_write_queue(&dev, fuzz8(&input) % QUEUES, REG_QUEUE_RESET, 1);
		break;
	case 4:
		virtio_config_read(&dev, fuzz8(&input) % CONFIG_SIZE, data, 1);
		virtio_config_write(&dev, fuzz8(&input) % CONFIG_SIZE, data, 1);
		break;
	case 5:
		rings[fuzz8(&input) % QUEUES].used->idx = fuzz16(&input);
		break;
	case 6:
		have_news();
		break;
	case 7:
		seat->config_stale = true;
		driver_notify(&dev, fuzz8(&input) % QUEUES);
		break;
	case 8:
		virtio_set_status(&dev, 0);
		break;
	}
	test_run_loop(seat->loop);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	fuzz_quiet(argc, argv);
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static unsigned fds;

	if (!ram)
		set_up();
	input = (struct fuzz){ data, size };
	fds = count_fds();
	if (open_device(fuzz8(&input))) {
		for (unsigned i = 0; i < 32 && input.left; i++)
			one_step();
		dev.device.ops->destroy(&dev.device);
		close(peer);
	}
	if (channel >= 0)
		close(channel);
	channel = -1;
	if (count_fds() != fds)
		abort();
	return 0;
}
