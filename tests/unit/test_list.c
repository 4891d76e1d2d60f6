// SPDX-License-Identifier: GPL-2.0-or-later
/* Lists after every way to change them: forwards, and through what points back. */
#include <string.h>

#include "lkvm/util/list.h"
#include "test.h"

struct item {
	char letter;
	TAILQ_ENTRY(item) link;
};
TAILQ_HEAD(list, item);

static struct item a = { .letter = 'a' }, b = { .letter = 'b' }, c = { .letter = 'c' },
		   d = { .letter = 'd' };

static void is(struct list *list, const char *letters)
{
	struct item *item, **from = &list->first;

	TAILQ_FOREACH(item, list, link)
	{
		assert_int_equal(item->letter, *letters++);
		assert_ptr_equal(item->link.from, from);
		from = &item->link.next;
	}
	assert_int_equal(*letters, '\0');
	assert_ptr_equal(list->end, from);
	if (TAILQ_EMPTY(list))
		assert_null(TAILQ_LAST(list, item, link));
	else
		assert_int_equal(TAILQ_LAST(list, item, link)->letter, letters[-1]);
}

static void both_ways(void **state)
{
	struct list list = TAILQ_HEAD_INITIALIZER(list), other;

	TAILQ_INIT(&other);
	is(&list, "");
	TAILQ_INSERT_HEAD(&list, &b, link);
	is(&list, "b");
	TAILQ_INSERT_HEAD(&list, &a, link);
	TAILQ_INSERT_TAIL(&list, &d, link);
	TAILQ_INSERT_BEFORE(&d, &c, link);
	is(&list, "abcd");
	assert_ptr_equal(TAILQ_NEXT(&b, link), &c);
	TAILQ_REMOVE(&list, &b, link);
	is(&list, "acd");
	TAILQ_REMOVE(&list, &d, link);
	is(&list, "ac");
	TAILQ_INSERT_BEFORE(&a, &d, link);
	is(&list, "dac");
	TAILQ_CONCAT(&list, &other, link);
	is(&list, "dac");
	TAILQ_CONCAT(&other, &list, link);
	is(&list, "");
	is(&other, "dac");
	TAILQ_INSERT_TAIL(&list, &b, link);
	TAILQ_CONCAT(&other, &list, link);
	is(&list, "");
	is(&other, "dacb");
	while (TAILQ_FIRST(&other))
		TAILQ_REMOVE(&other, TAILQ_FIRST(&other), link);
	is(&other, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
