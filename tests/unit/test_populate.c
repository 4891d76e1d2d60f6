// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How boot images get into guest memory, with a double of pwrite(2) that keeps the rules that guest_memfd has
 * for it, and does what a kernel may do: take less, be interrupted, have no more pages.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lkvm/config/memory-config.h"
#include "lkvm/host/guest-memfd.h"
#include "lkvm/memory/memory.h"
#include "lkvm/memory/populate.h"
#include "test.h"
#include "uapi/kvm.h"

#define PAGE 4096ULL
#define SIZE MIB(2)
#define LOW  MIB(1)
#define HIGH GIB(4)

static struct memory_config config;
static struct guest_memory memory;
static int image = -1;
static u8 *bytes;

/* ---- the double ---- */

static struct {
	unsigned calls, interrupted;
	bool refuses; /* with `error` */
	u64 took;     /* bytes */
	u64 at_most;  /* bytes it takes in one request; 0: any */
	u64 until;    /* bytes it takes in all, then `error`; 0: any */
	int error;    /* errno, or 0 to take nothing without one */
	u64 longest;
} kernel;

static ssize_t write_memory(int fd, const void *from, size_t len, off_t offset)
{
	kernel.calls++;
	if (kernel.refuses) {
		errno = kernel.error;
		return -1;
	}
	kernel.longest = MAX(kernel.longest, (u64)len);
	assert_int_equal(fd, memory.fd);
	assert_true(IS_ALIGNED(offset, PAGE) && IS_ALIGNED(len, PAGE) && len);
	assert_true(offset + len <= SIZE);
	/* Every other request. */
	if (kernel.interrupted && kernel.interrupted++ % 2) {
		errno = EINTR;
		return -1;
	}
	if (kernel.at_most)
		len = MIN(len, kernel.at_most);
	if (kernel.until && kernel.took + len > kernel.until) {
		len = kernel.until - kernel.took;
		if (!len) {
			errno = kernel.error;
			return kernel.error ? -1 : 0;
		}
	}
	kernel.took += len;
	return syscall(SYS_pwrite64, fd, from, len, offset);
}

static int setup(void **state)
{
	config = (struct memory_config){ .kind = MEMORY_MEMFD };
	guest_memory_init(&memory);
	assert_int_equal(guest_memory_use(&memory, &config, SIZE), 0);
	assert_int_equal(guest_memory_add_ram(&memory, 0, LOW), 0);
	/* They touch, so that what is loaded may cross from one to the other. */
	assert_int_equal(guest_memory_add_ram(&memory, LOW, SIZE - LOW), 0);
	assert_true(memory.written);
	memset(&kernel, 0, sizeof(kernel));
	image = memfd_create("image", 0);
	assert_int_equal(ftruncate(image, SIZE), 0);
	bytes = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, image, 0);
	for (u64 i = 0; i < SIZE; i++)
		bytes[i] = i * 31 + i / 251 + 1;
	return 0;
}

static int teardown(void **state)
{
	munmap(bytes, SIZE);
	close(image);
	guest_memory_destroy(&memory);
	return 0;
}

/* ---- what must hold whatever the kernel does ---- */

static void load(gpa_t gpa, off_t offset, u64 len, bool pad)
{
	u64 end = pad ? ALIGN_UP(gpa + len, PAGE) : gpa + len;

	/* The guest's from one byte before to one byte behind. */
	*(u8 *)guest_memory_hva(&memory, gpa - 1, 1) = 0x55;
	*(u8 *)guest_memory_hva(&memory, end, 1) = 0x66;
	assert_int_equal(guest_memory_populate_file(&memory, gpa, image, offset, len, pad), 0);
	assert_int_equal(*(u8 *)guest_memory_hva(&memory, gpa - 1, 1), 0x55);
	assert_int_equal(*(u8 *)guest_memory_hva(&memory, end, 1), 0x66);
	for (u64 i = 0; i < len; i++)
		assert_int_equal(*(u8 *)guest_memory_hva(&memory, gpa + i, 1), bytes[offset + i]);
	for (gpa_t i = gpa + len; i < end; i++)
		assert_int_equal(*(u8 *)guest_memory_hva(&memory, i, 1), 0);
}

