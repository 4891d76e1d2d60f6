// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lkvm/memory/backends.h"
#include "lkvm/host/guest-memfd.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/conversion.h"
#include "lkvm/vm/prefault.h"
#include "lkvm/vm/vcpu.h"
#include "uapi/kvm.h"

/*
 * An access that is refused again, though no page changed its kind meanwhile: KVM cannot provide the page. A
 * few times may be another vCPU's change on its way.
 */
#define MAX_REPEATS 100

/* What is converted at once: some hundredths of a second. */
#define PIECE MIB(64)

struct conversions {
	struct device device;
	struct vm *vm;
	bool prefault;		    /* constant */
	pthread_mutex_t lock;	    /* a conversion from its beginning to its end */
	_Atomic bool accesses_tell; /* from the beginning, or found out; any thread */
	_Atomic u64 changes;	    /* begun and ended ones, so odd during one; any thread */
};

static void conversion_count(struct vm *vm, enum counter counter, u64 number)
{
	counter_add(&vm->counters, counter, number);
}

static bool conversion_offered(const struct vm *vm)
{
	int attributes = ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_MEMORY_ATTRIBUTES);

	return attributes > 0 && attributes & KVM_MEMORY_ATTRIBUTE_PRIVATE &&
	       ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_GUEST_MEMFD) > 0;
}

static int add_private_half(struct vm *vm, struct guest_region *region)
{
	u64 words = (region->size / CONVERSION_PAGE + 63) / 64;
	int fd;

	/* Memory that is a guest_memfd itself has no other half. */
	if (region->guest_memfd >= 0)
		return -EINVAL;
	region->private_pages = calloc(words, sizeof(*region->private_pages));
	if (!region->private_pages)
		return -ENOMEM;
	fd = guest_memfd_create(vm->fd, region->size, 0);
	if (fd < 0)
		return fd;
	region->guest_memfd = fd;
	region->guest_memfd_offset = 0;
	return 0;
}

static int set_attributes(struct vm *vm, gpa_t gpa, u64 size, bool private)
{
	struct kvm_memory_attributes attributes = {
		.address = gpa,
		.size = size,
		.attributes = private ? KVM_MEMORY_ATTRIBUTE_PRIVATE : 0,
	};

	return ioctl(vm->fd, KVM_SET_MEMORY_ATTRIBUTES, &attributes) ? -errno : 0;
}

/* The region that has all of [gpa, gpa + size), whole pages of it and in two halves; NULL: there is none. */
static const struct guest_region *conversion_find(struct vm *vm, gpa_t gpa, u64 size, u64 *offset)
{
	const struct guest_region *region = guest_region_at(&vm->memory, gpa, offset);

	if (!size || !IS_ALIGNED(gpa | size, CONVERSION_PAGE))
		return NULL;
	if (!region || size > region->size - *offset)
		return NULL;
	return region->private_pages && region->guest_memfd >= 0 ? region : NULL;
}

/* Whole words at once: a guest may convert all of its memory. */
static void conversion_mark(const struct guest_region *region, u64 offset, u64 len, bool private)
{
	u64 page = offset / CONVERSION_PAGE, end = (offset + len) / CONVERSION_PAGE;

	while (page < end) {
		u64 first = page % 64, nr = MIN(64 - first, end - page);
		u64 bits = (nr == 64 ? ~0ULL : BIT(nr) - 1) << first;

		if (private)
			region->private_pages[page / 64] |= bits;
		else
			region->private_pages[page / 64] &= ~bits;
		page += nr;
	}
}

static void give_back_private(const struct guest_region *region, u64 offset, u64 len)
{
	if (fallocate(region->guest_memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		      region->guest_memfd_offset + offset, len))
		log_debug("Private pages that were converted are not given back: %s",
			  strerror(errno));
}

/*
 * Devices must not reach a page from the moment on at which its shared half is none, and not before the
 * private one is gone: so bits are set before pages are given back, and cleared after.
 */
static void conversion_follow(struct vm *vm, const struct guest_region *region, u64 offset,
			      u64 size, bool private)
{
	if (private) {
		conversion_mark(region, offset, size, true);
		memory_zero(&vm->memory, region, offset, size);
	} else {
		give_back_private(region, offset, size);
		conversion_mark(region, offset, size, false);
	}
}

/* All of a large guest's memory takes seconds, for which neither the end nor a pause waits. */
static int wanted_elsewhere(struct vm *vm)
{
	if (vm_ending(vm))
		return -ECANCELED;
	return vcpus_parking(vm) ? -EINTR : 0;
}

/* The guest's own wish ends with it. KVM does all of a piece or nothing: only what it did can be followed. */
static int conversion_run(struct vm *vm, gpa_t gpa, u64 size, bool private, bool guests_wish)
{
	struct conversions *c = vm->conversions;
	u64 offset;
	const struct guest_region *region = conversion_find(vm, gpa, size, &offset);
	int err = 0;

	if (!region)
		return -EINVAL;
	pthread_mutex_lock(&c->lock);
	c->changes++;
	for (u64 done = 0, n; done < size && !err; done += n) {
		n = MIN(PIECE, size - done);
		if (guests_wish)
			err = wanted_elsewhere(vm);
		if (!err)
			err = set_attributes(vm, gpa + done, n, private);
		if (!err)
			conversion_follow(vm, region, offset + done, n, private);
	}
	c->changes++;
	pthread_mutex_unlock(&c->lock);
	return err;
}

int conversion_apply(struct vm *vm, gpa_t gpa, u64 size, bool private)
{
	return vm->conversions ? conversion_run(vm, gpa, size, private, false) : -EOPNOTSUPP;
}

