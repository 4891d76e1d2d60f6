// SPDX-License-Identifier: GPL-2.0-or-later
/* Writes that KVM keeps in its ring reach the bus before anything else does, once and in their order. */
#include "test.h"
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lkvm/vm/port-latch.h"
#include "lkvm/vm/vcpu.h"
#include "lkvm/vm/vm.h"

#define PORT	  0x70
#define RING_PAGE 2
#define WRITES	  1000

static int mmio_cap, pio_cap, register_error;
static struct kvm_coalesced_mmio_zone zone;
static struct vm guest;
static struct vcpu cpus[2], *cpu_list[] = { &cpus[0], &cpus[1] };
static struct kvm_coalesced_mmio_ring *ring;
static size_t page;
static u8 seen[WRITES];
static unsigned nr_seen;

/* In place of the C library's: KVM's part. */
int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (request == KVM_CHECK_EXTENSION && (long)arg == KVM_CAP_COALESCED_MMIO)
		return mmio_cap;
	if (request == KVM_CHECK_EXTENSION && (long)arg == KVM_CAP_COALESCED_PIO)
		return pio_cap;
	assert_int_equal(request, KVM_REGISTER_COALESCED_MMIO);
	memcpy(&zone, arg, sizeof(zone));
	return register_error;
}

static void latch_write(void *opaque, u64 offset, const u8 *data, unsigned len)
{
	assert_int_equal(len, 1);
	assert_true(nr_seen < WRITES);
	seen[nr_seen++] = *data;
}

static const struct bus_ops latch_ops = { .write = latch_write };

static int setup(void **state)
{
	page = sysconf(_SC_PAGESIZE);
	memset(&guest, 0, sizeof(guest));
	memset(&zone, 0, sizeof(zone));
	nr_seen = 0;
	mmio_cap = RING_PAGE;
	pio_cap = 1;
	register_error = 0;
	guest.ports = bus_create();
	assert_int_equal(bus_add(guest.ports, PORT, 2, &latch_ops, NULL), 0);
	guest.vcpus = cpu_list;
	guest.nr_vcpus = 2;
	cpus[0].run = calloc(RING_PAGE + 1, page);
	assert_non_null(cpus[0].run);
	for (unsigned i = 0; i < 2; i++) {
		cpus[i].vm = &guest;
		cpus[i].run = cpus[0].run; /* all mappings show one ring */
		cpus[i].run_size = (RING_PAGE + 1) * page;
	}
	ring = (struct kvm_coalesced_mmio_ring *)((u8 *)cpus[0].run + RING_PAGE * page);
	return 0;
}

static int teardown(void **state)
{
	port_latch_destroy(&guest);
	bus_destroy(guest.ports);
	free(cpus[0].run);
	return 0;
}

/* As KVM does it; false: full. */
static bool keep(u8 value)
{
	u32 nr = (page - sizeof(*ring)) / sizeof(ring->coalesced_mmio[0]);
	u32 next = (ring->last + 1) % nr;

	if (next == ring->first)
		return false;
	ring->coalesced_mmio[ring->last] = (struct kvm_coalesced_mmio){
		.phys_addr = PORT, .len = 1, .pio = 1, .data = { value }
	};
	ring->last = next;
	return true;
}

static void one_byte_of_one_port_is_kept(void **state)
{
	port_latch_create(&guest, PORT);
	assert_non_null(guest.port_latch);
	assert_int_equal(zone.addr, PORT);
	assert_int_equal(zone.size, 1);
	assert_int_equal(zone.pio, 1);
}

static void what_was_kept_comes_once_in_order(void **state)
{
	u8 value = 0;

	port_latch_create(&guest, PORT);
	port_latch_hand_over(&cpus[0]);
	assert_int_equal(nr_seen, 0);
	while (keep(value))
		value++;
	port_latch_hand_over(&cpus[0]);
	assert_true(nr_seen > 100 && nr_seen == value);
	/* Over the ring's end. */
	for (unsigned i = 0; i < 100; i++)
		assert_true(keep(value++));
	port_latch_hand_over(&cpus[1]);
	port_latch_hand_over(&cpus[0]);
	for (unsigned i = 0; i < nr_seen; i++)
		assert_int_equal(seen[i], i & 0xff);
	assert_int_equal(ring->first, ring->last);
}

static void nothing_is_kept(void **state)
{
	port_latch_create(&guest, PORT);
	assert_null(guest.port_latch);
	keep(1);
	port_latch_hand_over(&cpus[0]);
	assert_int_equal(nr_seen, 0);
}

static void by_a_kvm_without_it(void **state)
{
	pio_cap = 0;
	nothing_is_kept(state);
	mmio_cap = 0;
	pio_cap = 1;
	nothing_is_kept(state);
	mmio_cap = RING_PAGE;
	register_error = -1;
	nothing_is_kept(state);
	/* A ring that no mapping shows. */
	register_error = 0;
	mmio_cap = RING_PAGE + 1;
	nothing_is_kept(state);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(one_byte_of_one_port_is_kept),
		T(what_was_kept_comes_once_in_order),
		T(by_a_kvm_without_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
