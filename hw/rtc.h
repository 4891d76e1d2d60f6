/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What real-time clocks have in common: registers on a bus, one interrupt, a timer that waits until there is one,
 * and a device's life. A clock embeds struct rtc and gives struct rtc_ops, which are called with the lock held, on
 * any thread.
 */
#ifndef HW_RTC_H
#define HW_RTC_H

#include <pthread.h>
#include "lkvm/util/loop.h"
#include "lkvm/vm/device.h"
#include "lkvm/vm/irq.h"

#define NSEC_PER_SEC 1000000000LL

struct bus_ops;
struct rtc;

struct rtc_ops {
	/* NULL: the registers are words, behind read and write. Else called without the lock, with struct rtc. */
	const struct bus_ops *bus;
	/* `offset` is a multiple of 4. The time has been looked at before, and is again after a write. */
	u32 (*read)(struct rtc *rtc, u64 offset);
	void (*write)(struct rtc *rtc, u64 offset, u32 value);
	/* As at power-on, but the time goes on. */
	void (*reset)(struct rtc *rtc);
	/*
	 * After every access and whenever the time has come: is the interrupt asserted? *next is when to look again
	 * if nobody does before, CLOCK_REALTIME in ns, -1: never.
	 */
	bool (*look)(struct rtc *rtc, s64 *next);
};

struct rtc {
	struct device device;
	const struct rtc_ops *ops; /* constant */
	struct irq_line irq;	   /* constant */
	struct irq_line wake;	   /* constant; goes with irq; may be empty */
	struct loop_fd timer;	   /* main loop; set under the lock by any thread */
	pthread_mutex_t lock;	   /* everything below, and what the clock adds */
	bool level;
};

/*
 * `rtc` is the first member of what calloc gave and has ops set; it is freed when that goes wrong, and with the
 * device. The description lacks the node's name; gsi -1: it never interrupts. Logs and returns -errno on failure.
 */
int rtc_create(struct vm *vm, struct rtc *rtc, const char *name,
	       const struct device_description *description);

/* CLOCK_REALTIME in ns. Any thread. */
s64 rtc_host_now(void);

/* Looks, and brings line and timer in accord with that. Lock held. */
void rtc_update(struct rtc *rtc);

/* The line is low, until somebody looks. Lock held. */
void rtc_lower(struct rtc *rtc);

#endif
