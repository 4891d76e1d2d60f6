// SPDX-License-Identifier: GPL-2.0-or-later
/* The facts that every architecture has, and how they are asked for. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lkvm/arch.h"
#include "lkvm/host/guest-memfd.h"
#include "lkvm/host/host.h"
#include "lkvm/host/kvm.h"
#include "lkvm/util/json.h"
#include "uapi/kvm.h"

#define ORDINARY_FLAGS (GUEST_MEMFD_FLAG_MMAP | GUEST_MEMFD_FLAG_INIT_SHARED)

const struct host_group_name host_groups[HOST_NR_GROUPS] = {
	[HOST_MACHINE] = { "host", "Host" },
	[HOST_DEVICES] = { "devices", "Device nodes that can be opened" },
	[HOST_KVM] = { "kvm", "KVM" },
	[HOST_MEMORY] = { "memory", "Guest memory" },
	[HOST_INTERRUPTS] = { "interrupts", "Interrupts" },
	[HOST_CPU] = { "cpu", "Guest CPUs" },
	[HOST_NESTED] = { "nested", "Nesting" },
	[HOST_CONFIDENTIAL] = { "confidential", "Confidential guests" },
};

/* ---- what questions are put to ---- */

/* An ordinary guest's VM: that of a configuration in which nothing was asked for. */
static int make_vm(int kvm_fd)
{
	struct vm_config config;
	unsigned long type = 0;
	int err;

	config_init(&config, NULL);
	err = arch_vm_type(&config, kvm_fd, &type);
	config_release(&config);
	return err ? err : kvm_create_vm(kvm_fd, type);
}

int host_new_vm(const struct host *host)
{
	return host->vm_fd < 0 ? -ENODEV : make_vm(host->kvm_fd);
}

int host_open(struct host *host)
{
	*host = (struct host){ .kvm_fd = kvm_open(), .vm_fd = -1 };
	if (host->kvm_fd < 0)
		return host->kvm_fd;
	host->vm_fd = make_vm(host->kvm_fd);
	return MIN(host->vm_fd, 0);
}

void host_close(struct host *host)
{
	if (host->vm_fd >= 0)
		close(host->vm_fd);
	if (host->kvm_fd >= 0)
		close(host->kvm_fd);
}

/* ---- questions ---- */

int host_cap(const struct host *host, int cap)
{
	return ioctl(host->vm_fd >= 0 ? host->vm_fd : host->kvm_fd, KVM_CHECK_EXTENSION, cap);
}

json_t *host_ask_cap(struct host *host, const struct host_fact *fact)
{
	int ret = host_cap(host, fact->cap);

	return ret < 0 ? NULL : json_boolean(ret);
}

json_t *host_ask_cap_number(struct host *host, const struct host_fact *fact)
{
	int ret = host_cap(host, fact->cap);

	return ret > 0 ? json_number(ret) : NULL;
}

json_t *host_ask_cap_bits(struct host *host, const struct host_fact *fact)
{
	int ret = host_cap(host, fact->cap);

	return ret < 0 ? NULL : host_names((u32)ret, fact->bits);
}

json_t *host_ask_node(struct host *host, const struct host_fact *fact)
{
	int fd = open(fact->path, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0) {
		close(fd);
		return json_true();
	}
	/* A node may be there before its module is. */
	if (fact->module && (errno == ENOENT || errno == ENODEV || errno == ENXIO))
		host_because(host, "not there; made by module %s", fact->module);
	else
		host_because(host, "%s", strerror(errno));
	return json_false();
}

static json_t *ask_kernel(struct host *host, const struct host_fact *fact)
{
	struct utsname name;

	return uname(&name) ? NULL : json_words(name.release);
}

static json_t *ask_machine(struct host *host, const struct host_fact *fact)
{
	struct utsname name;

	return uname(&name) ? NULL : json_words(name.machine);
}

static json_t *ask_page_size(struct host *host, const struct host_fact *fact)
{
	return json_number(sysconf(_SC_PAGESIZE));
}

static json_t *ask_cpus(struct host *host, const struct host_fact *fact)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return cpus > 0 ? json_number(cpus) : NULL;
}

static json_t *ask_ram(struct host *host, const struct host_fact *fact)
{
	long pages = sysconf(_SC_PHYS_PAGES);

	return pages > 0 ? json_number((u64)pages * sysconf(_SC_PAGESIZE)) : NULL;
}

static json_t *ask_huge_pages(struct host *host, const struct host_fact *fact)
{
	return host_huge_pages();
}

static json_t *ask_api_version(struct host *host, const struct host_fact *fact)
{
	int version = ioctl(host->kvm_fd, KVM_GET_API_VERSION, 0);

	return version < 0 ? NULL : json_number(version);
}

/* Kernels before 6.18 have it for private memory alone: /dev/kvm says yes, an ordinary VM no. */
static json_t *ask_guest_memfd(struct host *host, const struct host_fact *fact)
{
	json_t *answer = host_ask_cap(host, fact);

	if (json_is_false(answer) && ioctl(host->kvm_fd, KVM_CHECK_EXTENSION, fact->cap) > 0)
		host_because(host, "only for guests with private memory");
	return answer;
}

