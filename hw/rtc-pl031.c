// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PL031 real-time clock: seconds since 1970, modulo 2^32. Nothing ticks: the counter is the host's time
 * plus what the guest has loaded, whether it passed the match value is worked out when somebody looks,
 * and a timer is armed only for an interrupt that the guest has enabled.
 */
#include <errno.h>
#include <stdlib.h>

#include "lkvm/hw/rtc-pl031.h"
#include "rtc.h"

enum {
	RTCDR = 0x00,	/* counter, read-only */
	RTCMR = 0x04,	/* match */
	RTCLR = 0x08,	/* load */
	RTCCR = 0x0c,	/* control: bit 0 starts it, nothing stops it */
	RTCIMSC = 0x10, /* interrupt enabled */
	RTCRIS = 0x14,	/* interrupt, raw */
	RTCMIS = 0x18,	/* interrupt, if enabled */
	RTCICR = 0x1c,	/* any write clears the interrupt */
	PERIPHID0 = 0xfe0,
};

/* Peripheral 0x031 by designer 0x41, revision 1 (r1p3); then what every PrimeCell says. */
static const u8 ids[] = { 0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

/* What a guest sees of it. */
struct pl031_state {
	s64 looked; /* host's time in seconds up to which `raised` is right */
	u32 match, load;
	u32 offset; /* counter - host's seconds, modulo 2^32 */
	u8 raised, enabled;
	u8 unused[2];
};
_Static_assert(sizeof(struct pl031_state) == 24, "no padding");

struct pl031 {
	struct rtc rtc;		  /* first */
	struct pl031_state state; /* under the clock's lock */
};

static struct pl031 *pl031(struct rtc *rtc)
{
	return CONTAINER_OF(rtc, struct pl031, rtc);
}

static s64 host_seconds(void)
{
	return rtc_host_now() / NSEC_PER_SEC;
}

static u32 counter_at(const struct pl031 *p, s64 host)
{
	return (u32)host + p->state.offset;
}

/* Seconds from `looked` until the counter comes to the match value: 1 to 2^32. */
static s64 until_match(const struct pl031 *p)
{
	return (s64)(u32)(p->state.match - counter_at(p, p->state.looked) - 1) + 1;
}

/* A host's clock that was set back raises nothing. */
static bool pl031_look(struct rtc *rtc, s64 *next)
{
	struct pl031 *p = pl031(rtc);
	s64 now = host_seconds();

	if (now - p->state.looked >= until_match(p))
		p->state.raised = true;
	p->state.looked = now;
	if (p->state.enabled && !p->state.raised)
		*next = (p->state.looked + until_match(p)) * NSEC_PER_SEC;
	return p->state.raised && p->state.enabled;
}

static u32 pl031_read(struct rtc *rtc, u64 offset)
{
	struct pl031 *p = pl031(rtc);

	switch (offset) {
	case RTCDR:
		return counter_at(p, p->state.looked);
	case RTCMR:
		return p->state.match;
	case RTCLR:
		return p->state.load;
	case RTCCR:
		/* A battery keeps it going: nobody has to start it. */
		return 1;
	case RTCIMSC:
		return p->state.enabled;
	case RTCRIS:
		return p->state.raised;
	case RTCMIS:
		return p->state.raised && p->state.enabled;
	}
	if (offset >= PERIPHID0)
		return ids[(offset - PERIPHID0) / 4];
	return 0;
}

/* The two values may have become equal by a write, too. */
static void pl031_compare(struct pl031 *p)
{
	if (counter_at(p, p->state.looked) == p->state.match)
		p->state.raised = true;
}

static void pl031_write(struct rtc *rtc, u64 offset, u32 value)
{
	struct pl031 *p = pl031(rtc);

	switch (offset) {
	case RTCMR:
		p->state.match = value;
		pl031_compare(p);
		break;
	case RTCLR:
		p->state.load = value;
		p->state.offset = value - (u32)p->state.looked;
		pl031_compare(p);
		break;
	case RTCIMSC:
		p->state.enabled = value & 1;
		break;
	case RTCICR:
		/* Drivers write bit 0. kvm-unit-tests writes another one and expects the same. */
		p->state.raised = false;
		break;
	}
}

static void pl031_reset(struct rtc *rtc)
{
	struct pl031 *p = pl031(rtc);

	p->state = (struct pl031_state){
		.looked = host_seconds(),
		.offset = p->state.offset,
	};
}

static const struct rtc_ops pl031_ops = {
	.read = pl031_read,
	.write = pl031_write,
	.reset = pl031_reset,
	.look = pl031_look,
};

int rtc_pl031_create(struct vm *vm, gpa_t base, int gsi)
{
	static const char compatible[] = "arm,pl031\0arm,primecell";
	const struct device_description description = {
		.compatible = compatible,
		.compatible_size = sizeof(compatible),
		.clock_name = "apb_pclk",
		.where = { RESOURCE_MMIO, base, 0x1000 },
		.gsi = gsi,
	};
	struct pl031 *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->rtc.ops = &pl031_ops;
	return rtc_create(vm, &p->rtc, "rtc-pl031", &description);
}
