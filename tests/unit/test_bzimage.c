// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>

#include "board.h"
#include "bzimage.h"
#include "x86_kernel.h"
#include "lkvm/boot/cmdline.h"
#include "lkvm/boot/initrd.h"

static u8 image[BZIMAGE_SIZE];

static int setup(void **state)
{
	make_bzimage(image);
	guest_memory_init(&memory);
	return 0;
}

static struct x86_boot boot(u64 low, u64 high)
{
	assert_int_equal(guest_memory_add_ram(&memory, 0, low), 0);
	if (high)
		assert_int_equal(guest_memory_add_ram(&memory, BOARD_HOLE_END, high), 0);
	return (struct x86_boot){
		.memory = &memory, .low_ram = low, .high_ram = high, .cmdline = "quiet"
	};
}

static struct boot_params *params(void)
{
	return guest_memory_hva(&memory, BOARD_BOOT_PARAMS, 4096);
}

static void good_header(void **state)
{
	assert_int_equal(open_bytes(image, sizeof(image)), 0);
	assert_int_equal(kernel.kind, X86_KERNEL_BZIMAGE);
	assert_true(kernel.entry_64);
	assert_true(kernel.initrd_above_4g);
	assert_int_equal(kernel.payload, BZIMAGE_SETUP);
	assert_int_equal(kernel.payload_size, BZIMAGE_PAYLOAD);
	assert_int_equal(kernel.pref_address, MIB(16));
	assert_int_equal(kernel.cmdline_max, 2047);
}

static void old_protocols(void **state)
{
	struct setup_header *setup_header = bzimage_header(image);

	/* 2.06 ends before the preferred address: what lies behind its header is not the header's. */
	image[0x201] = 0x3a;
	setup_header->version = 0x206;
	assert_int_equal(open_bytes(image, sizeof(image)), 0);
	assert_false(kernel.entry_64);
	assert_int_equal(kernel.pref_address, BOARD_HIGH_RAM);
	assert_int_equal(kernel.init_size, 4 * BZIMAGE_PAYLOAD);
	assert_int_equal(kernel.setup.pref_address, 0);

	setup_header->version = 0x205;
	assert_says(refusal(image, sizeof(image)), "older than 2.06");
}

static void entry_of_32_bits(void **state)
{
	struct x86_entry entry;
	struct x86_boot b = boot(MIB(64), 0);

	bzimage_header(image)->xloadflags = 0;
	assert_int_equal(open_bytes(image, sizeof(image)), 0);
	assert_int_equal(x86_kernel_load(&kernel, &b, &entry), 0);
	assert_false(entry.long_mode);
	assert_int_equal(entry.rip, MIB(16));
	assert_int_equal(params()->hdr.code32_start, MIB(16));
}

static void truncated_anywhere(void **state)
{
	/* Every length short of the whole is refused, and nothing reads past the end. */
	for (size_t size = 1; size < sizeof(image); size += size < 0x300 ? 1 : 97)
		assert_says(refusal(image, size), "Fatal: ");
	assert_says(refusal(image, sizeof(image) - 16), "truncated");
	assert_says(refusal(image, BZIMAGE_SETUP), "truncated");
	assert_says(refusal(image, 0x210), "truncated");
}

/* memtest86+, ipxe.lkrn: syssize counts units of 16 bytes, rounded up, and the file is not padded. */
static void not_padded(void **state)
{
	struct x86_entry entry;
	struct x86_boot b = boot(MIB(64), 0);
	u8 *code = guest_memory_hva(&memory, MIB(16), BZIMAGE_PAYLOAD);

	for (unsigned missing = 1; missing < 16; missing++) {
		assert_int_equal(open_bytes(image, sizeof(image) - missing), 0);
		assert_int_equal(kernel.payload_size, BZIMAGE_PAYLOAD - missing);
	}
	assert_int_equal(x86_kernel_load(&kernel, &b, &entry), 0);
	assert_memory_equal(code, image + BZIMAGE_SETUP, BZIMAGE_PAYLOAD - 15);
	assert_int_equal(code[BZIMAGE_PAYLOAD - 15], 0);
	/* More than the header counts is not the kernel's. */
	bzimage_header(image)->syssize--;
	assert_int_equal(open_bytes(image, sizeof(image)), 0);
	assert_int_equal(kernel.payload_size, BZIMAGE_PAYLOAD - 16);
}

