/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the DSDT tells: \_S5, the PCI host, CPUs, and every device that describes itself. */
#ifndef X86_DSDT_H
#define X86_DSDT_H

#include "acpi.h"
#include "aml.h"

void dsdt_build(struct aml *aml, const struct platform *platform);

#endif
