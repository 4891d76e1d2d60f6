// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Goldfish real-time clock (Android emulator's "GOLDFISH-VIRTUAL-HARDWARE", section on its timer; Linux's
 * rtc-goldfish.c), which riscv64 kernels have a driver for: nanoseconds since 1970 in two words. Reading the
 * low word latches the high one; writing the low one takes both.
 */
#include <errno.h>
#include <stdlib.h>

#include "lkvm/hw/rtc-goldfish.h"
#include "rtc.h"

enum {
	TIME_LOW = 0x00,
	TIME_HIGH = 0x04,
	ALARM_LOW = 0x08, /* writing it arms the alarm */
	ALARM_HIGH = 0x0c,
	IRQ_ENABLED = 0x10,
	CLEAR_ALARM = 0x14,
	ALARM_STATUS = 0x18, /* 1: armed */
	CLEAR_INTERRUPT = 0x1c,
};

struct goldfish {
	struct rtc rtc; /* first; its lock for everything below */
	u64 offset;	/* guest's time - host's, ns, modulo 2^64 */
	u32 time_high;	/* latched, or written and not taken yet */
	u64 alarm;	/* guest's time, ns */
	bool armed, pending, enabled;
};

static struct goldfish *goldfish(struct rtc *rtc)
{
	return CONTAINER_OF(rtc, struct goldfish, rtc);
}

static u64 guest_time(const struct goldfish *g)
{
	return realtime_now() + g->offset;
}

/* Host's time of the alarm. One that is past by the guest's clock goes off at once, also when that was set. */
static s64 alarm_at(const struct goldfish *g)
{
	u64 now = realtime_now(), left = g->alarm - (now + g->offset);

	if (g->alarm <= now + g->offset)
		return now;
	return left > (u64)INT64_MAX - now ? -1 : (s64)(now + left);
}

static bool goldfish_look(struct rtc *rtc, s64 *next)
{
	struct goldfish *g = goldfish(rtc);

	if (g->armed && g->alarm <= guest_time(g)) {
		g->armed = false;
		g->pending = true;
	}
	if (g->armed)
		*next = alarm_at(g);
	return g->pending && g->enabled;
}

static u32 goldfish_read(struct rtc *rtc, u64 offset)
{
	struct goldfish *g = goldfish(rtc);
	u64 now;

	switch (offset) {
	case TIME_LOW:
		now = guest_time(g);
		g->time_high = now >> 32;
		return now;
	case TIME_HIGH:
		return g->time_high;
	case ALARM_LOW:
		return g->alarm;
	case ALARM_HIGH:
		return g->alarm >> 32;
	case IRQ_ENABLED:
		return g->enabled;
	case ALARM_STATUS:
		return g->armed;
	}
	return 0;
}

static void goldfish_write(struct rtc *rtc, u64 offset, u32 value)
{
	struct goldfish *g = goldfish(rtc);

	switch (offset) {
	case TIME_LOW:
		g->offset = ((u64)g->time_high << 32 | value) - (u64)realtime_now();
		break;
	case TIME_HIGH:
		g->time_high = value;
		break;
	case ALARM_LOW:
		g->alarm = (g->alarm & ~0xffffffffULL) | value;
		g->armed = true;
		break;
	case ALARM_HIGH:
		g->alarm = (u64)value << 32 | (u32)g->alarm;
		break;
	case IRQ_ENABLED:
		g->enabled = value & 1;
		break;
	case CLEAR_ALARM:
		g->armed = false;
		break;
	case CLEAR_INTERRUPT:
		g->pending = false;
		break;
	}
}

static void goldfish_reset(struct rtc *rtc)
{
	struct goldfish *g = goldfish(rtc);

	g->time_high = 0;
	g->alarm = 0;
	g->armed = g->pending = g->enabled = false;
}

static const struct rtc_ops goldfish_ops = {
	.read = goldfish_read,
	.write = goldfish_write,
	.reset = goldfish_reset,
	.look = goldfish_look,
};

static void describe(struct device_description *d)
{
	d->compatible = "google,goldfish-rtc";
}

int rtc_goldfish_create(struct vm *vm, gpa_t base, int gsi)
{
	const struct device_resource where = { RESOURCE_MMIO, base, 0x1000 };
	struct goldfish *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->rtc.ops = &goldfish_ops;
	return rtc_create(vm, &g->rtc, "rtc-goldfish", &where, gsi, describe);
}