/* ipxe.lkrn and memdisk load the rest of themselves in real mode. */
static void entry_in_real_mode(void **state)
{
	bzimage_header(image)->code32_start = 0;
	assert_int_equal(open_bytes(image, sizeof(image)), 0);
	image[0x201] = 0x3a;
	bzimage_header(image)->version = 0x207;
	assert_says(refusal(image, sizeof(image)), "only entry is in real mode");
	bzimage_header(image)->code32_start = 0x100000;
	assert_int_equal(open_bytes(image, sizeof(image)), 0);
}

static void damaged(void **state)
{
	bzimage_header(image)->boot_flag = 0;
	assert_says(refusal(image, sizeof(image)), "no signature");
	make_bzimage(image);
	bzimage_header(image)->syssize = 0xffffffff;
	assert_says(refusal(image, sizeof(image)), "truncated");
	bzimage_header(image)->syssize = 0;
	assert_says(refusal(image, sizeof(image)), "no code");
	make_bzimage(image);
	bzimage_header(image)->loadflags = 0;
	assert_says(refusal(image, sizeof(image)), "zImage");
}

static void other_kinds(void **state)
{
	u8 bytes[0x400] = { 0 };

	memcpy(bytes + 0x38, "ARM\x64", 4);
	assert_says(refusal(bytes, sizeof(bytes)), "is an arm64 Image");
	memcpy(bytes + 0x38, "RSC\x05", 4);
	assert_says(refusal(bytes, sizeof(bytes)), "is a riscv64 Image");
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, "\x1f\x8b", 2);
	assert_says(refusal(bytes, sizeof(bytes)), "is a gzip file");
	memset(bytes, 'x', sizeof(bytes));
	assert_says(refusal(bytes, sizeof(bytes)), "neither a bzImage nor an ELF");
	assert_says(refusal(bytes, 1), "neither a bzImage nor an ELF");
}

static const char *refused_path(const char *path)
{
	struct ear ear = listen_to_stderr();
	int error = x86_kernel_open(&kernel, path, GIB(1));
	const char *said = heard(&ear);

	assert_true(error < 0);
	return said;
}

static void not_a_file(void **state)
{
	assert_string_equal(refused_path("/nonexistent/bzImage"),
			    "  Fatal: Unable to open kernel /nonexistent/bzImage: "
			    "No such file or directory\n");
	assert_says(refused_path("/"), "Unable to open kernel /: it is a directory");
	assert_says(refused_path("/dev/null"), "neither a regular file nor a pipe");
	assert_says(refusal("", 0), "it is empty");
}

static void loads(void **state)
{
	struct x86_entry entry;
	struct x86_boot b = boot(MIB(64), 0);
	u8 *code;

	b.rsdp = 0xe0000;
	assert_int_equal(open_bytes(image, sizeof(image)), 0);
	assert_int_equal(x86_kernel_load(&kernel, &b, &entry), 0);
	assert_true(entry.long_mode);
	assert_int_equal(entry.rip, MIB(16) + 0x200);
	assert_int_equal(entry.boot_params, BOARD_BOOT_PARAMS);
	code = guest_memory_hva(&memory, MIB(16), BZIMAGE_PAYLOAD);
	assert_memory_equal(code, image + BZIMAGE_SETUP, BZIMAGE_PAYLOAD);
	assert_int_equal(params()->hdr.type_of_loader, 0xff);
	assert_int_equal(params()->hdr.cmd_line_ptr, BOARD_BOOT_CMDLINE);
	assert_int_equal(params()->hdr.ramdisk_size, 0);
	assert_int_equal(params()->acpi_rsdp_addr, 0xe0000);
	assert_int_equal(params()->sentinel, 0);
	assert_string_equal(guest_memory_hva(&memory, BOARD_BOOT_CMDLINE, 6), "quiet");
}

