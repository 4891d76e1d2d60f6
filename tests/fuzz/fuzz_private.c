// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest that makes pages private and shared at random, by hypercalls and by accesses, with any arguments; devices
 * that use memory meanwhile; a KVM that refuses now and then. Held against a model with two bytes a page: what is
 * refused changes nothing, what is done is done for KVM, for devices and for both halves' contents.
 */
#include <asm/kvm_para.h>
#include <errno.h>
#include <linux/kvm_para.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "lkvm/vm/conversion.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/vcpu.h"
#include "uapi/kvm.h"
#include "confidential/vm-type.h"

#define PAGE  4096ULL
#define PAGES 80 /* of a region: more than a word of the map */
#define SIZE  (PAGES * PAGE)

/* Two regions that touch, and one behind a hole. */
static const gpa_t regions[] = { 0x100000, 0x100000 + SIZE, 0x1000000 };

static struct vm vm;
static struct vm_config config;
static struct vcpu vcpu;
static struct kvm_run run;

struct page {
	bool private;
	u8 shared, own; /* the first byte of either half */
};
static struct page model[ARRAY_SIZE(regions)][PAGES];

/* KVM, as far as it is asked. */
static struct fuzz *input;
static int set_error;
static u64 sets; /* attempts to set attributes */
static bool kinds[ARRAY_SIZE(regions)][PAGES];

/* What lkvm may know of accesses, and the last one that KVM refused. */
static bool accesses_tell;
static struct {
	gpa_t gpa;
	u64 sets;
} last_fault;

static void check(bool right)
{
	if (!right)
		abort();
}

/* The region that has the page at gpa, and which one it is there. */
static bool find(gpa_t gpa, unsigned *region, unsigned *page)
{
	for (unsigned i = 0; i < ARRAY_SIZE(regions); i++) {
		if (gpa < regions[i] || gpa >= regions[i] + SIZE)
			continue;
		*region = i;
		*page = (gpa - regions[i]) / PAGE;
		return true;
	}
	return false;
}

static int set_attributes(const struct kvm_memory_attributes *set)
{
	unsigned region, page;

	check(!set->flags && !(set->attributes & ~KVM_MEMORY_ATTRIBUTE_PRIVATE));
	sets++;
	if (set_error) {
		errno = set_error;
		return -1;
	}
	for (u64 at = 0; at < set->size; at += PAGE) {
		check(find(set->address + at, &region, &page));
		kinds[region][page] = set->attributes;
	}
	return 0;
}

static int prefault(struct kvm_pre_fault_memory *range)
{
	static const int errors[] = { 0, EINTR, EAGAIN, EFAULT, EIO };
	u64 pages = MIN(range->size / PAGE, (u64)fuzz8(input));
	unsigned region, page = PAGES;

	check(range->size && find(range->gpa, &region, &page));
	check(page + range->size / PAGE <= PAGES);
	range->gpa += pages * PAGE;
	range->size -= pages * PAGE;
	errno = errors[fuzz8(input) % ARRAY_SIZE(errors)];
	/* In the very place where a hypercall's answer is. */
	memset(run.padding, 0xee, sizeof(struct kvm_exit_memory_fault));
	return errno ? -1 : 0;
}

static int make_memfd(const struct kvm_create_guest_memfd *create)
{
	int fd = memfd_create("private", MFD_CLOEXEC);

	check(fd >= 0 && !ftruncate(fd, create->size));
	return fd;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	switch (request) {
	case KVM_CHECK_EXTENSION:
		return (unsigned long)arg == KVM_CAP_MEMORY_ATTRIBUTES
			       ? KVM_MEMORY_ATTRIBUTE_PRIVATE
			       : 1;
	case KVM_CREATE_GUEST_MEMFD:
		return make_memfd(arg);
	case KVM_SET_MEMORY_ATTRIBUTES:
		return set_attributes(arg);
	case KVM_PRE_FAULT_MEMORY:
		return prefault(arg);
	}
	errno = ENOTTY;
	return -1;
}

/* ---- the guest ---- */

/* At a boundary, near one, or anywhere. */
static gpa_t any_gpa(struct fuzz *f)
{
	gpa_t gpa = regions[fuzz8(f) % ARRAY_SIZE(regions)] + fuzz8(f) % (PAGES + 2) * PAGE;
	u8 how = fuzz8(f);

	if (how < 16)
		gpa += (gpa_t)fuzz32(f) << (how * 4 % 33);
	return how < 32 ? gpa - PAGE : gpa;
}

static u64 any_number(struct fuzz *f)
{
	u8 how = fuzz8(f);
	u64 number = fuzz8(f) % (2 * PAGES);

	return how < 16 ? number << (4 * how) : how < 24 ? -number : number;
}

static bool is_good(gpa_t gpa, u64 pages)
{
	unsigned region, page;

	return gpa % PAGE == 0 && pages && find(gpa, &region, &page) && pages <= PAGES - page;
}

static void convert_model(gpa_t gpa, u64 pages, bool private)
{
	unsigned region, page;

	check(find(gpa, &region, &page));
	for (u64 i = 0; i < pages; i++) {
		struct page *p = &model[region][page + i];

		p->private = private;
		if (private)
			p->shared = 0;
		else
			p->own = 0;
	}
}

