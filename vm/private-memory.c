// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A protected guest's memory is mapped here, but to touch what the guest does not share is a fault. A
 * guest that gives a device such an address must end by that, and lkvm must not.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lkvm/log.h"
#include "lkvm/vm.h"
#include "private-memory.h"

/* A handler is told of no more than the signal: one process is one guest. */
static struct {
	struct vm *vm;
	u64 page;
	_Atomic bool seen;
	_Atomic gpa_t gpa;
} guard;

/* Async-signal-safe, whatever the thread was doing. True: what is there now can be touched. */
static bool replace_page(const u8 *address)
{
	const struct guest_memory *memory = &guard.vm->memory;

	for (unsigned i = 0; i < memory->nr_regions; i++) {
		const struct guest_region *region = &memory->regions[i];
		u64 offset = address - region->hva;

		if (address < region->hva || offset >= region->size)
			continue;
		guard.gpa = region->gpa + offset;
		return mmap(region->hva + ALIGN_DOWN(offset, guard.page), guard.page,
			    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			    0) != MAP_FAILED;
	}
	return false;
}

/*
 * The thread goes on with zeroes and gets to where it looks for its end; the guest has its own page still,
 * and will not run for long enough to be confused by what its device did.
 */
static void on_fault(int signal_number, siginfo_t *info, void *context)
{
	int saved = errno;

	if (replace_page(info->si_addr)) {
		guard.seen = true;
		vm_request(guard.vm, VM_REQUEST_INTERNAL_ERROR);
	} else {
		/* Ours: it happens again, and ends us as such faults do. */
		signal(signal_number, SIG_DFL);
	}
	errno = saved;
}

int private_memory_guard(struct vm *vm)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	int error;

	guard.vm = vm;
	guard.page = sysconf(_SC_PAGESIZE);
	guard.seen = false;
	if (!sigaction(SIGSEGV, &action, NULL))
		return 0;
	error = -errno;
	log_fatal("Unable to handle faults: %s", strerror(errno));
	return error;
}

bool private_memory_say_fault(const struct vm *vm)
{
	if (!guard.seen)
		return false;
	log_error("Guest %s had a device use memory that it does not share, at 0x%llx; its kernel "
		  "must be built for protected guests, with restricted DMA pools",
		  vm->config->name, (unsigned long long)guard.gpa);
	return true;
}
