// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * MC146818 real-time clock. Nothing ticks: the time is the host's plus what the guest's settings differ
 * from it, the flags of register C are worked out when somebody looks, and a timer is armed only for
 * an interrupt that the guest has enabled.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lkvm/hw.h"
#include "lkvm/log.h"
#include "lkvm/vm.h"
#include "realtime.h"

#define NSEC   NSEC_PER_SEC
#define DAY    86400
#define LATEST 7258118400LL /* 2200-01-01, s */

enum {
	REG_SECONDS = 0x00,
	REG_SECONDS_ALARM,
	REG_MINUTES,
	REG_MINUTES_ALARM,
	REG_HOURS,
	REG_HOURS_ALARM,
	REG_WEEKDAY,
	REG_DAY,
	REG_MONTH,
	REG_YEAR,
	REG_A,
	REG_B,
	REG_C,
	REG_D,
	REG_BASE_MEMORY = 0x15,	    /* KiB below 640 KiB */
	REG_EXTENDED_MEMORY = 0x17, /* KiB above 1 MiB, at most 64 MiB - 1 */
	REG_EXTENDED_MEMORY_POST = 0x30,
	REG_CENTURY = 0x32,
	REG_MEMORY_16M = 0x34, /* 64 KiB pieces above 16 MiB, below 4 GiB */
	REG_MEMORY_4G = 0x5b,  /* 64 KiB pieces above 4 GiB, three bytes */
};

#define A_RATE		0x0f
#define A_DIVIDER	0x70
#define A_DIVIDER_32KHZ 0x20
#define A_DIVIDER_RESET 0x60 /* 110 and 111 */
#define A_UIP		0x80

#define B_24H	 0x02
#define B_BINARY 0x04
#define B_UIE	 0x10
#define B_AIE	 0x20
#define B_PIE	 0x40
#define B_SET	 0x80

#define C_UF   0x10
#define C_AF   0x20
#define C_PF   0x40
#define C_IRQF 0x80

#define D_VALID 0x80

#define ALARM_ANY 0xc0 /* both top bits: matches every value */
#define HOUR_PM	  0x80

/* UIP is shown this long before the time changes. */
#define UIP_NS 244000

struct rtc {
	struct device device;
	struct irq_line irq;	     /* constant */
	struct realtime_timer timer; /* set under the lock by any thread */

	pthread_mutex_t lock; /* everything below */
	u8 index;
	u8 ram[128]; /* the time's bytes are only valid while the clock stands */
	s64 offset;  /* ns: guest's time - host's */
	s64 looked;  /* guest's time in ns up to which register C is right */
	s64 phase;   /* guest's time in ns at which a periodic tick was due */
	bool level;
	bool quiesced;
};

static s64 guest_now(const struct rtc *rtc)
{
	return realtime_now() + rtc->offset;
}

static s64 floor_div(s64 a, s64 b)
{
	s64 q = a / b;

	return a % b < 0 ? q - 1 : q;
}

static s64 fraction(s64 t)
{
	return t - floor_div(t, NSEC) * NSEC;
}

static bool divider_reset(const struct rtc *rtc)
{
	return (rtc->ram[REG_A] & A_DIVIDER_RESET) == A_DIVIDER_RESET;
}

static bool stands(const struct rtc *rtc)
{
	return (rtc->ram[REG_B] & B_SET) || divider_reset(rtc);
}

/* ---- the time as register bytes ---- */

static u8 encode(const struct rtc *rtc, unsigned value)
{
	return rtc->ram[REG_B] & B_BINARY ? value : (value / 10) << 4 | value % 10;
}

static unsigned decode(const struct rtc *rtc, u8 value)
{
	return rtc->ram[REG_B] & B_BINARY ? value : (value >> 4) * 10 + (value & 15);
}

static u8 encode_hour(const struct rtc *rtc, unsigned hour)
{
	if (rtc->ram[REG_B] & B_24H)
		return encode(rtc, hour);
	return encode(rtc, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? HOUR_PM : 0);
}

