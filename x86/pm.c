// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ACPI's fixed hardware (ACPI 6.5, 4.8), laid out as ICH9 has it, which is where OVMF looks too. Nothing ticks and no
 * thread waits: the timer is the host's clock, and events come from the control socket and the real-time clock.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tables/acpi.h"
#include "lkvm/util/log.h"
#include "x86-vm.h"

/* Of status and enable. The timer's carry is no event here: nobody asks for it, and a clock need not tick then. */
#define EVENT_GLOBAL_LOCK  BIT(5)
#define EVENT_POWER_BUTTON BIT(8)
#define EVENT_RTC	   BIT(10)
#define EVENTS		   (EVENT_GLOBAL_LOCK | EVENT_POWER_BUTTON | EVENT_RTC)

#define CONTROL_KEPT (7 << ACPI_PM1_SLEEP_TYPE_SHIFT | BIT(1) /* bus masters wake */)

#define NSEC	   1000000000
#define TIMER_HZ   3579545
#define TIMER_MASK 0xffffff

/* What a guest sees of it. */
struct acpi_pm_state {
	u16 status, enable, control;
};

struct acpi_pm {
	struct device device;
	struct vm *vm;
	struct irq_line sci;  /* constant; sets nothing where there is no ACPI */
	pthread_mutex_t lock; /* everything below */
	struct acpi_pm_state state;
	bool level;
};

static void pm_update(struct acpi_pm *pm)
{
	bool level = pm->state.status & pm->state.enable;

	if (pm->device.quiesced || level == pm->level)
		return;
	pm->level = level;
	irq_line_set(&pm->sci, level);
}

static u32 pm_timer_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return ((u64)now.tv_sec * TIMER_HZ + (u64)now.tv_nsec * TIMER_HZ / NSEC) & TIMER_MASK;
}

/* ---- what happens to the machine ---- */

/* The clock's interrupt is the event, as on every chipset; its line falling is none. */
static void pm_rtc_event(void *opaque, unsigned gsi, bool level)
{
	struct acpi_pm *pm = opaque;

	if (!level)
		return;
	pthread_mutex_lock(&pm->lock);
	pm->state.status |= EVENT_RTC;
	pm_update(pm);
	pthread_mutex_unlock(&pm->lock);
}

static int pm_power_button(struct vm *vm)
{
	struct acpi_pm *pm = vm->arch->pm;
	int err = -EAGAIN;

	pthread_mutex_lock(&pm->lock);
	if (pm->state.enable & EVENT_POWER_BUTTON) {
		pm->state.status |= EVENT_POWER_BUTTON;
		pm_update(pm);
		err = 0;
	}
	pthread_mutex_unlock(&pm->lock);
	return err;
}

/* ---- registers ---- */

static void pm_read(void *opaque, u64 offset, u8 *data, unsigned len)
{
	struct acpi_pm *pm = opaque;
	u64 value;

	if (offset >= ACPI_PM_TIMER) {
		bus_put(data, len, (u64)pm_timer_now() >> 8 * (offset - ACPI_PM_TIMER));
		return;
	}
	pthread_mutex_lock(&pm->lock);
	value = pm->state.status | (u64)pm->state.enable << 8 * ACPI_PM1_ENABLE |
		(u64)(pm->state.control | ACPI_PM1_SCI_ENABLED) << 8 * ACPI_PM1_CONTROL;
	pthread_mutex_unlock(&pm->lock);
	bus_put(data, len, value >> 8 * offset);
}

static void pm_write_byte(struct acpi_pm *pm, u64 offset, u8 byte)
{
	unsigned shift = offset % 2 * 8;
	u16 value = byte << shift, mask = 0xff << shift;

	switch (offset - offset % 2) {
	case ACPI_PM1_STATUS:
		pm->state.status &= ~value;
		break;
	case ACPI_PM1_ENABLE:
		pm->state.enable = ((pm->state.enable & ~mask) | value) & EVENTS;
		break;
	case ACPI_PM1_CONTROL:
		pm->state.control = ((pm->state.control & ~mask) | value) & CONTROL_KEPT;
		if (value & ACPI_PM1_SLEEP &&
		    (pm->state.control >> ACPI_PM1_SLEEP_TYPE_SHIFT & 7) == ACPI_SLEEP_TYPE_S5)
			vm_request(pm->vm, VM_REQUEST_POWEROFF);
		break;
	case ACPI_PM_RESET:
		if (value == ACPI_PM_RESET_VALUE)
			vm_request(pm->vm, VM_REQUEST_REBOOT);
		break;
	}
}

static void pm_write(void *opaque, u64 offset, const u8 *data, unsigned len)
{
	struct acpi_pm *pm = opaque;

	pthread_mutex_lock(&pm->lock);
	for (unsigned i = 0; i < len; i++)
		pm_write_byte(pm, offset + i, data[i]);
	pm_update(pm);
	pthread_mutex_unlock(&pm->lock);
}

static const struct bus_ops pm_bus_ops = { .read = pm_read, .write = pm_write };

/* ---- life cycle ---- */

static void pm_reset(struct device *device)
{
	struct acpi_pm *pm = CONTAINER_OF(device, struct acpi_pm, device);

	pthread_mutex_lock(&pm->lock);
	pm->state = (struct acpi_pm_state){ 0 };
	if (pm->level)
		irq_line_set(&pm->sci, false);
	pm->level = false;
	pthread_mutex_unlock(&pm->lock);
}

/* Whoever set the line before has done it when this returns: it is quiesced, or resumed. */
static void pm_look(struct device *device)
{
	struct acpi_pm *pm = CONTAINER_OF(device, struct acpi_pm, device);

	pthread_mutex_lock(&pm->lock);
	pm_update(pm);
	pthread_mutex_unlock(&pm->lock);
}

static void pm_destroy(struct device *device)
{
	struct acpi_pm *pm = CONTAINER_OF(device, struct acpi_pm, device);

	pthread_mutex_destroy(&pm->lock);
	free(pm);
}

static const struct device_ops pm_device_ops = {
	.reset = pm_reset,
	.quiesce = pm_look,
	.resume = pm_look,
	.destroy = pm_destroy,
};

int acpi_pm_create(struct vm *vm, u16 port, int sci, struct irq_line *rtc)
{
	struct acpi_pm *pm = calloc(1, sizeof(*pm));
	int err;

	if (!pm)
		return -ENOMEM;
	pm->vm = vm;
	pthread_mutex_init(&pm->lock, NULL);
	if (sci >= 0) {
		pm->sci = irq_line(vm, sci);
		vm->power_button = pm_power_button;
	}
	*rtc = (struct irq_line){ .set = pm_rtc_event, .opaque = pm };
	vm->arch->pm = pm;
	device_init(&pm->device, &pm_device_ops, "acpi-pm");
	device_add(&vm->devices, &pm->device);
	err = bus_add(vm->ports, port, ACPI_PM_SIZE, &pm_bus_ops, pm);
	if (err)
		log_fatal("Power management: ports at 0x%x: %s", port, strerror(-err));
	return err;
}
