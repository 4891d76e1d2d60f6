// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lkvm/memory/backends.h"
#include "lkvm/memory/guard.h"
#include "lkvm/vm/vcpu.h"
#include "lkvm/vm/vm.h"
#include "memory-watch.h"

#define PERIOD_NS 1000000000ULL

/*
 * In a second, LOOKS times in a row, and not one answered: that is a vCPU which wants one page again and again. Many
 * faults of a healthy one are answered by another try too (shadow paging, a nested guest's, races for
 * a page), but among them are always some that bring a page.
 */
#define UNANSWERED 10
#define LOOKS	   3

/* A vCPU's faults in guest memory, by what became of them; Documentation/virt/kvm/api.rst, 4.133, tells how to read. */
static const char *const counters[] = { "pf_taken", "pf_fixed", "pf_emulate", "pf_spurious" };

struct vcpu_faults {
	int fd; /* KVM_GET_STATS_FD; -1: this KVM does not count them */
	off_t at[ARRAY_SIZE(counters)];
	u64 taken, answered; /* when we looked last */
	unsigned looks;	     /* in a row that found it stuck */
};

struct memory_watch {
	struct device device;
	struct vm *vm;
	struct loop_timer timer;
	unsigned nr;
	struct vcpu_faults faults[];
};

static int find_counters(struct vcpu_faults *faults, const struct kvm_stats_header *header)
{
	size_t size = sizeof(struct kvm_stats_desc) + header->name_size;
	struct kvm_stats_desc *desc = calloc(1, size + 1);
	unsigned found = 0;

	for (u32 i = 0; desc && i < header->num_desc; i++) {
		if (pread(faults->fd, desc, size, header->desc_offset + i * size) != (ssize_t)size)
			break;
		for (unsigned n = 0; n < ARRAY_SIZE(counters); n++) {
			if (strcmp(desc->name, counters[n]))
				continue;
			faults->at[n] = (off_t)header->data_offset + desc->offset;
			found++;
		}
	}
	free(desc);
	return found == ARRAY_SIZE(counters) ? 0 : -ENOENT;
}

/* True: in the time since the last look it had no page, and tried often. */
static bool memory_watch_look(struct vcpu_faults *faults)
{
	u64 n[ARRAY_SIZE(counters)], answered, tries;
	bool none;

	for (unsigned i = 0; i < ARRAY_SIZE(counters); i++)
		if (pread(faults->fd, &n[i], sizeof(n[i]), faults->at[i]) != sizeof(n[i]))
			return false;
	answered = n[1] + n[2] + n[3];
	none = answered == faults->answered;
	tries = n[0] - faults->taken;
	faults->taken = n[0];
	faults->answered = answered;
	return none && tries >= UNANSWERED;
}

static void open_counters(struct vcpu_faults *faults, struct vcpu *vcpu)
{
	struct kvm_stats_header header;

	faults->fd = ioctl(vcpu->fd, KVM_GET_STATS_FD, NULL);
	if (faults->fd < 0)
		return;
	fcntl(faults->fd, F_SETFD, FD_CLOEXEC);
	if (pread(faults->fd, &header, sizeof(header), 0) == sizeof(header) &&
	    !find_counters(faults, &header)) {
		memory_watch_look(faults);
		return;
	}
	close(faults->fd);
	faults->fd = -1;
}

static bool is_stuck(struct vcpu_faults *faults)
{
	if (faults->fd < 0)
		return false;
	faults->looks = memory_watch_look(faults) ? faults->looks + 1 : 0;
	return faults->looks >= LOOKS;
}

static void on_watch(struct loop_timer *timer)
{
	struct memory_watch *watch = CONTAINER_OF(timer, struct memory_watch, timer);
	bool stuck = false;

	for (unsigned i = 0; i < watch->nr; i++)
		stuck |= is_stuck(&watch->faults[i]);
	if (!stuck || !memory_guard_search())
		loop_timer_set(watch->vm->loop, timer, PERIOD_NS);
}

static struct memory_watch *to_watch(struct device *device)
{
	return CONTAINER_OF(device, struct memory_watch, device);
}

static int memory_watch_start(struct device *device)
{
	struct memory_watch *watch = to_watch(device);

	loop_timer_set(watch->vm->loop, &watch->timer, PERIOD_NS);
	return 0;
}

static void memory_watch_stop(struct device *device)
{
	loop_timer_cancel(&to_watch(device)->timer);
}

static void memory_watch_destroy(struct device *device)
{
	struct memory_watch *watch = to_watch(device);

	for (unsigned i = 0; i < watch->nr; i++)
		if (watch->faults[i].fd >= 0)
			close(watch->faults[i].fd);
	free(watch);
}

static const struct device_ops memory_watch_ops = {
	.start = memory_watch_start,
	.stop = memory_watch_stop,
	.destroy = memory_watch_destroy,
};

int memory_watch_create(struct vm *vm)
{
	struct memory_watch *watch;
	struct vcpu *vcpu;
	unsigned i;

	/* A guest_memfd is cut off by nobody, and KVM waits for none of its pages. */
	if (vm->memory.fd < 0 || vm->memory.backend->guest_memfd)
		return 0;
	watch = calloc(1, sizeof(*watch) + vm->nr_vcpus * sizeof(watch->faults[0]));
	if (!watch)
		return -ENOMEM;
	watch->vm = vm;
	watch->nr = vm->nr_vcpus;
	watch->timer.expired = on_watch;
	vcpu_for_each (vcpu, vm, i)
		open_counters(&watch->faults[i], vcpu);
	device_init(&watch->device, &memory_watch_ops, "memory-watch");
	device_add(&vm->devices, &watch->device);
	return 0;
}
