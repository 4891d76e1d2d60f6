// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board.h"
#include "cpuid.h"
#include "lkvm/boot/file.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/conversion.h"
#include "lkvm/vm/vcpu.h"
#include "snp-hashes.h"
#include "snp-identity.h"
#include "snp-launch.h"
#include "snp.h"
#include "vm-type.h"
#include "x86-vm.h"

struct snp {
	const struct snp_config *config;
	struct snp_host host;
	struct snp_firmware firmware;
	struct snp_identity identity;
	struct snp_plan plan;
};

static int parse_firmware(struct snp *snp, const struct boot_file *file)
{
	u8 *image = malloc(file->size);
	ssize_t got;
	int err;

	if (!image)
		return -ENOMEM;
	got = boot_file_read(file, 0, image, file->size);
	err = got < 0 ? got : snp_firmware_parse(&snp->firmware, file->path, image, got);
	if (got < 0)
		log_fatal("Unable to read firmware %s: %s", file->path, strerror(-err));
	free(image);
	return err;
}

/* Of the firmware what is in its image; the ID block. */
static int snp_open(struct vm *vm)
{
	const struct vm_config *config = vm->config;
	struct snp *snp = calloc(1, sizeof(*snp));
	int err;

	if (!snp)
		return -ENOMEM;
	vm->arch->snp = snp;
	snp->config = &config->arch.snp;
	snp->host = (struct snp_host){ .sev_fd = -1 };
	err = snp_identity_read(&snp->identity, snp->config);
	if (!err && config->firmware)
		err = parse_firmware(snp, &vm->arch->firmware.image);
	return err;
}

static int snp_open_devices(struct vm *vm)
{
	return snp_host_open(&vm->arch->snp->host);
}

static void snp_destroy(struct vm *vm)
{
	struct snp *snp = vm->arch->snp;

	if (!snp)
		return;
	if (snp->host.sev_fd >= 0)
		close(snp->host.sev_fd);
	free(snp);
}

/* The C-bit: the host's, by its CPUID; without one to ask, that of --snp c-bit=. */
static unsigned snp_private_bit(const struct vm *vm)
{
	struct kvm_cpuid2 *cpuid = vm->arch->cpuid;

	return (cpuid ? x86_cpuid_c_bit(cpuid) : 0) ?: snp_c_bit(&vm->config->arch.snp);
}

static int snp_vm_created(struct vm *vm)
{
	struct snp *snp = vm->arch->snp;
	int err = x86_private_vm_created(vm, true);

	if (err)
		return err;
	snp->host.kvm_fd = vm->kvm_fd;
	snp->host.vm_fd = vm->fd;
	return snp_host_init(&snp->host, snp->config);
}

static int plan_firmware(struct snp *snp, struct vm *vm)
{
	const struct boot_file *kernel = &vm->arch->firmware.kernel;
	const struct x86_boot *boot = &vm->arch->boot;
	struct snp_hashes hashes;
	int err = 0;

	if (kernel->path)
		err = snp_hashes_make(&hashes, kernel, boot->initrds, boot->nr_initrds,
				      boot->cmdline);
	if (!err)
		err = snp_plan_firmware(&snp->plan, &vm->memory, &snp->firmware,
					kernel->path ? &hashes : NULL);
	snp_vcpu_reset(&snp->plan.boot, SNP_RESET_VECTOR, snp->config->signature);
	snp_vcpu_reset(&snp->plan.others, snp->firmware.reset_eip, snp->config->signature);
	return err;
}

/* Nothing of KVM, so that a digest can be made of the plan. */
static int snp_load(struct vm *vm)
{
	struct arch_vm *x86 = vm->arch;
	struct snp *snp = x86->snp;

	snp->plan = (struct snp_plan){
		.nr_vcpus = vm->config->cpus,
		.vmsa_features = snp->config->vmsa_features,
	};
	if (vm->config->firmware)
		return plan_firmware(snp, vm);
	return snp_plan_kernel(&snp->plan, &x86->kernel, &x86->boot, &x86->entry);
}

