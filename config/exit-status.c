// SPDX-License-Identifier: GPL-2.0-or-later
#include "lkvm/config/exit-status.h"
#include "lkvm/util/types.h"

_Static_assert(EXIT_GUEST_DONE == 0 && EXIT_READER_GONE == 141 && EXIT_USAGE == 240 &&
		       EXIT_START == 241 && EXIT_GUEST_PANIC == 242 && EXIT_TRIPLE_FAULT == 243 &&
		       EXIT_INTERNAL_ERROR == 244 && EXIT_TIMEOUT == 245 &&
		       EXIT_HOST_ERROR == 246 && EXIT_NO_GUEST == 247 && EXIT_NO_ANSWER == 248,
	       "the words below say these numbers");

const struct exit_status_row exit_status_rows[] = {
	{ "0", "The guest powered off, halted or rebooted, or Ctrl-A x was typed" },
	{ "128+N", "Signal N ended lkvm in an orderly way: 143 for SIGTERM, 130 for SIGINT" },
	{ "141", "Nobody read the guest's console any more (as after SIGPIPE)" },
	{ "240", "The command line does not make sense; nothing was started" },
	{ "241", "The guest could not be started: a file, memory, /dev/kvm" },
	{ "242", "The guest's kernel panicked" },
	{ "243", "The guest's CPU shut down (a triple fault on x86)" },
	{ "244", "KVM could not go on with the guest; the registers were shown" },
	{ "245", "The time given by --timeout was over, and no panic was seen" },
	{ "246",
	  "Something failed on the host while the guest ran, or its console output was lost" },
	{ NULL, NULL },
};

const struct exit_status_row exit_status_command_rows[] = {
	{ "0", "Success" },
	{ "240", "The command line, or LKVM_RUNTIME_DIR, does not make sense" },
	{ "246", "The output could not be written, or there was no memory" },
	{ NULL, NULL },
};

const struct exit_status_row exit_status_guests_rows[] = {
	{ "247", "There is no guest of that name" },
	{ "248", "A guest does not answer, or cannot do it now" },
	{ NULL, NULL },
};