static void seed(void **state)
{
	struct x86_entry entry;
	struct x86_boot b = boot(MIB(64), 0);
	struct setup_data *data;
	u8 zero[32] = { 0 };

	bzimage_header(image)->setup_data = 0x123456789; /* a file's own must not be believed */
	assert_int_equal(open_bytes(image, sizeof(image)), 0);
	assert_int_equal(x86_kernel_load(&kernel, &b, &entry), 0);
	data = guest_memory_hva(&memory, params()->hdr.setup_data, sizeof(*data) + 32);
	assert_non_null(data);
	assert_int_equal(data->next, 0);
	assert_int_equal(data->type, SETUP_RNG_SEED);
	assert_int_equal(data->len, 32);
	assert_memory_not_equal(data->data, zero, 32);
}

static void too_little_memory(void **state)
{
	struct ear ear = listen_to_stderr();
	struct x86_entry entry;
	struct x86_boot b = boot(MIB(20), 0);
	int opened = open_bytes(image, sizeof(image));
	int error = x86_kernel_load(&kernel, &b, &entry);
	const char *said = heard(&ear);

	assert_int_equal(opened, 0);
	assert_int_equal(error, -ENOMEM);
	assert_says(said, "needs 8 MiB of memory at 16 MiB, the guest has 20 MiB");
}

static void absurd_addresses(void **state)
{
	static const u64 addresses[] = { 0,	  1,	  UINT64_MAX,	  UINT64_MAX - MIB(1),
					 BIT(63), GIB(3), BOARD_HOLE_END, MIB(64) - 4096 };
	struct x86_entry entry;
	struct x86_boot b = boot(MIB(64), MIB(64));

	for (unsigned i = 0; i < ARRAY_SIZE(addresses); i++) {
		struct ear ear = listen_to_stderr();
		int error;

		make_bzimage(image);
		bzimage_header(image)->pref_address = addresses[i];
		bzimage_header(image)->init_size = i & 1 ? 0xffffffff : 4096;
		error = open_bytes(image, sizeof(image));
		if (!error)
			error = x86_kernel_load(&kernel, &b, &entry);
		heard(&ear);
		/* Only 0 with a small init_size, and the last page with an even index, are possible. */
		if (error)
			assert_int_equal(error, -ENOMEM);
		else
			assert_true(entry.rip >= BOARD_HIGH_RAM && entry.rip < MIB(64));
	}
}

static void cmdline_limit(void **state)
{
	struct x86_entry entry;
	struct x86_boot b = boot(MIB(64), 0);
	char words[64];
	struct ear ear;
	int error;

	bzimage_header(image)->cmdline_size = 40;
	assert_int_equal(open_bytes(image, sizeof(image)), 0);
	memset(words, 'a', sizeof(words));
	words[40] = '\0';
	b.cmdline = words;
	assert_int_equal(x86_kernel_load(&kernel, &b, &entry), 0);
	words[40] = 'a';
	words[41] = '\0';
	ear = listen_to_stderr();
	error = x86_kernel_load(&kernel, &b, &entry);
	assert_says(heard(&ear), "has 41 characters");
	assert_int_equal(error, -E2BIG);
}

static u64 initrd_at(void)
{
	return params()->hdr.ramdisk_image | (u64)params()->ext_ramdisk_image << 32;
}

static int load_with_initrds(struct x86_boot *b, const u64 *sizes, unsigned nr, const char **said)
{
	static struct boot_file initrds[4];
	struct x86_entry entry;
	struct ear ear;
	int error;

	for (unsigned i = 0; i < nr; i++) {
		/* A file larger than what was written: sparse, zeros. */
		struct memory_file f = memory_file("initrd", 6);

		assert_int_equal(ftruncate(f.fd, sizes[i]), 0);
		initrds[i] = (struct boot_file){ .path = "initrd", .fd = f.fd, .size = sizes[i] };
	}
	b->initrds = initrds;
	b->nr_initrds = nr;
	ear = listen_to_stderr();
	error = x86_kernel_load(&kernel, b, &entry);
	*said = heard(&ear);
	for (unsigned i = 0; i < nr; i++)
		close(initrds[i].fd);
	return error;
}

