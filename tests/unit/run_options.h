/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parsing the words of `lkvm run`: what becomes of them, and what is said. */
#ifndef TEST_RUN_OPTIONS_H
#define TEST_RUN_OPTIONS_H

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "lkvm/builtin.h"
#include "lkvm/config/options.h"
#include "lkvm/vm/device-kind.h"
#include "said.h"

static struct vm_config config;

extern const struct device_kind virtio_blk_kind, virtio_net_kind, virtio_rng_kind;

static inline unsigned count(const struct device_kind *kind)
{
	return config_count(&config, &kind->config);
}

/* Parses words with stderr caught; messages are part of the contract. */
static inline int parse_words(const char *const *words)
{
	char *argv[80] = { (char *)"run" };
	int argc = 1, ret;

	while (words[argc - 1]) {
		argv[argc] = (char *)words[argc - 1];
		argc++;
		assert_true(argc < 80);
	}
	said_begin();
	config_release(&config);
	config_init(&config, &builtin_run.set);
	ret = options_parse(&builtin_run.set, argc, argv, &config);
	said_end();
	return ret;
}

#define PARSE(...) parse_words((const char *const[]){ __VA_ARGS__, NULL })

static inline void good_(const char *file, int line, int ret)
{
	if (ret || *said)
		print_error("%s:%d: %d, %s\n", file, line, ret, said);
	assert_int_equal(ret, 0);
	assert_string_equal(said, "");
}
#define GOOD(...) good_(__FILE__, __LINE__, PARSE(__VA_ARGS__))

/* -EINVAL, one line at Error level, and these words in it. */
static inline void bad_(const char *file, int line, int ret, const char *words)
{
	const char *end = strchr(said, '\n');

	if (ret != -EINVAL || !end || end[1] || strncmp(said, "  Error: ", 9) ||
	    !strstr(said, words))
		fail_msg("%s:%d: %d, said: %s, not: %s", file, line, ret, said, words);
}
#define BAD(words, ...) bad_(__FILE__, __LINE__, PARSE(__VA_ARGS__), words)

static inline int teardown(void **state)
{
	config_release(&config);
	return 0;
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

#endif
