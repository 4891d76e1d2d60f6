// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A SEV-SNP guest from its configuration to where it would run: everything of lkvm's that has a part in it, with
 * ioctl(2) and /dev/sev played by the double (snp_double.h).
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "board.h"
#include "builtin-snp-digest.h"
#include "bzimage.h"
#include "cpuid.h"
#include "kernel_file.h"
#include "lkvm/arch.h"
#include "lkvm/vm/conversion.h"
#include "lkvm/host/kvm.h"
#include "said.h"
#include "confidential/snp.h"
#include "snp_double.h"
#include "snp_image.h"
#include "confidential/vm-type.h"
#include "x86-vm.h"

#define MEMORY MIB(64)
#define CPUS   2

static struct snp_double kvm;
static struct {
	bool exits;	     /* KVM_HC_MAP_GPA_RANGE is to exit */
	unsigned long types; /* KVM_CAP_VM_TYPES */
	unsigned nr_slots;
	struct kvm_userspace_memory_region2 slots[8];
} host_seen;

static struct vm_config config;
static struct vm vm;
static struct vcpu vcpus[CPUS], *vcpu_list[CPUS] = { &vcpus[0], &vcpus[1] };
static struct memory_file kernel;
static u8 kernel_image[BZIMAGE_SIZE];

/* Memory of a SEV-SNP guest has a private half, and is known after the guest is made one. */
static int set_slot(const struct kvm_userspace_memory_region2 *slot)
{
	if (kvm.state != DOUBLE_INIT || !(slot->flags & KVM_MEM_GUEST_MEMFD) ||
	    slot->guest_memfd_offset || host_seen.nr_slots == ARRAY_SIZE(host_seen.slots))
		return -EINVAL;
	host_seen.slots[host_seen.nr_slots++] = *slot;
	return 0;
}

static int make_memfd(const struct kvm_create_guest_memfd *create)
{
	int fd = memfd_create("guest_memfd", MFD_CLOEXEC);

	assert_int_equal(create->flags, 0);
	assert_int_equal(ftruncate(fd, create->size), 0);
	return fd;
}

static int enable_cap(const struct kvm_enable_cap *cap)
{
	if (kvm.state != DOUBLE_NEW || cap->cap != KVM_CAP_EXIT_HYPERCALL)
		return -EINVAL;
	host_seen.exits = cap->args[0] == BIT(12);
	return 0;
}

static int capability(unsigned long cap)
{
	if (cap == KVM_CAP_VM_TYPES)
		return host_seen.types;
	return cap == KVM_CAP_MEMORY_ATTRIBUTES ? (int)KVM_MEMORY_ATTRIBUTE_PRIVATE : 1;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	switch (request) {
	case KVM_CHECK_EXTENSION:
		return capability((unsigned long)arg);
	case KVM_CREATE_GUEST_MEMFD:
		return make_memfd(arg);
	case KVM_ENABLE_CAP:
		return double_answer(enable_cap(arg));
	case KVM_SET_USER_MEMORY_REGION2:
		return double_answer(set_slot(arg));
	}
	return double_answer(double_ioctl(&kvm, fd, request, arg));
}

int open(const char *path, int flags, ...)
{
	if (!strcmp(path, "/dev/sev"))
		return double_answer(double_open(&kvm, path));
	return syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
}

static int setup(void **state)
{
	memset(&kvm, 0, sizeof(kvm));
	memset(&host_seen, 0, sizeof(host_seen));
	memset(&vm, 0, sizeof(vm));
	memset(vcpus, 0, sizeof(vcpus));
	kvm.nr_vcpus = CPUS;
	host_seen.types = BIT(0) | BIT(SEV_VM_TYPE_SNP);
	make_bzimage(kernel_image);
	kernel = memory_file(kernel_image, sizeof(kernel_image));
	config_init(&config, NULL);
	config.kernel = kernel.path;
	config.cmdline = "quiet";
	config.memory = MEMORY;
	config.cpus = CPUS;
	config.arch.vm_type = VM_TYPE_SNP;
	vm.config = &config;
	vm.kvm_fd = DOUBLE_KVM_FD;
	vm.fd = DOUBLE_VM_FD;
	TAILQ_INIT(&vm.devices);
	guest_memory_init(&vm.memory);
	return 0;
}

static int teardown(void **state)
{
	arch_vm_destroy(&vm);
	devices_destroy(&vm.devices);
	guest_memory_destroy(&vm.memory);
	config_release(&config);
	close(kernel.fd);
	return 0;
}

static int make_cpuid(struct arch_vm *x86)
{
	x86->cpuid = x86_cpuid_new();
	if (!x86->cpuid)
		return -ENOMEM;
	x86->cpuid->nent = 4;
	x86->cpuid->entries[0] = (struct kvm_cpuid_entry2){ .function = 1, .eax = 0xa00f11 };
	x86->cpuid->entries[1] = (struct kvm_cpuid_entry2){ .function = 0x8000001f,
							    .eax = 0x1a,
							    .ebx = 1 << 6 | 51 };
	x86->cpuid->entries[2] =
		(struct kvm_cpuid_entry2){ .function = 0x80000000, .eax = 0x80000021 };
	x86->cpuid->entries[3] = (struct kvm_cpuid_entry2){ .function = 0x80000008, .eax = 52 };
	return 0;
}

