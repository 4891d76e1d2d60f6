// SPDX-License-Identifier: GPL-2.0-or-later
/* A configuration's beginning, and its completion from what the host is. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lkvm/arch.h"
#include "lkvm/config/config.h"
#include "lkvm/util/list.h"
#include "lkvm/util/log.h"
#include "lkvm/config/options.h"
#include "records.h"

#define DEFAULT_MEMORY	MIB(512)
#define MEMORY_EACH_CPU MIB(64)
#define MEMORY_BESIDE	MIB(192)

struct config_text {
	struct config_text *next;
	char *text;
};

void config_init(struct vm_config *config, const struct option_set *options)
{
	*config = (struct vm_config){
		.options = options,
		.console = CONSOLE_SERIAL,
		.transport = TRANSPORT_PCI,
		.loglevel = LOG_LEVEL_INFO,
	};
}

char *config_text(struct vm_config *config, const char *fmt, ...)
{
	struct config_text *owner = malloc(sizeof(*owner));
	va_list args;
	int len;

	if (!owner)
		return NULL;
	va_start(args, fmt);
	len = vasprintf(&owner->text, fmt, args);
	va_end(args);
	if (len < 0) {
		free(owner);
		return NULL;
	}
	owner->next = config->texts;
	config->texts = owner;
	return owner->text;
}

void config_release(struct vm_config *config)
{
	struct config_text *owner;

	records_release(config);
	while ((owner = config->texts)) {
		config->texts = owner->next;
		free(owner->text);
		free(owner);
	}
}

/* ---- memory ---- */

u64 config_default_memory(unsigned cpus, u64 host_ram)
{
	u64 bytes = MAX(DEFAULT_MEMORY, cpus * MEMORY_EACH_CPU + MEMORY_BESIDE);
	u64 most = ALIGN_DOWN(host_ram / 5 * 4, MIB(1));

	if (!host_ram)
		return bytes;
	return MAX(CONFIG_MIN_MEMORY, MIN(bytes, most));
}

/*
 * A guest larger than RAM and swap would be mapped without complaint and die by the OOM killer at
 * some page; better to hear it now. Between RAM and both, it may be meant; and beyond them where the
 * host's owner has said that nobody shall count.
 */
int config_check_memory(u64 bytes, u64 host_ram, u64 host_swap, bool overcommit)
{
	void (*log)(const char *fmt, ...) = overcommit ? log_warning : log_fatal;

	if (!host_ram || bytes <= host_ram)
		return 0;
	if (bytes <= host_ram + host_swap) {
		log_warning("--mem: %" PRIu64 " MiB is more than this host's %" PRIu64
			    " MiB of memory; it will swap",
			    bytes >> 20, host_ram >> 20);
		return 0;
	}
	log("--mem: %" PRIu64 " MiB is more than this host has, %" PRIu64
	    " MiB of memory and %" PRIu64 " MiB of swap%s",
	    bytes >> 20, host_ram >> 20, host_swap >> 20,
	    overcommit ? ": using all of it ends the guest"
		       : ", and vm.overcommit_memory is not 1");
	return overcommit ? 0 : -E2BIG;
}

static bool host_overcommits(void)
{
	FILE *file = fopen("/proc/sys/vm/overcommit_memory", "re");
	bool always = file && fgetc(file) == '1';

	if (file)
		fclose(file);
	return always;
}

static int finish_memory(struct vm_config *config)
{
	struct sysinfo info;
	u64 ram = 0, swap = 0;

	if (!sysinfo(&info)) {
		ram = (u64)info.totalram * info.mem_unit;
		swap = (u64)info.totalswap * info.mem_unit;
	}
	if (!config->memory) {
		config->memory = config_default_memory(config->cpus, ram);
		return 0;
	}
	return config_check_memory(config->memory, ram, swap, host_overcommits());
}

/* A device's back end in another process maps guest memory, so that has to be a file. */
static int finish_sharing(struct vm_config *config)
{
	struct memory_config *memory = &config->memory_backend;
	bool can = memory->kind != MEMORY_ANONYMOUS && memory->kind != MEMORY_GUEST_MEMFD;

	config->memory_sharer = records_memory_sharer(config);
	if (!config->memory_sharer || can)
		return 0;
	if (!memory->chosen) {
		memory->kind = MEMORY_MEMFD;
		return 0;
	}
	log_fatal(
		"--mem-backend %s: --%s shares guest memory with another process, which that cannot be; "
		"leave it out, or take memfd, hugetlb, hugetlbfs or file",
		memory_kind_names[memory->kind], config->memory_sharer);
	return -EINVAL;
}

static bool same_file(const struct stat *file, const char *path)
{
	struct stat other;

	return path && !stat(path, &other) && other.st_dev == file->st_dev &&
	       other.st_ino == file->st_ino;
}

/* Every key that is a file's name, in every device of the kind: is one of them that file? */
static bool is_device_file(const struct vm_config *config, const struct config_kind *kind,
			   const struct key_row *key, const struct stat *file)
{
	for (; key && key->name; key++) {
		if (key->type != KEY_STRING || strcmp(key->argument ?: "", "FILE"))
			continue;
		for (unsigned i = 0; i < config_count(config, kind); i++) {
			const char *record = config_record(config, kind, i);

			if (same_file(file, *(const char *const *)(record + key->offset)))
				return true;
		}
	}
	return false;
}

