// SPDX-License-Identifier: GPL-2.0-or-later
/* The flash as a device: its file, its lock, and when the guest reads it without an exit. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"
#include "fake_rom.h"
#include "hw_vm.h"
#include "kernel_file.h"
#include "lkvm/hw/cfi-flash.h"

#define BASE 0x2000000
#define SIZE MIB(1)

static char directory[] = "/tmp/test-cfi-flash-XXXXXX";
static char path[64];

static int make_directory(void **state)
{
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	return rmdir(directory);
}

static void make_file(u64 size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	u8 block[4096];

	assert_true(fd >= 0);
	for (u64 at = 0; at < size; at += sizeof(block)) {
		memset(block, at >> 12, sizeof(block));
		assert_int_equal(pwrite(fd, block, sizeof(block), at), sizeof(block));
	}
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
}

static int setup(void **state)
{
	memset(&fake_rom, 0, sizeof(fake_rom));
	snprintf(path, sizeof(path), "%s/flash", directory);
	make_file(SIZE);
	test_vm_init();
	return 0;
}

static int teardown(void **state)
{
	test_vm_exit();
	assert_null(fake_rom.memory);
	return unlink(path);
}

static int create_flash(gpa_t base, u64 max)
{
	void *flash;
	int err = cfi_flash_open(path, max, &flash);

	return err ?: cfi_flash_create(&test_vm.vm, base, &flash);
}

static void create(void)
{
	assert_int_equal(create_flash(BASE, MIB(16)), 0);
	devices_reset(&test_vm.vm.devices);
	assert_int_equal(devices_start(&test_vm.vm.devices), 0);
}

static u32 get(u32 offset)
{
	u8 data[4];

	assert_true(bus_read(test_vm.vm.mmio, BASE + offset, data, 4));
	return bus_get(data, 4);
}

static void put(u32 offset, u32 value)
{
	u8 data[4];

	bus_put(data, 4, value);
	assert_true(bus_write(test_vm.vm.mmio, BASE + offset, data, 4));
}

static void cmd(u32 offset, u8 value)
{
	put(offset, value << 16 | value);
}

static u32 in_file(u32 offset)
{
	int fd = open(path, O_RDONLY);
	le32 value = 0;

	assert_int_equal(pread(fd, &value, 4, offset), 4);
	close(fd);
	return le32toh(value);
}

static const char *refusal(u64 max)
{
	struct device *last = TAILQ_LAST(&test_vm.vm.devices, device, link);
	struct ear ear = listen_to_stderr();
	int error = create_flash(BASE, max);
	const char *said = heard(&ear);

	assert_true(error < 0);
	assert_non_null(strstr(said, "--flash "));
	assert_ptr_equal(TAILQ_LAST(&test_vm.vm.devices, device, link), last);
	return said;
}

#define assert_says(said, words) assert_non_null(strstr(said, words))

static void description(void **state)
{
	const struct device_description *d;

	create();
	d = &TAILQ_FIRST(&test_vm.vm.devices)->description;
	assert_string_equal(d->compatible, "cfi-flash");
	/* EDK2 looks for this. */
	assert_string_equal(d->label, "System-firmware");
	assert_int_equal(d->bank_width, 4);
	assert_int_equal(d->where.base, BASE);
	assert_int_equal(d->where.size, SIZE);
	assert_int_equal(d->gsi, -1);
	/* The address is taken, and nothing is left of a second one. */
	snprintf(path, sizeof(path), "%s/second", directory);
	make_file(SIZE);
	struct ear ear = listen_to_stderr();
	assert_int_equal(create_flash(BASE + SIZE - KIB(64), MIB(16)), -EEXIST);
	assert_says(heard(&ear), "not free");
	unlink(path);
	snprintf(path, sizeof(path), "%s/flash", directory);
}

static void mapped_while_the_array_is_read(void **state)
{
	create();
	assert_non_null(fake_rom.memory);
	assert_int_equal(fake_rom.gpa, BASE);
	assert_int_equal(fake_rom.size, SIZE);
	assert_int_equal(fake_rom.memory[0x5000], 5);
	assert_int_equal(fake_rom.changes, 1);
	/* A command takes it away, whatever follows does not change that, until the array is wanted. */
	cmd(0, 0x90);
	assert_null(fake_rom.memory);
	cmd(0, 0x20);
	cmd(0, 0xd0);
	cmd(0, 0x70);
	assert_int_equal(get(0), 0x800080);
	assert_null(fake_rom.memory);
	assert_int_equal(fake_rom.changes, 2);
	cmd(0, 0xff);
	assert_int_equal(fake_rom.memory[0], 0xff);
	cmd(0, 0xff);
	assert_int_equal(fake_rom.changes, 3);
	/* A read that was under way when it was mapped. */
	assert_int_equal(get(0x15000), 0x15151515);
}

static void reset_maps_it_again(void **state)
{
	create();
	cmd(0, 0x98);
	assert_null(fake_rom.memory);
	devices_quiesce(&test_vm.vm.devices);
	devices_reset(&test_vm.vm.devices);
	devices_resume(&test_vm.vm.devices);
	assert_non_null(fake_rom.memory);
	assert_int_equal(get(0x3000), 0x03030303);
}

