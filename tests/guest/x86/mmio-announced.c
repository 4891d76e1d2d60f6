// SPDX-License-Identifier: GPL-2.0-or-later
// options: --no-acpi --virtio-transport mmio --rng -p last=word
// status: 0
// output: announced ok
/*
 * Without ACPI a virtio-mmio device is announced on the kernel's command line, in the words that
 * Linux's driver documents: virtio_mmio.device=SIZE@BASE:IRQ. What is there must be the device.
 */
#include "guest.h"

static const char *find(const char *text, const char *word)
{
	for (; *text; text++) {
		const char *a = text, *b = word;

		while (*b && *a == *b)
			a++, b++;
		if (!*b)
			return a;
	}
	fail("not on the command line", 0);
	return 0;
}

static u32 number(const char **text)
{
	u32 value = 0;

	if ((*text)[0] != '0' || (*text)[1] != 'x')
		fail("a number without 0x", (u32) * *text);
	for (*text += 2;; ++*text) {
		char c = **text;

		if (c >= '0' && c <= '9')
			value = value << 4 | (u32)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (u32)(c - 'a' + 10);
		else
			return value;
	}
}

void guest_main(addr_t boot)
{
	const char *cmdline = *(const char **)(boot + 24);
	const char *at = find(cmdline, "virtio_mmio.device=");
	u32 base;

	CHECK_EQ("size", number(&at), 0x1000);
	CHECK_EQ("separator", *at++, '@');
	base = number(&at);
	CHECK_EQ("separator", *at++, ':');
	CHECK_EQ("magic", read32(base), 0x74726976);
	CHECK_EQ("device id", read32(base + 8), 4);
	find(at, " last=word");
	print("announced ok\n");
	power_off();
}
