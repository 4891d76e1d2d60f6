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

#include "lkvm/hw/rtc-cmos.h"
#include "lkvm/vm/vm.h"
#include "rtc.h"

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

/* What a guest sees of it. */
struct cmos_state {
	u8 ram[128]; /* the time's bytes are only valid while the clock stands */
	s64 offset;  /* ns: guest's time - host's */
	s64 looked;  /* guest's time in ns up to which register C is right */
	s64 phase;   /* guest's time in ns at which a periodic tick was due */
	u8 index;
	u8 unused[7];
};
_Static_assert(sizeof(struct cmos_state) == 160, "no padding");

struct cmos {
	struct rtc rtc;
	struct cmos_state state; /* under the clock's lock */
};

static struct cmos *to_cmos(struct rtc *rtc)
{
	return CONTAINER_OF(rtc, struct cmos, rtc);
}

static s64 guest_now(const struct cmos *cmos)
{
	return rtc_host_now() + cmos->state.offset;
}

static s64 floor_div(s64 a, s64 b)
{
	s64 q = a / b;

	return a % b < 0 ? q - 1 : q;
}

static s64 cmos_fraction(s64 t)
{
	return t - floor_div(t, NSEC_PER_SEC) * NSEC_PER_SEC;
}

static bool divider_reset(const struct cmos *cmos)
{
	return (cmos->state.ram[REG_A] & A_DIVIDER_RESET) == A_DIVIDER_RESET;
}

static bool cmos_stands(const struct cmos *cmos)
{
	return (cmos->state.ram[REG_B] & B_SET) || divider_reset(cmos);
}

/* ---- the time as register bytes ---- */

static u8 cmos_encode(const struct cmos *cmos, unsigned value)
{
	return cmos->state.ram[REG_B] & B_BINARY ? value : (value / 10) << 4 | value % 10;
}

static unsigned cmos_decode(const struct cmos *cmos, u8 value)
{
	return cmos->state.ram[REG_B] & B_BINARY ? value : (value >> 4) * 10 + (value & 15);
}

static u8 encode_hour(const struct cmos *cmos, unsigned hour)
{
	if (cmos->state.ram[REG_B] & B_24H)
		return cmos_encode(cmos, hour);
	return cmos_encode(cmos, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? HOUR_PM : 0);
}

static unsigned decode_hour(const struct cmos *cmos, u8 value)
{
	if (cmos->state.ram[REG_B] & B_24H)
		return cmos_decode(cmos, value);
	return cmos_decode(cmos, value & ~HOUR_PM) % 12 + (value & HOUR_PM ? 12 : 0);
}

/* Puts a time into the bytes. */
static void store_time(struct cmos *cmos, s64 now)
{
	time_t seconds = floor_div(now, NSEC_PER_SEC);
	unsigned year;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		return;
	year = (tm.tm_year + 1900) % 10000;
	cmos->state.ram[REG_SECONDS] = cmos_encode(cmos, tm.tm_sec);
	cmos->state.ram[REG_MINUTES] = cmos_encode(cmos, tm.tm_min);
	cmos->state.ram[REG_HOURS] = encode_hour(cmos, tm.tm_hour);
	cmos->state.ram[REG_WEEKDAY] = cmos_encode(cmos, tm.tm_wday + 1);
	cmos->state.ram[REG_DAY] = cmos_encode(cmos, tm.tm_mday);
	cmos->state.ram[REG_MONTH] = cmos_encode(cmos, tm.tm_mon + 1);
	cmos->state.ram[REG_YEAR] = cmos_encode(cmos, year % 100);
	cmos->state.ram[REG_CENTURY] = cmos_encode(cmos, year / 100);
}

