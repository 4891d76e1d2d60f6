// SPDX-License-Identifier: GPL-2.0-or-later
/* What KVM offers on arm64 only. */
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lkvm/arch.h"
#include "lkvm/host/kvm-device.h"
#include "lkvm/host/kvm.h"
#include "lkvm/util/json.h"
#include "sve.h"
#include "arch-vm.h"

const char arch_kvm_absent[] = "the kernel needs CONFIG_KVM and must have been started at EL2";

/* ---- what is made only to be asked ---- */

static int init_vcpu(const struct host *host, int vm_fd, int vcpu_fd)
{
	struct kvm_vcpu_init init;

	if (ioctl(vm_fd, KVM_ARM_PREFERRED_TARGET, &init))
		return -errno;
	memset(init.features, 0, sizeof(init.features));
	init.features[0] = BIT(KVM_ARM_VCPU_PSCI_0_2);
	if (host_cap(host, KVM_CAP_ARM_SVE) > 0)
		init.features[0] |= BIT(KVM_ARM_VCPU_SVE);
	return ioctl(vcpu_fd, KVM_ARM_VCPU_INIT, &init) ? -errno : 0;
}

/* A vCPU in a VM of its own, with PSCI, and SVE where there is any; it keeps its VM. Negative: none. */
static int make_vcpu(const struct host *host)
{
	int vm_fd = host_new_vm(host), vcpu_fd;

	if (vm_fd < 0)
		return vm_fd;
	vcpu_fd = ioctl(vm_fd, KVM_CREATE_VCPU, 0UL);
	if (vcpu_fd >= 0 && init_vcpu(host, vm_fd, vcpu_fd)) {
		close(vcpu_fd);
		vcpu_fd = -1;
	}
	close(vm_fd);
	return vcpu_fd;
}

/* A register of such a vCPU, as large as its number says. */
static bool read_register(const struct host *host, u64 id, void *value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (u64)(uintptr_t)value };
	int vcpu_fd = make_vcpu(host);
	bool read = !ioctl(vcpu_fd, KVM_GET_ONE_REG, &reg);

	if (vcpu_fd >= 0)
		close(vcpu_fd);
	return read;
}

/* ---- memory and interrupts ---- */

static json_t *ask_ipa_size(struct host *host, const struct host_fact *fact)
{
	int bits = host_cap(host, KVM_CAP_ARM_VM_IPA_SIZE);

	return bits < 0 ? NULL : json_number(bits ?: IPA_BITS_DEFAULT);
}

/* By the names that --irqchip has. */
static json_t *ask_irqchip(struct host *host, const struct host_fact *fact)
{
	static const struct host_bit chips[] = {
		{ KVM_DEV_TYPE_ARM_VGIC_V2, "gicv2" },
		{ KVM_DEV_TYPE_ARM_VGIC_V3, "gicv3" },
		{ KVM_DEV_TYPE_ARM_VGIC_ITS, "gicv3-its" },
		{ 0, NULL },
	};
	u64 there = 0;

	if (host->vm_fd < 0)
		return NULL;
	for (const struct host_bit *chip = chips; chip->name; chip++)
		if (kvm_has_device(host->vm_fd, chip->bit))
			there |= BIT(chip->bit);
	return host_names(there, chips);
}

/* A VM has them once it has an ITS. */
static json_t *ask_msi_device_ids(struct host *host, const struct host_fact *fact)
{
	int vm_fd = host_new_vm(host), its_fd;
	json_t *answer;

	if (vm_fd < 0)
		return NULL;
	its_fd = kvm_device_create(vm_fd, KVM_DEV_TYPE_ARM_VGIC_ITS);
	answer = json_boolean(ioctl(vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_MSI_DEVID) > 0);
	if (its_fd >= 0)
		close(its_fd);
	close(vm_fd);
	return answer;
}

/* ---- CPUs ---- */

