// SPDX-License-Identifier: GPL-2.0-or-later
/* The launch, played with a double of KVM (snp_double.h): order, arguments, and everything that goes wrong. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "builtin-snp-digest.h"
#include "bzimage.h"
#include "cpuid.h"
#include "kernel_file.h"
#include "lkvm/arch.h"
#include "said.h"
#include "confidential/snp-error.h"
#include "confidential/snp.h"
#include "snp_double.h"
#include "x86-vm.h"

static struct snp_double kvm;
static struct snp_host host;
static struct vm_config config;
static struct vm vm;
static struct kvm_cpuid2 *cpuid;
static struct memory_file kernel, initrd;
static const struct snp_identity nobody;
static struct vcpu vcpus[3], *vcpu_list[3];

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	return double_answer(double_ioctl(&kvm, fd, request, arg));
}

int open(const char *path, int flags, ...)
{
	if (!strcmp(path, "/dev/sev"))
		return double_answer(double_open(&kvm, path));
	return syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
}

int nanosleep(const struct timespec *time, struct timespec *left)
{
	kvm.pauses++;
	return 0;
}

static void add_cpuid(u32 function, u32 index, u32 a, u32 b, u32 c, u32 d)
{
	cpuid->entries[cpuid->nent++] = (struct kvm_cpuid_entry2){
		.function = function, .index = index, .eax = a, .ebx = b, .ecx = c, .edx = d
	};
}

/* A guest of 64 MiB with a kernel, an initrd and three vCPUs, loaded and planned as lkvm run does. */
static int setup(void **state)
{
	static u8 image[BZIMAGE_SIZE];

	memset(&kvm, 0, sizeof(kvm));
	kvm.nr_vcpus = 3;
	host = (struct snp_host){ .kvm_fd = DOUBLE_KVM_FD, .vm_fd = DOUBLE_VM_FD, .sev_fd = -1 };
	for (unsigned i = 0; i < 3; i++) {
		vcpus[i].fd = DOUBLE_VCPU_FD + i;
		vcpu_list[i] = &vcpus[i];
	}
	host.vcpus = vcpu_list;
	make_bzimage(image);
	kernel = memory_file(image, sizeof(image));
	initrd = memory_file("some files", 10);
	config_init(&config, NULL);
	config.kernel = kernel.path;
	config.initrds[0] = initrd.path;
	config.nr_initrds = 1;
	config.cmdline = "quiet";
	config.memory = MIB(64);
	config.cpus = 3;
	config.arch.vm_type = VM_TYPE_SNP;
	cpuid = x86_cpuid_new();
	assert_non_null(cpuid);
	cpuid->nent = 0;
	add_cpuid(0, 0, 0x10, 0x68747541, 0x444d4163, 0x69746e65);
	add_cpuid(1, 0, 0xa00f11, 0x800, 0x81202001, 0x178bfbff);
	memset(&vm, 0, sizeof(vm));
	vm.config = &config;
	vm.kvm_fd = vm.fd = -1;
	TAILQ_INIT(&vm.devices);
	guest_memory_init(&vm.memory);
	assert_int_equal(arch_open_files(&vm), 0);
	vm.arch->gpa_bits = 52;
	assert_int_equal(x86_lay_out_memory(&vm), 0);
	assert_int_equal(arch_load(&vm), 0);
	return 0;
}

static int teardown(void **state)
{
	arch_vm_destroy(&vm);
	guest_memory_destroy(&vm.memory);
	config_release(&config);
	free(cpuid);
	close(kernel.fd);
	close(initrd.fd);
	return 0;
}

static int launch_as(const struct snp_identity *identity)
{
	int error;

	said_begin();
	error = snp_host_open(&host);
	if (!error)
		error = snp_host_init(&host, &config.arch.snp);
	if (!error)
		error = snp_host_launch(&host, &config.arch.snp, identity, snp_plan(vm.arch->snp),
					cpuid);
	said_end();
	return error;
}

