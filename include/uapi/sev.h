/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the AMD part of KVM's interface has for SEV-SNP and Linux 6.1's headers lack (in Linux:
 * Documentation/virt/kvm/x86/amd-memory-encryption.rst). Names are our own: the kernel's are enumerators,
 * which no preprocessor can look for.
 */
#ifndef LKVM_UAPI_SEV_H
#define LKVM_UAPI_SEV_H

#include <linux/kvm.h>
#include <linux/types.h>

/* A VM's type, for KVM_CREATE_VM */
#define SEV_VM_TYPE_SNP 4 /* 6.11 */

/* kvm_sev_cmd.id of KVM_MEMORY_ENCRYPT_OP */
#define SEV_CMD_INIT2		  22 /* 6.10 */
#define SEV_CMD_SNP_LAUNCH_START  100
#define SEV_CMD_SNP_LAUNCH_UPDATE 101
#define SEV_CMD_SNP_LAUNCH_FINISH 102

/* Attributes of /dev/kvm itself: KVM_HAS_DEVICE_ATTR, KVM_GET_DEVICE_ATTR */
#define SEV_ATTR_GROUP	       1
#define SEV_ATTR_VMSA_FEATURES 0
#define SEV_ATTR_POLICY_BITS   1 /* 7.2 */

struct sev_init2 {
	__u64 vmsa_features;
	__u32 flags;
	__u16 ghcb_version;
	__u16 pad1;
	__u32 pad2[8];
};
_Static_assert(sizeof(struct sev_init2) == 48, "as the kernel has it");

struct sev_snp_launch_start {
	__u64 policy;
	__u8 gosvw[16];
	__u16 flags;
	__u8 pad0[6];
	__u64 pad1[4];
};
_Static_assert(sizeof(struct sev_snp_launch_start) == 64, "as the kernel has it");

struct sev_snp_launch_update {
	__u64 gfn_start;
	__u64 uaddr;
	__u64 len;
	__u8 type;
	__u8 pad0;
	__u16 flags;
	__u32 pad1;
	__u64 pad2[4];
};
_Static_assert(sizeof(struct sev_snp_launch_update) == 64, "as the kernel has it");

#define SEV_SNP_ID_BLOCK_SIZE 96
#define SEV_SNP_ID_AUTH_SIZE  4096

struct sev_snp_launch_finish {
	__u64 id_block_uaddr;
	__u64 id_auth_uaddr;
	__u8 id_block_en;
	__u8 auth_key_en;
	__u8 vcek_disabled;
	__u8 host_data[32];
	__u8 pad0[3];
	__u16 flags;
	__u64 pad1[4];
};
_Static_assert(sizeof(struct sev_snp_launch_finish) == 88, "as the kernel has it");
_Static_assert(sizeof(struct kvm_sev_cmd) == 24, "as the kernel has it");

#endif