static unsigned decode_hour(const struct rtc *rtc, u8 value)
{
	if (rtc->ram[REG_B] & B_24H)
		return decode(rtc, value);
	return decode(rtc, value & ~HOUR_PM) % 12 + (value & HOUR_PM ? 12 : 0);
}

/* Puts a time into the bytes. */
static void store_time(struct rtc *rtc, s64 now)
{
	time_t seconds = floor_div(now, NSEC);
	unsigned year;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		return;
	year = (tm.tm_year + 1900) % 10000;
	rtc->ram[REG_SECONDS] = encode(rtc, tm.tm_sec);
	rtc->ram[REG_MINUTES] = encode(rtc, tm.tm_min);
	rtc->ram[REG_HOURS] = encode_hour(rtc, tm.tm_hour);
	rtc->ram[REG_WEEKDAY] = encode(rtc, tm.tm_wday + 1);
	rtc->ram[REG_DAY] = encode(rtc, tm.tm_mday);
	rtc->ram[REG_MONTH] = encode(rtc, tm.tm_mon + 1);
	rtc->ram[REG_YEAR] = encode(rtc, year % 100);
	rtc->ram[REG_CENTURY] = encode(rtc, year / 100);
}

/* The time that the bytes say, in ns; nonsense is normalised (31 February is in March). */
static s64 load_time(const struct rtc *rtc)
{
	struct tm tm = {
		.tm_sec = decode(rtc, rtc->ram[REG_SECONDS]),
		.tm_min = decode(rtc, rtc->ram[REG_MINUTES]),
		.tm_hour = decode_hour(rtc, rtc->ram[REG_HOURS]),
		.tm_mday = decode(rtc, rtc->ram[REG_DAY]),
		.tm_mon = (int)decode(rtc, rtc->ram[REG_MONTH]) - 1,
		.tm_year = (int)decode(rtc, rtc->ram[REG_CENTURY]) * 100 +
			   (int)decode(rtc, rtc->ram[REG_YEAR]) - 1900,
	};

	time_t seconds = timegm(&tm);

	/* Far enough from what fits into 64 bits of nanoseconds for all sums and differences. */
	return MIN(MAX(seconds, (time_t)0), (time_t)LATEST) * NSEC;
}

static bool is_time(unsigned reg)
{
	switch (reg) {
	case REG_SECONDS:
	case REG_MINUTES:
	case REG_HOURS:
	case REG_WEEKDAY ... REG_YEAR:
	case REG_CENTURY:
		return true;
	default:
		return false;
	}
}

/* ---- interrupts ---- */

static s64 period_ns(const struct rtc *rtc)
{
	unsigned rate = rtc->ram[REG_A] & A_RATE;

	if (!rate || (rtc->ram[REG_A] & A_DIVIDER) != A_DIVIDER_32KHZ)
		return 0;
	if (rate <= 2)
		rate += 7; /* the two that the 32 kHz base folds onto 256 and 128 Hz */
	return NSEC * (1 << (rate - 1)) / 32768;
}

static bool matches(u8 alarm, u8 value)
{
	return (alarm & ALARM_ANY) == ALARM_ANY || alarm == value;
}

/* The first second after `after` at which the alarm rings, or -1: it names no time of the day. */
static s64 next_alarm(const struct rtc *rtc, s64 after)
{
	s64 t = after + 1, end = after + DAY;

	/* A field that does not match is skipped as a whole: at most 24 + 60 + 60 rounds a day. */
	while (t <= end) {
		unsigned second = ((t % DAY) + DAY) % DAY;

		if (!matches(rtc->ram[REG_HOURS_ALARM], encode_hour(rtc, second / 3600)))
			t += 3600 - second % 3600;
		else if (!matches(rtc->ram[REG_MINUTES_ALARM], encode(rtc, second / 60 % 60)))
			t += 60 - second % 60;
		else if (!matches(rtc->ram[REG_SECONDS_ALARM], encode(rtc, second % 60)))
			t++;
		else
			return t;
	}
	return -1;
}

