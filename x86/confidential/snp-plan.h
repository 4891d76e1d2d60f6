/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a SEV-SNP guest consists of when it begins: the pages that go in, in order, and the registers of its
 * vCPUs. It is made once, from files and guest memory, and both the launch and the digest that is told
 * beforehand are made from it, so that they cannot differ. Nothing here needs KVM. Main thread.
 */
#ifndef X86_SNP_PLAN_H
#define X86_SNP_PLAN_H

#include <linux/kvm.h>
#include "kernel.h"
#include "lkvm/memory/memory.h"
#include "lkvm/util/sha2.h"
#include "snp-firmware.h"

#define SNP_PAGE_SIZE 4096

/* SEV-SNP Firmware ABI (56860), SNP_LAUNCH_UPDATE's PAGE_TYPE; KVM has the same numbers. */
enum snp_page_type {
	SNP_PAGE_NORMAL = 1,
	SNP_PAGE_VMSA = 2, /* a vCPU's registers: KVM's to give, at the end of the launch */
	SNP_PAGE_ZERO = 3,
	SNP_PAGE_UNMEASURED = 4, /* of its contents; that there is such a page is measured */
	SNP_PAGE_SECRETS = 5,
	SNP_PAGE_CPUID = 6,
};

/* Pages of one kind, one behind the other. */
struct snp_range {
	gpa_t gpa;
	u64 size; /* bytes, page multiple */
	enum snp_page_type type;
	void *data; /* in guest memory as the host maps it, page aligned */
};

#define SNP_MAX_RANGES 64

struct snp_vcpu {
	struct kvm_regs regs;	/* RIP, RFLAGS, RBX, RDX and RSI only */
	struct kvm_sregs sregs; /* segments, descriptor tables, control registers and EFER only */
};

struct snp_plan {
	struct snp_range ranges[SNP_MAX_RANGES];
	unsigned nr_ranges;
	unsigned nr_vcpus;
	struct snp_vcpu boot;	/* vCPU 0 */
	struct snp_vcpu others; /* all others, which the guest starts with registers of its own */
	u64 vmsa_features;	/* SEV_FEATURES, without SNP_ACTIVE, which KVM adds */
};

/*
 * Appends a range. -EINVAL when it is not made of pages or another has some of them, -EFAULT when it does not
 * lie in one region of memory, -ENOSPC when there are too many.
 */
int snp_plan_add(struct snp_plan *plan, const struct guest_memory *memory, gpa_t gpa, u64 size,
		 enum snp_page_type type);

/*
 * A kernel that x86_kernel_load() put into memory together with what its boot protocol wants. All of RAM
 * becomes part of the guest, as there is no firmware that would accept the rest. Logs and returns
 * -errno on failure.
 */
int snp_plan_kernel(struct snp_plan *plan, const struct x86_kernel *kernel,
		    const struct x86_boot *boot, const struct x86_entry *entry);

/*
 * A firmware that is in memory below 4 GiB. `hashes`, if not NULL, is put where it wants them (see
 * snp-hashes.h; -EINVAL when it does not). Logs and returns -errno on failure.
 */
struct snp_hashes;
int snp_plan_firmware(struct snp_plan *plan, const struct guest_memory *memory,
		      const struct snp_firmware *firmware, const struct snp_hashes *hashes);

/* Registers as after a reset, beginning at eip; `signature` (the CPU's) goes into RDX. */
void snp_vcpu_reset(struct snp_vcpu *vcpu, u32 eip, u32 signature);

/*
 * The launch digest (GCTX.LD) after all pages and vCPUs. 0 or -EOPNOTSUPP: built without libnettle.
 */
int __must_check snp_plan_digest(const struct snp_plan *plan, u8 digest[SHA384_SIZE]);

/* One page's step of it: contents NULL for types that are not measured. 0 or -EOPNOTSUPP. */
int __must_check snp_digest_page(u8 digest[SHA384_SIZE], enum snp_page_type type, gpa_t gpa,
				 const void *contents);

#endif
