// SPDX-License-Identifier: GPL-2.0-or-later
/* What KVM offers on x86 only. */
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cpuid.h"
#include "lkvm/arch.h"
#include "lkvm/host/kvm-device.h"
#include "lkvm/util/json.h"
#include "uapi/kvm.h"
#include "uapi/sev.h"

const char arch_kvm_absent[] =
	"load the module kvm_intel or kvm_amd (modprobe), and see that virtualization is on in the "
	"firmware setup";

#define LEAF_FEATURES	  0x1
#define LEAF_KVM_FEATURES 0x40000001
#define LEAF_EXT_FEATURES 0x80000001

#define FEATURES_ECX_VMX     BIT(5)
#define FEATURES_ECX_X2APIC  BIT(21)
#define EXT_ECX_SVM	     BIT(2)
#define KVM_EAX_CLOCKSOURCE2 BIT(3)

/* ---- the kernel's modules ---- */

/* Which of KVM's back ends is loaded; NULL: none that is known here. */
static const char *host_module(void)
{
	static const char *const modules[] = { "kvm_amd", "kvm_intel", "kvm_pvm" };
	char path[64];

	for (unsigned i = 0; i < ARRAY_SIZE(modules); i++) {
		snprintf(path, sizeof(path), "/sys/module/%s", modules[i]);
		if (!access(path, F_OK))
			return modules[i];
	}
	return NULL;
}

/* A switch's setting: 'Y' or '1', 'N' or '0'; 0 when there is no such parameter. */
static char host_parameter(const char *name)
{
	char path[128], value[16];

	if (!host_module())
		return 0;
	snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", host_module(), name);
	host_read_line(path, value, sizeof(value));
	return value[0];
}

static bool is_off(char setting)
{
	return setting == 'N' || setting == '0';
}

static json_t *ask_module(struct host *host, const struct host_fact *fact)
{
	return json_string(host_module());
}

/* Only with it a guest's page tables are its own business; pre-faulting and SEV want it. */
static json_t *ask_tdp(struct host *host, const struct host_fact *fact)
{
	char ept = host_parameter("ept"), npt = host_parameter("npt");

	if (!ept && !npt)
		return NULL;
	host_because(host, ept ? "EPT" : "NPT");
	return json_boolean(!is_off(ept ?: npt));
}

/* ---- CPUID ---- */

/* What KVM supports, to be freed; NULL: not told. */
static struct kvm_cpuid2 *supported_cpuid(const struct host *host)
{
	struct kvm_cpuid2 *cpuid = x86_cpuid_new();

	if (cpuid && !ioctl(host->kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid))
		return cpuid;
	free(cpuid);
	return NULL;
}

static json_t *ask_address_bits(struct host *host, const struct host_fact *fact)
{
	struct kvm_cpuid2 *cpuid = supported_cpuid(host);
	json_t *answer = cpuid ? json_number(x86_cpuid_phys_bits(cpuid)) : NULL;

	free(cpuid);
	return answer;
}

/* All zero when there is no such leaf. False: not told. */
static bool supported_leaf(const struct host *host, u32 leaf, struct kvm_cpuid_entry2 *found)
{
	static const struct kvm_cpuid_entry2 none;
	struct kvm_cpuid2 *cpuid = supported_cpuid(host);

	if (cpuid)
		*found = *(x86_cpuid_find(cpuid, leaf, 0) ?: &none);
	free(cpuid);
	return cpuid;
}

static json_t *ask_x2apic(struct host *host, const struct host_fact *fact)
{
	struct kvm_cpuid_entry2 entry;

	if (!supported_leaf(host, LEAF_FEATURES, &entry))
		return NULL;
	return json_boolean(entry.ecx & FEATURES_ECX_X2APIC);
}

static json_t *ask_kvmclock(struct host *host, const struct host_fact *fact)
{
	struct kvm_cpuid_entry2 entry;

	if (!supported_leaf(host, LEAF_KVM_FEATURES, &entry))
		return NULL;
	return json_boolean(entry.eax & KVM_EAX_CLOCKSOURCE2);
}

static json_t *ask_nested(struct host *host, const struct host_fact *fact)
{
	struct kvm_cpuid_entry2 features, ext;
	bool vmx, svm;

	if (!supported_leaf(host, LEAF_FEATURES, &features) ||
	    !supported_leaf(host, LEAF_EXT_FEATURES, &ext))
		return NULL;
	vmx = features.ecx & FEATURES_ECX_VMX;
	svm = ext.ecx & EXT_ECX_SVM;
	if (vmx || svm)
		host_because(host, vmx ? "VMX" : "SVM");
	else if (is_off(host_parameter("nested")))
		host_because(host, "load the module %s with nested=1", host_module());
	else if (host_module())
		host_because(host, "%s does not offer it here", host_module());
	return json_boolean(vmx || svm);
}

