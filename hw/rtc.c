// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "lkvm/util/log.h"
#include "lkvm/vm/vm.h"
#include "rtc.h"

static void set_level(struct rtc *rtc, bool level)
{
	rtc->level = level;
	irq_line_set(&rtc->irq, level);
	irq_line_set(&rtc->wake, level);
}

void rtc_update(struct rtc *rtc)
{
	s64 next = -1;
	bool level = rtc->ops->look(rtc, &next);

	if (!rtc->quiesced && level != rtc->level)
		set_level(rtc, level);
	realtime_timer_set(&rtc->timer, rtc->quiesced ? -1 : next);
}

void rtc_lower(struct rtc *rtc)
{
	if (rtc->level)
		set_level(rtc, false);
}

static void on_timer(struct realtime_timer *timer)
{
	struct rtc *rtc = CONTAINER_OF(timer, struct rtc, timer);

	pthread_mutex_lock(&rtc->lock);
	rtc_update(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

/* Registers are words; what is narrower gets a word's low bytes. */
static void word_read(void *opaque, u64 offset, u8 *data, unsigned len)
{
	struct rtc *rtc = opaque;

	memset(data, 0, len);
	if (offset % 4)
		return;
	pthread_mutex_lock(&rtc->lock);
	rtc_update(rtc);
	bus_put(data, len, rtc->ops->read(rtc, offset));
	pthread_mutex_unlock(&rtc->lock);
}

static void word_write(void *opaque, u64 offset, const u8 *data, unsigned len)
{
	struct rtc *rtc = opaque;

	if (offset % 4)
		return;
	pthread_mutex_lock(&rtc->lock);
	rtc_update(rtc);
	rtc->ops->write(rtc, offset, bus_get(data, len));
	rtc_update(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

static const struct bus_ops word_ops = { .read = word_read, .write = word_write };

static void rtc_reset(struct device *device)
{
	struct rtc *rtc = CONTAINER_OF(device, struct rtc, device);

	pthread_mutex_lock(&rtc->lock);
	rtc->ops->reset(rtc);
	/* Also while it is quiesced, when rtc_update() leaves the line alone. */
	rtc_lower(rtc);
	rtc_update(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

static int rtc_start(struct device *device)
{
	return realtime_timer_start(&CONTAINER_OF(device, struct rtc, device)->timer);
}

static void set_quiesced(struct device *device, bool quiesced)
{
	struct rtc *rtc = CONTAINER_OF(device, struct rtc, device);

	pthread_mutex_lock(&rtc->lock);
	rtc->quiesced = quiesced;
	rtc_update(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

static void rtc_quiesce(struct device *device)
{
	set_quiesced(device, true);
}

static void rtc_resume(struct device *device)
{
	set_quiesced(device, false);
}

static void rtc_destroy(struct device *device)
{
	struct rtc *rtc = CONTAINER_OF(device, struct rtc, device);

	realtime_timer_exit(&rtc->timer);
	pthread_mutex_destroy(&rtc->lock);
	free(rtc);
}

static const struct device_ops rtc_device_ops = {
	.reset = rtc_reset,
	.start = rtc_start,
	.quiesce = rtc_quiesce,
	.resume = rtc_resume,
	.destroy = rtc_destroy,
};

int rtc_create(struct vm *vm, struct rtc *rtc, const char *name,
	       const struct device_resource *where, int gsi,
	       void (*describe)(struct device_description *description))
{
	struct bus *bus = where->kind == RESOURCE_PORT ? vm->ports : vm->mmio;
	struct device_description *description = &rtc->device.description;
	int err;

	device_init(&rtc->device, &rtc_device_ops, "%s", name);
	description->node_name = "rtc";
	description->resources[0] = *where;
	description->nr_resources = 1;
	description->gsi = gsi;
	describe(description);
	pthread_mutex_init(&rtc->lock, NULL);
	if (gsi >= 0)
		rtc->irq = irq_line(vm, gsi);
	err = realtime_timer_init(&rtc->timer, vm->loop, on_timer, name);
	if (err)
		goto fail;
	err = bus_add(bus, where->base, where->size, rtc->ops->bus ?: &word_ops, rtc);
	if (err) {
		log_fatal("%s: address 0x%llx is not free", name, (unsigned long long)where->base);
		goto fail;
	}
	device_add(&vm->devices, &rtc->device);
	return 0;

fail:
	rtc_destroy(&rtc->device);
	return err;
}