/* The option that names the file, too: kernel, firmware, flash ... NULL: none does. */
static const char *other_use(const struct vm_config *config, const struct stat *file)
{
	struct option_walk walk = { .set = config->options };
	const struct option_row *row;

	while (config->options && (row = options_next(&walk))) {
		const void *field = (const char *)config + row->offset;

		if (row->kind == OPTION_STRING && !strcmp(row->argument, "FILE") &&
		    same_file(file, *(const char *const *)field))
			return row->name;
		if (row->kind == OPTION_DEVICE &&
		    is_device_file(config, walk.kind, row->keys, file))
			return row->name;
	}
	for (unsigned i = 0; i < config->nr_initrds; i++)
		if (same_file(file, config->initrds[i]))
			return "initrd";
	return NULL;
}

/* Guest RAM is zeroed at start, which would wipe a file given for another purpose. */
static int check_memory_file(const struct vm_config *config)
{
	const char *path = config->memory_backend.path, *other;
	struct stat file;

	if (config->memory_backend.kind != MEMORY_FILE || stat(path, &file))
		return 0;
	other = other_use(config, &file);
	if (!other)
		return 0;
	log_fatal("--mem-backend file: %s is --%s too, and would be emptied; give memory a file of "
		  "its own",
		  path, other);
	return -EINVAL;
}

/* ---- pipes ---- */

/* What is read whole before the guest starts, and from where. */
struct input {
	const char *option, *path;
};

static bool same_pipe(const char *path, const char *other)
{
	struct stat st;

	return path && !stat(path, &st) && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)) &&
	       same_file(&st, other);
}

/* The second reader would find nothing, or each of them a part. */
static int check_pipes(const struct vm_config *config)
{
	struct input inputs[CONFIG_MAX_INITRDS + 2] = { { "kernel", config->kernel },
							{ "firmware", config->firmware } };
	unsigned nr = 2;

	for (unsigned i = 0; i < config->nr_initrds; i++)
		inputs[nr++] = (struct input){ "initrd", config->initrds[i] };
	for (unsigned i = 0; i < nr; i++) {
		for (unsigned j = 0; j < i; j++) {
			if (!same_pipe(inputs[i].path, inputs[j].path))
				continue;
			log_fatal("--%s %s: that pipe is --%s too, and can be read only once",
				  inputs[i].option, inputs[i].path, inputs[j].option);
			return -EINVAL;
		}
	}
	return 0;
}

/* ---- the kernel ---- */

/* Everywhere it was looked for, for the one message when it was nowhere. */
struct places {
	char list[1024];
	size_t len;
};

static bool is_kernel(struct places *places, const char *path)
{
	struct stat st;
	bool there = !stat(path, &st) && S_ISREG(st.st_mode);
	int n;

	if (there && !access(path, R_OK)) {
		log_debug("kernel %s", path);
		return true;
	}
	n = snprintf(places->list + places->len, sizeof(places->list) - places->len, "%s%s%s",
		     places->len ? ", " : "", path, there ? " (not readable)" : "");
	places->len = MIN(places->len + n, sizeof(places->list) - 1);
	return false;
}

static int find_kernel(struct vm_config *config)
{
	static const char *const hosts[] = { "/boot/vmlinuz-%s", "/boot/bzImage-%s",
					     "/lib/modules/%s/vmlinuz" };
	struct places places = { .len = 0 };
	const char *const *path;
	struct utsname host;
	char *made;

	if (config->kernel || config->firmware)
		return 0;
	for (path = arch_kernel_paths; *path; path++) {
		if (is_kernel(&places, *path)) {
			config->kernel = *path;
			return 0;
		}
	}
	uname(&host);
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		made = config_text(config, hosts[i], host.release);
		if (!made)
			return -ENOMEM;
		if (is_kernel(&places, made)) {
			config->kernel = made;
			return 0;
		}
	}
	log_fatal("no kernel: give one with --kernel; there is none at %s", places.list);
	return -ENOENT;
}

/* ---- the rest ---- */

/* It becomes part of file names: what could leave a folder or a line is refused. */
const char *config_name_fault(const char *name)
{
	_Static_assert(CONFIG_MAX_NAME == 64, "the words below say this number");
	if (!*name || strlen(name) > CONFIG_MAX_NAME)
		return "a name has 1 to 64 characters";
	for (const char *p = name; *p; p++)
		if ((u8)*p <= ' ' || *p == 0x7f || *p == '/')
			return "a name has no blanks and no '/'";
	return *name == '.' ? "a name does not begin with a dot" : NULL;
}

static int finish_name(struct vm_config *config)
{
	config->named = config->name;
	if (config->named)
		return 0;
	config->name = config_text(config, "guest-%d", getpid());
	return config->name ? 0 : -ENOMEM;
}

static void finish_cpus(struct vm_config *config)
{
	long online;

	if (config->cpus)
		return;
	online = sysconf(_SC_NPROCESSORS_ONLN);
	config->cpus = MIN(MAX(online, 1L), (long)CONFIG_MAX_CPUS);
}

static void finish_transport(struct vm_config *config)
{
	bool mmio =
		config->transport == TRANSPORT_MMIO || config->transport == TRANSPORT_MMIO_LEGACY;

	if (config->virtio_legacy)
		config->transport = mmio ? TRANSPORT_MMIO_LEGACY : TRANSPORT_PCI_LEGACY;
}

int config_finish(struct vm_config *config)
{
	int err;

	finish_cpus(config);
	finish_transport(config);
	err = records_finish(config) ?: finish_name(config) ?: finish_memory(config);
	err = err ?: finish_sharing(config) ?: check_memory_file(config) ?: check_pipes(config) ?: find_kernel(config);
	if (err == -ENOMEM)
		log_fatal("out of memory");
	return err;
}