static int launch(void)
{
	return launch_as(&nobody);
}

static u64 planned_pages(void)
{
	const struct snp_plan *plan = snp_plan(vm.arch->snp);
	u64 pages = 0;

	for (unsigned i = 0; i < plan->nr_ranges; i++)
		pages += plan->ranges[i].size / 4096;
	return pages;
}

/* ---- as it should be ---- */

static void everything_in_order(void **state)
{
	assert_int_equal(launch(), 0);
	SAID(NULL);
	assert_int_equal(kvm.state, DOUBLE_RUNNABLE);
	assert_int_equal(kvm.pages, planned_pages());
	assert_int_equal(kvm.start.policy, 0x30000);
	assert_int_equal(kvm.init.vmsa_features, 0);
	assert_int_equal(kvm.finish.id_block_en, 0);
	assert_int_equal(kvm.pauses, 0);
	for (unsigned i = 0; i < 3; i++)
		assert_true(kvm.vcpu_set[i]);
	assert_int_equal(kvm.vcpus[0].regs.rip, snp_plan(vm.arch->snp)->boot.regs.rip);
	assert_int_equal(kvm.vcpus[2].regs.rip, 0xfff0);
}

/* What was given to KVM has the digest that snp-digest tells for the same options. */
static void the_digest_is_the_one_told_beforehand(void **state)
{
	u8 told[SHA384_SIZE];

	if (!sha2_available())
		skip();
	assert_int_equal(launch(), 0);
	assert_int_equal(snp_config_digest(&config, told), 0);
	assert_memory_equal(kvm.digest, told, SHA384_SIZE);
	/* And it is not just any. */
	config.cmdline = "quiet debug";
	assert_int_equal(snp_config_digest(&config, told), 0);
	assert_memory_not_equal(kvm.digest, told, SHA384_SIZE);
}

static void what_the_options_say_arrives(void **state)
{
	struct snp_config *snp = &config.arch.snp;
	struct snp_identity identity = { .given = true };

	memset(&identity.block, 0xb1, sizeof(identity.block));
	memset(identity.auth, 0xa7, sizeof(identity.auth));
	snp->policy = 0xb0000;
	snp->vmsa_features = 0x20;
	snp->vcek_disabled = snp->author_key = true;
	memset(snp->host_data, 0x4d, sizeof(snp->host_data));
	memset(snp->gosvw, 0x90, sizeof(snp->gosvw));
	assert_int_equal(launch_as(&identity), 0);
	assert_int_equal(kvm.start.policy, 0xb0000);
	assert_memory_equal(kvm.start.gosvw, snp->gosvw, sizeof(snp->gosvw));
	assert_int_equal(kvm.init.vmsa_features, 0x20);
	assert_memory_equal(kvm.finish.host_data, snp->host_data, sizeof(snp->host_data));
	assert_int_equal(kvm.finish.vcek_disabled, 1);
	assert_int_equal(kvm.finish.id_block_en, 1);
	assert_int_equal(kvm.finish.auth_key_en, 1);
	assert_memory_equal(kvm.id_block, &identity.block, sizeof(identity.block));
	assert_memory_equal(kvm.id_auth, identity.auth, sizeof(identity.auth));
}

static void the_cpuid_page_is_kvms_table(void **state)
{
	assert_int_equal(launch(), 0);
	assert_int_equal(kvm.cpuid.count, 2);
	assert_int_equal(kvm.cpuid.functions[0].ebx, 0x68747541);
	assert_int_equal(kvm.cpuid.functions[1].eax_in, 1);
	/* Bit 24, the TSC-deadline timer, is hidden. */
	assert_int_equal(kvm.cpuid.functions[1].ecx, 0x80202001);
}

/* ---- what KVM may do ---- */

