/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest with private memory on a KVM of the test's own, whose vCPUs are wanted elsewhere when the test says so. */
#ifndef CONVERSION_GUEST_H
#define CONVERSION_GUEST_H

#include <limits.h>

#include "fake_private_kvm.h"

/* In place of vm/vcpu.c: its vCPUs are wanted elsewhere after so many looks. */
static _Atomic unsigned looks_left = UINT_MAX;

bool vcpus_parking(struct vm *of)
{
	if (!looks_left)
		return true;
	looks_left--;
	return false;
}

/* In place of vm/vm.c. */
void vm_request(struct vm *of, enum vm_request request)
{
	of->end = request;
}

static inline int setup_with(bool accesses_tell, bool prefault)
{
	const struct conversion_options options = { accesses_tell, prefault };

	fake_begin();
	assert_int_equal(conversions_create(&vm, &options), 0);
	assert_true(vm.private_memory);
	return 0;
}

static inline int setup(void **state)
{
	return setup_with(false, true);
}

static inline int setup_telling(void **state)
{
	return setup_with(true, true);
}

static inline int setup_plain(void **state)
{
	return setup_with(false, false);
}

static inline int teardown(void **state)
{
	fake_end();
	return 0;
}

static inline bool reachable(gpa_t gpa, u64 len)
{
	return guest_memory_hva(&vm.memory, gpa, len) != NULL;
}

#define T(f)	      cmocka_unit_test_setup_teardown(f, setup, teardown)
#define WITH(init, f) cmocka_unit_test_setup_teardown(f, init, teardown)

#endif
