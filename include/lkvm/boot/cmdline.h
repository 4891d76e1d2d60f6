/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel command line: what the architectures' have in common. */
#ifndef LKVM_BOOT_CMDLINE_H
#define LKVM_BOOT_CMDLINE_H

#include <stddef.h>

struct vm_config;

/* `buffer` collects words; too long is -E2BIG. A NULL or empty word adds nothing. */
int cmdline_add(char *buffer, size_t size, const char *words);

/* What a kernel gets unless --nodefaults: where the console is, and that a panic is to end the guest. 0 or -E2BIG. */
int cmdline_add_defaults(char *buffer, size_t size, const struct vm_config *config);
/* What devices want to be there, then what the user gave. 0 or -E2BIG. */
int cmdline_add_given(char *buffer, size_t size, const struct vm_config *config);

#endif