static void partial_progress_goes_on_where_it_ended(void **state)
{
	u8 told[SHA384_SIZE];

	kvm.chunk = 7;
	assert_int_equal(launch(), 0);
	assert_int_equal(kvm.pages, planned_pages());
	assert_true(kvm.updates > planned_pages() / 7);
	assert_int_equal(kvm.pauses, 0);
	if (!sha2_available())
		return;
	assert_int_equal(snp_config_digest(&config, told), 0);
	assert_memory_equal(kvm.digest, told, SHA384_SIZE);
}

static void busy_for_a_while_is_waited_for(void **state)
{
	kvm.busy = 5;
	assert_int_equal(launch(), 0);
	SAID(NULL);
	assert_int_equal(kvm.pauses, 5);
	assert_int_equal(kvm.pages, planned_pages());
}

static void busy_with_attributes_is_waited_for(void **state)
{
	kvm.busy_kind = 5;
	assert_int_equal(launch(), 0);
	assert_int_equal(kvm.pauses, 5);
	assert_int_equal(kvm.pages, planned_pages());
}

static void busy_for_ever_is_an_error(void **state)
{
	kvm.busy = UINT32_MAX;
	assert_int_equal(launch(), -EAGAIN);
	SAID("LAUNCH_UPDATE");
	kvm.state = DOUBLE_NEW;
	kvm.busy_kind = UINT32_MAX;
	assert_int_equal(launch(), -EAGAIN);
	SAID("private: Resource temporarily unavailable");
}

static void a_corrected_cpuid_page_is_tried_once_more(void **state)
{
	kvm.correct_cpuid = true;
	assert_int_equal(launch(), 0);
	SAID("takes CPUID only with other values of 0x1 ECX");
	assert_int_equal(kvm.rejections, 1);
	assert_int_equal(kvm.cpuid.functions[1].ecx, 0x80202000);
}

static void a_cpuid_page_refused_twice_is_an_error(void **state)
{
	kvm.correct_cpuid = kvm.refuse_always = true;
	assert_int_equal(launch(), -EIO);
	assert_non_null(strstr(said, "a parameter is not valid"));
	assert_int_equal(kvm.rejections, 2);
}

static void too_much_cpuid(void **state)
{
	for (u32 i = 0; i < SNP_CPUID_MAX; i++)
		add_cpuid(0x40000000 + i, 0, 1, 1, 1, 1);
	assert_int_equal(launch(), -ENOSPC);
	SAID("more than the 64 leaves");
	assert_int_not_equal(kvm.state, DOUBLE_RUNNABLE);
}

/* ---- what goes wrong ---- */

static void no_device(void **state)
{
	kvm.open_error = ENOENT;
	assert_int_equal(launch(), -ENOENT);
	SAID("No /dev/sev (No such file or directory): ");
	kvm.open_error = EACCES;
	assert_int_equal(launch(), -EACCES);
	SAID("No permission to open /dev/sev");
	kvm.open_error = EBUSY;
	assert_int_equal(launch(), -EBUSY);
	SAID("in use by somebody else");
	kvm.open_error = EIO;
	assert_int_equal(launch(), -EIO);
	SAID("Unable to open /dev/sev");
	assert_int_equal(kvm.state, DOUBLE_NEW);
}

static void fail_at(u32 command, int error, u32 status)
{
	kvm.fail_command = command;
	kvm.fail_errno = error;
	kvm.fail_status = status;
}

static void no_identifier_is_left(void **state)
{
	fail_at(SEV_CMD_INIT2, EBUSY, 0);
	assert_int_equal(launch(), -EBUSY);
	SAID("too many such guests");
}