static void initrd_high_in_low_memory(void **state)
{
	struct x86_boot b = boot(MIB(64), 0);
	static const u64 sizes[] = { 7, 4097, 6 };
	const char *said;
	u8 *bytes;

	assert_int_equal(open_bytes(image, sizeof(image)), 0);
	assert_int_equal(load_with_initrds(&b, sizes, 3, &said), 0);
	/* 7 padded to 8, 4097 padded to 4100, 6 not padded. */
	assert_int_equal(params()->hdr.ramdisk_size, 8 + 4100 + 6);
	assert_int_equal(initrd_at() & 4095, 0);
	assert_true(initrd_at() + params()->hdr.ramdisk_size <= MIB(64));
	assert_true(initrd_at() >= MIB(64) - 3 * 4096);
	bytes = guest_memory_hva(&memory, initrd_at(), 8 + 4100 + 6);
	assert_memory_equal(bytes, "initrd\0\0initrd", 14);
	assert_memory_equal(bytes + 8 + 4100, "initrd", 6);
}

static void initrd_limit_is_kept(void **state)
{
	struct x86_boot b = boot(MIB(128), 0);
	static const u64 size = MIB(1);
	const char *said;

	bzimage_header(image)->initrd_addr_max = MIB(64) - 1;
	assert_int_equal(open_bytes(image, sizeof(image)), 0);
	assert_int_equal(load_with_initrds(&b, &size, 1, &said), 0);
	assert_int_equal(initrd_at(), MIB(63));
}

static void initrd_above_4g(void **state)
{
	struct x86_boot b = boot(MIB(32), MIB(64));
	static const u64 size = MIB(40);
	const char *said;

	assert_int_equal(open_bytes(image, sizeof(image)), 0);
	assert_int_equal(load_with_initrds(&b, &size, 1, &said), 0);
	assert_int_equal(initrd_at(), BOARD_HOLE_END + MIB(24));

	bzimage_header(image)->xloadflags = XLF_KERNEL_64;
	assert_int_equal(open_bytes(image, sizeof(image)), 0);
	assert_int_equal(load_with_initrds(&b, &size, 1, &said), -ENOMEM);
	assert_says(said, "The initrd (40 MiB) does not fit into the guest's 96 MiB");
}

static void initrd_does_not_touch_the_kernel(void **state)
{
	struct x86_boot b = boot(MIB(32), 0);
	u64 size = MIB(8);
	const char *said;

	assert_int_equal(open_bytes(image, sizeof(image)), 0);
	assert_int_equal(load_with_initrds(&b, &size, 1, &said), 0);
	assert_int_equal(initrd_at(), MIB(24));
	size++;
	assert_int_equal(load_with_initrds(&b, &size, 1, &said), -ENOMEM);
}

static void initrd_became_shorter(void **state)
{
	struct memory_file f = memory_file("initrd", 6);
	struct boot_file initrd = { .path = "short", .fd = f.fd, .size = 100 };
	struct ear ear;
	int error;

	assert_int_equal(guest_memory_add_ram(&memory, 0, MIB(1)), 0);
	ear = listen_to_stderr();
	error = boot_initrd_load(&memory, 0x1000, &initrd, 1);
	assert_says(heard(&ear), "initrd short: it became shorter");
	assert_int_equal(error, -ENODATA);
	close(f.fd);
}

static void command_line_words(void **state)
{
	char buffer[10] = "";

	assert_int_equal(cmdline_add(buffer, sizeof(buffer), NULL), 0);
	assert_int_equal(cmdline_add(buffer, sizeof(buffer), ""), 0);
	assert_string_equal(buffer, "");
	assert_int_equal(cmdline_add(buffer, sizeof(buffer), "abc"), 0);
	assert_int_equal(cmdline_add(buffer, sizeof(buffer), "def"), 0);
	assert_string_equal(buffer, "abc def");
	assert_int_equal(cmdline_add(buffer, sizeof(buffer), "gh"), -E2BIG);
	assert_int_equal(cmdline_add(buffer, sizeof(buffer), "g"), 0);
	assert_string_equal(buffer, "abc def g");
	assert_int_equal(cmdline_add(buffer, sizeof(buffer), "h"), -E2BIG);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(good_header),
		T(old_protocols),
		T(entry_of_32_bits),
		T(truncated_anywhere),
		T(not_padded),
		T(entry_in_real_mode),
		T(damaged),
		T(other_kinds),
		T(not_a_file),
		T(loads),
		T(seed),
		T(too_little_memory),
		T(absurd_addresses),
		T(cmdline_limit),
		T(initrd_high_in_low_memory),
		T(initrd_limit_is_kept),
		T(initrd_above_4g),
		T(initrd_does_not_touch_the_kernel),
		T(initrd_became_shorter),
		T(command_line_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