/* ---- the rest ---- */

static json_t *ask_irqchip(struct host *host, const struct host_fact *fact)
{
	static const struct host_bit chips[] = { { 0, "kernel" }, { 1, "split" }, { 0, NULL } };
	int kernel = host_cap(host, KVM_CAP_IRQCHIP), split = host_cap(host, KVM_CAP_SPLIT_IRQCHIP);

	return kernel < 0 ? NULL : host_names((kernel > 0) | (split > 0) << 1, chips);
}

/* Kernels before 6.8 do not tell, and have the default type. */
static json_t *ask_vm_types(struct host *host, const struct host_fact *fact)
{
	int types = host_cap(host, KVM_CAP_VM_TYPES);

	return types < 0 ? NULL : host_names((u32)types ?: 1, fact->bits);
}

static json_t *ask_sev_snp(struct host *host, const struct host_fact *fact)
{
	int types = host_cap(host, KVM_CAP_VM_TYPES);

	if (types < 0)
		return NULL;
	if (!(types & BIT(SEV_VM_TYPE_SNP)) && is_off(host_parameter("sev_snp")))
		host_because(host, "%s has sev_snp=N: no such processor, firmware or kernel",
			     host_module());
	return json_boolean(types & BIT(SEV_VM_TYPE_SNP));
}

static json_t *ask_sev_features(struct host *host, const struct host_fact *fact)
{
	u64 features = 0;

	if (host->kvm_fd < 0)
		return NULL;
	kvm_device_get(host->kvm_fd, SEV_ATTR_GROUP, SEV_ATTR_VMSA_FEATURES, &features);
	return host_names(features, fact->bits);
}

static const struct host_bit vm_types[] = {
	{ 0, "default" }, { 1, "sw-protected" }, { 2, "sev" }, { 3, "sev-es" },
	{ 4, "sev-snp" }, { 5, "tdx" },		 { 0, NULL },
};

static const struct host_bit hypercalls[] = {
	{ 12, "map-gpa-range" },
	{ 0, NULL },
};

static const struct host_bit sev_features[] = {
	{ 0, "snp-active" },
	{ 5, "debug-swap" },
	{ 9, "secure-tsc" },
	{ 0, NULL },
};

const struct host_fact arch_host_facts[] = {
	HOST_FACT(HOST_DEVICES, "sev", "/dev/sev", .ask = host_ask_node, .path = "/dev/sev",
		  .module = "ccp"),
	HOST_FACT(HOST_KVM, "module", "module", .ask = ask_module),
	HOST_FACT(HOST_KVM, "vm_types", "VM types", .ask = ask_vm_types, .bits = vm_types),
	HOST_FACT(HOST_MEMORY, "address_bits", "guest addresses", .ask = ask_address_bits,
		  .unit = "bits"),
	HOST_FACT(HOST_MEMORY, "tdp", "two-dimensional paging", .ask = ask_tdp),
	HOST_FACT(HOST_MEMORY, "exit_hypercalls", "hypercalls that exit", .ask = host_ask_cap_bits,
		  .cap = KVM_CAP_EXIT_HYPERCALL, .bits = hypercalls),
	HOST_FACT(HOST_INTERRUPTS, "irqchip", "interrupt controllers", .ask = ask_irqchip),
	HOST_FACT(HOST_CPU, "x2apic", "x2APIC", .ask = ask_x2apic),
	HOST_FACT(HOST_CPU, "kvmclock", "kvmclock", .ask = ask_kvmclock),
	HOST_FACT_CAP(HOST_CPU, "tsc_control", "TSC rate can be set", KVM_CAP_TSC_CONTROL),
	HOST_FACT_CAP(HOST_CPU, "tsc_deadline", "TSC deadline timer", KVM_CAP_TSC_DEADLINE_TIMER),
	HOST_FACT(HOST_NESTED, "supported", "nested virtualization", .ask = ask_nested),
	HOST_FACT(HOST_CONFIDENTIAL, "sev_snp", "SEV-SNP", .ask = ask_sev_snp),
	HOST_FACT(HOST_CONFIDENTIAL, "sev_features", "SEV features", .ask = ask_sev_features,
		  .bits = sev_features),
	{ 0 },
};