static void the_security_processors_words(void **state)
{
	static const struct {
		u32 command, status;
		const char *words, *step;
	} answers[] = {
		{ SEV_CMD_INIT2, 0x03, "configuration is not valid", "KVM does not make" },
		{ SEV_CMD_SNP_LAUNCH_START, 0x07, "policy does not allow", "LAUNCH_START" },
		{ SEV_CMD_SNP_LAUNCH_UPDATE, 0x1a, "reverse map table", "LAUNCH_UPDATE" },
		{ SEV_CMD_SNP_LAUNCH_FINISH, 0x0a, "signature", "LAUNCH_FINISH" },
		{ SEV_CMD_SNP_LAUNCH_FINISH, 0x1234, "status 0x1234", "LAUNCH_FINISH" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(answers); i++) {
		kvm.state = DOUBLE_NEW;
		kvm.nr_private = 0;
		fail_at(answers[i].command, EIO, answers[i].status);
		assert_int_equal(launch(), -EIO);
		SAID(answers[i].words);
		SAID(answers[i].step);
		assert_int_not_equal(kvm.state, DOUBLE_RUNNABLE);
	}
}

static void without_its_words_the_kernels(void **state)
{
	fail_at(SEV_CMD_SNP_LAUNCH_START, ENOTTY, 0);
	assert_int_equal(launch(), -ENOTTY);
	SAID("Inappropriate ioctl");
}

/* Kernels that do not tell which bits they take, and do not take all. */
static void a_policy_that_kvm_refuses(void **state)
{
	config.arch.snp.policy = 0x20000;
	fail_at(SEV_CMD_SNP_LAUNCH_START, EINVAL, 0);
	assert_int_equal(launch(), -EINVAL);
	SAID("KVM does not take the policy 0x20000; 0x30000 would work");
}

/* Linux has a status of its own for a command that it did not even give to the security processor. */
static void a_security_processor_that_was_not_asked(void **state)
{
	fail_at(SEV_CMD_INIT2, ENODEV, UINT32_MAX);
	assert_int_equal(launch(), -ENODEV);
	SAID("KVM does not make the guest one: No such device");
}

static void another_digest_than_the_owner_expects(void **state)
{
	const struct snp_identity identity = { .given = true };
	char text[2 * SHA384_SIZE + 1];
	u8 told[SHA384_SIZE];

	if (!sha2_available())
		skip();
	assert_int_equal(snp_config_digest(&config, told), 0);
	for (unsigned i = 0; i < SHA384_SIZE; i++)
		sprintf(text + 2 * i, "%02x", told[i]);
	fail_at(SEV_CMD_SNP_LAUNCH_FINISH, EIO, 0x0b);
	assert_int_equal(launch_as(&identity), -EIO);
	assert_non_null(strstr(said, text));
	assert_non_null(strstr(said, "not the one that was expected"));
}

static void what_the_host_lacks_is_named(void **state)
{
	kvm.masks = true;
	kvm.feature_mask = 0x21;
	kvm.policy_mask = 0x1f0000;
	config.arch.snp.vmsa_features = 0x200;
	assert_int_equal(launch(), -EINVAL);
	SAID("--snp vmsa-features=0x200: this host has 0x21 only");
	config.arch.snp.vmsa_features = 0x20;
	config.arch.snp.policy = 0x230000;
	assert_int_equal(launch(), -EINVAL);
	SAID("--snp policy=0x230000: this host has 0x1f0000 only");
	config.arch.snp.policy = 0;
	assert_int_equal(launch(), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(everything_in_order),
		T(the_digest_is_the_one_told_beforehand),
		T(what_the_options_say_arrives),
		T(the_cpuid_page_is_kvms_table),
		T(partial_progress_goes_on_where_it_ended),
		T(busy_for_a_while_is_waited_for),
		T(busy_with_attributes_is_waited_for),
		T(busy_for_ever_is_an_error),
		T(a_corrected_cpuid_page_is_tried_once_more),
		T(a_cpuid_page_refused_twice_is_an_error),
		T(too_much_cpuid),
		T(no_device),
		T(no_identifier_is_left),
		T(the_security_processors_words),
		T(without_its_words_the_kernels),
		T(a_policy_that_kvm_refuses),
		T(a_security_processor_that_was_not_asked),
		T(another_digest_than_the_owner_expects),
		T(what_the_host_lacks_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
