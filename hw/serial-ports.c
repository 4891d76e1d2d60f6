// SPDX-License-Identifier: GPL-2.0-or-later
/* Which serial ports a guest has, and what is behind each: the console, a pty, or nothing. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lkvm/config/options.h"
#include "lkvm/console/chardev.h"
#include "lkvm/hw/serial-ports.h"
#include "lkvm/hw/uart.h"
#include "lkvm/vm/device-kind.h"
#include "lkvm/vm/vm.h"

/* The first port is always there, for early consoles; a guest that does not use it prints nothing there. */
int serial_port_create(struct vm *vm, unsigned index, enum device_resource_kind kind, u64 base,
		       int gsi)
{
	struct pty *pty = vm->ttys[index];
	struct chardev *chardev = NULL;

	if (!pty && index)
		return 0;
	vm->ttys[index] = NULL;
	if (pty) {
		chardev = pty_create(pty, vm);
		if (!chardev)
			return -errno;
	} else if (vm->config->console == CONSOLE_SERIAL) {
		chardev = vm->console;
	}
	return uart_create(vm, kind, base, gsi, chardev, index);
}

/* ---- --tty ---- */

static const char *const port_choices[] = { "0", "1", "2", "3", NULL };
_Static_assert(ARRAY_SIZE(port_choices) == VM_MAX_TTYS + 1, "one choice for each port");

static int parse_link(struct serial_ports_config *ports, const struct option_row *row,
		      const char *value, unsigned id, const char *link)
{
	if (!*link || link[strlen(link) - 1] == '/')
		return option_error(row, value, "give the link a name");
	for (unsigned i = 0; i < VM_MAX_TTYS; i++)
		if (i != id && ports->links[i] && !strcmp(ports->links[i], link))
			return option_error(row, value, "that link is serial port %u's", i);
	ports->links[id] = link;
	return 0;
}

static int parse_port(struct serial_ports_config *ports, const struct option_row *row,
		      const char *value)
{
	const struct key_row id_row = { .type = KEY_CHOICE, .choices = port_choices };
	const char *link = strchrnul(value, '=');
	char word[8], why[KEY_WHY];
	unsigned id;

	snprintf(word, sizeof(word), "%.*s", (int)(link - value), value);
	if (key_store(&id_row, &id, word, why))
		return option_error(row, word, "%s", why);
	ports->pty[id] = true;
	return *link ? parse_link(ports, row, value, id, link + 1) : 0;
}

/* All ports are one record, as the second --tty of a port adds to the first. */
static int parse_tty(void *base, const struct option_row *row, const char *value)
{
	const struct config_kind *kind = &serial_ports_kind.config;
	struct serial_ports_config ports = { .pty = { false } };
	int err;

	if (!value)
		return config_remove_all(base, kind);
	if (config_count(base, kind))
		ports = *(const struct serial_ports_config *)config_record(base, kind, 0);
	err = parse_port(&ports, row, value);
	return err ?: config_add(base, kind, &ports);
}

static const struct option_row tty_options[] = {
	OPTION_ROW(
		CALL, "tty", .argument = "ID[=LINK]", .parse = parse_tty, .choices = port_choices,
		.can_clear = true, .repeats = true,
		.help = "Put serial port 0 to 3 on a new pseudo-terminal and print its path",
		.man = "The path is printed at every log level. LINK becomes a symbolic link to it "
		       "as long as the guest runs; what a guest that was killed left there is "
		       "replaced, anything else is not."),
	{ 0 },
};

static void ttys_close(void *opened)
{
	struct vm *vm = opened;

	for (unsigned i = 0; i < VM_MAX_TTYS; i++)
		if (vm->ttys[i])
			pty_close(vm->ttys[i]);
}

static int ttys_open(struct vm *vm, const void *record, unsigned index, void **opened)
{
	const struct serial_ports_config *ports = record;

	*opened = vm;
	for (unsigned i = 0; i < VM_MAX_TTYS; i++) {
		if (!ports->pty[i])
			continue;
		vm->ttys[i] = pty_open(i, ports->links[i]);
		if (!vm->ttys[i])
			return -errno;
	}
	return 0;
}

/* The board has made the ports, with the ptys. */
static int ttys_create(struct vm *vm, const void *record, unsigned index, void **opened)
{
	*opened = NULL;
	return 0;
}

const struct device_kind serial_ports_kind = {
	.config = {
		.name = "tty",
		.max = 1,
		.size = sizeof(struct serial_ports_config),
		.rows = tty_options,
		.group = OPTION_GROUP_DEVICES,
	},
	.open = ttys_open,
	.close = ttys_close,
	.create = ttys_create,
};
