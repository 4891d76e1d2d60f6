// SPDX-License-Identifier: GPL-2.0-or-later
#include "lkvm/config/exit-status.h"
#include "lkvm/util/types.h"

_Static_assert(EXIT_GUEST_DONE == 0 && EXIT_READER_GONE == 141 && EXIT_USAGE == 240 &&
		       EXIT_START == 241 && EXIT_GUEST_PANIC == 242 && EXIT_TRIPLE_FAULT == 243 &&
		       EXIT_INTERNAL_ERROR == 244 && EXIT_TIMEOUT == 245 &&
		       EXIT_HOST_ERROR == 246 && EXIT_NO_GUEST == 247 && EXIT_NO_ANSWER == 248,
	       "the words below say these numbers");

#define RUN	 STATUS_OF_RUN
#define COMMANDS STATUS_OF_COMMANDS
#define DIGEST	 STATUS_OF_DIGEST

const struct exit_status_row exit_status_rows[] = {
	{ RUN, "0", "The guest powered off, halted or rebooted, or Ctrl-A x was typed" },
	{ COMMANDS, "0", "Success" },
	{ DIGEST, "0", "The digest is on standard output" },
	{ RUN, "128+N", "Signal N ended lkvm in an orderly way: 143 for SIGTERM, 130 for SIGINT" },
	{ RUN, "141", "Nobody read the guest's console any more (as after SIGPIPE)" },
	{ RUN, "240", "The command line does not make sense; nothing was started" },
	{ COMMANDS, "240", "The command line, or LKVM_RUNTIME_DIR, does not make sense" },
	{ DIGEST, "240", "The command line does not make sense" },
	{ RUN, "241", "The guest could not be started: a file, memory, /dev/kvm" },
	{ STATUS_OF_HOST, "241",
	  "With --host: /dev/kvm cannot be used; only what needs no KVM is shown" },
	{ DIGEST, "241", "There is no digest" },
	{ RUN, "242", "The guest's kernel panicked" },
	{ RUN, "243", "The guest's CPU shut down (a triple fault on x86)" },
	{ RUN, "244", "KVM could not go on with the guest; the registers were shown" },
	{ RUN, "245", "The time given by --timeout was over, and no panic was seen" },
	{ RUN, "246",
	  "Something failed on the host while the guest ran, or its console output was lost" },
	{ COMMANDS, "246", "The output could not be written, or there was no memory" },
	{ STATUS_OF_GUESTS, "247", "There is no guest of that name" },
	{ STATUS_OF_GUESTS, "248", "A guest does not answer, or cannot do it now" },
	{ 0 },
};