/* No capability tells it: a file is made and written to. */
static json_t *ask_write(struct host *host, const struct host_fact *fact)
{
	int offered = host_cap(host, KVM_CAP_GUEST_MEMFD_FLAGS);
	u64 flags;

	if (offered < 0 || host->vm_fd < 0)
		return NULL;
	return json_boolean(
		!guest_memfd_find_write(host->vm_fd, offered & ORDINARY_FLAGS, offered, &flags));
}

/* A VM without private memory would say that there are none: ask for any VM's. */
static json_t *ask_memory_attributes(struct host *host, const struct host_fact *fact)
{
	int ret = ioctl(host->kvm_fd, KVM_CHECK_EXTENSION, fact->cap);

	return ret < 0 ? NULL : host_names((u32)ret, fact->bits);
}

static const struct host_bit guest_memfd_flags[] = {
	{ 0, "mmap" },
	{ 1, "init-shared" },
	{ 0, NULL },
};

static const struct host_bit memory_attributes[] = {
	{ 3, "private" },
	{ 0, NULL },
};

#define NODE(k, p, m)                                                                              \
	HOST_FACT(HOST_DEVICES, k, p, .ask = host_ask_node, .path = (p), .module = (m))
#define NUMBER(k, w, c) HOST_FACT(HOST_KVM, k, w, .ask = host_ask_cap_number, .cap = (c))

static const struct host_fact common_facts[] = {
	HOST_FACT(HOST_MACHINE, "kernel", "kernel", .ask = ask_kernel),
	HOST_FACT(HOST_MACHINE, "machine", "architecture", .ask = ask_machine),
	HOST_FACT(HOST_MACHINE, "cpus", "CPUs online", .ask = ask_cpus),
	HOST_FACT(HOST_MACHINE, "ram", "memory", .ask = ask_ram, .unit = "B"),
	HOST_FACT(HOST_MACHINE, "page_size", "page size", .ask = ask_page_size, .unit = "B"),
	HOST_FACT(HOST_MACHINE, "huge_pages_free", "free huge pages", .ask = ask_huge_pages),

	NODE("kvm", "/dev/kvm", "kvm"),
	NODE("tun", "/dev/net/tun", "tun"),
	NODE("vhost_net", "/dev/vhost-net", "vhost_net"),
	NODE("vhost_vsock", "/dev/vhost-vsock", "vhost_vsock"),

	HOST_FACT(HOST_KVM, "api_version", "API version", .ask = ask_api_version),
	NUMBER("vcpus_recommended", "vCPUs, recommended", KVM_CAP_NR_VCPUS),
	NUMBER("vcpus_max", "vCPUs, at most", KVM_CAP_MAX_VCPUS),
	NUMBER("vcpu_ids", "vCPU ids below", KVM_CAP_MAX_VCPU_ID),
	NUMBER("memory_slots", "memory slots", KVM_CAP_NR_MEMSLOTS),
	HOST_FACT_CAP(HOST_KVM, "stats_fd", "binary statistics", KVM_CAP_BINARY_STATS_FD),

	HOST_FACT_CAP(HOST_MEMORY, "readonly", "read-only memory", KVM_CAP_READONLY_MEM),
	HOST_FACT_CAP(HOST_MEMORY, "user_memory2", "user memory regions 2", KVM_CAP_USER_MEMORY2),
	HOST_FACT(HOST_MEMORY, "guest_memfd", "guest_memfd", .ask = ask_guest_memfd,
		  .cap = KVM_CAP_GUEST_MEMFD),
	HOST_FACT(HOST_MEMORY, "guest_memfd_flags", "guest_memfd flags", .ask = host_ask_cap_bits,
		  .cap = KVM_CAP_GUEST_MEMFD_FLAGS, .bits = guest_memfd_flags),
	HOST_FACT(HOST_MEMORY, "guest_memfd_write", "write(2) to guest_memfd", .ask = ask_write),
	HOST_FACT(HOST_MEMORY, "attributes", "memory attributes", .ask = ask_memory_attributes,
		  .cap = KVM_CAP_MEMORY_ATTRIBUTES, .bits = memory_attributes),
	HOST_FACT_CAP(HOST_MEMORY, "pre_fault", "pre-faulting", KVM_CAP_PRE_FAULT_MEMORY),

	HOST_FACT_CAP(HOST_INTERRUPTS, "irqfd", "irqfd", KVM_CAP_IRQFD),
	HOST_FACT_CAP(HOST_INTERRUPTS, "ioeventfd", "ioeventfd", KVM_CAP_IOEVENTFD),
	{ 0 },
};

const struct host_fact *host_fact(unsigned index)
{
	const struct host_fact *const tables[] = { common_facts, arch_host_facts };

	for (unsigned group = 0; group < HOST_NR_GROUPS; group++)
		for (unsigned i = 0; i < ARRAY_SIZE(tables); i++)
			for (const struct host_fact *fact = tables[i]; fact->key; fact++)
				if (fact->group == group && !index--)
					return fact;
	return NULL;
}
