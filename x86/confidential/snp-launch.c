// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "lkvm/host/device-node.h"
#include "lkvm/host/kvm-device.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/vcpu.h"
#include "snp-cpuid.h"
#include "snp-error.h"
#include "snp-launch.h"
#include "uapi/kvm.h"

#define SEV_DEVICE "/dev/sev"

/* How often KVM may be busy without getting any further before it is taken for stuck: 10 s. */
#define MAX_PAUSES	  10000
#define PAUSE_NANOSECONDS 1000000

/* 0 or more, or -errno. */
static int launch_request(int fd, unsigned long what, void *arg)
{
	int ret = ioctl(fd, what, arg);

	return ret < 0 ? -errno : ret;
}

/* KVM_MEMORY_ENCRYPT_OP; *status is the security processor's answer, if it was asked at all. */
static int launch_command(const struct snp_host *host, u32 id, void *data, u32 *status)
{
	struct kvm_sev_cmd cmd = {
		.id = id,
		.data = (u64)(uintptr_t)data,
		.sev_fd = host->sev_fd,
	};
	int ret;

	do {
		ret = launch_request(host->vm_fd, KVM_MEMORY_ENCRYPT_OP, &cmd);
	} while (ret == -EINTR);
	*status = cmd.error == SNP_NOT_ASKED ? SNP_SUCCESS : cmd.error;
	return MIN(ret, 0);
}

static int snp_launch_failed(int err, u32 status, const char *what)
{
	if (status)
		log_fatal("SEV-SNP: %s: the security processor says: %s", what,
			  snp_status_words(status));
	else
		log_fatal("SEV-SNP: %s: %s", what, strerror(-err));
	return err;
}

/* ---- before there are vCPUs ---- */

static void explain_open(int err)
{
	struct node_seen seen;
	char text[600];

	node_look(&seen, SEV_DEVICE, err);
	node_explain(
		&seen,
		"load the module ccp, and see that SEV-SNP is on in the firmware setup of this "
		"AMD machine",
		NULL, text, sizeof(text));
	log_fatal("%s", text);
}

int snp_host_open(struct snp_host *host)
{
	int err;

	host->sev_fd = open(SEV_DEVICE, O_RDWR | O_CLOEXEC);
	if (host->sev_fd >= 0)
		return 0;
	err = -errno;
	if (err == -EBUSY)
		log_fatal(SEV_DEVICE
			  " is in use by somebody else: a tool that updates its firmware "
			  "or its certificates may be running");
	else
		explain_open(-err);
	return err;
}

/* Against a mask that /dev/kvm tells; where it does not, KVM will say what it thinks of the value. */
static int check_mask(const struct snp_host *host, u64 which, const char *key, u64 wanted)
{
	u64 mask;

	if (kvm_device_get(host->kvm_fd, SEV_ATTR_GROUP, which, &mask) || !(wanted & ~mask))
		return 0;
	log_fatal("--snp %s=0x%llx: this host has 0x%llx only", key, (unsigned long long)wanted,
		  (unsigned long long)mask);
	return -EINVAL;
}

int snp_host_init(const struct snp_host *host, const struct snp_config *config)
{
	struct sev_init2 init = { .vmsa_features = config->vmsa_features };
	u32 status;
	int err;

	err = check_mask(host, SEV_ATTR_VMSA_FEATURES, "vmsa-features", config->vmsa_features);
	if (!err)
		err = check_mask(host, SEV_ATTR_POLICY_BITS, "policy", snp_policy(config));
	if (err)
		return err;
	err = launch_command(host, SEV_CMD_INIT2, &init, &status);
	if (err == -EBUSY)
		log_fatal("SEV-SNP: no address space identifier is left: too many such guests are "
			  "running");
	else if (err)
		snp_launch_failed(err, status, "KVM does not make the guest one");
	return err;
}

/* ---- the launch ---- */

