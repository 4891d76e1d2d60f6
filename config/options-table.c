// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The options of `lkvm run`, each described once. --help, lkvm-run(1) and the shell completion are
 * printed from here. Names are those that scripts for this command line know.
 */
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "lkvm/arch.h"
#include "lkvm/config/options.h"
#include "lkvm/config/size.h"
#include "lkvm/util/cpulist.h"
#include "lkvm/util/log.h"

static int parse_initrd(void *base, const struct option_row *row, const char *value)
{
	struct vm_config *config = base;
	if (!value) {
		config->nr_initrds = 0;
		return 0;
	}
	if (!*value)
		return option_error(row, value, "give it a %s", row->argument);
	if (config->nr_initrds == CONFIG_MAX_INITRDS)
		return option_error(row, value, "that is one too many; %d work",
				    CONFIG_MAX_INITRDS);
	config->initrds[config->nr_initrds++] = value;
	return 0;
}

static int parse_params(void *base, const struct option_row *row, const char *value)
{
	struct vm_config *config = base;

	if (!value || !config->cmdline) {
		config->cmdline = value;
		return 0;
	}
	config->cmdline = config_text(config, "%s %s", config->cmdline, value);
	return config->cmdline ? 0 : -ENOMEM;
}

/* What follows the size: "@" and where memory begins. */
static int parse_memory_address(struct vm_config *config, const struct option_row *row,
				const char *value, const char *at)
{
	if (!*at)
		return 0;
	if (parse_u64(at + 1, UINT64_MAX, &config->memory_address))
		return option_error(row, value,
				    "not a size; 512 (MiB), 512M, 2G or, with an address, "
				    "2G@0x80000000 would work");
	if (config->memory_address % sysconf(_SC_PAGESIZE))
		return option_error(row, value, "the address is not a multiple of the page size");
	return 0;
}

static int parse_memory(void *base, const struct option_row *row, const char *value)
{
	struct vm_config *config = base;
	const char *at;
	u64 bytes;
	int ret;

	config->memory_address = 0;
	if (!value) {
		config->memory = 0;
		return 0;
	}
	ret = parse_size(value, MIB(1), &bytes, &at);
	if (ret == -EINVAL || (*at && *at != '@'))
		return option_error(row, value, "not a size; 512 (MiB), 512M or 2G would work");
	if (ret < 0)
		return option_error(row, value, "more bytes than 64 bits can count");
	if (bytes < CONFIG_MIN_MEMORY)
		return option_error(row, value, "too little for any guest; %u MiB is the least",
				    (unsigned)(CONFIG_MIN_MEMORY >> 20));
	if (bytes % sysconf(_SC_PAGESIZE))
		return option_error(row, value, "not a multiple of the page size, %ld bytes",
				    sysconf(_SC_PAGESIZE));
	config->memory = bytes;
	return parse_memory_address(config, row, value, at);
}

static int parse_affinity(void *base, const struct option_row *row, const char *value)
{
	struct vm_config *config = base;
	int err;

	if (!value) {
		config->nr_affinities = 0;
		return 0;
	}
	if (config->nr_affinities == CONFIG_MAX_CPUSETS)
		return option_error(row, value, "that is one too many; %d work",
				    CONFIG_MAX_CPUSETS);
	err = cpulist_parse(value, &config->affinities[config->nr_affinities]);
	if (err == -ERANGE)
		return option_error(row, value, "CPUs are numbered up to %d", CPU_SETSIZE - 1);
	if (err)
		return option_error(row, value,
				    "not a list of CPUs; 2, 0-3 or 0,2,8-11 would work");
	config->nr_affinities++;
	return 0;
}

static int parse_name(void *base, const struct option_row *row, const char *value)
{
	const char *fault = value ? config_name_fault(value) : NULL;
	struct vm_config *config = base;

	if (fault)
		return option_error(row, value, "%s", fault);
	config->name = value;
	return 0;
}

static const char *const console_choices[] = {
	[CONSOLE_SERIAL] = "serial",
	[CONSOLE_VIRTIO] = "virtio",
	NULL,
};

static const char *const transport_choices[] = {
	[TRANSPORT_PCI] = "pci",
	[TRANSPORT_PCI_LEGACY] = "pci-legacy",
	[TRANSPORT_MMIO] = "mmio",
	[TRANSPORT_MMIO_LEGACY] = "mmio-legacy",
	NULL,
};

static int parse_force_pci(void *base, const struct option_row *row, const char *value)
{
	struct vm_config *config = base;
	config->transport = TRANSPORT_PCI;
	return 0;
}

