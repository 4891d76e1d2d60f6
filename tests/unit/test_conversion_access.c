// SPDX-License-Identifier: GPL-2.0-or-later
/* Converted pages that are made ahead, and accesses that tell which kind of page a guest wants. */
#include "conversion_guest.h"
#include "lkvm/vm/prefault.h"

static void exactly_the_range_is_prefaulted(void **state)
{
	assert_int_equal(conversion_request(&vcpu, FAKE_LOW + FAKE_PAGE, 5 * FAKE_PAGE, true), 0);
	assert_int_equal(fake.prefaults, 1);
	assert_int_equal(fake.first_gpa, FAKE_LOW + FAKE_PAGE);
	assert_int_equal(fake.first_size, 5 * FAKE_PAGE);
	assert_int_equal(counted(COUNTER_PREFAULTED_PAGES), 5);
	assert_int_equal(conversion_request(&vcpu, FAKE_LOW + FAKE_PAGE, 2 * FAKE_PAGE, false), 0);
	assert_int_equal(fake.prefaults, 2);
	assert_int_equal(counted(COUNTER_PREFAULTED_PAGES), 7);
	assert_int_equal(counted(COUNTER_PREFAULT_FAILURES), 0);
}

static void no_prefault_is_none(void **state)
{
	assert_int_equal(conversion_request(&vcpu, FAKE_LOW, 5 * FAKE_PAGE, true), 0);
	assert_int_equal(fake.prefaults, 0);
}

static void kvm_without_prefault(void **state)
{
	const struct conversion_options options = { .prefault = true };

	fake_begin();
	fake.prefault = 0;
	assert_int_equal(conversions_create(&vm, &options), 0);
	assert_int_equal(conversion_request(&vcpu, FAKE_LOW, 5 * FAKE_PAGE, true), 0);
	assert_int_equal(fake.prefaults, 0);
	fake_end();
}

static void prefault_goes_on(void **state)
{
	/* A piece, interrupted before the next, a page that is busy twice, a piece with a signal behind it. */
	static const struct fake_answer answers[] = {
		{ 3, 0 }, { 0, EINTR }, { 0, EAGAIN }, { 0, EAGAIN }, { 2, EINTR }, { 1, 0 },
	};

	fake_script(answers, ARRAY_SIZE(answers));
	assert_int_equal(conversion_request(&vcpu, FAKE_LOW, 16 * FAKE_PAGE, true), 0);
	assert_int_equal(fake.prefaults, ARRAY_SIZE(answers) + 1);
	assert_int_equal(fake.end, FAKE_LOW + 16 * FAKE_PAGE);
	assert_int_equal(counted(COUNTER_PREFAULTED_PAGES), 16);
	assert_int_equal(counted(COUNTER_PREFAULT_FAILURES), 0);
}

static void prefault_fails_harmlessly(void **state)
{
	static const int errors[] = { ENOENT, EFAULT, EINVAL, EOPNOTSUPP, EIO, ENOMEM, EHWPOISON };

	for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
		struct fake_answer answers[] = { { 2, 0 }, { 0, errors[i] } };

		fake_script(answers, ARRAY_SIZE(answers));
		assert_int_equal(conversion_request(&vcpu, FAKE_LOW, 4 * FAKE_PAGE, true), 0);
		assert_int_equal(fake.prefaults, 2);
		assert_int_equal(counted(COUNTER_PREFAULT_FAILURES), i + 1);
		assert_int_equal(counted(COUNTER_PREFAULTED_PAGES), 2 * (i + 1));
		/* A KVM_RUN that fails afterwards for another reason is not one of these. */
		assert_int_not_equal(vcpu.run->exit_reason, KVM_EXIT_MEMORY_FAULT);
	}
	assert_int_equal(counted(COUNTER_CONVERSIONS_PRIVATE), ARRAY_SIZE(errors));
	assert_int_equal(vm.end, VM_REQUEST_NONE);
}

/* For ever busy, for ever interrupted, or content with nothing: it ends all the same. */
static void prefault_ends(void **state)
{
	static const int errors[] = { EAGAIN, EINTR, 0 };
	struct fake_answer answers[1000];

	for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
		for (unsigned n = 0; n < ARRAY_SIZE(answers); n++)
			answers[n] = (struct fake_answer){ n == 5, errors[i] };
		fake_script(answers, ARRAY_SIZE(answers));
		assert_int_equal(conversion_request(&vcpu, FAKE_LOW, 4 * FAKE_PAGE, true), 0);
		assert_in_range(fake.prefaults, 7, 100);
		assert_int_equal(counted(COUNTER_PREFAULT_FAILURES), i + 1);
		assert_int_equal(counted(COUNTER_PREFAULTED_PAGES), i + 1);
	}
}

