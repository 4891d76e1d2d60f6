/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A double of KVM and of the security processor: it answers the requests of a SEV-SNP launch, holds them
 * against what the kernel documents (order, sizes, alignment, what must be private before it is added), and
 * keeps what it was given, so that the digest of that can be compared. It encrypts nothing and is no
 * evidence that a real processor would take a guest; it is what can be had without one.
 */
#ifndef SNP_DOUBLE_H
#define SNP_DOUBLE_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/util/types.h"
#include "confidential/snp-cpuid.h"
#include "confidential/snp-launch.h"
#include "confidential/snp-plan.h"
#include "confidential/snp-vmsa.h"
#include "test.h"
#include "uapi/kvm.h"

enum double_state { DOUBLE_NEW, DOUBLE_INIT, DOUBLE_STARTED, DOUBLE_RUNNABLE };

#define DOUBLE_KVM_FD	  101
#define DOUBLE_VM_FD	  102
#define DOUBLE_SEV_FD	  103
#define DOUBLE_VCPU_FD	  200
#define DOUBLE_MAX_VCPUS  8
#define DOUBLE_MAX_RANGES 64

struct snp_double {
	/* What it is to do wrong. */
	int open_error;
	u32 fail_command; /* its id: */
	int fail_errno;
	u32 fail_status;
	unsigned busy;	    /* that many EAGAIN before anything is added */
	unsigned busy_kind; /* and before a page becomes private */
	unsigned chunk;	    /* pages that are added at once; 0: all */
	bool correct_cpuid; /* refuse the CPUID page once, and change it */
	bool refuse_always; /* and then again */
	bool masks;	    /* tell the masks below */
	u64 feature_mask, policy_mask;
	/* What it saw. */
	enum double_state state;
	struct sev_init2 init;
	struct sev_snp_launch_start start;
	struct sev_snp_launch_finish finish;
	u8 id_block[SEV_SNP_ID_BLOCK_SIZE];
	u8 id_auth[SEV_SNP_ID_AUTH_SIZE];
	struct {
		u64 from, to;
	} private[DOUBLE_MAX_RANGES];
	unsigned nr_private;
	u8 digest[SHA384_SIZE]; /* as the security processor would have it */
	struct snp_vcpu vcpus[DOUBLE_MAX_VCPUS];
	bool vcpu_set[DOUBLE_MAX_VCPUS];
	unsigned nr_vcpus;
	u64 pages;	  /* added */
	unsigned updates; /* requests for it */
	unsigned pauses, rejections;
	struct snp_cpuid_page cpuid;
};

static inline bool double_is_private(const struct snp_double *d, u64 gpa)
{
	for (unsigned i = 0; i < d->nr_private; i++) {
		if (gpa >= d->private[i].from && gpa < d->private[i].to)
			return true;
	}
	return false;
}

/* One page, as the ABI's PAGE_INFO has it. */
static inline void double_measure(struct snp_double *d, u8 type, u64 gpa, const void *page)
{
	if (!sha2_available())
		return;
	assert_int_equal(snp_digest_page(d->digest, type, gpa,
					 type == SNP_PAGE_NORMAL || type == SNP_PAGE_VMSA ? page
											  : NULL),
			 0);
}

static inline int double_reject_cpuid(struct snp_double *d, struct sev_snp_launch_update *u,
				      struct kvm_sev_cmd *cmd)
{
	struct snp_cpuid_page *page = (void *)(uintptr_t)u->uaddr;

	if (!d->refuse_always)
		d->correct_cpuid = false;
	d->rejections++;
	page->functions[1].ecx ^= htole32(1);
	cmd->error = 0x16;
	return -EIO;
}

static inline int double_update(struct snp_double *d, struct kvm_sev_cmd *cmd)
{
	struct sev_snp_launch_update *u = (void *)(uintptr_t)cmd->data;
	u64 pages;

	d->updates++;
	if (d->state != DOUBLE_STARTED || !u->len || u->len % 4096 || u->flags || u->pad0 ||
	    u->pad1)
		return -EINVAL;
	if (u->type != SNP_PAGE_NORMAL && (u->type < SNP_PAGE_ZERO || u->type > SNP_PAGE_CPUID))
		return -EINVAL;
	if (u->type != SNP_PAGE_ZERO && (!u->uaddr || u->uaddr % 4096))
		return -EINVAL;
	if (d->busy) {
		d->busy--;
		return -EAGAIN;
	}
	if (u->type == SNP_PAGE_CPUID && d->correct_cpuid)
		return double_reject_cpuid(d, u, cmd);
	pages = u->len / 4096;
	if (d->chunk)
		pages = MIN(pages, (u64)d->chunk);
	for (u64 i = 0; i < pages; i++) {
		/* KVM looks for each page's memory in the guest_memfd of its slot. */
		if (!double_is_private(d, (u->gfn_start + i) * 4096))
			return -EINVAL;
		double_measure(d, u->type, (u->gfn_start + i) * 4096,
			       (u8 *)(uintptr_t)u->uaddr + i * 4096);
	}
	if (u->type == SNP_PAGE_CPUID)
		memcpy(&d->cpuid, (void *)(uintptr_t)u->uaddr, sizeof(d->cpuid));
	d->pages += pages;
	u->gfn_start += pages;
	u->len -= pages * 4096;
	if (u->type != SNP_PAGE_ZERO)
		u->uaddr += pages * 4096;
	return 0;
}