static int set_vcpu(const struct snp_host *host, unsigned index, const struct snp_vcpu *vcpu)
{
	int fd = host->vcpus[index]->fd, err;
	struct kvm_sregs sregs = vcpu->sregs, made;
	struct kvm_regs regs = vcpu->regs;

	err = launch_request(fd, KVM_GET_SREGS, &made);
	if (err < 0)
		return err;
	sregs.apic_base = made.apic_base;
	err = launch_request(fd, KVM_SET_SREGS, &sregs);
	if (err >= 0)
		err = launch_request(fd, KVM_SET_REGS, &regs);
	return MIN(err, 0);
}

static int set_vcpus(const struct snp_host *host, const struct snp_plan *plan)
{
	for (unsigned i = 0; i < plan->nr_vcpus; i++) {
		int err = set_vcpu(host, i, i ? &plan->others : &plan->boot);

		if (err) {
			log_fatal("SEV-SNP: KVM does not take vCPU %u's registers: %s", i,
				  strerror(-err));
			return err;
		}
	}
	return 0;
}

static int launch_start(const struct snp_host *host, const struct snp_config *config)
{
	struct sev_snp_launch_start start = { .policy = snp_policy(config) };
	u32 status;
	int err;

	memcpy(start.gosvw, config->gosvw, sizeof(start.gosvw));
	err = launch_command(host, SEV_CMD_SNP_LAUNCH_START, &start, &status);
	/* Only the policy can be what KVM refuses here. Linux 6.11 wants bit 16 set and bit 20 clear. */
	if (err == -EINVAL && !status && start.policy != SNP_POLICY_DEFAULT) {
		log_fatal("SEV-SNP: KVM does not take the policy 0x%llx; 0x%x would work",
			  (unsigned long long)start.policy, SNP_POLICY_DEFAULT);
		return err;
	}
	return err ? snp_launch_failed(err, status, "the launch does not begin (LAUNCH_START)") : 0;
}

/* KVM was busy (EAGAIN): lets time pass. False: it has been for too long. */
static bool may_ask_again(unsigned *pauses)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NANOSECONDS };

	if (++*pauses > MAX_PAUSES)
		return false;
	nanosleep(&pause, NULL);
	return true;
}

static int make_range_private(const struct snp_host *host, const struct snp_range *range)
{
	struct kvm_memory_attributes attributes = {
		.address = range->gpa,
		.size = range->size,
		.attributes = KVM_MEMORY_ATTRIBUTE_PRIVATE,
	};
	unsigned pauses = 0;
	int err;

	do {
		err = launch_request(host->vm_fd, KVM_SET_MEMORY_ATTRIBUTES, &attributes);
	} while (err == -EINTR || (err == -EAGAIN && may_ask_again(&pauses)));
	return MIN(err, 0);
}

static int make_private(const struct snp_host *host, const struct snp_plan *plan)
{
	for (unsigned i = 0; i < plan->nr_ranges; i++) {
		const struct snp_range *range = &plan->ranges[i];
		int err = make_range_private(host, range);

		if (err) {
			log_fatal("SEV-SNP: KVM does not make %llu KiB at 0x%llx private: %s",
				  (unsigned long long)range->size >> 10,
				  (unsigned long long)range->gpa, strerror(-err));
			return err;
		}
	}
	return 0;
}

/* KVM may stop early, with the structure saying from where to go on. */
static int launch_update(const struct snp_host *host, const struct snp_range *range, u32 *status)
{
	struct sev_snp_launch_update update = {
		.gfn_start = range->gpa / SNP_PAGE_SIZE,
		.uaddr = range->type == SNP_PAGE_ZERO ? 0 : (u64)(uintptr_t)range->data,
		.len = range->size,
		.type = range->type,
	};
	unsigned pauses = 0;

	while (update.len) {
		u64 before = update.len;
		int err = launch_command(host, SEV_CMD_SNP_LAUNCH_UPDATE, &update, status);

		if (err && err != -EAGAIN)
			return err;
		if (update.len > before)
			return -EPROTO;
		if (update.len < before)
			pauses = 0;
		else if (!may_ask_again(&pauses))
			return -EAGAIN;
	}
	return 0;
}

