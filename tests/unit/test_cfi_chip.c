// SPDX-License-Identifier: GPL-2.0-or-later
/* The command set as Linux (cfi_cmdset_0001) and EDK2's driver use it, and as nobody should. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../hw/cfi-chip.h"
#include "test.h"

#define SIZE  MIB(1)
#define BLOCK 0x10000

#define READY  0x80
#define ERASE  0x20
#define WRITE  0x10
#define LOCKED 0x02

static struct cfi_chip chip;
static u8 array[MIB(16)], kept[MIB(16)];
static int store_error;
static unsigned stores;

static int keep(struct cfi_chip *c, u32 offset, u32 len)
{
	stores++;
	if (!store_error)
		memcpy(kept + offset, array + offset, len);
	return store_error;
}

static int setup(void **state)
{
	for (unsigned i = 0; i < sizeof(array); i++)
		array[i] = i * 13 + (i >> 8);
	memcpy(kept, array, sizeof(kept));
	store_error = stores = 0;
	chip = (struct cfi_chip){ .array = array, .size = SIZE, .store = keep };
	cfi_chip_reset(&chip);
	return 0;
}

/* What the guest did must be in the file, and nothing else. */
static int teardown(void **state)
{
	return store_error ? 0 : memcmp(array, kept, sizeof(kept));
}

static u64 get(u32 offset, unsigned len)
{
	u8 data[8] = { 0 };
	le64 value;

	cfi_chip_read(&chip, offset, data, len);
	memcpy(&value, data, 8);
	return le64toh(value);
}

static void put(u32 offset, u64 value, unsigned len)
{
	le64 wire = htole64(value);

	cfi_chip_write(&chip, offset, (u8 *)&wire, len);
}

/* To both chips at once, as the drivers do it. */
static void cmd(u32 offset, u8 value)
{
	put(offset, value << 16 | value, 4);
}

static u32 both(u8 value)
{
	return value << 16 | value;
}

#define assert_status(value) assert_int_equal(get(0, 4), both(value))

static u8 query(unsigned word)
{
	u64 value = get(word * 4, 4);

	assert_int_equal(value, both(value));
	return value;
}

static void array_is_read_after_reset(void **state)
{
	for (unsigned len = 1; len <= 8; len++) {
		u64 value = get(0x1233, len);

		assert_memory_equal(&value, array + 0x1233, len);
	}
	cmd(0, 0x70);
	assert_status(READY);
	cmd(0x100, 0x90);
	cfi_chip_reset(&chip);
	assert_int_equal(get(0, 1), array[0]);
}

static void query_tables(void **state)
{
	static const struct {
		u32 size;
		u8 chip_shift;
		u16 blocks;
	} sizes[] = { { KIB(64), 15, 1 }, { MIB(1), 19, 16 }, { MIB(16), 23, 256 } };

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		chip.size = sizes[i].size;
		cmd(0x55 * 4, 0x98);
		assert_int_equal(query(0x10), 'Q');
		assert_int_equal(query(0x11), 'R');
		assert_int_equal(query(0x12), 'Y');
		assert_int_equal(query(0x13) | query(0x14) << 8, 1);
		assert_int_equal(query(0x15) | query(0x16) << 8, 0x31);
		assert_int_equal(query(0x27), sizes[i].chip_shift);
		assert_int_equal(query(0x28) | query(0x29) << 8, 1);
		/* Linux takes the size times two, EDK2 128 bytes without asking. */
		assert_int_equal(2 << query(0x2a), 128);
		assert_int_equal(query(0x2c), 1);
		assert_int_equal((query(0x2d) | query(0x2e) << 8) + 1, sizes[i].blocks);
		assert_int_equal((query(0x2f) | query(0x30) << 8) * 256 * 2, BLOCK);
		/* What Linux's driver insists on: blocks fill both chips exactly. */
		assert_int_equal(sizes[i].blocks * BLOCK, 2u << query(0x27));
		assert_int_equal(query(0x31), 'P');
		assert_int_equal(query(0x34), '1');
		assert_int_equal(query(0x35), '0');
		assert_int_equal(query(0x36), 0x20);
		assert_int_equal(query(0x3b), 3);
		for (unsigned word = 0x3e; word < 0x100; word++)
			assert_int_equal(query(word), 0);
	}
	assert_int_equal(get(0x10 * 4, 1), 'Q');
	assert_int_equal(get(0x10 * 4 + 1, 1), 0);
	assert_int_equal(get(0x10 * 4 + 2, 2), 'Q');
	assert_int_equal(get(0x10 * 4, 8), both('Q') | (u64)both('R') << 32);
	assert_int_equal(get(0x10 * 4 + 2, 4), 'Q' | 'R' << 16);
	/* A probe that tries other widths gets neither a QRY nor lost. */
	put(0x154, 0x98989898, 4);
	assert_int_not_equal(get(0x40, 4), 0x51515151);
	cmd(0, 0xf0);
	assert_int_equal(get(0, 4) & 0xff, array[0]);
}