/* A pause, the end and vcpu_hold() set immediate_exit and kick. */
static void prefault_gives_way(void **state)
{
	struct fake_answer answers[1000];
	u64 pages;

	for (unsigned n = 0; n < ARRAY_SIZE(answers); n++)
		answers[n] = (struct fake_answer){ 1, 0 };
	fake_script(answers, ARRAY_SIZE(answers));
	fake.kick_at = 4;
	assert_int_equal(vcpu_prefault(&vcpu, FAKE_LOW, 64 * FAKE_PAGE, &pages), -ECANCELED);
	assert_int_equal(pages, 4);
	assert_int_equal(fake.prefaults, 4);
	vcpu.run->immediate_exit = 0;
	vm.end = VM_REQUEST_TIMEOUT;
	assert_int_equal(vcpu_prefault(&vcpu, FAKE_LOW, 64 * FAKE_PAGE, &pages), -ECANCELED);
	assert_int_equal(pages, 0);
	assert_int_equal(fake.prefaults, 4);
}

/* The kick of whoever wants the vCPU may come too early to interrupt the call: that must not be for all memory. */
static void prefault_of_much_gives_way(void **state)
{
	u64 pages;

	assert_int_equal(vcpu_prefault(&vcpu, FAKE_LOW, GIB(64), &pages), 0);
	assert_int_equal(pages, GIB(64) / FAKE_PAGE);
	assert_int_equal(fake.end, FAKE_LOW + GIB(64));
	fake.prefaults = 0;
	fake.kick_at = 1;
	assert_int_equal(vcpu_prefault(&vcpu, FAKE_LOW, GIB(64), &pages), -ECANCELED);
	assert_int_equal(fake.prefaults, 1);
	assert_in_range(pages, 1, GIB(1) / FAKE_PAGE);
}

static void access_converts_where_it_tells(void **state)
{
	assert_int_equal(conversion_fault(&vcpu, FAKE_LOW, FAKE_PAGE, true), 0);
	assert_int_equal(fake.last.attributes, KVM_MEMORY_ATTRIBUTE_PRIVATE);
	assert_int_equal(fake.prefaults, 1);
	assert_false(reachable(FAKE_LOW, 1));
	assert_int_equal(conversion_fault(&vcpu, FAKE_LOW, FAKE_PAGE, false), 0);
	assert_int_equal(fake.last.attributes, 0);
	assert_true(reachable(FAKE_LOW, 1));
	assert_int_equal(counted(COUNTER_MEMORY_FAULTS), 2);
	assert_int_equal(conversion_fault(&vcpu, 0xfee00000, FAKE_PAGE, true), -EFAULT);
	assert_int_equal(conversion_fault(&vcpu, FAKE_LOW + 1, FAKE_PAGE, true), -EFAULT);
	assert_int_equal(conversion_fault(&vcpu, FAKE_LOW, 0, true), -EFAULT);
	fake.set_error = ENOMEM;
	assert_int_equal(conversion_fault(&vcpu, FAKE_LOW, FAKE_PAGE, true), -ENOMEM);
}

/* What KVM told of the page was true when it looked, no longer when it was done; the guest wants nothing. */
static void access_that_tells_nothing_is_repeated(void **state)
{
	assert_int_equal(conversion_fault(&vcpu, FAKE_LOW, FAKE_PAGE, true), 0);
	assert_int_equal(fake.sets, 0);
	assert_true(reachable(FAKE_LOW, 1));
	assert_int_equal(conversion_fault(&vcpu, 0xfee00000, FAKE_PAGE, true), -EFAULT);
}