static int add_range(const struct snp_host *host, const struct snp_range *range)
{
	char what[96];
	u32 status = 0;
	int err = launch_update(host, range, &status);

	if (!err)
		return 0;
	snprintf(what, sizeof(what), "%llu KiB at 0x%llx do not become the guest's (LAUNCH_UPDATE)",
		 (unsigned long long)range->size >> 10, (unsigned long long)range->gpa);
	return snp_launch_failed(err, status, what);
}

/* When it refuses the page, the security processor writes the values into it that it would take. */
static int add_cpuid(const struct snp_host *host, const struct snp_range *range,
		     const struct kvm_cpuid2 *cpuid)
{
	struct snp_cpuid_page ours;
	struct text text = { .len = 0 };
	u32 status = 0;
	int err = snp_cpuid_build(&ours, cpuid);

	if (err) {
		log_fatal("SEV-SNP: KVM's CPUID has more than the %u leaves that fit in a page",
			  SNP_CPUID_MAX);
		return err;
	}
	memcpy(range->data, &ours, sizeof(ours));
	err = launch_update(host, range, &status);
	if (err == -EIO && status == SNP_INVALID_PARAM &&
	    snp_cpuid_compare(&ours, range->data, &text)) {
		log_warning(
			"SEV-SNP: the security processor takes CPUID only with other values of %s",
			text.bytes);
		err = launch_update(host, range, &status);
	}
	return err ? snp_launch_failed(err, status, "the CPUID page does not become the guest's")
		   : 0;
}

static int add_pages(const struct snp_host *host, const struct snp_plan *plan,
		     const struct kvm_cpuid2 *cpuid)
{
	int err = 0;

	for (unsigned i = 0; i < plan->nr_ranges && !err; i++) {
		const struct snp_range *range = &plan->ranges[i];

		err = range->type == SNP_PAGE_CPUID ? add_cpuid(host, range, cpuid)
						    : add_range(host, range);
	}
	return err;
}

static void say_digest(const struct snp_plan *plan)
{
	u8 digest[SHA384_SIZE];
	char text[2 * SHA384_SIZE + 1];

	if (snp_plan_digest(plan, digest))
		return;
	for (unsigned i = 0; i < SHA384_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	log_error("SEV-SNP: this guest's launch digest is %s, the ID block wants another", text);
}

static int launch_finish(const struct snp_host *host, const struct snp_config *config,
			 const struct snp_identity *identity, const struct snp_plan *plan)
{
	struct sev_snp_launch_finish finish = { .vcek_disabled = config->vcek_disabled };
	u32 status;
	int err;

	memcpy(finish.host_data, config->host_data, sizeof(finish.host_data));
	if (identity->given) {
		finish.id_block_en = 1;
		finish.id_block_uaddr = (u64)(uintptr_t)&identity->block;
		finish.id_auth_uaddr = (u64)(uintptr_t)identity->auth;
		finish.auth_key_en = config->author_key;
	}
	err = launch_command(host, SEV_CMD_SNP_LAUNCH_FINISH, &finish, &status);
	if (err && status == SNP_BAD_MEASUREMENT && identity->given)
		say_digest(plan);
	return err ? snp_launch_failed(err, status, "the launch does not end (LAUNCH_FINISH)") : 0;
}

int snp_host_launch(const struct snp_host *host, const struct snp_config *config,
		    const struct snp_identity *identity, const struct snp_plan *plan,
		    const struct kvm_cpuid2 *cpuid)
{
	int err = set_vcpus(host, plan) ?: launch_start(host, config) ?: make_private(host, plan);

	return err ?: add_pages(host, plan, cpuid) ?: launch_finish(host, config, identity, plan);
}