static void whole_pages_in_one_request(void **state)
{
	load(0x10000, 512, 0x40000, true);
	assert_int_equal(kernel.calls, 1);
	assert_int_equal(kernel.took, 0x40000);
	assert_string_equal(guest_memory_population(&memory), "write(2)");
	assert_int_equal(memory.population->mapped, 0);
}

static void the_tail_is_padded(void **state)
{
	memset(guest_memory_hva(&memory, 0x10000, 0x50000), 0xee, 0x50000);
	load(0x10000, 1000, 0x40001, true);
	assert_int_equal(kernel.calls, 2);
	assert_int_equal(kernel.took, 0x41000);
	assert_int_equal(memory.population->mapped, 0);
}

static void a_shared_tail_is_not(void **state)
{
	load(0x10000, 1000, 0x40001, false);
	assert_int_equal(kernel.took, 0x40000);
	assert_int_equal(memory.population->mapped, 1);
}

static void pages_begin_where_they_do(void **state)
{
	load(0x10ffb, 3, 0x40000, false);
	assert_int_equal(kernel.took, 0x3f000);
	assert_int_equal(memory.population->mapped, 0x1000);
	load(0x60800, 0, 0x30800, true);
	assert_int_equal(kernel.took, 0x3f000 + 0x30000);
}

static void across_regions(void **state)
{
	load(LOW - 0x20800, 77, 0x60000, true);
	assert_int_equal(kernel.took, 0x20000 + 0x40000);
	assert_int_equal(memory.population->mapped, 0x800);
}

static void little_is_not_written(void **state)
{
	load(0x10000, 0, 0x1000, true);
	assert_int_equal(kernel.calls, 0);
	assert_string_equal(guest_memory_population(&memory), "read(2) into the mapping");
}

/* ---- what a kernel may do ---- */

static void partial_writes(void **state)
{
	kernel.at_most = 0x3000;
	load(0x10000, 512, 0x40000, true);
	assert_int_equal(kernel.took, 0x40000);
	assert_in_range(kernel.calls, 0x40 / 3, 0x40 / 3 + 2);
}

/* Half a page counts for nothing: the next request begins with it again. */
static void partial_pages(void **state)
{
	kernel.at_most = 0x1800;
	load(0x10000, 512, 0x40000, true);
	assert_int_equal(memory.population->written, 0x40000);
	assert_int_equal(memory.population->mapped, 0);
	assert_string_equal(guest_memory_population(&memory), "write(2)");
}

static void never_a_whole_page(void **state)
{
	kernel.at_most = 0x800;
	load(0x10000, 512, 0x40000, true);
	assert_int_equal(memory.population->written, 0);
	assert_int_equal(kernel.calls, 1);
	assert_int_equal(memory.population->mapped, 0x40000);
}

static void interruptions(void **state)
{
	kernel.interrupted = 1;
	kernel.at_most = 0x8000;
	load(0x10000, 512, 0x40000, true);
	assert_int_equal(memory.population->written, 0x40000);
	assert_int_equal(kernel.calls, 16);
}

/* The mapping gets the rest, wherever the kernel stopped, and the reason is not forgotten. */
static void ends_with(int error, u64 until)
{
	kernel.until = until;
	kernel.error = error;
	load(0x10000, 512, 0x40000, true);
	assert_int_equal(memory.population->written, ALIGN_DOWN(until, PAGE));
	assert_int_equal(memory.population->mapped, 0x40000 - ALIGN_DOWN(until, PAGE));
	assert_int_equal(memory.population->error, error ?: EIO);
	assert_string_equal(guest_memory_population(&memory),
			    "write(2), where that failed read(2) into the mapping");
}

static void no_space(void **state)
{
	ends_with(ENOSPC, 0x11000);
}

static void no_memory(void **state)
{
	ends_with(ENOMEM, 0x11000);
}

static void no_space_within_a_page(void **state)
{
	ends_with(ENOSPC, 0x11234);
}

