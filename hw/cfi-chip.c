// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "cfi-chip.h"
#include "lkvm/vm/bus.h"

#define CHIPS 2

enum {
	CMD_LOCK = 0x01, /* these three after CMD_LOCK_SETUP */
	CMD_CONFIGURE = 0x03,
	CMD_LOCK_DOWN = 0x2f,
	CMD_PROGRAM_OLD = 0x10,
	CMD_ERASE = 0x20,
	CMD_PROGRAM = 0x40,
	CMD_CLEAR_STATUS = 0x50,
	CMD_LOCK_SETUP = 0x60,
	CMD_READ_STATUS = 0x70,
	CMD_READ_ID = 0x90,
	CMD_READ_QUERY = 0x98,
	CMD_SUSPEND = 0xb0,
	CMD_PROTECTION = 0xc0,
	CMD_CONFIRM = 0xd0, /* also: unlock, resume */
	CMD_BUFFER = 0xe8,
	CMD_READ_ARRAY_AMD = 0xf0, /* the other command set's, sent by drivers that probe */
	CMD_READ_ARRAY = 0xff,
};

#define STATUS_READY	   BIT(7)
#define STATUS_ERASE_FAIL  BIT(5)
#define STATUS_WRITE_FAIL  BIT(4)
#define STATUS_LOCKED	   BIT(1)
#define STATUS_WRONG_ORDER (STATUS_ERASE_FAIL | STATUS_WRITE_FAIL)

#define LOCKED	    BIT(0)
#define LOCKED_DOWN BIT(1)

/*
 * While identification is read each block shows the same few words: 0 names the maker, 1 the model, 2 the
 * block's lock bits. This flash has neither maker nor model, so those are 0.
 */
#define ID_LOCK 2

/* Where the interface's own table lies, in words (JESD68.01), and what follows from the flash's size. */
enum {
	QUERY_BEGIN = 0x10,
	QUERY_SIZE = 0x27,
	QUERY_BLOCKS = 0x2d,
	QUERY_BLOCK_SIZE = 0x2f,
};

/* Numbers of two bytes are little-endian. */
static const char query[] =
	/* Command set 0x0001, the word where its own table begins; no second set. */
	"QRY\x01\x00\x31\x00\x00\x00\x00\x00"
	/* 1.7 to 2.0 V, no programming voltage. */
	"\x17\x20\x00\x00"
	/* 2 us a word, 2 us a buffer, 2 ms a block, no erasing as a whole; twice that at most. */
	"\x01\x01\x01\x00\x01\x01\x01\x00"
	/* QUERY_SIZE (log2, one chip's), 16-bit bus, a chip's buffer (log2), one kind of blocks, how many, their size. */
	"\x00\x01\x00\x06\x00\x01\x00\x00\x00\x00"
	/* Version 1.0, feature: blocks are locked at once; nothing while suspended, both lock bits, 1.8 V, no OTP. */
	"PRI10\x20\x00\x00\x00\x00\x03\x00\x18\x00\x00";
_Static_assert(sizeof(query) - 1 == 0x40 - QUERY_BEGIN, "the tables' words");
_Static_assert(CFI_BUFFER == CHIPS << 6, "a chip's buffer");

static u8 query_byte(const struct cfi_chip *chip, u32 word)
{
	/* The interface counts from 0, and a block's size in 256 bytes. */
	u32 blocks = chip->size / CFI_BLOCK - 1, block = CFI_BLOCK / CHIPS / 256;

	switch (word) {
	case QUERY_SIZE:
		return __builtin_ctz(chip->size / CHIPS);
	case QUERY_BLOCKS:
	case QUERY_BLOCKS + 1:
		return blocks >> 8 * (word - QUERY_BLOCKS);
	case QUERY_BLOCK_SIZE:
	case QUERY_BLOCK_SIZE + 1:
		return block >> 8 * (word - QUERY_BLOCK_SIZE);
	}
	return word - QUERY_BEGIN < sizeof(query) ? query[word - QUERY_BEGIN] : 0;
}