static json_t *ask_psci_version(struct host *host, const struct host_fact *fact)
{
	u64 version;

	if (!read_register(host, KVM_REG_ARM_PSCI_VERSION, &version))
		return NULL;
	return json_sprintf("%u.%u", (unsigned)(version >> 16 & 0xffff),
			    (unsigned)(version & 0xffff));
}

static json_t *ask_sve_lengths(struct host *host, const struct host_fact *fact)
{
	u64 lengths[SVE_WORDS] = { 0 };
	int sve = host_cap(host, KVM_CAP_ARM_SVE);
	json_t *answer;

	if (sve < 0 || (sve > 0 && !read_register(host, KVM_REG_ARM64_SVE_VLS, lengths)))
		return NULL;
	answer = json_array();
	for (unsigned bit = 0; bit < ARRAY_SIZE(lengths) * 64; bit++)
		if (lengths[bit / 64] & BIT(bit % 64))
			json_array_append_new(answer, json_number((bit + 1) * SVE_VL_UNIT));
	return answer;
}

static json_t *ask_pointer_auth(struct host *host, const struct host_fact *fact)
{
	static const struct host_bit kinds[] = { { 0, "address" }, { 1, "generic" }, { 0, NULL } };
	int address = host_cap(host, KVM_CAP_ARM_PTRAUTH_ADDRESS);
	int generic = host_cap(host, KVM_CAP_ARM_PTRAUTH_GENERIC);

	return address < 0 ? NULL : host_names((address > 0) | (generic > 0) << 1, kinds);
}

static json_t *ask_steal_time(struct host *host, const struct host_fact *fact)
{
	int vcpu_fd = make_vcpu(host);
	json_t *answer;

	if (vcpu_fd < 0)
		return NULL;
	answer = json_boolean(
		kvm_device_has(vcpu_fd, KVM_ARM_VCPU_PVTIME_CTRL, KVM_ARM_VCPU_PVTIME_IPA));
	close(vcpu_fd);
	return answer;
}

static json_t *ask_smccc_filter(struct host *host, const struct host_fact *fact)
{
	if (host->vm_fd < 0)
		return NULL;
	return json_boolean(
		kvm_device_has(host->vm_fd, KVM_ARM_VM_SMCCC_CTRL, KVM_ARM_VM_SMCCC_FILTER));
}

/* ---- what depends on how the kernel was started ---- */

/* Is the kernel too old, or not started with the kvm-arm.mode that is wanted? Then that is the reason. */
static bool lacks_mode(struct host *host, unsigned major, unsigned minor, const char *wanted)
{
	char cmdline[4096], mode[32];
	struct utsname name = { .release = "" };

	uname(&name);
	host_read_line("/proc/cmdline", cmdline, sizeof(cmdline));
	host_kernel_parameter(cmdline, "kvm-arm.mode", mode, sizeof(mode));
	if (!host_release_at_least(name.release, major, minor))
		host_because(host, "needs Linux %u.%u or newer with kvm-arm.mode=%s", major, minor,
			     wanted);
	else if (!mode[0])
		host_because(host, "kernel parameter kvm-arm.mode=%s is missing", wanted);
	else if (strcmp(mode, wanted))
		host_because(host, "kernel parameter kvm-arm.mode is %s, not %s", mode, wanted);
	else
		return false;
	return true;
}

/* The processor's register that tells is hidden from programs, so it is what remains. */
static json_t *ask_nested(struct host *host, const struct host_fact *fact)
{
	json_t *answer = host_ask_cap(host, fact);

	if (json_is_false(answer) && !lacks_mode(host, 6, 16, "nested"))
		host_because(host, "the processor has no FEAT_NV2");
	return answer;
}