static void nothing_and_no_error(void **state)
{
	ends_with(0, 0x11000);
}

static void not_supported_after_all(void **state)
{
	static const int errors[] = { EINVAL, ESPIPE, ENODEV, EBADF, EIO };

	kernel.refuses = true;
	for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
		kernel.error = errors[i];
		load(0x10000, 512 * i, 0x20000, true);
		assert_int_equal(memory.population->written, 0);
		assert_string_equal(guest_memory_population(&memory), "read(2) into the mapping");
	}
	assert_int_equal(kernel.calls, ARRAY_SIZE(errors));
}

static void without_writing(void **state)
{
	memory.written = false;
	load(0x10ffb, 512, 0x40003, false);
	assert_int_equal(memory.population->mapped, 0x40003);
}

static void anonymous_memory_is_not_written(void **state)
{
	assert_int_equal(guest_memory_add_unlisted(&memory, HIGH, LOW), 0);
	load(HIGH + 0x1000, 0, 0x20000, false);
	assert_int_equal(kernel.calls, 0);
}

/* ---- sources that are not what they were ---- */

static void a_file_that_became_shorter(void **state)
{
	assert_int_equal(ftruncate(image, 0x21000), 0);
	assert_int_equal(guest_memory_populate_file(&memory, 0, image, 0, 0x40000, true), -ENODATA);
	assert_int_equal(guest_memory_populate_file(&memory, 0, image, 0x1000, 0x20800, true),
			 -ENODATA);
	assert_int_equal(ftruncate(image, SIZE), 0);
}

/* It is read. Such a one is this process's memory. */
static void a_file_that_cannot_be_mapped(void **state)
{
	int fd = open("/proc/self/exe", O_RDONLY), own = open("/proc/self/mem", O_RDONLY);
	u8 head[4];

	assert_int_equal(guest_memory_populate_file(&memory, 0x1000, fd, 0, 0x10000, false), 0);
	assert_int_equal(guest_read(&memory, 0x1000, head, 4), 0);
	assert_memory_equal(head, "\177ELF", 4);
	close(fd);
	assert_int_equal(guest_memory_populate_file(&memory, 0x40000, own, (off_t)(uintptr_t)bytes,
						    0x20000, false),
			 0);
	assert_memory_equal(guest_memory_hva(&memory, 0x40000, 0x20000), bytes, 0x20000);
	assert_int_equal(memory.population->written, 0x10000);
	close(own);
}

static void outside_of_memory(void **state)
{
	assert_int_equal(guest_memory_populate_file(&memory, SIZE - 0x10000, image, 0, 0x20000,
						    true),
			 -EFAULT);
	assert_int_equal(guest_memory_populate_file(&memory, HIGH, image, 0, 1, true), -EFAULT);
	assert_int_equal(guest_memory_populate(&memory, SIZE - 1, "ab", 2), -EFAULT);
	memory.regions[0].readonly = true;
	assert_int_equal(guest_memory_populate(&memory, 0, "ab", 2), -EFAULT);
}

/* ---- from memory ---- */

static void buffers_too(void **state)
{
	*(u8 *)guest_memory_hva(&memory, 0x107fe, 1) = 0x55;
	assert_int_equal(guest_memory_populate(&memory, 0x107ff, bytes, 0x20003), 0);
	assert_int_equal(kernel.took, 0x1f000);
	assert_memory_equal(guest_memory_hva(&memory, 0x107ff, 0x20003), bytes, 0x20003);
	assert_int_equal(*(u8 *)guest_memory_hva(&memory, 0x107fe, 1), 0x55);
	assert_int_equal(*(u8 *)guest_memory_hva(&memory, 0x107ff + 0x20003, 1), 0);
	kernel.took = 0;
	kernel.until = 0x3000;
	kernel.error = ENOMEM;
	assert_int_equal(guest_memory_populate(&memory, 0x40000, bytes, 0x20000), 0);
	assert_memory_equal(guest_memory_hva(&memory, 0x40000, 0x20000), bytes, 0x20000);
	assert_int_equal(guest_memory_populate(&memory, 0x80000, bytes, 0), 0);
}

