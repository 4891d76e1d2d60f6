// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lkvm/arch.h"
#include "lkvm/boot/file.h"
#include "lkvm/boot/release.h"
#include "lkvm/config/exit-status.h"
#include "lkvm/console/chardev.h"
#include "lkvm/control/server.h"
#include "lkvm/machine.h"
#include "lkvm/memory/populate.h"
#include "lkvm/pci/pci.h"
#include "lkvm/util/helper.h"
#include "lkvm/util/log.h"
#include "lkvm/util/text.h"
#include "lkvm/vm/device-kind.h"
#include "lkvm/vm/end.h"

/* What a guest may consist of beside its board, in the order in which it finds it. */
/* clang-format off */
#define KINDS(kind)							\
	kind(virtio_blk) /* first, so that vda does not move */		\
	kind(virtio_net)						\
	kind(virtio_fs)							\
	kind(virtio_9p)							\
	kind(virtio_console)						\
	kind(virtio_rng)						\
	kind(virtio_balloon)						\
	kind(virtio_vsock)						\
	kind(serial_ports)						\
	kind(credential) /* no device */				\
	ARCH_KINDS(kind)
/* clang-format on */

#define DECLARE(name) extern const struct device_kind name##_kind;
#define LIST(name)    &name##_kind.config,
KINDS(DECLARE)
const struct config_kind *const machine_kinds[] = { KINDS(LIST) NULL };

/* What is opened of a device before there is a VM. */
struct part {
	const struct device_kind *kind;
	const void *record; /* NULL: the kind has none */
	unsigned index;
	void *opened; /* NULL: nothing, or a device has it */
};

struct machine {
	struct vm vm;
	struct control *control; /* NULL: none */
	struct part *parts;	 /* in the order of machine_kinds */
	unsigned nr_parts;
};

static unsigned count_parts(const struct vm_config *config, const struct config_kind *kind)
{
	return kind->max ? config_count(config, kind) : 1;
}

static int list_parts(struct vm *vm)
{
	struct machine *machine = CONTAINER_OF(vm, struct machine, vm);
	const struct vm_config *config = vm->config;
	unsigned nr = 0;

	for (unsigned k = 0; machine_kinds[k]; k++)
		nr += count_parts(config, machine_kinds[k]);
	machine->parts = calloc(nr ?: 1, sizeof(*machine->parts));
	if (!machine->parts)
		return -ENOMEM;
	for (unsigned k = 0; machine_kinds[k]; k++) {
		const struct config_kind *kind = machine_kinds[k];

		for (unsigned i = 0; i < count_parts(config, kind); i++)
			machine->parts[machine->nr_parts++] = (struct part){
				.kind = device_kind(kind),
				.record = kind->max ? config_record(config, kind, i) : NULL,
				.index = i,
			};
	}
	return 0;
}

static int open_control(struct vm *vm)
{
	return control_create(&CONTAINER_OF(vm, struct machine, vm)->control, vm, machine_kinds);
}

static int open_console(struct vm *vm)
{
	int err;

	vm->console = chardev_stdio(vm);
	if (!vm->console) {
		err = -errno;
		log_fatal("Unable to open the console: %s", strerror(-err));
		return err;
	}
	return 0;
}

static int open_parts(struct vm *vm)
{
	struct machine *machine = CONTAINER_OF(vm, struct machine, vm);
	int err = 0;

	for (unsigned i = 0; i < machine->nr_parts && !err; i++) {
		struct part *part = &machine->parts[i];

		if (part->kind->open)
			err = part->kind->open(vm, part->record, part->index, &part->opened);
	}
	return err;
}

/* What no device has taken. */
static void close_parts(struct vm *vm)
{
	struct machine *machine = CONTAINER_OF(vm, struct machine, vm);

	for (unsigned i = 0; i < machine->nr_parts; i++)
		if (machine->parts[i].opened)
			machine->parts[i].kind->close(machine->parts[i].opened);
	free(machine->parts);
}

/* Whose requests and counters its devices have (control). */
static int create_part(struct vm *vm, struct part *part)
{
	struct device *last = TAILQ_LAST(&vm->devices, device, link), *device;
	int err = part->kind->create(vm, part->record, part->index, &part->opened);

	device = last ? TAILQ_NEXT(last, link) : TAILQ_FIRST(&vm->devices);
	for (; device; device = TAILQ_NEXT(device, link))
		device->kind = part->kind;
	return err;
}