static void word_as_linux_writes_it(void **state)
{
	memset(array + 0x20000, 0xff, 64);
	memcpy(kept, array, sizeof(kept));
	cmd(0x20010, 0x40);
	put(0x20010, 0x12345678, 4);
	assert_int_equal(get(0x20010, 4), both(READY));
	cmd(0x20010, 0xff);
	assert_int_equal(get(0x20010, 4), 0x12345678);
	/* Ones stay what they are: only zeroes can be programmed. */
	cmd(0x20010, 0x10);
	put(0x20010, 0xff00ffff, 4);
	cmd(0x20010, 0xff);
	assert_int_equal(get(0x20010, 4), 0x12005678);
	assert_int_equal(get(0x20014, 4), 0xffffffff);
	assert_int_equal(stores, 2);
}

static void erase_as_linux_does_it(void **state)
{
	cmd(0x31234, 0x50);
	cmd(0x31234, 0x20);
	cmd(0x31234, 0xd0);
	assert_int_equal(get(0x31234, 4), both(READY));
	cmd(0x31234, 0x70);
	assert_int_equal(get(0x31234, 4), both(READY));
	cmd(0x31234, 0xff);
	for (u32 i = 0; i < BLOCK; i += 4)
		assert_int_equal(get(0x30000 + i, 4), 0xffffffff);
	assert_int_not_equal(get(0x2fffc, 4), 0xffffffff);
	assert_int_not_equal(get(0x40000, 4), 0xffffffff);
	assert_int_equal(stores, 1);
	/* Anything but the confirmation spares the block. */
	cmd(0, 0x20);
	cmd(0, 0xff);
	assert_status(READY | ERASE | WRITE);
	cmd(0, 0x50);
	assert_status(READY);
	assert_int_equal(array[0], 0);
	assert_int_equal(array[1], 13);
}

/* `words` of 4 bytes from `offset` on; returns the status. */
static u32 write_buffer(u32 offset, const u8 *data, unsigned words, u32 confirm_at)
{
	u32 status;

	cmd(offset & ~127u, 0xe8);
	assert_int_equal(get(offset & ~127u, 4), both(READY));
	put(offset & ~127u, both(words - 1), 4);
	for (unsigned i = 0; i < words; i++) {
		u32 word;

		memcpy(&word, data + 4 * i, 4);
		put(offset + 4 * i, le32toh(word), 4);
	}
	cmd(confirm_at, 0xd0);
	cmd(offset, 0x70);
	status = get(offset, 4);
	cmd(offset, 0x50);
	return status;
}

static void buffers(void **state)
{
	u8 data[128];

	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = i ^ 0x5a;
	cmd(0x50000, 0x20);
	cmd(0x50000, 0xd0);
	/* EDK2: always all 32 words, confirmed at the flash's beginning. */
	assert_int_equal(write_buffer(0x50080, data, 32, 0), both(READY));
	assert_memory_equal(array + 0x50080, data, 128);
	/* Linux: some words, not from the buffer's beginning. */
	assert_int_equal(write_buffer(0x5017c, data, 1, 0x50100), both(READY));
	assert_memory_equal(array + 0x5017c, data, 4);
	assert_int_equal(write_buffer(0x50208, data, 5, 0x50200), both(READY));
	assert_memory_equal(array + 0x50208, data, 20);
	assert_int_equal(array[0x50207], 0xff);
	assert_int_equal(array[0x5021c], 0xff);
	assert_int_equal(stores, 4);
}

static void buffers_that_do_not_fit(void **state)
{
	u8 before[256];

	memcpy(before, array, sizeof(before));
	/* More words than a buffer has. */
	cmd(0, 0xe8);
	put(0, both(32), 4);
	assert_status(READY | ERASE | WRITE);
	cmd(0, 0x50);
	cmd(0, 0xe8);
	put(0, 0xffffffff, 4);
	assert_status(READY | ERASE | WRITE);
	cmd(0, 0x50);
	/* A word outside of the buffer that the first one chose. */
	cmd(0, 0xe8);
	put(0, both(3), 4);
	put(0x40, 0, 4);
	put(0x80, 0, 4);
	assert_status(READY | ERASE | WRITE);
	cmd(0, 0x50);
	/* No confirmation. */
	cmd(0, 0xe8);
	put(0, both(0), 4);
	put(0, 0, 4);
	cmd(0, 0x70);
	assert_status(READY | ERASE | WRITE);
	cmd(0, 0x50);
	/* A word over the buffer's end. */
	cmd(0, 0xe8);
	put(0, both(0), 4);
	put(0x7e, 0, 4);
	assert_status(READY | ERASE | WRITE);
	assert_memory_equal(array, before, sizeof(before));
	assert_int_equal(stores, 0);
}

/* As EDK2 looks at a block, unlocks it if it must, and erases it. */
static u32 lock_bits(u32 block)
{
	cmd(block + 8, 0x90);
	return get(block + 8, 4);
}

