/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For an arch.h: serial ports and pvpanic of boards that have them in MMIO. read8 and write8 are there by then. */
#ifndef GUEST_MMIO_BOARD_H
#define GUEST_MMIO_BOARD_H

static inline u8 uart_read(u32 port, u32 reg)
{
	return read8(BOARD_SERIAL + port * BOARD_SERIAL_DISTANCE + reg);
}

static inline void uart_write(u32 port, u32 reg, u8 value)
{
	write8(BOARD_SERIAL + port * BOARD_SERIAL_DISTANCE + reg, value);
}

static inline void uart_puts(const char *text, u32 count)
{
	while (count--)
		uart_write(0, 0, *text++);
}

static inline u8 pvpanic_read(void)
{
	return read8(BOARD_PVPANIC);
}

static inline void pvpanic_write(u8 value)
{
	write8(BOARD_PVPANIC, value);
}

#endif