static void kvm_refuses(void **state)
{
	struct ear ear = listen_to_stderr();

	fake_rom.error = -ENOMEM;
	create();
	assert_says(heard(&ear), "does not map it");
	assert_null(fake_rom.memory);
	/* Slow, but right. */
	assert_int_equal(get(0x5000), 0x05050505);
	cmd(0, 0x70);
	assert_int_equal(get(0), 0x800080);
	fake_rom.error = 0;
	cmd(0, 0xff);
	assert_non_null(fake_rom.memory);
}

static void writes_are_kept(void **state)
{
	create();
	cmd(0x10000, 0x20);
	cmd(0x10000, 0xd0);
	assert_int_equal(in_file(0x10000), 0xffffffff);
	assert_int_equal(in_file(0x1fffc), 0xffffffff);
	assert_int_equal(in_file(0x20000), 0x20202020);
	cmd(0x10008, 0x40);
	put(0x10008, 0xcafef00d);
	assert_int_equal(in_file(0x10008), 0xcafef00d);
	devices_destroy(&test_vm.vm.devices);
	bus_remove(test_vm.vm.mmio, BASE);
	create();
	assert_int_equal(get(0x10008), 0xcafef00d);
	assert_int_equal(get(0x1000c), 0xffffffff);
}

static void full_disk(void **state)
{
	struct rlimit old, limit;
	struct ear ear;

	create();
	/* The kernel's way of saying that there is no room, without filling a disk. */
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = 0x1000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ear = listen_to_stderr();
	for (unsigned i = 0; i < 100; i++) {
		cmd(0x10000, 0x20);
		cmd(0x10000, 0xd0);
		assert_int_equal(get(0), 0xa000a0);
		cmd(0, 0x50);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	const char *said = heard(&ear);
	unsigned lines = 0;

	assert_says(said, "writing failed");
	for (; (said = strchr(said, '\n')); said++)
		lines++;
	assert_int_equal(lines, 3);
}

static void sizes(void **state)
{
	static const u64 bad[] = { 0, 1, 4096, 32768, 65537, 3 * 65536, MIB(16) + 65536, MIB(32) };

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		make_file(bad[i]);
		assert_says(refusal(MIB(16)), "power of two from 64 KiB to 16 MiB");
	}
	make_file(MIB(2));
	assert_says(refusal(MIB(1)), "to 1 MiB");
	make_file(KIB(64));
	create();
	assert_int_equal(get(0xf000), 0x0f0f0f0f);
}

static void sixteen_mib(void **state)
{
	make_file(MIB(16));
	create();
	assert_int_equal(get(MIB(16) - 4), 0xffffffff);
}

static void no_file(void **state)
{
	assert_int_equal(unlink(path), 0);
	assert_says(refusal(MIB(16)), "No such file");
	assert_int_equal(mkdir(path, 0700), 0);
	assert_says(refusal(MIB(16)), "directory");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_says(refusal(MIB(16)), "not a regular file");
	assert_int_equal(unlink(path), 0);
	make_file(SIZE);
}

static void used_by_somebody_else(void **state)
{
	char inner[64], *end;
	int fd;

	create();
	assert_says(refusal(MIB(16)), "in use by another option of this guest");
	/* Another name of the same file. */
	strcpy(inner, path);
	end = strrchr(path, '/');
	strcpy(end, "/other");
	assert_int_equal(link(inner, path), 0);
	struct ear ear = listen_to_stderr();
	assert_int_equal(create_flash(BASE + MIB(16), MIB(16)), -EBUSY);
	assert_says(heard(&ear), "in use by ");
	unlink(path);
	strcpy(path, inner);
	/* Gone with the device. */
	devices_destroy(&test_vm.vm.devices);
	bus_remove(test_vm.vm.mmio, BASE);
	fd = open(path, O_RDWR);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
	close(fd);
}

/* Root may write whatever the mode says, so this runs as nobody when it is root. */
static void write_protected(void **state)
{
	pid_t child;
	int status;

	assert_int_equal(chmod(path, 0444), 0);
	assert_int_equal(chmod(directory, 0755), 0);
	child = fork();
	if (!child) {
		struct ear ear = listen_to_stderr();
		int error;

		if (!getuid() && setuid(65534))
			_exit(10);
		error = create_flash(BASE, MIB(16));
		if (!strstr(heard(&ear), "cannot be written"))
			_exit(11);
		if (error)
			_exit(12);
		devices_reset(&test_vm.vm.devices);
		cmd(0, 0x20);
		cmd(0, 0xd0);
		if (get(0) != 0xa200a2)
			_exit(13);
		cmd(0, 0xff);
		_exit(get(0x5000) == 0x05050505 ? 0 : 14);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(in_file(0x5000), 0x05050505);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(description),
		T(mapped_while_the_array_is_read),
		T(reset_maps_it_again),
		T(kvm_refuses),
		T(writes_are_kept),
		T(full_disk),
		T(sizes),
		T(sixteen_mib),
		T(no_file),
		T(used_by_somebody_else),
		T(write_protected),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