/* The time that the bytes say, in ns; nonsense is normalised (31 February is in March). */
static s64 load_time(const struct cmos *cmos)
{
	struct tm tm = {
		.tm_sec = cmos_decode(cmos, cmos->state.ram[REG_SECONDS]),
		.tm_min = cmos_decode(cmos, cmos->state.ram[REG_MINUTES]),
		.tm_hour = decode_hour(cmos, cmos->state.ram[REG_HOURS]),
		.tm_mday = cmos_decode(cmos, cmos->state.ram[REG_DAY]),
		.tm_mon = (int)cmos_decode(cmos, cmos->state.ram[REG_MONTH]) - 1,
		.tm_year = (int)cmos_decode(cmos, cmos->state.ram[REG_CENTURY]) * 100 +
			   (int)cmos_decode(cmos, cmos->state.ram[REG_YEAR]) - 1900,
	};

	time_t seconds = timegm(&tm);

	/* Far enough from what fits into 64 bits of nanoseconds for all sums and differences. */
	return MIN(MAX(seconds, (time_t)0), (time_t)LATEST) * NSEC_PER_SEC;
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

static s64 period_ns(const struct cmos *cmos)
{
	unsigned rate = cmos->state.ram[REG_A] & A_RATE;

	if (!rate || (cmos->state.ram[REG_A] & A_DIVIDER) != A_DIVIDER_32KHZ)
		return 0;
	if (rate <= 2)
		rate += 7; /* the two that the 32 kHz base folds onto 256 and 128 Hz */
	return NSEC_PER_SEC * (1 << (rate - 1)) / 32768;
}

static bool cmos_matches(u8 alarm, u8 value)
{
	return (alarm & ALARM_ANY) == ALARM_ANY || alarm == value;
}

/* The first second after `after` at which the alarm rings, or -1: it names no time of the day. */
static s64 next_alarm(const struct cmos *cmos, s64 after)
{
	s64 t = after + 1, end = after + DAY;

	/* A field that does not match is skipped as a whole: at most 24 + 60 + 60 rounds a day. */
	while (t <= end) {
		unsigned second = ((t % DAY) + DAY) % DAY;

		if (!cmos_matches(cmos->state.ram[REG_HOURS_ALARM],
				  encode_hour(cmos, second / 3600)))
			t += 3600 - second % 3600;
		else if (!cmos_matches(cmos->state.ram[REG_MINUTES_ALARM],
				       cmos_encode(cmos, second / 60 % 60)))
			t += 60 - second % 60;
		else if (!cmos_matches(cmos->state.ram[REG_SECONDS_ALARM],
				       cmos_encode(cmos, second % 60)))
			t++;
		else
			return t;
	}
	return -1;
}

/* Brings register C up to `now`. */
static void cmos_check_alarm(struct cmos *cmos, s64 now)
{
	s64 was = floor_div(cmos->state.looked, NSEC_PER_SEC), is = floor_div(now, NSEC_PER_SEC);
	s64 period = period_ns(cmos), alarm;

	/* The host's clock, or the guest's setting, went backwards: begin anew from there. */
	if (now < cmos->state.looked)
		cmos->state.phase = now;
	if (is > was && !cmos_stands(cmos)) {
		cmos->state.ram[REG_C] |= C_UF;
		alarm = next_alarm(cmos, was);
		if (alarm >= 0 && alarm <= is)
			cmos->state.ram[REG_C] |= C_AF;
	}
	if (period && now - cmos->state.phase >= period) {
		cmos->state.ram[REG_C] |= C_PF;
		cmos->state.phase += (now - cmos->state.phase) / period * period;
	}
	cmos->state.looked = now;
}

static s64 cmos_earlier(s64 a, s64 b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* When an enabled interrupt that is not pending is due, guest's time in ns; -1: never. */
static s64 next_event(const struct cmos *cmos)
{
	u8 wanted = cmos->state.ram[REG_B] & ~cmos->state.ram[REG_C];
	s64 second = floor_div(cmos->state.looked, NSEC_PER_SEC), next = -1, alarm;

	if ((wanted & B_PIE) && period_ns(cmos))
		next = cmos->state.phase + period_ns(cmos);
	if (cmos_stands(cmos))
		return next;
	if (wanted & B_UIE)
		next = cmos_earlier(next, (second + 1) * NSEC_PER_SEC);
	if (wanted & B_AIE) {
		alarm = next_alarm(cmos, second);
		if (alarm >= 0)
			next = cmos_earlier(next, alarm * NSEC_PER_SEC);
	}
	return next;
}

static bool cmos_look(struct rtc *rtc, s64 *next)
{
	struct cmos *cmos = to_cmos(rtc);

	cmos_check_alarm(cmos, guest_now(cmos));
	/* The line is up: until register C is read nothing can be added to that. */
	if (cmos->state.ram[REG_C] & cmos->state.ram[REG_B] & (C_UF | C_AF | C_PF)) {
		cmos->state.ram[REG_C] |= C_IRQF;
		return true;
	}
	cmos->state.ram[REG_C] &= ~C_IRQF;
	*next = next_event(cmos);
	if (*next >= 0)
		*next = MAX(*next - cmos->state.offset, (s64)0);
	return false;
}

/* ---- registers ---- */

static u8 read_a(const struct cmos *cmos)
{
	s64 now = guest_now(cmos), left = (floor_div(now, NSEC_PER_SEC) + 1) * NSEC_PER_SEC - now;

	return cmos->state.ram[REG_A] | (!cmos_stands(cmos) && left <= UIP_NS ? A_UIP : 0);
}

static u8 read_c(struct cmos *cmos)
{
	u8 value;

	rtc_update(&cmos->rtc);
	value = cmos->state.ram[REG_C];
	cmos->state.ram[REG_C] = 0;
	/* Low at least for a moment: what happens from now on is an edge, or nobody would hear of it again. */
	rtc_lower(&cmos->rtc);
	rtc_update(&cmos->rtc);
	return value;
}

static u8 read_register(struct cmos *cmos, unsigned reg)
{
	switch (reg) {
	case REG_A:
		return read_a(cmos);
	case REG_C:
		return read_c(cmos);
	case REG_D:
		return D_VALID;
	}
	if (is_time(reg) && !cmos_stands(cmos))
		store_time(cmos, guest_now(cmos));
	return cmos->state.ram[reg];
}

static void set_time(struct cmos *cmos, s64 time)
{
	cmos->state.offset = time - rtc_host_now();
	cmos->state.looked = cmos->state.phase = time;
}

/* Register A or B changed: the clock may stop, or go on from what the bytes say. */
static void write_control(struct cmos *cmos, unsigned reg, u8 value)
{
	bool stood = cmos_stands(cmos), was_reset = divider_reset(cmos);
	s64 now = guest_now(cmos), period = period_ns(cmos);

	cmos_check_alarm(cmos, now);
	/* The bytes keep the format they were stored in: store them before the format changes. */
	if (!stood)
		store_time(cmos, now);
	cmos->state.ram[reg] = reg == REG_A ? value & ~A_UIP : value;
	/* A divider that is let go makes its first second half a second later; else it ran on. */
	if (stood && !cmos_stands(cmos))
		set_time(cmos,
			 load_time(cmos) + (was_reset ? NSEC_PER_SEC / 2 : cmos_fraction(now)));
	if (period_ns(cmos) != period)
		cmos->state.phase = guest_now(cmos);
	if (reg == REG_B && (value & B_SET))
		cmos->state.ram[REG_B] &= ~B_UIE;
	rtc_update(&cmos->rtc);
}

static void write_time(struct cmos *cmos, unsigned reg, u8 value)
{
	s64 now = guest_now(cmos);

	if (cmos_stands(cmos)) {
		cmos->state.ram[reg] = value;
		return;
	}
	/* Without SET each byte counts at once; the second goes on where it is. */
	cmos_check_alarm(cmos, now);
	store_time(cmos, now);
	cmos->state.ram[reg] = value;
	set_time(cmos, load_time(cmos) + cmos_fraction(now));
	rtc_update(&cmos->rtc);
}

static void write_register(struct cmos *cmos, unsigned reg, u8 value)
{
	switch (reg) {
	case REG_A:
	case REG_B:
		write_control(cmos, reg, value);
		return;
	case REG_C:
	case REG_D:
		return;
	case REG_SECONDS_ALARM:
	case REG_MINUTES_ALARM:
	case REG_HOURS_ALARM:
		cmos_check_alarm(cmos, guest_now(cmos));
		cmos->state.ram[reg] = value;
		rtc_update(&cmos->rtc);
		return;
	}
	if (is_time(reg))
		write_time(cmos, reg, value);
	else
		cmos->state.ram[reg] = value;
}

static void cmos_read(void *opaque, u64 offset, u8 *data, unsigned len)
{
	struct cmos *cmos = opaque;

	memset(data, 0xff, len);
	pthread_mutex_lock(&cmos->rtc.lock);
	/* The index port cannot be read; a 16-bit access is one to each port. */
	if (offset + len == 2)
		data[len - 1] = read_register(cmos, cmos->state.index);
	pthread_mutex_unlock(&cmos->rtc.lock);
}

static void cmos_write(void *opaque, u64 offset, const u8 *data, unsigned len)
{
	struct cmos *cmos = opaque;

	pthread_mutex_lock(&cmos->rtc.lock);
	if (!offset)
		cmos->state.index =
			data[0] & 0x7f; /* bit 7 masks the NMI, of which there is none */
	if (offset + len == 2)
		write_register(cmos, cmos->state.index, data[len - 1]);
	pthread_mutex_unlock(&cmos->rtc.lock);
}

static const struct bus_ops cmos_bus_ops = { .read = cmos_read, .write = cmos_write };

/* ---- life cycle ---- */

/* In pieces of 1 << shift bytes from `base` on, at most what 16 bits count. */
static u64 cmos_pieces(u64 end, u64 base, unsigned shift)
{
	return end > base ? MIN((end - base) >> shift, (u64)UINT16_MAX) : 0;
}

static void store_memory_sizes(struct cmos *cmos, const struct guest_memory *memory)
{
	u64 low = 0, high = 0; /* bytes from 0 to the hole, and from 4 GiB on */
	u8 *ram = cmos->state.ram;

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
	bus_put(&ram[REG_BASE_MEMORY], 2, MIN(low, KIB(640)) >> 10);
	bus_put(&ram[REG_EXTENDED_MEMORY], 2, cmos_pieces(low, MIB(1), 10));
	bus_put(&ram[REG_EXTENDED_MEMORY_POST], 2, cmos_pieces(low, MIB(1), 10));
	bus_put(&ram[REG_MEMORY_16M], 2, cmos_pieces(low, MIB(16), 16));
	bus_put(&ram[REG_MEMORY_4G], 3, MIN(high >> 16, (u64)0xffffff));
}

/* The battery keeps time, memory and formats; the reset pin only clears interrupts. */
static void cmos_reset(struct rtc *rtc)
{
	struct cmos *cmos = to_cmos(rtc);

	cmos->state.ram[REG_B] &= ~(B_PIE | B_AIE | B_UIE);
	cmos->state.ram[REG_C] = 0;
	cmos->state.index = 0;
	/* A guest that was reset while it set the time would find the clock standing for ever. */
	if (cmos_stands(cmos)) {
		cmos->state.ram[REG_B] &= ~B_SET;
		cmos->state.ram[REG_A] = A_DIVIDER_32KHZ | 6;
		set_time(cmos, load_time(cmos));
	}
}

static const struct rtc_ops cmos_ops = {
	.bus = &cmos_bus_ops,
	.reset = cmos_reset,
	.look = cmos_look,
};

int rtc_cmos_create(struct vm *vm, enum device_resource_kind kind, u64 base, int gsi,
		    const struct irq_line *wake)
{
	const struct device_description description = {
		.acpi_hid = "PNP0B00",
		.compatible = "motorola,mc146818",
		.where = { kind, base, 2 },
		.gsi = gsi,
		.irq_edge = true,
	};
	struct cmos *cmos = calloc(1, sizeof(*cmos));

	if (!cmos)
		return -ENOMEM;
	cmos->state.ram[REG_A] = A_DIVIDER_32KHZ | 6; /* 1024 Hz, as a BIOS leaves it */
	cmos->state.ram[REG_B] = B_24H;
	cmos->state.looked = cmos->state.phase = rtc_host_now();
	store_memory_sizes(cmos, &vm->memory);
	cmos->rtc.ops = &cmos_ops;
	if (wake)
		cmos->rtc.wake = *wake;
	return rtc_create(vm, &cmos->rtc, "rtc-cmos", &description);
}