/* KVM tells of the processor alone: without nested virtualization it is of no use. */
static json_t *ask_e2h0(struct host *host, const struct host_fact *fact)
{
	int nested = host_cap(host, KVM_CAP_ARM_EL2), e2h0 = host_cap(host, fact->cap);

	if (nested < 0)
		return NULL;
	if (nested > 0 && e2h0 <= 0)
		host_because(host, "the processor has no HCR_EL2.NV1");
	return json_boolean(nested > 0 && e2h0 > 0);
}

static json_t *ask_maintenance_irq(struct host *host, const struct host_fact *fact)
{
	int vm_fd = host_new_vm(host), gic_fd;
	bool has;

	if (vm_fd < 0)
		return NULL;
	gic_fd = kvm_device_create(vm_fd, KVM_DEV_TYPE_ARM_VGIC_V3);
	has = gic_fd >= 0 && kvm_device_has(gic_fd, KVM_DEV_ARM_VGIC_GRP_MAINT_IRQ, 0);
	if (gic_fd >= 0)
		close(gic_fd);
	else
		host_because(host, "there is no GICv3");
	close(vm_fd);
	return json_boolean(has);
}

/* Making one would tell, but mark the host's kernel as tainted. */
static json_t *ask_protected(struct host *host, const struct host_fact *fact)
{
	if (host->kvm_fd < 0)
		return NULL;
	if (lacks_mode(host, 7, 1, "protected"))
		return json_false();
	host_because(host, "KVM runs protected; only a start tells");
	return NULL;
}

const struct host_fact arch_host_facts[] = {
	HOST_FACT(HOST_MEMORY, "address_bits", "guest addresses", .ask = ask_ipa_size,
		  .unit = "bits"),
	HOST_FACT(HOST_INTERRUPTS, "irqchip", "interrupt controllers", .ask = ask_irqchip),
	HOST_FACT(HOST_INTERRUPTS, "msi_device_ids", "MSI with device ids",
		  .ask = ask_msi_device_ids),
	HOST_FACT(HOST_CPU, "psci", "PSCI version", .ask = ask_psci_version),
	HOST_FACT(HOST_CPU, "smccc_filter", "SMCCC filter", .ask = ask_smccc_filter),
	HOST_FACT_CAP(HOST_CPU, "system_suspend", "SYSTEM_SUSPEND", KVM_CAP_ARM_SYSTEM_SUSPEND),
	HOST_FACT_CAP(HOST_CPU, "el1_32bit", "32-bit EL1", KVM_CAP_ARM_EL1_32BIT),
	HOST_FACT_CAP(HOST_CPU, "pmu", "PMUv3", KVM_CAP_ARM_PMU_V3),
	HOST_FACT_CAP(HOST_CPU, "sve", "SVE", KVM_CAP_ARM_SVE),
	HOST_FACT(HOST_CPU, "sve_lengths", "SVE vector lengths", .ask = ask_sve_lengths,
		  .unit = "bits"),
	HOST_FACT(HOST_CPU, "pointer_auth", "pointer authentication", .ask = ask_pointer_auth),
	HOST_FACT_CAP(HOST_CPU, "mte", "MTE", KVM_CAP_ARM_MTE),
	HOST_FACT(HOST_CPU, "steal_time", "steal time", .ask = ask_steal_time),
	HOST_FACT_CAP(HOST_CPU, "counter_offset", "counter offset", KVM_CAP_COUNTER_OFFSET),
	HOST_FACT(HOST_NESTED, "supported", "nested virtualization", .ask = ask_nested,
		  .cap = KVM_CAP_ARM_EL2),
	HOST_FACT(HOST_NESTED, "e2h0", "nested without VHE (E2H0)", .ask = ask_e2h0,
		  .cap = KVM_CAP_ARM_EL2_E2H0),
	HOST_FACT(HOST_NESTED, "maintenance_irq", "GIC maintenance interrupt",
		  .ask = ask_maintenance_irq),
	HOST_FACT(HOST_CONFIDENTIAL, "protected", "protected guests (pKVM)", .ask = ask_protected),
	{ 0 },
};