static void locks(void **state)
{
	u8 before[BLOCK];

	memcpy(before, array + 0x70000, BLOCK);
	assert_int_equal(lock_bits(0x70000), 0);
	cmd(0x70000, 0x60);
	cmd(0x70000, 0x01);
	assert_status(READY);
	assert_int_equal(lock_bits(0x70000), both(1));
	assert_int_equal(lock_bits(0x60000), 0);
	assert_int_equal(lock_bits(0x80000), 0);
	cmd(0x70000, 0x20);
	cmd(0x70000, 0xd0);
	assert_status(READY | ERASE | LOCKED);
	cmd(0x70000, 0x50);
	cmd(0x70000, 0x40);
	put(0x7fffc, 0, 4);
	assert_status(READY | WRITE | LOCKED);
	cmd(0x70000, 0x50);
	/* Half of the word lies in a block that is not locked. */
	cmd(0x70000, 0x40);
	put(0x6fffe, 0, 4);
	assert_status(READY | WRITE | LOCKED);
	cmd(0x70000, 0x50);
	assert_int_equal(write_buffer(0x70000, before, 32, 0), both(READY | WRITE | LOCKED));
	assert_memory_equal(array + 0x70000, before, BLOCK);
	cmd(0x70000, 0x60);
	cmd(0x70000, 0xd0);
	assert_int_equal(lock_bits(0x70000), 0);
	cmd(0x70000, 0x20);
	cmd(0x70000, 0xd0);
	assert_status(READY);
	assert_int_equal(array[0x70000], 0xff);
	/* Locked down: until the next reset. */
	cmd(0x70000, 0x60);
	cmd(0x70000, 0x2f);
	cmd(0x70000, 0x60);
	cmd(0x70000, 0xd0);
	assert_int_equal(lock_bits(0x70000), both(3));
	cfi_chip_reset(&chip);
	assert_int_equal(lock_bits(0x70000), 0);
	cmd(0, 0x60);
	cmd(0, 0x77);
	assert_status(READY | ERASE | WRITE);
}

static void write_protected(void **state)
{
	chip.readonly = true;
	cfi_chip_reset(&chip);
	for (u32 block = 0; block < SIZE; block += BLOCK) {
		assert_int_equal(lock_bits(block), both(3));
		cmd(block, 0x60);
		cmd(block, 0xd0);
		cmd(block, 0x20);
		cmd(block, 0xd0);
		assert_status(READY | ERASE | LOCKED);
		cmd(block, 0x50);
		cmd(block, 0x40);
		put(block, 0, 4);
		assert_status(READY | WRITE | LOCKED);
		cmd(block, 0x50);
	}
	assert_int_equal(stores, 0);
}

static void file_cannot_be_written(void **state)
{
	store_error = -ENOSPC;
	cmd(0, 0x20);
	cmd(0, 0xd0);
	assert_status(READY | ERASE);
	cmd(0, 0x50);
	cmd(0, 0x40);
	put(0, 0, 4);
	assert_status(READY | WRITE);
}

/* Nothing is ever in progress, so there is nothing to suspend and nothing to resume. */
static void suspend_and_resume(void **state)
{
	cmd(0, 0x20);
	cmd(0, 0xd0);
	cmd(0, 0xb0);
	cmd(0, 0x70);
	assert_status(READY);
	cmd(0, 0xff);
	assert_int_equal(get(0, 4), 0xffffffff);
	cmd(0, 0xd0);
	cmd(0, 0x70);
	assert_status(READY);
	assert_int_equal(stores, 1);
}

static void odd_widths(void **state)
{
	memset(array, 0xff, 16);
	memcpy(kept, array, sizeof(kept));
	/* A 64-bit write is two of the bus's: a command and its data. */
	put(0, 0x4433221100400040, 8);
	cmd(0, 0xff);
	assert_int_equal(get(0, 8), 0x44332211ffffffff);
	put(8, 0x40, 1);
	put(9, 0x77, 1);
	put(8, 0x40, 2);
	put(10, 0x5566, 2);
	cmd(0, 0xff);
	assert_int_equal(get(8, 4), 0x556677ff);
	/* The last bytes there are. */
	cmd(SIZE - 4, 0x40);
	put(SIZE - 1, 0, 1);
	cmd(0, 0xff);
	assert_int_equal(get(SIZE - 1, 1), 0);
}

static void unknown_commands(void **state)
{
	for (unsigned value = 0; value < 256; value++) {
		cfi_chip_reset(&chip);
		cmd(0, value);
		/* Whatever it was: the next reads and the way back to the array work. */
		get(0, 8);
		cmd(0, 0xff);
		cmd(0, 0x50);
		cmd(0, 0xff);
		cmd(0, 0xff);
		assert_int_equal(get(4, 1), array[4]);
	}
	/* There are no protection registers. */
	cmd(0, 0xc0);
	put(0x200, 0, 4);
	assert_status(READY | WRITE | LOCKED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(array_is_read_after_reset),
		T(query_tables),
		T(word_as_linux_writes_it),
		T(erase_as_linux_does_it),
		T(buffers),
		T(buffers_that_do_not_fit),
		T(locks),
		T(write_protected),
		T(file_cannot_be_written),
		T(suspend_and_resume),
		T(odd_widths),
		T(unknown_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