/* Brings register C up to `now`. */
static void look(struct rtc *rtc, s64 now)
{
	s64 was = floor_div(rtc->looked, NSEC), is = floor_div(now, NSEC);
	s64 period = period_ns(rtc), alarm;

	/* The host's clock, or the guest's setting, went backwards: begin anew from there. */
	if (now < rtc->looked)
		rtc->phase = now;
	if (is > was && !stands(rtc)) {
		rtc->ram[REG_C] |= C_UF;
		alarm = next_alarm(rtc, was);
		if (alarm >= 0 && alarm <= is)
			rtc->ram[REG_C] |= C_AF;
	}
	if (period && now - rtc->phase >= period) {
		rtc->ram[REG_C] |= C_PF;
		rtc->phase += (now - rtc->phase) / period * period;
	}
	rtc->looked = now;
}

static void update_line(struct rtc *rtc)
{
	bool level = rtc->ram[REG_C] & rtc->ram[REG_B] & (C_UF | C_AF | C_PF);

	if (level)
		rtc->ram[REG_C] |= C_IRQF;
	else
		rtc->ram[REG_C] &= ~C_IRQF;
	if (rtc->quiesced || level == rtc->level)
		return;
	rtc->level = level;
	irq_line_set(&rtc->irq, level);
}

static s64 earlier(s64 a, s64 b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* When an enabled interrupt that is not pending is due, guest's time in ns; -1: never. */
static s64 next_event(const struct rtc *rtc)
{
	u8 wanted = rtc->ram[REG_B] & ~rtc->ram[REG_C];
	s64 second = floor_div(rtc->looked, NSEC), next = -1, alarm;

	/* The line is up: until register C is read nothing can be added to that. */
	if (rtc->level || rtc->quiesced)
		return -1;
	if ((wanted & B_PIE) && period_ns(rtc))
		next = rtc->phase + period_ns(rtc);
	if (stands(rtc))
		return next;
	if (wanted & B_UIE)
		next = earlier(next, (second + 1) * NSEC);
	if (wanted & B_AIE) {
		alarm = next_alarm(rtc, second);
		if (alarm >= 0)
			next = earlier(next, alarm * NSEC);
	}
	return next;
}

static void arm(struct rtc *rtc)
{
	s64 next = next_event(rtc);

	realtime_timer_set(&rtc->timer, next < 0 ? -1 : MAX(next - rtc->offset, (s64)0));
}

static void refresh(struct rtc *rtc)
{
	look(rtc, guest_now(rtc));
	update_line(rtc);
	arm(rtc);
}

static void on_timer(struct realtime_timer *timer)
{
	struct rtc *rtc = CONTAINER_OF(timer, struct rtc, timer);

	pthread_mutex_lock(&rtc->lock);
	refresh(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

/* ---- registers ---- */

static u8 read_a(const struct rtc *rtc)
{
	s64 now = guest_now(rtc), left = (floor_div(now, NSEC) + 1) * NSEC - now;

	return rtc->ram[REG_A] | (!stands(rtc) && left <= UIP_NS ? A_UIP : 0);
}

static u8 read_c(struct rtc *rtc)
{
	u8 value;

	look(rtc, guest_now(rtc));
	update_line(rtc);
	value = rtc->ram[REG_C];
	rtc->ram[REG_C] = 0;
	update_line(rtc);
	arm(rtc);
	return value;
}

static u8 read_register(struct rtc *rtc, unsigned reg)
{
	switch (reg) {
	case REG_A:
		return read_a(rtc);
	case REG_C:
		return read_c(rtc);
	case REG_D:
		return D_VALID;
	}
	if (is_time(reg) && !stands(rtc))
		store_time(rtc, guest_now(rtc));
	return rtc->ram[reg];
}

static void set_time(struct rtc *rtc, s64 time)
{
	rtc->offset = time - realtime_now();
	rtc->looked = rtc->phase = time;
}

/* Register A or B changed: the clock may stop, or go on from what the bytes say. */
static void write_control(struct rtc *rtc, unsigned reg, u8 value)
{
	bool stood = stands(rtc), was_reset = divider_reset(rtc);
	s64 now = guest_now(rtc), period = period_ns(rtc);

	look(rtc, now);
	/* The bytes keep the format they were stored in: store them before the format changes. */
	if (!stood)
		store_time(rtc, now);
	rtc->ram[reg] = reg == REG_A ? value & ~A_UIP : value;
	/* A divider that is let go makes its first second half a second later; else it ran on. */
	if (stood && !stands(rtc))
		set_time(rtc, load_time(rtc) + (was_reset ? NSEC / 2 : fraction(now)));
	if (period_ns(rtc) != period)
		rtc->phase = guest_now(rtc);
	if (reg == REG_B && (value & B_SET))
		rtc->ram[REG_B] &= ~B_UIE;
	refresh(rtc);
}

static void write_time(struct rtc *rtc, unsigned reg, u8 value)
{
	s64 now = guest_now(rtc);

	if (stands(rtc)) {
		rtc->ram[reg] = value;
		return;
	}
	/* Without SET each byte counts at once; the second goes on where it is. */
	look(rtc, now);
	store_time(rtc, now);
	rtc->ram[reg] = value;
	set_time(rtc, load_time(rtc) + fraction(now));
	refresh(rtc);
}

static void write_register(struct rtc *rtc, unsigned reg, u8 value)
{
	switch (reg) {
	case REG_A:
	case REG_B:
		write_control(rtc, reg, value);
		return;
	case REG_C:
	case REG_D:
		return;
	case REG_SECONDS_ALARM:
	case REG_MINUTES_ALARM:
	case REG_HOURS_ALARM:
		look(rtc, guest_now(rtc));
		rtc->ram[reg] = value;
		refresh(rtc);
		return;
	}
	if (is_time(reg))
		write_time(rtc, reg, value);
	else
		rtc->ram[reg] = value;
}

static void rtc_read(void *opaque, u64 offset, u8 *data, unsigned len)
{
	struct rtc *rtc = opaque;

	memset(data, 0xff, len);
	pthread_mutex_lock(&rtc->lock);
	/* The index port cannot be read; a 16-bit access is one to each port. */
	if (offset + len == 2)
		data[len - 1] = read_register(rtc, rtc->index);
	pthread_mutex_unlock(&rtc->lock);
}

static void rtc_write(void *opaque, u64 offset, const u8 *data, unsigned len)
{
	struct rtc *rtc = opaque;

	pthread_mutex_lock(&rtc->lock);
	if (!offset)
		rtc->index = data[0] & 0x7f; /* bit 7 masks the NMI, of which there is none */
	if (offset + len == 2)
		write_register(rtc, rtc->index, data[len - 1]);
	pthread_mutex_unlock(&rtc->lock);
}

static const struct bus_ops rtc_bus_ops = { .read = rtc_read, .write = rtc_write };

/* ---- life ---- */

static void put(struct rtc *rtc, unsigned reg, unsigned bytes, u64 value)
{
	for (unsigned i = 0; i < bytes; i++)
		rtc->ram[reg + i] = value >> (8 * i);
}

static void store_memory_sizes(struct rtc *rtc, const struct guest_memory *memory)
{
	u64 low = 0, high = 0; /* bytes from 0 to the hole, and from 4 GiB on */

	for (unsigned i = 0; i < memory->nr_regions; i++) {
		const struct guest_region *region = &memory->regions[i];

		if (region->unlisted)
			continue;
		if (region->gpa >= GIB(4))
			high += region->size;
		else
			low = MAX(low, region->gpa + region->size);
	}
	low = MIN(low, GIB(4));
	put(rtc, REG_BASE_MEMORY, 2, MIN(low, KIB(640)) >> 10);
	put(rtc, REG_EXTENDED_MEMORY, 2, MIN(low > MIB(1) ? (low - MIB(1)) >> 10 : 0, (u64)65535));
	put(rtc, REG_EXTENDED_MEMORY_POST, 2,
	    MIN(low > MIB(1) ? (low - MIB(1)) >> 10 : 0, (u64)65535));
	put(rtc, REG_MEMORY_16M, 2, MIN(low > MIB(16) ? (low - MIB(16)) >> 16 : 0, (u64)65535));
	put(rtc, REG_MEMORY_4G, 3, MIN(high >> 16, (u64)0xffffff));
}

/* The battery keeps time, memory and formats; the reset pin only clears interrupts. */
static void rtc_reset(struct device *device)
{
	struct rtc *rtc = CONTAINER_OF(device, struct rtc, device);

	pthread_mutex_lock(&rtc->lock);
	rtc->ram[REG_B] &= ~(B_PIE | B_AIE | B_UIE);
	rtc->ram[REG_C] = 0;
	rtc->index = 0;
	/* A guest that was reset while it set the time would find the clock standing for ever. */
	if (stands(rtc)) {
		rtc->ram[REG_B] &= ~B_SET;
		rtc->ram[REG_A] = A_DIVIDER_32KHZ | 6;
		set_time(rtc, load_time(rtc));
	}
	if (rtc->level) {
		rtc->level = false;
		irq_line_set(&rtc->irq, false);
	}
	arm(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

static int rtc_start(struct device *device)
{
	return realtime_timer_start(&CONTAINER_OF(device, struct rtc, device)->timer);
}

static void rtc_quiesce(struct device *device)
{
	struct rtc *rtc = CONTAINER_OF(device, struct rtc, device);

	pthread_mutex_lock(&rtc->lock);
	rtc->quiesced = true;
	arm(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

static void rtc_resume(struct device *device)
{
	struct rtc *rtc = CONTAINER_OF(device, struct rtc, device);

	pthread_mutex_lock(&rtc->lock);
	rtc->quiesced = false;
	refresh(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

static void rtc_destroy(struct device *device)
{
	struct rtc *rtc = CONTAINER_OF(device, struct rtc, device);

	realtime_timer_exit(&rtc->timer);
	pthread_mutex_destroy(&rtc->lock);
	free(rtc);
}

static const struct device_ops rtc_ops = {
	.reset = rtc_reset,
	.start = rtc_start,
	.quiesce = rtc_quiesce,
	.resume = rtc_resume,
	.destroy = rtc_destroy,
};

static void describe(struct device_description *d, const struct hw_place *place)
{
	d->acpi_hid = "PNP0B00";
	d->compatible = "motorola,mc146818";
	d->node_name = "rtc";
	d->resources[0] = (struct device_resource){ place->kind, place->base, 2 };
	d->nr_resources = 1;
	d->gsi = place->gsi;
	d->irq_edge = true;
}

int rtc_cmos_create(struct vm *vm, const struct hw_place *place)
{
	struct bus *bus = place->kind == RESOURCE_PORT ? vm->ports : vm->mmio;
	struct rtc *rtc = calloc(1, sizeof(*rtc));
	int error;

	if (!rtc)
		return -ENOMEM;
	device_init(&rtc->device, &rtc_ops, "rtc-cmos");
	describe(&rtc->device.description, place);
	pthread_mutex_init(&rtc->lock, NULL);
	if (place->gsi >= 0)
		rtc->irq = irq_line(vm, place->gsi);
	error = realtime_timer_init(&rtc->timer, vm->loop, on_timer, rtc->device.name);
	if (error)
		goto fail;
	rtc->ram[REG_A] = A_DIVIDER_32KHZ | 6; /* 1024 Hz, as a BIOS leaves it */
	rtc->ram[REG_B] = B_24H;
	rtc->looked = rtc->phase = realtime_now();
	store_memory_sizes(rtc, &vm->memory);
	error = bus_add(bus, place->base, 2, &rtc_bus_ops, rtc);
	if (error) {
		log_fatal("rtc-cmos: address 0x%llx is not free", (unsigned long long)place->base);
		goto fail;
	}
	device_add(&vm->devices, &rtc->device);
	return 0;

fail:
	rtc_destroy(&rtc->device);
	return error;
}