static void conversion_prefault(struct vcpu *vcpu, gpa_t gpa, u64 size)
{
	u64 pages;

	if (!vcpu->vm->conversions->prefault)
		return;
	if (vcpu_prefault(vcpu, gpa, size, &pages))
		conversion_count(vcpu->vm, COUNTER_PREFAULT_FAILURES, 1);
	/* KVM may have left a reason for its failure, which must not be taken for that of the next KVM_RUN. */
	vcpu->run->exit_reason = KVM_EXIT_UNKNOWN;
	conversion_count(vcpu->vm, COUNTER_PREFAULTED_PAGES, pages);
}

int conversion_request(struct vcpu *vcpu, gpa_t gpa, u64 size, bool private)
{
	struct vm *vm = vcpu->vm;
	int err;

	if (!vm->conversions)
		return -EOPNOTSUPP;
	err = conversion_run(vm, gpa, size, private, true);
	if (err == -EINTR)
		return err;
	if (err) {
		conversion_count(vm, COUNTER_CONVERSIONS_REFUSED, 1);
		return err;
	}
	conversion_count(vm, private ? COUNTER_CONVERSIONS_PRIVATE : COUNTER_CONVERSIONS_SHARED, 1);
	conversion_count(vm, COUNTER_CONVERTED_BYTES, size);
	conversion_prefault(vcpu, gpa, size);
	return 0;
}

/* Does the access lead nowhere? Then nothing has changed since the last one, nor at the last hundred. */
static bool in_vain(struct vcpu *vcpu, gpa_t gpa)
{
	struct vcpu_fault *last = &vcpu->fault;

	if (last->gpa == gpa && last->changes == vcpu->vm->conversions->changes)
		return ++last->repeats > MAX_REPEATS;
	last->gpa = gpa;
	last->repeats = 0;
	return false;
}

static bool is_all(const struct guest_region *region, u64 offset, u64 size, bool private)
{
	u64 page = offset / CONVERSION_PAGE, end = (offset + size) / CONVERSION_PAGE;

	for (; page < end; page++)
		if (!!(region->private_pages[page / 64] & BIT(page % 64)) != private)
			return false;
	return true;
}

/*
 * KVM refused this access before, and since then no page has changed its kind: so the access itself is of the
 * other kind, whatever this type of guest is said to have.
 */
static bool is_meant(struct vcpu *vcpu)
{
	struct conversions *c = vcpu->vm->conversions;
	u64 changes = c->changes;

	if (c->accesses_tell)
		return true;
	if (!vcpu->fault.repeats || vcpu->fault.changes != changes || changes % 2)
		return false;
	c->accesses_tell = true;
	log_debug("The guest's accesses tell whether they are to private memory");
	return true;
}

int conversion_fault(struct vcpu *vcpu, gpa_t gpa, u64 size, bool private)
{
	struct vm *vm = vcpu->vm;
	struct conversions *c = vm->conversions;
	const struct guest_region *region;
	u64 offset;
	int err = 0;

	if (!c)
		return -EOPNOTSUPP;
	conversion_count(vm, COUNTER_MEMORY_FAULTS, 1);
	region = conversion_find(vm, gpa, size, &offset);
	if (!region)
		return -EFAULT;
	if (in_vain(vcpu, gpa))
		return -ELOOP;
	/* In this order: that nothing changes in between is part of what is_meant() finds out. */
	if (!is_all(region, offset, size, private) && is_meant(vcpu)) {
		err = conversion_request(vcpu, gpa, size, private);
		if (!err)
			conversion_count(vm, COUNTER_CONVERSIONS_BY_ACCESS, 1);
	}
	vcpu->fault.changes = c->changes;
	/* Wanted elsewhere: the access faults again afterwards. */
	return err == -EINTR ? 0 : err;
}

/* ---- life cycle ---- */

static void conversions_reset(struct device *device)
{
	struct conversions *c = CONTAINER_OF(device, struct conversions, device);
	struct vm *vm = c->vm;

	for (unsigned i = 0; i < vm->memory.nr_regions && c->changes; i++) {
		const struct guest_region *region = &vm->memory.regions[i];
		int err = conversion_apply(vm, region->gpa, region->size, false);

		if (!err)
			continue;
		log_fatal("KVM does not make the guest's memory shared again: %s", strerror(-err));
		vm_request(vm, VM_REQUEST_HOST_ERROR);
		return;
	}
}

static void conversions_destroy(struct device *device)
{
	struct conversions *c = CONTAINER_OF(device, struct conversions, device);

	c->vm->conversions = NULL;
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static const struct device_ops conversions_ops = {
	.reset = conversions_reset,
	.destroy = conversions_destroy,
};

int conversions_create(struct vm *vm, const struct conversion_options *options)
{
	struct conversions *c;
	int err = 0;

	if (!conversion_offered(vm)) {
		log_fatal("This host's KVM has no private memory for guests of this type");
		return -EOPNOTSUPP;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	c->accesses_tell = options->accesses_tell;
	c->prefault = options->prefault &&
		      ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_PRE_FAULT_MEMORY) > 0;
	c->vm = vm;
	vm->conversions = c;
	vm->private_memory = true;
	device_init(&c->device, &conversions_ops, "conversions");
	device_add(&vm->devices, &c->device);
	for (unsigned i = 0; i < vm->memory.nr_regions && !err; i++)
		err = add_private_half(vm, &vm->memory.regions[i]);
	if (err)
		log_fatal("KVM gives the guest no private memory: %s", strerror(-err));
	else
		log_debug("Page conversions are %spre-faulted", c->prefault ? "" : "not ");
	return err;
}