static const char *const loglevel_choices[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
	NULL,
};

static int parse_debug(void *base, const struct option_row *row, const char *value)
{
	struct vm_config *config = base;
	config->loglevel = value ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
	return 0;
}

static const struct option_row common_options[] = {
	{ .kind = OPTION_GROUP, .help = "Guest" },
	OPTION_ROW(
		STRING, "kernel", CONFIG_FIELD(kernel), .letter = 'k', .argument = "FILE",
		.help = "Kernel to boot",
		.man = "The first word without a dash means the same. Without either, a kernel just "
		       "built is looked for in the current folder, in its arch/ folder and in ../../arch/, "
		       "then the host's own as /boot/vmlinuz-RELEASE, /boot/bzImage-RELEASE and "
		       "/lib/modules/RELEASE/vmlinuz."),
	OPTION_ROW(
		CALL, "initrd", .letter = 'i', .argument = "FILE", .parse = parse_initrd,
		.can_clear = true, .repeats = true,
		.help = "Initial RAM disk; several are put one behind the other",
		.man = "A pipe is read to its end before the guest starts, at most as many bytes as the guest "
		       "has memory: -i <(cpio ...) works, and -k does so, too. When it is /dev/stdin the guest's "
		       "console gets no input. --timeout counts from when all of it has come."),
	OPTION_ROW(
		CALL, "params", .letter = 'p', .argument = "TEXT", .parse = parse_params,
		.can_clear = true, .repeats = true,
		.help = "Kernel parameters; several are joined by blanks",
		.man = "They follow the parameters that lkvm gives of its own (the console among them), "
		       "so that they have the last word."),
	OPTION_ROW(UINT, "cpus", CONFIG_FIELD(cpus), .letter = 'c', .argument = "N", .min = 1,
		   .max = CONFIG_MAX_CPUS,
		   .help = "Number of CPUs (default: those the host has online)"),
	OPTION_ROW(
		CALL, "vcpu-affinity", .argument = "CPULIST", .parse = parse_affinity,
		.can_clear = true, .repeats = true,
		.help = "The host's CPUs that the guest's may run on: 2, 0-3 or 0,2,8-11",
		.man = "One list counts for all of the guest's CPUs. Of several the first is for CPU 0, "
		       "the next for CPU 1, and the last for all that follow. Other threads of lkvm run "
		       "where they like; taskset(1) is for all of them."),
	OPTION_ROW(
		CALL, "mem", .letter = 'm', .argument = "SIZE", .parse = parse_memory,
		.can_clear = true,
		.help = "Memory: 512 (MiB), 512M, 2G (default: 512M, more with many CPUs)",
		.man = "Units are B, K, M, G, T and P, powers of 1024; 0x200 and 01000 are 512. The default is 64 MiB for each "
		       "CPU and 192 MiB, at least 512 MiB, but no more than four fifths of the host's "
		       "memory. More than the host's memory and swap together is refused, unless "
		       "vm.overcommit_memory is 1. On arm64 and "
		       "riscv64 SIZE@ADDRESS says where memory begins, too."),
	OPTION_ROW(
		CALL, "mem-backend", .argument = "KIND[,size=SIZE][,path=PATH][,prealloc]",
		.keys = memory_keys, .parse = option_parse_memory_backend,
		.choices = memory_kind_names, .can_clear = true,
		.help = "Anonymous (default), memfd, hugetlb, hugetlbfs, file or guest-memfd",
		.man = "What memory is made of. anonymous: lkvm's own, in huge pages where the host "
		       "gives them by itself. memfd: a "
		       "file without a name, which can be shared with another process. hugetlb: huge "
		       "pages that the host has put aside. hugetlbfs: "
		       "the same, of a hugetlbfs that is mounted. file: a file, "
		       "which is made if it is not there; what is in it is lost when the guest starts, "
		       "what the guest leaves stays. guest-memfd: a file of KVM's (Linux 6.18)."),
	OPTION_ROW(CALL, "hugetlbfs", .argument = "FOLDER", .parse = option_parse_hugetlbfs,
		   .can_clear = true, .help = "The same as --mem-backend hugetlbfs,path=FOLDER"),
	OPTION_ROW(CALL, "guest-memfd", .parse = option_parse_guest_memfd, .can_clear = true,
		   .help = "The same as --mem-backend guest-memfd"),
	OPTION_ROW(CALL, "name", .argument = "NAME", .parse = parse_name, .can_clear = true,
		   .help = "Name of the guest (default: guest-PID)"),
	OPTION_ROW(FLAG, "reboot", CONFIG_FIELD(reboot),
		   .help = "A reboot of the guest starts it again instead of ending lkvm"),
	OPTION_ROW(
		FLAG, "keep-running", CONFIG_FIELD(keep_running),
		.help = "Go on when nobody reads the console any more (else: status 141)",
		.man = "Without it, the guest ends as soon as the reader of standard output has gone, say the head of "
		       "'lkvm run ... | head', even if the guest prints nothing. With it, what the guest prints from then on "
		       "is lost. After nohup(1), a terminal that hangs up ends no guest either way."),
	OPTION_ROW(UINT, "timeout", CONFIG_FIELD(timeout), .argument = "SECONDS",
		   .help = "End the guest after so many seconds, with exit status 245 (0: never)",
		   .man = "With --debug the registers of its CPUs are shown then: where it hangs."),
	OPTION_ROW(
		FLAG, "nodefaults", CONFIG_FIELD(nodefaults),
		.help = "Only the devices and kernel parameters given",
		.man = "Leaves out the random number generator and the user-mode network that a guest "
		       "gets otherwise, and the kernel parameters that lkvm gives of its own, the "
		       "console's among them: give --params console=... when it should print."),

	{ .kind = OPTION_GROUP, .help = OPTION_GROUP_DISKS },
	{ .kind = OPTION_GROUP, .help = OPTION_GROUP_NETWORK },
	{ .kind = OPTION_GROUP, .help = OPTION_GROUP_DEVICES },
	OPTION_ROW(
		CHOICE, "console", CONFIG_FIELD(console), .argument = "KIND",
		.choices = console_choices,
		.help = "Where the guest's console is: serial (ttyS0) or virtio (hvc0)",
		.man = "It is on lkvm's standard input and output. On a terminal, Ctrl-A x ends lkvm, "
		       "Ctrl-A ? or Ctrl-A h shows help, and Ctrl-A Ctrl-A sends one Ctrl-A. Output that cannot be "
		       "written, on a full disk say, is told once, and lkvm ends with status 246 if the guest ended well."),
	OPTION_ROW(
		CHOICE, "virtio-transport", CONFIG_FIELD(transport), .argument = "KIND",
		.choices = transport_choices,
		.help = "Virtio devices on pci (default), mmio, pci-legacy or mmio-legacy",
		.man = "pci-legacy and mmio-legacy are for drivers that do not know virtio 1 (on MMIO: "
		       "version 1 of the registers): features 0 to 31, queues told by page numbers, and "
		       "the byte order of the guest's CPU at the moment when it resets the device. "
		       "Linux drives them as well as the others."),

	{ .kind = OPTION_GROUP, .help = "Messages" },
	OPTION_ROW(
		CHOICE, "loglevel", CONFIG_FIELD(loglevel), .argument = "LEVEL",
		.choices = loglevel_choices,
		.help = "Least important message shown: error, warning, info (default) or debug"),
	OPTION_ROW(CALL, "debug", .parse = parse_debug, .can_clear = true,
		   .help = "The same as --loglevel debug"),
	OPTION_ROW(HELP, "help", .letter = 'h', .help = "Show this and end"),

	{ .kind = OPTION_GROUP, .help = "Compatibility with older command lines" },
	OPTION_ROW(CALL, "force-pci", .exact = true, .parse = parse_force_pci,
		   .help = "The same as --virtio-transport pci"),
	OPTION_ROW(FLAG, "virtio-legacy", CONFIG_FIELD(virtio_legacy), .exact = true,
		   .help = "The legacy form of the virtio transport that is chosen"),
	OPTION_ROW(IGNORED, "no-dhcp", .exact = true,
		   .help = "Nothing: lkvm never makes the kernel ask for an address"),
	OPTION_ROW(HELP, "help-all", .exact = true, .help = "The same as --help"),
	{ .kind = OPTION_GROUP },
};

const struct option_row *const run_tables[] = { common_options, arch_options, NULL };

int run_take_word(void *base, const char *word)
{
	struct vm_config *config = base;

	if (!*word) {
		log_error("the kernel's name is an empty word; is there a '' on the command line?");
		return -EINVAL;
	}
	if (config->kernel) {
		log_error(
			"'%s': the kernel is %s already, and run takes nothing else without a dash",
			word, config->kernel);
		return -EINVAL;
	}
	config->kernel = word;
	return 0;
}
