// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "lkvm/boot/cmdline.h"
#include "lkvm/config/config.h"

int cmdline_add(char *buffer, size_t size, const char *words)
{
	size_t used = strnlen(buffer, size), len, space;

	if (!words || !*words)
		return 0;
	if (used == size)
		return -E2BIG;
	len = strlen(words);
	space = used ? 1 : 0;
	if (len >= size - used || len + space >= size - used)
		return -E2BIG;
	if (space)
		buffer[used++] = ' ';
	memcpy(buffer + used, words, len + 1);
	return 0;
}

int cmdline_add_defaults(char *buffer, size_t size, const struct vm_config *config)
{
	int err = cmdline_add(buffer, size,
			      config->console == CONSOLE_VIRTIO ? "console=hvc0" : "console=ttyS0");

	return err ?: cmdline_add(buffer, size, "panic=-1");
}