void cfi_chip_reset(struct cfi_chip *chip)
{
	chip->guest.read = CFI_READ_ARRAY;
	chip->guest.state = CFI_READY;
	chip->guest.status = STATUS_READY;
	memset(chip->guest.locks, chip->readonly ? LOCKED | LOCKED_DOWN : 0,
	       sizeof(chip->guest.locks));
}

/* ---- reading ---- */

/* What one chip puts on its half of the bus. */
static u8 one_chip(const struct cfi_chip *chip, u32 offset)
{
	u32 word = offset / CFI_BANK_WIDTH;

	switch (chip->guest.read) {
	case CFI_READ_STATUS:
		return chip->guest.status;
	case CFI_READ_ID:
		word %= CFI_BLOCK / CFI_BANK_WIDTH;
		return word == ID_LOCK ? chip->guest.locks[offset / CFI_BLOCK] : 0;
	case CFI_READ_QUERY:
		return query_byte(chip, word);
	case CFI_READ_ARRAY:
		break;
	}
	return 0;
}

void cfi_chip_read(const struct cfi_chip *chip, u32 offset, u8 *data, unsigned len)
{
	if (chip->guest.read == CFI_READ_ARRAY) {
		memcpy(data, chip->array + offset, len);
		return;
	}
	/* Everything that is not the array is a byte a chip, in the lower half of its 16 bits. */
	for (unsigned i = 0; i < len; i++)
		data[i] = (offset + i) % 2 ? 0 : one_chip(chip, offset + i);
}

/* ---- writing ---- */

static bool refuse_locked(struct cfi_chip *chip, u32 offset, u32 len, u8 failure)
{
	if (!((chip->guest.locks[offset / CFI_BLOCK] |
	       chip->guest.locks[(offset + len - 1) / CFI_BLOCK]) &
	      LOCKED))
		return false;
	chip->guest.status |= STATUS_LOCKED | failure;
	return true;
}

/* Programming turns ones into zeroes, and nothing into ones. */
static void chip_program(struct cfi_chip *chip, u32 offset, const u8 *data, u32 len)
{
	if (refuse_locked(chip, offset, len, STATUS_WRITE_FAIL))
		return;
	for (u32 i = 0; i < len; i++)
		chip->array[offset + i] &= data[i];
	if (chip->store(chip, offset, len))
		chip->guest.status |= STATUS_WRITE_FAIL;
}

static void chip_erase(struct cfi_chip *chip, u32 offset)
{
	u32 block = ALIGN_DOWN(offset, CFI_BLOCK);

	if (refuse_locked(chip, block, 1, STATUS_ERASE_FAIL))
		return;
	memset(chip->array + block, 0xff, CFI_BLOCK);
	if (chip->store(chip, block, CFI_BLOCK))
		chip->guest.status |= STATUS_ERASE_FAIL;
}

static void chip_lock(struct cfi_chip *chip, u32 offset, u8 command)
{
	u8 *locks = &chip->guest.locks[offset / CFI_BLOCK];

	switch (command) {
	case CMD_LOCK:
		*locks |= LOCKED;
		break;
	case CMD_LOCK_DOWN:
		*locks |= LOCKED | LOCKED_DOWN;
		break;
	case CMD_CONFIRM:
		if (!(*locks & LOCKED_DOWN))
			*locks = 0;
		break;
	case CMD_CONFIGURE: /* bus timing, of which there is none */
		break;
	default:
		chip->guest.status |= STATUS_WRONG_ORDER;
	}
}

static void chip_begin(struct cfi_chip *chip, enum cfi_state state)
{
	chip->guest.state = state;
	chip->guest.read = CFI_READ_STATUS;
}

static void begin_buffer(struct cfi_chip *chip)
{
	chip_begin(chip, CFI_BUFFER_COUNT);
	chip->guest.buffer_placed = false;
	memset(chip->guest.buffer, 0xff, sizeof(chip->guest.buffer));
}

