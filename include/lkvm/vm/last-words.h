/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the guest's kernel says on the console when it ends. The words alone prove nothing: a program in the
 * guest may print them, and an old log has them. So they are believed only together with something that no
 * program can do: a reset, a triple fault, or vCPUs that are seen to do nothing any more.
 */
#ifndef LKVM_VM_LAST_WORDS_H
#define LKVM_VM_LAST_WORDS_H

#include "lkvm/util/loop.h"
#include "lkvm/vm/device.h"

struct vm;

enum last_words {
	LAST_WORDS_NONE,
	LAST_WORDS_PANIC, /* "Kernel panic - not syncing": a reset, or a kdump kernel, may follow */
	LAST_WORDS_PANIC_OVER, /* "---[ end Kernel panic": the kernel stays as it is */
	LAST_WORDS_RESTART,    /* a reset or a triple fault comes now */
	LAST_WORDS_HALT,       /* a power-off comes now; where there is none, the vCPUs halt */
	LAST_WORDS_CONSOLE_LEFT, /* the kernel has let go of its console, which may have been to end */
};

struct last_words_state {
	struct device device;	/* a reset forgets them */
	_Atomic unsigned last;	/* enum last_words, the kernel's last ones; any thread */
	_Atomic bool no_root;	/* that panic was for want of a root file system; any thread */
	_Atomic bool news;	/* vCPUs are to be looked at since then; any thread */
	struct loop_timer look; /* main thread, as all that follows */
	u64 since, looked;	/* clock_now(); 0: never */
	unsigned still;		/* looks that found every vCPU where it was before */
};

/* Main thread: puts it on vm->devices, so that a reset forgets what was said. */
void last_words_init(struct vm *vm);

/* Any thread, takes no lock: the kernel has said that. NONE: it went on. */
void last_words_set(struct vm *vm, enum last_words words);

/*
 * Any thread, takes no lock: the console's driver has let go of it. Linux does so as it shuts down (from 6.15 on, and in
 * stable kernels), before it says what it does. Means nothing to a kernel that has said something, or of a guest that ends.
 */
void last_words_console_left(struct vm *vm);

/*
 * Main thread, in the loop: looks at the vCPUs, soon and then ever more rarely, if there is news. It makes
 * VM_REQUEST_POWEROFF or VM_REQUEST_PANIC of what it finds.
 */
void last_words_serve(struct vm *vm);

/* Any thread: did the kernel panic, and say nothing else since? */
bool last_words_panicked(const struct vm *vm);

#endif
