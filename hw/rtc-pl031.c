// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PL031 real-time clock: seconds since 1970, modulo 2^32. Nothing ticks: the counter is the host's time
 * plus what the guest has loaded, whether it passed the match value is worked out when somebody looks,
 * and a timer is armed only for an interrupt that the guest has enabled.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/hw.h"
#include "lkvm/log.h"
#include "lkvm/vm.h"
#include "realtime.h"

#define SIZE 0x1000

enum {
	RTCDR = 0x00,	/* counter, read-only */
	RTCMR = 0x04,	/* match */
	RTCLR = 0x08,	/* load */
	RTCCR = 0x0c,	/* control: bit 0 starts it, nothing stops it */
	RTCIMSC = 0x10, /* interrupt enabled */
	RTCRIS = 0x14,	/* interrupt, raw */
	RTCMIS = 0x18,	/* interrupt, if enabled */
	RTCICR = 0x1c,	/* a 1 clears the interrupt */
	PERIPHID0 = 0xfe0,
};

/* Peripheral 0x031 by designer 0x41, revision 0; then what every PrimeCell says. */
static const u8 ids[] = { 0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

struct pl031 {
	struct device device;
	struct irq_line irq;	     /* constant */
	struct realtime_timer timer; /* set under the lock by any thread */

	pthread_mutex_t lock; /* everything below */
	u32 match, load;
	u32 offset; /* counter - host's seconds, modulo 2^32 */
	s64 looked; /* host's time in seconds up to which `raised` is right */
	bool raised, enabled;
	bool level;
	bool quiesced;
};

static s64 host_seconds(void)
{
	return realtime_now() / NSEC_PER_SEC;
}

static u32 counter_at(const struct pl031 *rtc, s64 host)
{
	return (u32)host + rtc->offset;
}

/* Seconds from `looked` until the counter comes to the match value: 1 to 2^32. */
static s64 until_match(const struct pl031 *rtc)
{
	return (s64)(u32)(rtc->match - counter_at(rtc, rtc->looked) - 1) + 1;
}

/* Brings `raised` up to now. A host's clock that was set back raises nothing. */
static void look(struct pl031 *rtc)
{
	s64 now = host_seconds();

	if (now - rtc->looked >= until_match(rtc))
		rtc->raised = true;
	rtc->looked = now;
}

static void update(struct pl031 *rtc)
{
	bool level = rtc->raised && rtc->enabled;
	s64 next = -1;

	if (!rtc->quiesced && level != rtc->level) {
		rtc->level = level;
		irq_line_set(&rtc->irq, level);
	}
	if (!rtc->quiesced && rtc->enabled && !rtc->raised)
		next = (rtc->looked + until_match(rtc)) * NSEC_PER_SEC;
	realtime_timer_set(&rtc->timer, next);
}

static void refresh(struct pl031 *rtc)
{
	look(rtc);
	update(rtc);
}

static void on_timer(struct realtime_timer *timer)
{
	struct pl031 *rtc = CONTAINER_OF(timer, struct pl031, timer);

	pthread_mutex_lock(&rtc->lock);
	refresh(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

/* ---- registers ---- */

static u32 read_register(struct pl031 *rtc, u64 offset)
{
	refresh(rtc);
	switch (offset) {
	case RTCDR:
		return counter_at(rtc, rtc->looked);
	case RTCMR:
		return rtc->match;
	case RTCLR:
		return rtc->load;
	case RTCCR:
		/* A battery keeps it going: nobody has to start it. */
		return 1;
	case RTCIMSC:
		return rtc->enabled;
	case RTCRIS:
		return rtc->raised;
	case RTCMIS:
		return rtc->raised && rtc->enabled;
	}
	if (offset >= PERIPHID0)
		return ids[(offset - PERIPHID0) / 4];
	return 0;
}

/* The two values may have become equal by a write, too. */
static void compare(struct pl031 *rtc)
{
	if (counter_at(rtc, rtc->looked) == rtc->match)
		rtc->raised = true;
}

static void write_register(struct pl031 *rtc, u64 offset, u32 value)
{
	look(rtc);
	switch (offset) {
	case RTCMR:
		rtc->match = value;
		compare(rtc);
		break;
	case RTCLR:
		rtc->load = value;
		rtc->offset = value - (u32)rtc->looked;
		compare(rtc);
		break;
	case RTCIMSC:
		rtc->enabled = value & 1;
		break;
	case RTCICR:
		if (value & 1)
			rtc->raised = false;
		break;
	}
	update(rtc);
}

/* Registers are words; what is narrower gets a word's low bytes. */
static void pl031_read(void *opaque, u64 offset, u8 *data, unsigned len)
{
	struct pl031 *rtc = opaque;

	memset(data, 0, len);
	if (offset % 4)
		return;
	pthread_mutex_lock(&rtc->lock);
	bus_put(data, len, read_register(rtc, offset));
	pthread_mutex_unlock(&rtc->lock);
}

static void pl031_write(void *opaque, u64 offset, const u8 *data, unsigned len)
{
	struct pl031 *rtc = opaque;

	if (offset % 4)
		return;
	pthread_mutex_lock(&rtc->lock);
	write_register(rtc, offset, bus_get(data, len));
	pthread_mutex_unlock(&rtc->lock);
}

static const struct bus_ops pl031_bus_ops = { .read = pl031_read, .write = pl031_write };

/* ---- life ---- */

/* The time goes on; the rest is as at power-on. */
static void pl031_reset(struct device *device)
{
	struct pl031 *rtc = CONTAINER_OF(device, struct pl031, device);

	pthread_mutex_lock(&rtc->lock);
	rtc->match = rtc->load = 0;
	rtc->raised = rtc->enabled = false;
	rtc->looked = host_seconds();
	if (rtc->level) {
		rtc->level = false;
		irq_line_set(&rtc->irq, false);
	}
	update(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

static int pl031_start(struct device *device)
{
	return realtime_timer_start(&CONTAINER_OF(device, struct pl031, device)->timer);
}

static void set_quiesced(struct device *device, bool quiesced)
{
	struct pl031 *rtc = CONTAINER_OF(device, struct pl031, device);

	pthread_mutex_lock(&rtc->lock);
	rtc->quiesced = quiesced;
	refresh(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

static void pl031_quiesce(struct device *device)
{
	set_quiesced(device, true);
}

static void pl031_resume(struct device *device)
{
	set_quiesced(device, false);
}

static void pl031_destroy(struct device *device)
{
	struct pl031 *rtc = CONTAINER_OF(device, struct pl031, device);

	realtime_timer_exit(&rtc->timer);
	pthread_mutex_destroy(&rtc->lock);
	free(rtc);
}

static const struct device_ops pl031_ops = {
	.reset = pl031_reset,
	.start = pl031_start,
	.quiesce = pl031_quiesce,
	.resume = pl031_resume,
	.destroy = pl031_destroy,
};

static void describe(struct device_description *d, gpa_t base, int gsi)
{
	static const char compatible[] = "arm,pl031\0arm,primecell";

	d->compatible = compatible;
	d->compatible_size = sizeof(compatible);
	d->node_name = "rtc";
	d->clock_name = "apb_pclk";
	d->resources[0] = (struct device_resource){ RESOURCE_MMIO, base, SIZE };
	d->nr_resources = 1;
	d->gsi = gsi;
}

int rtc_pl031_create(struct vm *vm, gpa_t base, int gsi)
{
	struct pl031 *rtc = calloc(1, sizeof(*rtc));
	int error;

	if (!rtc)
		return -ENOMEM;
	device_init(&rtc->device, &pl031_ops, "rtc-pl031");
	describe(&rtc->device.description, base, gsi);
	pthread_mutex_init(&rtc->lock, NULL);
	rtc->irq = irq_line(vm, gsi);
	rtc->looked = host_seconds();
	error = realtime_timer_init(&rtc->timer, vm->loop, on_timer, rtc->device.name);
	if (error)
		goto fail;
	error = bus_add(vm->mmio, base, SIZE, &pl031_bus_ops, rtc);
	if (error) {
		log_fatal("rtc-pl031: address 0x%llx is not free", (unsigned long long)base);
		goto fail;
	}
	device_add(&vm->devices, &rtc->device);
	return 0;

fail:
	pl031_destroy(&rtc->device);
	return error;
}
