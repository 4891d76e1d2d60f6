// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lkvm/boot/cmdline.h"
#include "lkvm/config/config.h"
#include "lkvm/config/kind.h"
#include "lkvm/config/options.h"

int cmdline_add(char *buffer, size_t size, const char *words)
{
	size_t used = strlen(buffer), len;

	if (!words || !*words)
		return 0;
	len = snprintf(buffer + used, size - used, "%s%s", used ? " " : "", words);
	if (len < size - used)
		return 0;
	buffer[used] = '\0';
	return -E2BIG;
}

int cmdline_add_defaults(char *buffer, size_t size, const struct vm_config *config)
{
	int err = cmdline_add(buffer, size,
			      config->console == CONSOLE_VIRTIO ? "console=hvc0" : "console=ttyS0");

	return err ?: cmdline_add(buffer, size, "panic=-1");
}

int cmdline_add_given(char *buffer, size_t size, const struct vm_config *config)
{
	const struct config_kind *const *kind = config->options ? config->options->kinds : NULL;
	int err = 0;

	for (; kind && *kind; kind++)
		for (unsigned i = 0; !err && (*kind)->parameters && i < config_count(config, *kind);
		     i++)
			err = cmdline_add(buffer, size,
					  (*kind)->parameters(config_record(config, *kind, i)));
	/* Of two equal parameters Linux takes the later one. */
	return err ?: cmdline_add(buffer, size, config->cmdline);
}
