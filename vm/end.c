// SPDX-License-Identifier: GPL-2.0-or-later
/* The reason for a guest's end, for whoever started it. */
#include <stdatomic.h>

#include "end.h"
#include "lkvm/config/exit-status.h"
#include "lkvm/vm/last-words.h"
#include "lkvm/util/log.h"
#include "lkvm/util/text.h"
#include "lkvm/vm/vm.h"

static void tell_panic(struct vm *vm)
{
	unsigned timeout = vm->config->timeout;

	if (vm->end == VM_REQUEST_TIMEOUT)
		log_error("Guest %s panicked, and did not end within %u second%s", vm->config->name,
			  timeout, plural(timeout));
	else
		log_error("Guest %s panicked", vm->config->name);
	if (vm->last_words.no_root)
		log_info(
			"It found no root file system with an init: give it an initrd with -i, or a disk "
			"that has one with -d and -p root=/dev/vda");
}

void vm_end_tell(struct vm *vm, int status)
{
	const char *name = vm->config->name;
	unsigned timeout = vm->config->timeout;

	if (atomic_exchange(&vm->end_told, true))
		return;
	if (vm->end == VM_REQUEST_QUIT)
		log_info("Guest %s was ended by Ctrl-A x", name);
	switch (status) {
	case EXIT_READER_GONE:
		log_error(
			"Nobody reads the console of guest %s any more, so it ended; --keep-running lets it go on",
			name);
		break;
	case EXIT_GUEST_PANIC:
		tell_panic(vm);
		break;
	case EXIT_TRIPLE_FAULT:
		log_error("Guest %s ended by a triple fault", name);
		break;
	case EXIT_TIMEOUT:
		log_error("Guest %s did not end within %u second%s", name, timeout,
			  plural(timeout));
		break;
	}
}
