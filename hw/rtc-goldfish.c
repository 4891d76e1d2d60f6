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

/* What a guest sees of it. */
struct goldfish_state {
	u64 offset;    /* guest's time - host's, ns, modulo 2^64 */
	u64 alarm;     /* guest's time, ns */
	u32 time_high; /* latched, or written and not taken yet */
	u8 armed, pending, enabled;
	u8 unused;
};
_Static_assert(sizeof(struct goldfish_state) == 24, "no padding");

struct goldfish {
	struct rtc rtc;		     /* first */
	struct goldfish_state state; /* under the clock's lock */
};

static struct goldfish *goldfish(struct rtc *rtc)
{
	return CONTAINER_OF(rtc, struct goldfish, rtc);
}

static u64 guest_time(const struct goldfish *g)
{
	return rtc_host_now() + g->state.offset;
}

/* Host's time of the alarm. One that is past by the guest's clock goes off at once, also when that was set. */
static s64 alarm_at(const struct goldfish *g)
{
	u64 now = rtc_host_now(), left = g->state.alarm - (now + g->state.offset);

	if (g->state.alarm <= now + g->state.offset)
		return now;
	return left > (u64)INT64_MAX - now ? -1 : (s64)(now + left);
}

static bool goldfish_look(struct rtc *rtc, s64 *next)
{
	struct goldfish *g = goldfish(rtc);

	if (g->state.armed && g->state.alarm <= guest_time(g)) {
		g->state.armed = false;
		g->state.pending = true;
	}
	if (g->state.armed)
		*next = alarm_at(g);
	return g->state.pending && g->state.enabled;
}

static u32 goldfish_read(struct rtc *rtc, u64 offset)
{
	struct goldfish *g = goldfish(rtc);
	u64 now;

	switch (offset) {
	case TIME_LOW:
		now = guest_time(g);
		g->state.time_high = now >> 32;
		return now;
	case TIME_HIGH:
		return g->state.time_high;
	case ALARM_LOW:
		return g->state.alarm;
	case ALARM_HIGH:
		return g->state.alarm >> 32;
	case IRQ_ENABLED:
		return g->state.enabled;
	case ALARM_STATUS:
		return g->state.armed;
	}
	return 0;
}

static void goldfish_write(struct rtc *rtc, u64 offset, u32 value)
{
	struct goldfish *g = goldfish(rtc);

	switch (offset) {
	case TIME_LOW:
		g->state.offset = ((u64)g->state.time_high << 32 | value) - (u64)rtc_host_now();
		break;
	case TIME_HIGH:
		g->state.time_high = value;
		break;
	case ALARM_LOW:
		g->state.alarm = (g->state.alarm & ~0xffffffffULL) | value;
		g->state.armed = true;
		break;
	case ALARM_HIGH:
		g->state.alarm = (u64)value << 32 | (u32)g->state.alarm;
		break;
	case IRQ_ENABLED:
		g->state.enabled = value & 1;
		break;
	case CLEAR_ALARM:
		g->state.armed = false;
		break;
	case CLEAR_INTERRUPT:
		g->state.pending = false;
		break;
	}
}

static void goldfish_reset(struct rtc *rtc)
{
	struct goldfish *g = goldfish(rtc);

	g->state = (struct goldfish_state){ .offset = g->state.offset };
}

static const struct rtc_ops goldfish_ops = {
	.read = goldfish_read,
	.write = goldfish_write,
	.reset = goldfish_reset,
	.look = goldfish_look,
};

int rtc_goldfish_create(struct vm *vm, gpa_t base, int gsi)
{
	const struct device_description description = {
		.compatible = "google,goldfish-rtc",
		.where = { RESOURCE_MMIO, base, 0x1000 },
		.gsi = gsi,
	};
	struct goldfish *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->rtc.ops = &goldfish_ops;
	return rtc_create(vm, &g->rtc, "rtc-goldfish", &description);
}
