/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NOR flash with a common flash interface (JEDEC JESD68.01) and Intel's command set 0x0001: two 16-bit
 * chips side by side on a 32-bit bus, which always get the same commands, so one state serves both.
 * Commands take no time. Bytes and commands only: no VM, no file, no lock.
 */
#ifndef HW_CFI_CHIP_H
#define HW_CFI_CHIP_H

#include "lkvm/util/types.h"

#define CFI_BLOCK      KIB(64) /* what is erased and locked at once, in both chips together */
#define CFI_MAX_BLOCKS 256
#define CFI_BUFFER     128 /* what is programmed at once */
#define CFI_BANK_WIDTH 4

/* Two powers of two that a chip's size lies between, as the interface tells only those. */
#define CFI_MIN_SIZE CFI_BLOCK
#define CFI_MAX_SIZE (CFI_BLOCK * CFI_MAX_BLOCKS)

enum cfi_read { CFI_READ_ARRAY, CFI_READ_STATUS, CFI_READ_ID, CFI_READ_QUERY };

enum cfi_state {
	CFI_READY,
	/* A second write belongs to the command. */
	CFI_PROGRAM,
	CFI_ERASE,
	CFI_LOCK,
	CFI_PROTECTION,
	/* A buffer's number of words, those words, and the confirmation. */
	CFI_BUFFER_COUNT,
	CFI_BUFFER_DATA,
	CFI_BUFFER_CONFIRM,
};

/* What a guest sees of it, beside the array. */
struct cfi_guest {
	u32 buffer_at; /* where the buffer goes, multiple of CFI_BUFFER */
	u16 words;     /* still to come into the buffer */
	u8 read;       /* enum cfi_read: what reads show; the array only in CFI_READY */
	u8 state;      /* enum cfi_state */
	u8 status;
	u8 buffer_placed;
	u8 unused[2];
	u8 locks[CFI_MAX_BLOCKS]; /* CFI_LOCKED | CFI_LOCKED_DOWN */
	u8 buffer[CFI_BUFFER];	  /* all ones where nothing came */
};
_Static_assert(sizeof(struct cfi_guest) == 12 + CFI_MAX_BLOCKS + CFI_BUFFER, "no padding");

struct cfi_chip {
	/* The owner's: before cfi_chip_reset(). */
	u8 *array;
	u32 size;      /* bytes, of both chips: a power of two from CFI_MIN_SIZE to CFI_MAX_SIZE */
	bool readonly; /* all blocks are locked for good */
	/* These bytes of the array have changed. 0, or -errno: the guest is told of a failure. */
	int (*store)(struct cfi_chip *chip, u32 offset, u32 len);

	struct cfi_guest guest;
};

/* As after power-on: the array is read, nothing is locked unless `readonly`. The array keeps. */
void cfi_chip_reset(struct cfi_chip *chip);
/* [offset, offset + len) lies inside, len is 1 to 8. */
void cfi_chip_read(const struct cfi_chip *chip, u32 offset, u8 *data, unsigned len);
void cfi_chip_write(struct cfi_chip *chip, u32 offset, const u8 *data, unsigned len);

#endif
