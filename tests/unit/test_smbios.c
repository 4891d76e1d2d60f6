// SPDX-License-Identifier: GPL-2.0-or-later
/* The SMBIOS table as Linux and systemd walk it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "lkvm/memory/memory.h"
#include "lkvm/util/base64.h"
#include "lkvm/vm/credential.h"
#include "lkvm/vm/vm.h"
#include "tables/smbios.h"
#include "test.h"

static u8 low_memory[BOARD_HIGH_RAM - BOARD_SMBIOS_TABLE];
static struct guest_memory memory;
static struct vm vm;

static int setup(void **state)
{
	guest_memory_init(&memory);
	guest_memory_add_buffer(&memory, BOARD_SMBIOS_TABLE, low_memory, sizeof(low_memory));
	return 0;
}

static u8 sum(const u8 *bytes, size_t len)
{
	u8 total = 0;

	while (len--)
		total += *bytes++;
	return total;
}

static void add(const char *name, const void *value, size_t size)
{
	struct credential *added;

	assert_int_equal(credential_add(&vm, name, value, size, &added), 0);
	assert_int_equal(added->size, size);
}

static int forget(void **state)
{
	while (vm.credentials) {
		struct credential *credential = vm.credentials;

		vm.credentials = credential->next;
		free(credential->name);
		free(credential->value);
		free(credential);
	}
	return 0;
}

/* The next structure behind this one; *nr strings, of which the last two are in `strings`. */
static const u8 *walk(const u8 *at, const u8 *end, unsigned *nr, const char *strings[4])
{
	at += at[1];
	*nr = 0;
	while (*at) {
		size_t len = strnlen((const char *)at, end - at);

		assert_true(at + len < end);
		if (*nr < 4)
			strings[*nr] = (const char *)at;
		++*nr;
		at += len + 1;
	}
	return at + (*nr ? 1 : 2);
}

static const u8 *find_table(const u8 **end)
{
	const u8 *anchor = guest_memory_hva(&memory, 0xf8000, 24);
	u32 size;
	u64 gpa;

	assert_memory_equal(anchor, "_SM3_", 5);
	assert_int_equal(anchor[6], 24);
	assert_int_equal(anchor[7], 3);
	assert_int_equal(sum(anchor, 24), 0);
	memcpy(&size, anchor + 12, sizeof(size));
	memcpy(&gpa, anchor + 16, sizeof(gpa));
	assert_true(gpa >= BOARD_LOW_RAM_END && gpa + size <= BOARD_ACPI);
	*end = guest_memory_hva(&memory, gpa, size) + size;
	return *end - size;
}

static void test_bare(void **state)
{
	const char *strings[4];
	const u8 *end, *at;
	unsigned nr;

	assert_int_equal(smbios_build(&memory, NULL), 0);
	at = find_table(&end);
	assert_int_equal(at[0], 0);
	assert_int_equal(at[1], 26);
	/* What systemd takes for the mark of a virtual machine. */
	assert_true(at[0x13] & 0x10);
	at = walk(at, end, &nr, strings);
	assert_int_equal(nr, 3);
	assert_string_equal(strings[0], "lkvm");
	assert_int_equal(strlen(strings[2]), strlen("mm/dd/yyyy"));
	assert_int_equal(at[0], 1);
	assert_int_equal(at[1], 27);
	at = walk(at, end, &nr, strings);
	assert_int_equal(nr, 2);
	assert_string_equal(strings[0], "lkvm");
	assert_int_equal(at[0], 127);
	assert_ptr_equal(walk(at, end, &nr, strings), end);
	assert_int_equal(nr, 0);
}

static void test_credentials(void **state)
{
	const char *strings[4];
	const u8 *end, *at;
	unsigned nr;

	add("a.b", "some = text", 11);
	add("empty", "", 0);
	add("bytes", "\0\377\n", 3);
	assert_int_equal(smbios_build(&memory, vm.credentials), 0);
	at = find_table(&end);
	at = walk(at, end, &nr, strings);
	at = walk(at, end, &nr, strings);
	assert_int_equal(at[0], 11);
	assert_int_equal(at[1], 5);
	assert_int_equal(at[4], 3);
	at = walk(at, end, &nr, strings);
	assert_int_equal(nr, 3);
	assert_string_equal(strings[0], "io.systemd.credential:a.b=some = text");
	assert_string_equal(strings[1], "io.systemd.credential:empty=");
	assert_string_equal(strings[2], "io.systemd.credential.binary:bytes=AP8K");
	assert_int_equal(at[0], 127);
	assert_ptr_equal(walk(at, end, &nr, strings), end);
}

static void test_too_large(void **state)
{
	char *value = calloc(1, BOARD_SMBIOS_TABLE_SIZE);

	memset(value, 'x', BOARD_SMBIOS_TABLE_SIZE);
	add("fits", value, BOARD_SMBIOS_TABLE_SIZE - 256);
	assert_int_equal(smbios_build(&memory, vm.credentials), 0);
	add("does.not", value, 256);
	assert_int_equal(smbios_build(&memory, vm.credentials), -ENOSPC);
	free(value);
}

static void test_names(void **state)
{
	char name[CREDENTIAL_MAX_NAME + 2];

	memset(name, 'n', sizeof(name));
	name[CREDENTIAL_MAX_NAME] = '\0';
	assert_null(credential_name_fault(name));
	assert_null(credential_name_fault("ssh.authorized_keys.root"));
	name[CREDENTIAL_MAX_NAME] = 'n';
	name[CREDENTIAL_MAX_NAME + 1] = '\0';
	assert_non_null(credential_name_fault(name));
	assert_non_null(credential_name_fault(""));
	assert_non_null(credential_name_fault("."));
	assert_non_null(credential_name_fault(".."));
	assert_non_null(credential_name_fault("a/b"));
	assert_non_null(credential_name_fault("a:b"));
	assert_non_null(credential_name_fault("a b"));
	assert_non_null(credential_name_fault("a\n"));
	assert_non_null(credential_name_fault("\303\244"));
}

/* RFC 4648, 10. */
static void test_base64(void **state)
{
	static const char *const pairs[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
	};
	char text[16];

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		size_t len = strlen(pairs[i][0]);

		base64_encode(text, pairs[i][0], len);
		assert_int_equal(BASE64_SIZE(len), strlen(pairs[i][1]));
		assert_memory_equal(text, pairs[i][1], BASE64_SIZE(len));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bare),
		cmocka_unit_test_teardown(test_credentials, forget),
		cmocka_unit_test_teardown(test_too_large, forget),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_base64),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
