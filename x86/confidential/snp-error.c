// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>

#include "snp-error.h"

static const char *const words[] = {
	[0x00] = "it does not say what was wrong",
	[0x01] = "the platform is in a state in which it cannot do this",
	[0x02] = "the guest is in a state in which it cannot do this",
	[0x03] = "the platform's configuration is not valid",
	[0x04] = "a buffer is too small",
	[0x05] = "the platform has an owner already",
	[0x06] = "a certificate is not valid",
	[0x07] = "the guest's policy does not allow this, or this platform does not meet it",
	[0x08] = "the guest is not active",
	[0x09] = "an address is not valid",
	[0x0a] = "a signature is wrong",
	[SNP_BAD_MEASUREMENT] = "the measurement is not the one that was expected",
	[0x0c] = "the ASID belongs to another guest",
	[0x0d] = "the ASID is not valid",
	[0x0e] = "the caches must be written back first (WBINVD)",
	[0x0f] = "the data fabric must be flushed first (DF_FLUSH)",
	[0x10] = "there is no such guest",
	[0x11] = "there is no such command",
	[0x12] = "the guest is active",
	[0x13] = "a hardware error; the platform can go on",
	[0x14] = "a hardware error; the platform is no longer safe to use",
	[0x15] = "this firmware does not support it",
	[SNP_INVALID_PARAM] = "a parameter is not valid",
	[0x17] = "it has run out of a resource",
	[0x18] = "its data for this part are damaged",
	[0x19] = "a page has the wrong size in the reverse map table",
	[0x1a] = "a page has the wrong state in the reverse map table",
	[0x1b] = "a metadata entry is not valid",
	[0x1c] = "a page belongs to somebody else",
	[0x1d] = "a counter for encryption would overflow",
	[0x1f] = "the ring buffer has been left",
	[0x20] = "the reverse map table must be initialised first",
	[0x21] = "the firmware's security version is too old",
	[0x22] = "the firmware's version is too old",
	[0x23] = "the platform must be shut down first",
	[0x24] = "the firmware's update failed",
	[0x25] = "the firmware must be restored",
	[0x26] = "the reverse map table could not be initialised",
	[0x27] = "a key is not valid",
	[0x28] = "the shutdown is not complete",
};

const char *snp_status_words(u32 status)
{
	static char unknown[40];

	if (status < ARRAY_SIZE(words) && words[status])
		return words[status];
	snprintf(unknown, sizeof(unknown), "status 0x%x", status);
	return unknown;
}