static void hypercall(struct fuzz *f)
{
	u64 gpa = any_gpa(f), pages = any_number(f), attributes = fuzz8(f);
	u64 nr = fuzz8(f) ? KVM_HC_MAP_GPA_RANGE : any_number(f);
	bool good = nr == KVM_HC_MAP_GPA_RANGE && is_good(gpa, pages);

	if (attributes > 0xf0)
		attributes = any_number(f);
	good = good && !(attributes & ~0x1fULL) && (attributes & 0xf) <= 2 && !set_error;
	run.exit_reason = KVM_EXIT_HYPERCALL;
	run.hypercall.nr = nr;
	run.hypercall.args[0] = gpa;
	run.hypercall.args[1] = pages;
	run.hypercall.args[2] = attributes;
	run.hypercall.ret = 0x5555;
	x86_private_exit(&vcpu);
	check(!run.hypercall.ret == good);
	if (good)
		convert_model(gpa, pages, attributes & 0x10);
}

static bool is_of_kind(gpa_t gpa, u64 pages, bool private)
{
	unsigned region, page;

	check(find(gpa, &region, &page));
	for (u64 i = 0; i < pages; i++)
		if (model[region][page + i].private != private)
			return false;
	return true;
}

/* Where accesses are said to tell nothing, one that is refused again, with no attempt to convert since, does. */
static bool shall_convert(gpa_t gpa, u64 pages, bool private)
{
	if (gpa == last_fault.gpa && sets == last_fault.sets && !is_of_kind(gpa, pages, private))
		accesses_tell = true;
	return accesses_tell;
}

static void fault(struct fuzz *f)
{
	u64 gpa = any_gpa(f), size = fuzz8(f) < 200 ? PAGE : any_number(f) * 512;
	bool private = fuzz8(f) & 1, good = size % PAGE == 0 && is_good(gpa, size / PAGE);
	bool converts = good && shall_convert(gpa, size / PAGE, private);
	int error = conversion_fault(&vcpu, gpa, size, private);

	if (good) {
		last_fault.gpa = gpa;
		last_fault.sets = sets;
	}
	/* The same access again and again may be given up, and what is refused changes nothing. */
	check(good || error);
	if (!error && converts)
		convert_model(gpa, size / PAGE, private);
}

static void write_own(struct fuzz *f)
{
	unsigned r = fuzz8(f) % ARRAY_SIZE(regions), page = fuzz8(f) % PAGES;
	u8 byte = fuzz8(f);

	if (!model[r][page].private)
		return;
	check(pwrite(vm.memory.regions[r].guest_memfd, &byte, 1, page * PAGE) == 1);
	model[r][page].own = byte;
}

/* ---- a device ---- */

static void write_as_device(struct fuzz *f)
{
	gpa_t gpa = any_gpa(f) & ~(PAGE - 1);
	u64 len = 1 + fuzz16(f) % (3 * PAGE);
	static u8 bytes[3 * PAGE];
	unsigned region = 0, page = 0, first;
	bool one_region, reachable = find(gpa, &region, &page) && is_good(gpa, 1);

	first = page;
	one_region = reachable && page + (len + PAGE - 1) / PAGE <= PAGES;
	for (u64 at = 0; reachable && at < len; at += PAGE)
		reachable = find(gpa + at, &region, &page) && !model[region][page].private;
	check(!!guest_memory_hva_writable(&vm.memory, gpa, len) == (reachable && one_region));
	if (!reachable || !one_region)
		return;
	memset(bytes, fuzz8(f), len);
	check(!guest_write(&vm.memory, gpa, bytes, len));
	for (u64 at = 0; at < len; at += PAGE)
		model[region][first + at / PAGE].shared = bytes[0];
}

/* ---- all of it ---- */

static void compare(void)
{
	for (unsigned r = 0; r < ARRAY_SIZE(regions); r++) {
		for (unsigned i = 0; i < PAGES; i++) {
			const struct page *p = &model[r][i];
			u8 own;

			check(kinds[r][i] == p->private);
			check(!guest_memory_hva(&vm.memory, regions[r] + i * PAGE, 1) ==
			      p->private);
			check(vm.memory.regions[r].hva[i * PAGE] == p->shared);
			check(pread(vm.memory.regions[r].guest_memfd, &own, 1, i * PAGE) == 1);
			check(own == p->own);
		}
	}
}

static void begin(bool tells)
{
	const struct conversion_options options = { .accesses_tell = tells, .prefault = true };

	memset(&vm, 0, sizeof(vm));
	memset(&vcpu, 0, sizeof(vcpu));
	memset(model, 0, sizeof(model));
	memset(kinds, 0, sizeof(kinds));
	memset(&last_fault, 0, sizeof(last_fault));
	sets = 0;
	accesses_tell = tells;
	config.name = "fuzz";
	vm.config = &config;
	vm.fd = 1000;
	vcpu.vm = &vm;
	vcpu.fd = 1001;
	vcpu.run = &run;
	TAILQ_INIT(&vm.devices);
	guest_memory_init(&vm.memory);
	for (unsigned r = 0; r < ARRAY_SIZE(regions); r++)
		check(!guest_memory_add_ram(&vm.memory, regions[r], SIZE));
	check(!conversions_create(&vm, &options));
}

static void step(struct fuzz *f)
{
	u8 what = fuzz8(f);

	set_error = what & 0x80 && what & 0x40 ? ENOMEM : 0;
	switch (what % 6) {
	case 0:
	case 1:
		hypercall(f);
		break;
	case 2:
		fault(f);
		break;
	case 3:
		write_own(f);
		break;
	case 4:
		write_as_device(f);
		break;
	case 5:
		/* A new life. */
		if (fuzz8(f) || set_error)
			break;
		devices_reset(&vm.devices);
		check(!vm_ending(&vm));
		for (unsigned r = 0; r < ARRAY_SIZE(regions); r++)
			convert_model(regions[r], PAGES, false);
		break;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz f = { data, size };
	bool tells = fuzz8(&f) & 1;

	input = &f;
	begin(tells);
	while (f.left) {
		step(&f);
		compare();
	}
	devices_destroy(&vm.devices);
	guest_memory_destroy(&vm.memory);
	return 0;
}