/* As vm_create(), arch_vm_create() and machine.c go through it, without irqchip and devices. */
static int begin(void)
{
	unsigned long type = 0;
	int error = arch_vm_type(&config, DOUBLE_KVM_FD, &type);

	if (!error)
		assert_int_equal(type, SEV_VM_TYPE_SNP);
	if (!error)
		error = arch_open_files(&vm);
	if (!error)
		error = arch_open_devices(&vm);
	if (error)
		return error;
	error = make_cpuid(vm.arch);
	if (error)
		return error;
	x86_find_address_bits(&vm);
	error = x86_lay_out_memory(&vm) ?: x86_check_load(&vm);
	if (!error)
		error = vm.arch->confidential->vm_created(&vm);
	if (!error)
		error = vm_map_memory(&vm);
	if (error)
		return error;
	for (unsigned i = 0; i < CPUS; i++) {
		vcpus[i].vm = &vm;
		vcpus[i].id = i;
		vcpus[i].fd = DOUBLE_VCPU_FD + i;
	}
	vm.vcpus = vcpu_list;
	vm.nr_vcpus = CPUS;
	return arch_load(&vm) ?: arch_reset(&vm);
}

static int begin_and_listen(void)
{
	int error;

	said_begin();
	error = begin();
	said_end();
	return error;
}

static void a_guest_is_launched(void **state)
{
	u8 told[SHA384_SIZE];

	assert_int_equal(begin_and_listen(), 0);
	SAID(NULL);
	assert_int_equal(kvm.state, DOUBLE_RUNNABLE);
	assert_true(host_seen.exits);
	assert_int_equal(host_seen.nr_slots, 1);
	assert_int_equal(host_seen.slots[0].memory_size, MEMORY);
	assert_true(vm.private_memory);
	/* All but the hole for VGA and its like, and what is behind the ACPI tables. */
	assert_int_equal(kvm.pages, (MEMORY - 0x40000 - 0x10000) / 4096);
	if (!sha2_available())
		return;
	assert_int_equal(snp_config_digest(&config, told), 0);
	assert_memory_equal(kvm.digest, told, SHA384_SIZE);
}

/* What KVM has copied is no device's to see, and not ours to keep. */
static void nothing_is_left_with_the_host(void **state)
{
	const struct guest_region *region;
	u8 byte;

	assert_int_equal(begin_and_listen(), 0);
	region = &vm.memory.regions[0];
	assert_null(guest_memory_hva(&vm.memory, MIB(16), 1));
	assert_int_equal(guest_read(&vm.memory, BOARD_BOOT_CMDLINE, &byte, 1), -EFAULT);
	assert_int_equal(guest_write(&vm.memory, BOARD_SNP_SECRETS, "x", 1), -EFAULT);
	assert_int_equal(guest_read(&vm.memory, 0xa0000, &byte, 1), 0);
	assert_int_equal(region->hva[MIB(16)], 0);
	assert_int_equal(region->hva[BOARD_BOOT_CMDLINE], 0);
}

static void a_host_without_it(void **state)
{
	host_seen.types = BIT(0);
	assert_int_equal(begin_and_listen(), -EOPNOTSUPP);
	SAID("--vm-type snp: not offered by this host's KVM");
	host_seen.types = BIT(SEV_VM_TYPE_SNP);
	kvm.open_error = EACCES;
	assert_int_equal(begin_and_listen(), -EACCES);
	SAID("No permission to open /dev/sev");
}

static void another_encryption_bit(void **state)
{
	config.arch.snp.c_bit = 47;
	assert_int_equal(begin_and_listen(), -EINVAL);
	SAID("--snp c-bit=47: this processor's is 51; c-bit=51 would work");
	assert_int_equal(kvm.state, DOUBLE_INIT);
}

/* An address with the C-bit in it would be another one's encrypted half. */
static void no_address_has_the_encryption_bit(void **state)
{
	config.memory = BIT(51);
	assert_int_equal(begin_and_listen(), -E2BIG);
	SAID("guests on this host have addresses of 51 bits, room for 2097151 GiB");
	assert_int_equal(vm.arch->phys_bits, 52);
	/* One that is no address bit takes nothing away, and neither does the host's own reduction. */
	vm.arch->cpuid->entries[3].eax = 48;
	vm.arch->cpuid->entries[1].ebx = 5 << 6 | 51;
	x86_find_address_bits(&vm);
	assert_int_equal(vm.arch->gpa_bits, 48);
	vm.arch->cpuid->entries[1].ebx = 5 << 6 | 47;
	x86_find_address_bits(&vm);
	assert_int_equal(vm.arch->gpa_bits, 47);
	/* A host that does not say where its is. */
	vm.arch->cpuid->entries[3].eax = 52;
	vm.arch->cpuid->entries[1].ebx = 0;
	x86_find_address_bits(&vm);
	assert_int_equal(vm.arch->gpa_bits, 51);
}

/* It is read for its hash, and again for the firmware: a pipe gives it only once. */
static void a_firmwares_kernel_from_a_pipe(void **state)
{
	static u8 image[SNP_IMAGE_SIZE];
	u8 from_file[SHA384_SIZE], from_pipe[SHA384_SIZE];
	struct memory_file firmware;
	char path[32];
	int ends[2];

	if (!sha2_available())
		skip();
	make_snp_image(image);
	firmware = memory_file(image, sizeof(image));
	config.firmware = firmware.path;
	assert_int_equal(snp_config_digest(&config, from_file), 0);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], kernel_image, sizeof(kernel_image)), sizeof(kernel_image));
	close(ends[1]);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	config.kernel = path;
	assert_int_equal(snp_config_digest(&config, from_pipe), 0);
	assert_memory_equal(from_file, from_pipe, SHA384_SIZE);
	close(ends[0]);
	close(firmware.fd);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_guest_is_launched),	   T(nothing_is_left_with_the_host),
		T(a_host_without_it),	   T(no_address_has_the_encryption_bit),
		T(another_encryption_bit), T(a_firmwares_kernel_from_a_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