/* ---- which flag makes guest_memfd take write(2) ---- */

static struct {
	u64 works; /* with this flag beside base */
	u64 known; /* flags that are taken at creation */
	int refusal, interrupted;
	u64 tried[8];
	unsigned nr_tried, open;
} kvm;

int ioctl(int vm_fd, unsigned long request, ...)
{
	const struct kvm_create_guest_memfd *create;
	va_list args;
	int fd;

	va_start(args, request);
	create = va_arg(args, const void *);
	va_end(args);
	assert_int_equal(vm_fd, 42);
	assert_int_equal(request, KVM_CREATE_GUEST_MEMFD);
	assert_int_equal(create->size, sysconf(_SC_PAGESIZE));
	kvm.tried[kvm.nr_tried++] = create->flags;
	if (create->flags & ~kvm.known) {
		errno = EINVAL;
		return -1;
	}
	fd = memfd_create("guest_memfd", 0);
	/* The offset remembers what it was made with. */
	lseek(fd, create->flags, SEEK_SET);
	return fd;
}

static ssize_t kvm_write(int fd, const void *from, size_t len, off_t offset)
{
	assert_int_equal(offset, 0);
	if (kvm.interrupted && kvm.interrupted--) {
		errno = EINTR;
		return -1;
	}
	if ((u64)lseek(fd, 0, SEEK_CUR) == (3 | kvm.works))
		return len;
	errno = kvm.refusal;
	return -1;
}

ssize_t pwrite(int fd, const void *from, size_t len, off_t offset)
{
	return fd == memory.fd ? write_memory(fd, from, len, offset)
			       : kvm_write(fd, from, len, offset);
}

static int find(u64 offered, u64 *flags)
{
	kvm.nr_tried = 0;
	*flags = 3;
	return guest_memfd_find_write(42, 3, offered, flags);
}

static void the_flag_is_found_by_trying(void **state)
{
	static const int refusals[] = { EINVAL, ESPIPE, ENODEV };
	u64 flags;

	for (unsigned i = 0; i < ARRAY_SIZE(refusals); i++) {
		kvm.refusal = refusals[i];
		kvm.known = 0xf;
		kvm.works = 4;
		assert_int_equal(find(7, &flags), 0);
		assert_int_equal(flags, 7);
		/* Bit 2 is something else there. */
		kvm.works = 8;
		kvm.interrupted = 1;
		assert_int_equal(find(0xf, &flags), 0);
		assert_int_equal(flags, 0xb);
		assert_int_equal(kvm.tried[0], 7);
		/* Offered, but for another kind of VM. */
		kvm.known = 3;
		assert_int_equal(find(0xf, &flags), -EOPNOTSUPP);
		assert_int_equal(flags, 3);
		/* What is not offered is not tried. */
		kvm.works = 4;
		kvm.known = 0xf;
		assert_int_equal(find(3, &flags), -EOPNOTSUPP);
		assert_int_equal(kvm.nr_tried, 1);
		assert_int_equal(kvm.tried[0], 3);
		kvm.works = 0;
		assert_int_equal(find(3, &flags), 0);
		assert_int_equal(flags, 3);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(whole_pages_in_one_request),
		TEST(the_tail_is_padded),
		TEST(a_shared_tail_is_not),
		TEST(pages_begin_where_they_do),
		TEST(across_regions),
		TEST(little_is_not_written),
		TEST(partial_writes),
		TEST(partial_pages),
		TEST(never_a_whole_page),
		TEST(interruptions),
		TEST(no_space),
		TEST(no_memory),
		TEST(no_space_within_a_page),
		TEST(nothing_and_no_error),
		TEST(not_supported_after_all),
		TEST(without_writing),
		TEST(anonymous_memory_is_not_written),
		TEST(a_file_that_became_shorter),
		TEST(a_file_that_cannot_be_mapped),
		TEST(outside_of_memory),
		TEST(buffers_too),
		cmocka_unit_test(the_flag_is_found_by_trying),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
