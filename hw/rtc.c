// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "lkvm/util/log.h"
#include "lkvm/vm/vm.h"
#include "rtc.h"

s64 rtc_host_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* At `when`, soon if that is past; negative: never. */
static void set_timer(struct rtc *rtc, s64 when)
{
	struct itimerspec spec = { 0 };

	if (when >= 0) {
		/* 0 would disarm it; a time in the past fires at once. */
		when = MAX(when, (s64)1);
		spec.it_value.tv_sec = when / NSEC_PER_SEC;
		spec.it_value.tv_nsec = when % NSEC_PER_SEC;
	}
	/* Becomes readable when the host's clock is set, which moves every deadline. */
	timerfd_settime(rtc->timer.fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec, NULL);
}

static void set_level(struct rtc *rtc, bool level)
{
	rtc->level = level;
	irq_line_set(&rtc->irq, level);
	irq_line_set(&rtc->wake, level);
}

void rtc_update(struct rtc *rtc)
{
	bool quiesced = rtc->device.quiesced, level;
	s64 next = -1;

	level = rtc->ops->look(rtc, &next);
	if (!quiesced && level != rtc->level)
		set_level(rtc, level);
	set_timer(rtc, quiesced ? -1 : next);
}

void rtc_lower(struct rtc *rtc)
{
	if (rtc->level)
		set_level(rtc, false);
}

/* Quiesced, resumed, or the time has come. */
static void rtc_look(struct device *device)
{
	struct rtc *rtc = CONTAINER_OF(device, struct rtc, device);

	pthread_mutex_lock(&rtc->lock);
	rtc_update(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

static void on_timer(struct loop_fd *handler, u32 events)
{
	u64 count;

	/* ECANCELED (the clock was set) needs the same answer as an expiry. */
	while (read(handler->fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
	rtc_look(&CONTAINER_OF(handler, struct rtc, timer)->device);
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

static void rtc_destroy(struct device *device)
{
	struct rtc *rtc = CONTAINER_OF(device, struct rtc, device);

	loop_fd_del(&rtc->timer);
	if (rtc->timer.fd >= 0)
		close(rtc->timer.fd);
	pthread_mutex_destroy(&rtc->lock);
	free(rtc);
}

static const struct device_ops rtc_device_ops = {
	.reset = rtc_reset,
	.quiesce = rtc_look,
	.resume = rtc_look,
	.destroy = rtc_destroy,
};

int rtc_create(struct vm *vm, struct rtc *rtc, const char *name,
	       const struct device_description *description)
{
	int err;

	device_init(&rtc->device, &rtc_device_ops, "%s", name);
	rtc->device.description = *description;
	rtc->device.description.node_name = "rtc";
	pthread_mutex_init(&rtc->lock, NULL);
	if (description->gsi >= 0)
		rtc->irq = irq_line(vm, description->gsi);
	rtc->timer.ready = on_timer;
	rtc->timer.fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	err = rtc->timer.fd < 0 ? -errno : loop_fd_add(vm->loop, &rtc->timer, EPOLLIN);
	if (err) {
		log_fatal("%s: no timer: %s", name, strerror(-err));
		rtc_destroy(&rtc->device);
		return err;
	}
	return device_attach(&rtc->device, vm, rtc->ops->bus ?: &word_ops, rtc);
}
