// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Goldfish real-time clock (Android emulator's "GOLDFISH-VIRTUAL-HARDWARE", section on its timer; Linux's
 * rtc-goldfish.c), which riscv64 kernels have a driver for: nanoseconds since 1970 in two words. Reading the
 * low word latches the high one; writing the low one takes both.
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
	struct device device;
	struct irq_line irq;	     /* constant */
	struct realtime_timer timer; /* set under the lock by any thread */

	pthread_mutex_t lock; /* everything below */
	u64 offset;	      /* guest's time - host's, ns, modulo 2^64 */
	u32 time_high;	      /* latched, or written and not taken yet */
	u64 alarm;	      /* guest's time, ns */
	bool armed, pending, enabled;
	bool level;
	bool quiesced;
};

static u64 guest_time(const struct goldfish *rtc)
{
	return realtime_now() + rtc->offset;
}

/* Host's time of the alarm. One that is past by the guest's clock goes off at once, also when that was set. */
static s64 alarm_at(const struct goldfish *rtc)
{
	u64 now = realtime_now(), left = rtc->alarm - (now + rtc->offset);

	if (rtc->alarm <= now + rtc->offset)
		return now;
	return left > (u64)INT64_MAX - now ? -1 : (s64)(now + left);
}

static void update(struct goldfish *rtc)
{
	bool level;

	if (rtc->armed && rtc->alarm <= guest_time(rtc)) {
		rtc->armed = false;
		rtc->pending = true;
	}
	level = rtc->pending && rtc->enabled;
	if (!rtc->quiesced && level != rtc->level) {
		rtc->level = level;
		irq_line_set(&rtc->irq, level);
	}
	realtime_timer_set(&rtc->timer, !rtc->quiesced && rtc->armed ? alarm_at(rtc) : -1);
}

static void on_timer(struct realtime_timer *timer)
{
	struct goldfish *rtc = CONTAINER_OF(timer, struct goldfish, timer);

	pthread_mutex_lock(&rtc->lock);
	update(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

/* ---- registers ---- */

static u32 read_register(struct goldfish *rtc, u64 offset)
{
	u64 now;

	switch (offset) {
	case TIME_LOW:
		now = guest_time(rtc);
		rtc->time_high = now >> 32;
		return now;
	case TIME_HIGH:
		return rtc->time_high;
	case ALARM_LOW:
		return rtc->alarm;
	case ALARM_HIGH:
		return rtc->alarm >> 32;
	case IRQ_ENABLED:
		return rtc->enabled;
	case ALARM_STATUS:
		update(rtc);
		return rtc->armed;
	}
	return 0;
}

static void write_register(struct goldfish *rtc, u64 offset, u32 value)
{
	switch (offset) {
	case TIME_LOW:
		rtc->offset = ((u64)rtc->time_high << 32 | value) - (u64)realtime_now();
		break;
	case TIME_HIGH:
		rtc->time_high = value;
		break;
	case ALARM_LOW:
		rtc->alarm = (rtc->alarm & ~0xffffffffULL) | value;
		rtc->armed = true;
		break;
	case ALARM_HIGH:
		rtc->alarm = (u64)value << 32 | (u32)rtc->alarm;
		break;
	case IRQ_ENABLED:
		rtc->enabled = value & 1;
		break;
	case CLEAR_ALARM:
		rtc->armed = false;
		break;
	case CLEAR_INTERRUPT:
		rtc->pending = false;
		break;
	}
	update(rtc);
}

/* Registers are words; what is narrower gets a word's low bytes. */
static void goldfish_read(void *opaque, u64 offset, u8 *data, unsigned len)
{
	struct goldfish *rtc = opaque;

	memset(data, 0, len);
	if (offset % 4)
		return;
	pthread_mutex_lock(&rtc->lock);
	bus_put(data, len, read_register(rtc, offset));
	pthread_mutex_unlock(&rtc->lock);
}

static void goldfish_write(void *opaque, u64 offset, const u8 *data, unsigned len)
{
	struct goldfish *rtc = opaque;

	if (offset % 4)
		return;
	pthread_mutex_lock(&rtc->lock);
	write_register(rtc, offset, bus_get(data, len));
	pthread_mutex_unlock(&rtc->lock);
}

static const struct bus_ops goldfish_bus_ops = { .read = goldfish_read, .write = goldfish_write };

/* ---- life ---- */

/* The time goes on; the rest is as at power-on. */
static void goldfish_reset(struct device *device)
{
	struct goldfish *rtc = CONTAINER_OF(device, struct goldfish, device);

	pthread_mutex_lock(&rtc->lock);
	rtc->time_high = 0;
	rtc->alarm = 0;
	rtc->armed = rtc->pending = rtc->enabled = false;
	if (rtc->level) {
		rtc->level = false;
		irq_line_set(&rtc->irq, false);
	}
	update(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

static int goldfish_start(struct device *device)
{
	return realtime_timer_start(&CONTAINER_OF(device, struct goldfish, device)->timer);
}

static void set_quiesced(struct device *device, bool quiesced)
{
	struct goldfish *rtc = CONTAINER_OF(device, struct goldfish, device);

	pthread_mutex_lock(&rtc->lock);
	rtc->quiesced = quiesced;
	update(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

static void goldfish_quiesce(struct device *device)
{
	set_quiesced(device, true);
}

static void goldfish_resume(struct device *device)
{
	set_quiesced(device, false);
}

static void goldfish_destroy(struct device *device)
{
	struct goldfish *rtc = CONTAINER_OF(device, struct goldfish, device);

	realtime_timer_exit(&rtc->timer);
	pthread_mutex_destroy(&rtc->lock);
	free(rtc);
}

static const struct device_ops goldfish_ops = {
	.reset = goldfish_reset,
	.start = goldfish_start,
	.quiesce = goldfish_quiesce,
	.resume = goldfish_resume,
	.destroy = goldfish_destroy,
};

static void describe(struct device_description *d, gpa_t base, int gsi)
{
	d->compatible = "google,goldfish-rtc";
	d->node_name = "rtc";
	d->resources[0] = (struct device_resource){ RESOURCE_MMIO, base, SIZE };
	d->nr_resources = 1;
	d->gsi = gsi;
}

int rtc_goldfish_create(struct vm *vm, gpa_t base, int gsi)
{
	struct goldfish *rtc = calloc(1, sizeof(*rtc));
	int error;

	if (!rtc)
		return -ENOMEM;
	device_init(&rtc->device, &goldfish_ops, "rtc-goldfish");
	describe(&rtc->device.description, base, gsi);
	pthread_mutex_init(&rtc->lock, NULL);
	rtc->irq = irq_line(vm, gsi);
	error = realtime_timer_init(&rtc->timer, vm->loop, on_timer, rtc->device.name);
	if (error)
		goto fail;
	error = bus_add(vm->mmio, base, SIZE, &goldfish_bus_ops, rtc);
	if (error) {
		log_fatal("rtc-goldfish: address 0x%llx is not free", (unsigned long long)base);
		goto fail;
	}
	device_add(&vm->devices, &rtc->device);
	return 0;

fail:
	goldfish_destroy(&rtc->device);
	return error;
}