/* KVM says the same again although nothing has changed: then it is the access that is of the other kind. */
static void access_that_is_refused_again_tells(void **state)
{
	assert_int_equal(conversion_fault(&vcpu, FAKE_LOW, FAKE_PAGE, true), 0);
	assert_int_equal(conversion_fault(&vcpu, FAKE_LOW, FAKE_PAGE, true), 0);
	assert_int_equal(fake.sets, 1);
	assert_int_equal(fake.last.attributes, KVM_MEMORY_ATTRIBUTE_PRIVATE);
	assert_int_equal(fake.prefaults, 1);
	assert_false(reachable(FAKE_LOW, 1));
	/* From now on it is known of all of them. */
	assert_int_equal(conversion_fault(&vcpu, FAKE_HIGH, FAKE_PAGE, true), 0);
	assert_int_equal(fake.sets, 2);
	assert_int_equal(conversion_fault(&vcpu, FAKE_LOW, FAKE_PAGE, false), 0);
	assert_int_equal(fake.sets, 3);
	assert_true(reachable(FAKE_LOW, 1));
	assert_int_equal(counted(COUNTER_MEMORY_FAULTS), 4);
	assert_int_equal(counted(COUNTER_CONVERSIONS_BY_ACCESS), 3);
}

/* Another page, or one of the kind that was accessed, is no second refusal; nor is one after a change elsewhere. */
static void access_that_is_refused_for_another_reason(void **state)
{
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(conversion_fault(&vcpu, FAKE_LOW, FAKE_PAGE, true), 0);
		assert_int_equal(conversion_fault(&vcpu, FAKE_HIGH, FAKE_PAGE, true), 0);
		assert_int_equal(conversion_fault(&vcpu, FAKE_HIGH, FAKE_PAGE, false), 0);
		assert_int_equal(conversion_fault(&vcpu, FAKE_HIGH, FAKE_PAGE, false), 0);
	}
	assert_int_equal(fake.sets, 0);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(conversion_fault(&vcpu, FAKE_LOW, FAKE_PAGE, true), 0);
		assert_int_equal(conversion_apply(&vm, FAKE_HIGH, FAKE_PAGE, i & 1), 0);
	}
	assert_int_equal(fake.sets, 4);
	assert_int_equal(counted(COUNTER_CONVERSIONS_BY_ACCESS), 0);
}

/* It holds the lock: whoever converts now waits for ever. */
static void access_meanwhile(void)
{
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(conversion_fault(&vcpu, FAKE_LOW, FAKE_PAGE, true), 0);
}

/* While a page is on its way, any number of refusals are of that conversion's making. */
static void access_during_a_conversion_tells_nothing(void **state)
{
	alarm(60);
	fake.during_set = access_meanwhile;
	assert_int_equal(conversion_apply(&vm, FAKE_LOW, FAKE_PAGE, true), 0);
	fake.during_set = NULL;
	alarm(0);
	assert_int_equal(fake.sets, 1);
	assert_int_equal(counted(COUNTER_CONVERSIONS_BY_ACCESS), 0);
}

static unsigned faults_until_the_end(gpa_t gpa)
{
	for (unsigned n = 1; n < 100000; n++) {
		int error = conversion_fault(&vcpu, gpa, FAKE_PAGE, true);

		if (error) {
			assert_int_equal(error, -ELOOP);
			return n;
		}
	}
	fail();
	return 0;
}

/* KVM cannot provide the page, whatever kind it is. */
static void fault_that_leads_nowhere_ends(void **state)
{
	unsigned first = faults_until_the_end(FAKE_LOW);

	assert_in_range(first, 10, 1000);
	vcpu.fault.repeats = 0;
	/* A page that another vCPU converts to and fro may be hit any number of times. */
	for (unsigned i = 0; i < 2 * first; i++) {
		assert_int_equal(conversion_fault(&vcpu, FAKE_HIGH, FAKE_PAGE, true), 0);
		assert_int_equal(conversion_apply(&vm, FAKE_HIGH, FAKE_PAGE, i & 1), 0);
	}
	/* And so may different ones. */
	for (unsigned i = 0; i < 2 * first; i++)
		assert_int_equal(conversion_fault(&vcpu, FAKE_LOW + (i & 1) * FAKE_PAGE, FAKE_PAGE,
						  true),
				 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(exactly_the_range_is_prefaulted),
		WITH(setup_plain, no_prefault_is_none),
		cmocka_unit_test(kvm_without_prefault),
		T(prefault_goes_on),
		T(prefault_fails_harmlessly),
		T(prefault_ends),
		T(prefault_gives_way),
		T(prefault_of_much_gives_way),
		WITH(setup_telling, access_converts_where_it_tells),
		T(access_that_tells_nothing_is_repeated),
		T(access_that_is_refused_again_tells),
		T(access_that_is_refused_for_another_reason),
		T(access_during_a_conversion_tells_nothing),
		T(fault_that_leads_nowhere_ends),
	};

	return cmocka_run_group_tests_name("conversion", tests, NULL, NULL);
}
