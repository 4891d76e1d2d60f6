/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a kernel says on its console of its own end. */
#ifndef LKVM_CONSOLE_CONSOLE_WATCH_H
#define LKVM_CONSOLE_CONSOLE_WATCH_H

#include <stddef.h>
#include "lkvm/vm/last-words.h"

/*
 * Finds a kernel's last words (last-words.h) in console output, as the guest's kernel prints them, however it
 * is cut into pieces. Others take them back, and so do many more lines after a restart or a halt. Pure: no I/O,
 * bounded. Zero-initialise.
 */
struct console_watch {
	enum last_words said;
	unsigned verdicts; /* counts the changes of `said`, and its repetitions */
	unsigned lines;	   /* that may follow until it is taken back; 0: any number */
	bool no_root;	   /* a panic for want of a root file system, or of an init in it */
	bool over;	   /* a panic's last line has begun */
	bool cut;	   /* line[] is no longer the line's beginning, only what came last */
	u8 escape;	   /* inside a terminal's escape sequence */
	u8 line_len;
	char line[192]; /* the current line's printable bytes */
};
void console_watch_feed(struct console_watch *watch, const u8 *data, size_t len);

#endif
