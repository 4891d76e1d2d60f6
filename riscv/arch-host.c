// SPDX-License-Identifier: GPL-2.0-or-later
/* What KVM offers on riscv64 only. */
#include <linux/kvm.h>

#include "lkvm/arch.h"
#include "lkvm/host/kvm-device.h"
#include "lkvm/host/kvm.h"
#include "uapi/kvm-riscv.h"

const char arch_kvm_absent[] = "load the module kvm (modprobe); it needs the H extension";

/* By the names that --irqchip has. The PLIC is lkvm's own. */
static json_t *ask_irqchip(struct host *host, const struct host_fact *fact)
{
	bool aia = kvm_has_device(host->vm_fd, KVM_DEV_TYPE_RISCV_AIA);

	if (host->vm_fd < 0)
		return NULL;
	return aia ? json_pack("[s, s]", "aia", "plic") : json_pack("[s]", "plic");
}

const struct host_fact arch_host_facts[] = {
	HOST_FACT(HOST_MEMORY, "address_bits", "guest addresses", .ask = host_ask_cap_number,
		  .cap = KVM_CAP_VM_GPA_BITS, .unit = "bits"),
	HOST_FACT(HOST_INTERRUPTS, "irqchip", "interrupt controllers", .ask = ask_irqchip),
	{ 0 },
};