static void chip_command(struct cfi_chip *chip, u8 value)
{
	switch (value) {
	case CMD_READ_ARRAY:
	case CMD_READ_ARRAY_AMD:
		chip->guest.read = CFI_READ_ARRAY;
		break;
	case CMD_READ_STATUS:
	case CMD_SUSPEND: /* what was going on has long been done */
		chip->guest.read = CFI_READ_STATUS;
		break;
	case CMD_READ_ID:
		chip->guest.read = CFI_READ_ID;
		break;
	case CMD_READ_QUERY:
		chip->guest.read = CFI_READ_QUERY;
		break;
	case CMD_CLEAR_STATUS:
		chip->guest.status = STATUS_READY;
		break;
	case CMD_PROGRAM:
	case CMD_PROGRAM_OLD:
		chip_begin(chip, CFI_PROGRAM);
		break;
	case CMD_ERASE:
		chip_begin(chip, CFI_ERASE);
		break;
	case CMD_LOCK_SETUP:
		chip_begin(chip, CFI_LOCK);
		break;
	case CMD_PROTECTION:
		chip_begin(chip, CFI_PROTECTION);
		break;
	case CMD_BUFFER:
		begin_buffer(chip);
		break;
	}
}

static void end_wrong(struct cfi_chip *chip)
{
	chip->guest.status |= STATUS_WRONG_ORDER;
	chip->guest.state = CFI_READY;
}

/* What is not in the same buffer as the first word ends the command. */
static void fill_buffer(struct cfi_chip *chip, u32 offset, const u8 *data, unsigned len)
{
	u32 at = ALIGN_DOWN(offset, CFI_BUFFER);

	if (!chip->guest.buffer_placed)
		chip->guest.buffer_at = at;
	chip->guest.buffer_placed = true;
	if (at != chip->guest.buffer_at || offset - at + len > CFI_BUFFER) {
		end_wrong(chip);
		return;
	}
	memcpy(chip->guest.buffer + (offset - at), data, len);
	if (!--chip->guest.words)
		chip->guest.state = CFI_BUFFER_CONFIRM;
}

static void count_words(struct cfi_chip *chip, u32 words)
{
	if (words > CFI_BUFFER / CFI_BANK_WIDTH) {
		end_wrong(chip);
		return;
	}
	chip->guest.words = words;
	chip->guest.state = CFI_BUFFER_DATA;
}

/* Up to the bus's width. */
static void write_bus(struct cfi_chip *chip, u32 offset, const u8 *data, unsigned len)
{
	enum cfi_state state = chip->guest.state;
	bool confirmed = data[0] == CMD_CONFIRM;

	switch (state) {
	case CFI_READY:
		chip_command(chip, data[0]);
		return;
	case CFI_BUFFER_COUNT:
		count_words(chip, (u32)bus_get(data, MIN(len, 2u)) + 1);
		return;
	case CFI_BUFFER_DATA:
		fill_buffer(chip, offset, data, len);
		return;
	default:
		chip->guest.state = CFI_READY;
	}
	if (state == CFI_PROGRAM)
		chip_program(chip, offset, data, len);
	else if (state == CFI_LOCK)
		chip_lock(chip, offset, data[0]);
	else if (state == CFI_PROTECTION)
		chip->guest.status |= STATUS_WRITE_FAIL | STATUS_LOCKED;
	else if (!confirmed)
		end_wrong(chip);
	else if (state == CFI_ERASE)
		chip_erase(chip, offset);
	else
		chip_program(chip, chip->guest.buffer_at, chip->guest.buffer, CFI_BUFFER);
}

void cfi_chip_write(struct cfi_chip *chip, u32 offset, const u8 *data, unsigned len)
{
	for (unsigned at = 0; at < len; at += CFI_BANK_WIDTH)
		write_bus(chip, offset + at, data + at, MIN(len - at, (unsigned)CFI_BANK_WIDTH));
}