static inline int double_finish(struct snp_double *d, const struct sev_snp_launch_finish *finish)
{
	struct snp_vmsa vmsa;

	if (d->state != DOUBLE_STARTED || finish->flags)
		return -EINVAL;
	d->finish = *finish;
	if (finish->id_block_en) {
		memcpy(d->id_block, (void *)(uintptr_t)finish->id_block_uaddr, sizeof(d->id_block));
		memcpy(d->id_auth, (void *)(uintptr_t)finish->id_auth_uaddr, sizeof(d->id_auth));
	}
	for (unsigned i = 0; i < d->nr_vcpus; i++) {
		snp_vmsa_build(&vmsa, &d->vcpus[i], d->init.vmsa_features);
		double_measure(d, SNP_PAGE_VMSA, SNP_VMSA_GPA, &vmsa);
	}
	d->state = DOUBLE_RUNNABLE;
	return 0;
}

static inline int double_command(struct snp_double *d, struct kvm_sev_cmd *cmd)
{
	void *data = (void *)(uintptr_t)cmd->data;

	assert_int_equal(cmd->sev_fd, DOUBLE_SEV_FD);
	if (cmd->id == d->fail_command) {
		cmd->error = d->fail_status;
		return -d->fail_errno;
	}
	switch (cmd->id) {
	case SEV_CMD_INIT2:
		memcpy(&d->init, data, sizeof(d->init));
		if (d->state != DOUBLE_NEW || d->init.flags || d->init.ghcb_version)
			return -EINVAL;
		d->state = DOUBLE_INIT;
		return 0;
	case SEV_CMD_SNP_LAUNCH_START:
		memcpy(&d->start, data, sizeof(d->start));
		if (d->state != DOUBLE_INIT || d->start.flags || !(d->start.policy & BIT(17)))
			return -EINVAL;
		d->state = DOUBLE_STARTED;
		return 0;
	case SEV_CMD_SNP_LAUNCH_UPDATE:
		return double_update(d, cmd);
	case SEV_CMD_SNP_LAUNCH_FINISH:
		return double_finish(d, data);
	}
	return -EINVAL;
}

static inline int double_attributes(struct snp_double *d, const struct kvm_memory_attributes *a)
{
	if (d->busy_kind) {
		d->busy_kind--;
		return -EAGAIN;
	}
	if (a->flags || !a->size || a->address % 4096 || a->size % 4096 ||
	    a->attributes != KVM_MEMORY_ATTRIBUTE_PRIVATE || d->nr_private == DOUBLE_MAX_RANGES)
		return -EINVAL;
	d->private[d->nr_private].from = a->address;
	d->private[d->nr_private++].to = a->address + a->size;
	return 0;
}

static inline int double_vcpu(struct snp_double *d, unsigned vcpu, unsigned long request, void *arg)
{
	/* Registers are lost to us once they are measured. */
	if (vcpu >= d->nr_vcpus || d->state == DOUBLE_RUNNABLE)
		return -EINVAL;
	switch (request) {
	case KVM_GET_SREGS:
		memset(arg, 0, sizeof(struct kvm_sregs));
		((struct kvm_sregs *)arg)->apic_base = 0xfee00900;
		return 0;
	case KVM_SET_SREGS:
		memcpy(&d->vcpus[vcpu].sregs, arg, sizeof(struct kvm_sregs));
		return d->vcpus[vcpu].sregs.apic_base == 0xfee00900 ? 0 : -EINVAL;
	case KVM_SET_REGS:
		memcpy(&d->vcpus[vcpu].regs, arg, sizeof(struct kvm_regs));
		d->vcpu_set[vcpu] = true;
		return 0;
	}
	return -ENOTTY;
}

static inline int double_open(struct snp_double *d, const char *path)
{
	assert_string_equal(path, "/dev/sev");
	return d->open_error ? -d->open_error : DOUBLE_SEV_FD;
}

static inline int double_ioctl(struct snp_double *d, int fd, unsigned long request, void *arg)
{
	if (fd >= DOUBLE_VCPU_FD)
		return double_vcpu(d, fd - DOUBLE_VCPU_FD, request, arg);
	if (fd == DOUBLE_KVM_FD && request == KVM_GET_DEVICE_ATTR) {
		struct kvm_device_attr *attr = arg;

		if (!d->masks || attr->group != SEV_ATTR_GROUP)
			return -ENXIO;
		*(u64 *)(uintptr_t)attr->addr =
			attr->attr == SEV_ATTR_VMSA_FEATURES ? d->feature_mask : d->policy_mask;
		return 0;
	}
	assert_int_equal(fd, DOUBLE_VM_FD);
	if (request == KVM_SET_MEMORY_ATTRIBUTES)
		return double_attributes(d, arg);
	assert_int_equal(request, KVM_MEMORY_ENCRYPT_OP);
	return double_command(d, arg);
}

/* As system calls return. */
static inline int double_answer(int ret)
{
	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}

#endif