static int create_parts(struct vm *vm)
{
	struct machine *machine = CONTAINER_OF(vm, struct machine, vm);
	int err = 0;

	for (unsigned i = 0; i < machine->nr_parts && !err; i++)
		err = create_part(vm, &machine->parts[i]);
	return err;
}

static int place_devices(struct vm *vm)
{
	int err = vm->pci ? pci_assign_bars(vm->pci) : 0;

	if (!err)
		devices_reset(&vm->devices);
	return err;
}

static int tell_population(struct vm *vm)
{
	counter_set_word(&vm->counters, COUNTER_WORD_POPULATION,
			 guest_memory_population(&vm->memory));
	return 0;
}

/* On a terminal only. The kernel may have been found by a default path, so its name is news to the user. */
static int tell_start(struct vm *vm)
{
	const struct vm_config *config = vm->config;
	const struct boot_file *kernel = arch_kernel_file(vm);
	char release[65], what[100] = "";

	if (!isatty(STDERR_FILENO) || log_get_level() < LOG_LEVEL_INFO)
		return 0;
	if (!config->firmware && boot_file_release(kernel, release, sizeof(release)))
		snprintf(what, sizeof(what), " (%s)", release);
	log_info("Guest %s: %s %s%s, %u CPU%s, %llu MiB of memory", config->name,
		 config->firmware ? "firmware" : "kernel",
		 config->firmware ? config->firmware : kernel->path, what, config->cpus,
		 plural(config->cpus), (unsigned long long)config->memory >> 20);
	return 0;
}

/*
 * All that is looked up by a name is opened before a VM exists: what is wrong with it is told then, and no path need be
 * looked up once the guest runs.
 */
static int (*const opens[])(struct vm *vm) = {
	arch_open_files, /* kernel, initrds, firmware: on any host */
	open_parts,	 /* disks, networks, and what else those kinds name: as well */
	vm_open,	 /* KVM, memory's files; from here on signals end it */
	open_control,	 /* its name is taken, or it is seen now */
	open_console,	 /* the terminal */
};

/* Reading this from top to bottom tells what a guest consists of, and in which order. */
static int (*const creates[])(struct vm *vm) = {
	vm_create,	     /* the VM */
	arch_vm_create,	     /* memory, interrupt controller */
	vcpus_create,	     /* off, but for the first */
	arch_create_devices, /* the board's */
	create_parts,	     /* and those of the kinds above */
	place_devices,	     /* where the guest finds them */
	tell_start,	     /* to who sits at a terminal */
	arch_load,	     /* kernel, initrds, tables */
	tell_population,     /* for statistics */
	arch_reset,	     /* vCPU 0 to where the guest begins */
};

/* -ECANCELED, nothing logged: somebody has asked for the end before the beginning, or memory has been lost. */
static int machine_assemble(struct vm *vm)
{
	int err = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(opens) && !err; i++)
		err = vm_ending(vm) ? -ECANCELED : opens[i](vm);
	for (unsigned i = 0; i < ARRAY_SIZE(creates) && !err; i++)
		err = vm_ending(vm) ? -ECANCELED : creates[i](vm);
	return err ?: vm_ending(vm) ? -ECANCELED : 0;
}

/* No guest ran. The failing function has logged why, except for ENOMEM, which is logged here. */
static int start_failed(struct vm *vm, int err)
{
	if (vm->signal)
		return 128 + vm->signal;
	vm_end_log(vm, EXIT_START);
	if (err == -ENOMEM && !log_failed())
		log_fatal("Out of memory");
	return EXIT_START;
}

/* Now, while there is nothing that a helper should not have. */
static int begin_helpers(const struct machine *machine)
{
	for (unsigned i = 0; i < machine->nr_parts; i++) {
		const struct part *part = &machine->parts[i];

		if (part->kind->needs_helper && part->kind->needs_helper(part->record))
			return helpers_begin();
	}
	return 0;
}

int machine_run(const struct vm_config *config)
{
	struct machine machine = { .nr_parts = 0 };
	struct vm *vm = &machine.vm;
	int err, status;

	if (arch_config_check(config))
		return EXIT_USAGE;
	vm_init(vm, config);
	err = list_parts(vm) ?: begin_helpers(&machine);
	if (!err)
		err = machine_assemble(vm);
	if (!err)
		err = vm_start(vm);
	status = err ? start_failed(vm, err) : vm_run(vm);
	control_stop(machine.control);
	vm_destroy(vm);
	close_parts(vm);
	helpers_end();
	/* Last: who asked for the end hears of it when disks are closed. */
	control_destroy(machine.control);
	vm_release(vm);
	return status;
}
