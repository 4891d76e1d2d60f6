// SPDX-License-Identifier: GPL-2.0-or-later
/* arm64's options: what they fill in, what they refuse, and what does not go together. */
#include <errno.h>
#include <stdlib.h>

#include "lkvm/arch.h"
#include "lkvm/builtin.h"
#include "said.h"

static struct vm_config config;

/* As the program does it, up to where /dev/kvm is opened. */
static int try_words(const char *const *words)
{
	char *argv[32] = { (char *)"run" };
	int argc = 1, ret;

	while (words[argc - 1]) {
		argv[argc] = (char *)words[argc - 1];
		assert_true(++argc < 32);
	}
	config_release(&config);
	config_init(&config, &builtin_run.set);
	config.memory = MIB(256);
	config.cpus = 2;
	said_begin();
	ret = options_parse(&builtin_run.set, argc, argv, &config);
	if (!ret)
		ret = arch_config_check(&config);
	said_end();
	return ret;
}

#define TRY(...) try_words((const char *const[]){ __VA_ARGS__, NULL })
#define GOOD(...)                                                                                  \
	do {                                                                                       \
		int ret_ = TRY(__VA_ARGS__);                                                       \
		SAID(NULL);                                                                        \
		assert_int_equal(ret_, 0);                                                         \
	} while (0)
#define BAD(words, ...)                                                                            \
	do {                                                                                       \
		assert_int_equal(TRY(__VA_ARGS__), -EINVAL);                                       \
		SAID(words);                                                                       \
	} while (0)

static int teardown(void **state)
{
	config_release(&config);
	return 0;
}

static void numbers(void **state)
{
	GOOD("x");
	assert_false(config.arch.kaslr_seed.given || config.arch.cntfrq);
	GOOD("--kaslr-seed", "0xfeedfacecafebeef");
	assert_true(config.arch.kaslr_seed.given);
	assert_int_equal(config.arch.kaslr_seed.value, 0xfeedfacecafebeef);
	GOOD("--kaslr-seed=0");
	assert_true(config.arch.kaslr_seed.given && !config.arch.kaslr_seed.value);
	GOOD("--kaslr-seed=5", "--no-kaslr-seed");
	assert_false(config.arch.kaslr_seed.given);
	BAD("not a whole number", "--kaslr-seed", "-1");
	BAD("not a whole number", "--kaslr-seed", "12x");
	BAD("not a whole number", "--kaslr-seed", "");
	BAD("more than 64 bits", "--kaslr-seed", "18446744073709551616");
	GOOD("--override-bad-firmware-cntfrq", "24000000");
	assert_int_equal(config.arch.cntfrq, 24000000);
	BAD("too small", "--override-bad-firmware-cntfrq", "0");
	BAD("too large", "--override-bad-firmware-cntfrq", "4294967296");
	GOOD("--counter-offset", "7");
	assert_int_equal(config.arch.counter_offset, 7);
}

static void vectors(void **state)
{
	GOOD("--sve-max-vl", "128");
	assert_int_equal(config.arch.sve_max_vl, 128);
	GOOD("--sve-max-vl", "0x800");
	assert_int_equal(config.arch.sve_max_vl, 2048);
	GOOD("--sve-max-vl", "384", "--no-sve-max-vl", "--disable-sve");
	assert_true(!config.arch.sve_max_vl && config.arch.disable_sve);
	BAD("128 to 2048 bits", "--sve-max-vl", "0");
	BAD("128 to 2048 bits", "--sve-max-vl", "100");
	BAD("128 to 2048 bits", "--sve-max-vl", "2176");
	BAD("do not go together", "--sve-max-vl", "128", "--disable-sve");
}

static void switches(void **state)
{
	GOOD("x");
	assert_false(config.arch.pmu || config.arch.disable_mte || config.arch.no_pvtime);
	GOOD("--pmu", "--disable-mte", "--no-pvtime");
	assert_true(config.arch.pmu && config.arch.disable_mte && config.arch.no_pvtime);
	GOOD("--no-pvtime", "--pvtime", "--pmu", "--no-pmu");
	assert_false(config.arch.pmu || config.arch.no_pvtime);
}

static void aarch32(void **state)
{
	GOOD("x");
	assert_false(config.arch.aarch32);
	GOOD("--aarch32", "--pmu", "-m", "256@0xc0000000");
	assert_true(config.arch.aarch32);
	BAD("--nested and --aarch32 do not go together", "--aarch32", "--nested");
	BAD("--sve-max-vl and --aarch32 do not go together", "--aarch32", "--sve-max-vl", "128");
	BAD("out of a 32-bit guest's reach", "--aarch32", "-m", "256@0x100000000");
}

static void protected(void **state)
{
	GOOD("x");
	assert_false(config.arch.protected);
	GOOD("--protected", "--irqchip", "gicv3");
	assert_true(config.arch.protected);
	BAD("--nested and --protected do not go together", "--protected", "--nested");
	BAD("--aarch32 and --protected do not", "--protected", "--aarch32");
	BAD("--psci and --protected do not", "--protected", "--psci");
	BAD("--counter-offset and --protected do not", "--protected", "--counter-offset", "1");
	BAD("--irqchip gicv2m and --protected do not", "--protected", "--irqchip", "gicv2m");
	BAD("--mem-backend and --protected do not", "--protected", "--guest-memfd");
	GOOD("--protected", "--mem-backend", "anonymous,prealloc");
	/* The old interface has no word for memory that must be shared before it is used. */
	BAD("pci or mmio would work", "--protected", "--virtio-transport", "pci-legacy");
	BAD("pci or mmio would work", "--protected", "--virtio-transport", "mmio-legacy");
	GOOD("--protected", "--virtio-transport", "mmio");
	GOOD("--psci");
}

static void nested(void **state)
{
	GOOD("--nested");
	GOOD("--nested", "--e2h0", "--irqchip", "gicv3");
	BAD("needs a GICv3", "--nested", "--irqchip", "gicv2m");
	assert_int_equal(TRY("--e2h0"), 0);
	SAID("means nothing without --nested");
}

static void firmware(void **state)
{
	GOOD("--firmware", "f", "--firmware-address", "0x80200000");
	assert_int_equal(config.arch.firmware_address, 0x80200000);
	BAD("instead of a kernel", "--firmware", "f", "--kernel", "k");
	/* Its first instruction would be a fault, and nobody would hear of it. */
	BAD("a multiple of 4 would work", "--firmware", "f", "--firmware-address", "0x80200002");
	assert_int_equal(TRY("--firmware-address", "0x80200000"), 0);
	SAID("means nothing without --firmware");
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(numbers),	 TEST(vectors), TEST(switches), TEST(aarch32),
		TEST(protected), TEST(nested),	TEST(firmware),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