const struct snp_plan *snp_plan(const struct snp *snp)
{
	return &snp->plan;
}

const u8 *snp_owners_digest(const struct snp *snp)
{
	return snp->identity.given ? snp->identity.block.digest : NULL;
}

/* Page tables have the bit and are measured: so it is set by an option, and checked here. */
static int check_c_bit(const struct vm *vm)
{
	unsigned want = snp_c_bit(&vm->config->arch.snp), bit = x86_cpuid_c_bit(vm->arch->cpuid);

	if (!bit || vm->config->firmware || bit == want)
		return 0;
	log_fatal("--snp c-bit=%u: this processor's is %u; c-bit=%u would work", want, bit, bit);
	return -EINVAL;
}

/* KVM has copied the pages: ours become private, so that no device sees them, and go back to the host. */
static int forget_pages(const struct snp *snp, struct vm *vm)
{
	int err = 0;

	for (unsigned i = 0; i < snp->plan.nr_ranges && !err; i++)
		err = conversion_apply(vm, snp->plan.ranges[i].gpa, snp->plan.ranges[i].size, true);
	if (err)
		log_fatal("SEV-SNP: the guest's pages cannot be given up: %s", strerror(-err));
	return err;
}

/*
 * There is no second launch. All of the plan's pages are private afterwards, and nothing of them is left in the shared
 * half.
 */
static int snp_launch(struct vm *vm)
{
	struct kvm_cpuid2 *cpuid = vm->arch->cpuid;
	struct snp *snp = vm->arch->snp;
	int err = check_c_bit(vm);

	if (err)
		return err;
	snp->host.vcpus = vm->vcpus;
	x86_cpuid_set_vcpu(cpuid, 0);
	err = snp_host_launch(&snp->host, snp->config, &snp->identity, &snp->plan, cpuid);
	return err ?: forget_pages(snp, vm);
}

/*
 * A guest that cannot go on has no other way to say why (GHCB specification, "GHCB MSR Protocol", termination
 * request). Its registers are no help: they are not ours to read.
 */
static enum exit_action snp_gave_up(struct vcpu *vcpu)
{
	u64 ghcb = vcpu->run->system_event.ndata ? vcpu->run->system_event.data[0] : 0;

	if (!vm_ending(vcpu->vm))
		log_fatal("vCPU %u: the guest gave up: GHCB termination, reason set %u, code %u",
			  vcpu->id, (unsigned)(ghcb >> 12 & 0xf), (unsigned)(ghcb >> 16 & 0xff));
	vm_request(vcpu->vm, VM_REQUEST_INTERNAL_ERROR);
	return EXIT_ACTION_STOP;
}

static enum exit_action snp_exit(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;

	if (run->exit_reason == KVM_EXIT_SYSTEM_EVENT &&
	    run->system_event.type == KVM_SYSTEM_EVENT_SEV_TERM)
		return snp_gave_up(vcpu);
	return x86_private_exit(vcpu);
}

static int snp_check_config(const struct vm_config *config)
{
	return x86_private_check_config(config) ?: snp_config_check(config);
}

const struct confidential_ops x86_snp = {
	.option = "--vm-type snp",
	.needs =
		"an AMD processor with SEV-SNP, turned on in the firmware, and Linux 6.11 or later",
	.vm_type = SEV_VM_TYPE_SNP,
	.private_memory = true,
	.single_boot = true,
	.check_config = snp_check_config,
	.check_host = x86_private_check_host,
	.open = snp_open,
	.open_devices = snp_open_devices,
	.private_bit = snp_private_bit,
	.vm_created = snp_vm_created,
	.load = snp_load,
	.launch = snp_launch,
	.exit = snp_exit,
	.destroy = snp_destroy,
};
