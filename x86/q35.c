// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <linux/pci_regs.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "acpi.h"
#include "board.h"
#include "lkvm/log.h"
#include "lkvm/pci.h"
#include "q35.h"

/* ICH9's ISA bridge (Intel 316972, 13.1) */
#define LPC_SLOT	 31
#define LPC_DEVICE	 0x2918
#define LPC_CLASS	 0x060100
#define LPC_PMBASE	 0x40
#define LPC_PMBASE_IO	 1
#define LPC_ACPI_CNTL	 0x44
#define LPC_ACPI_CNTL_EN 0x80

/* From BOARD_PORT_PM; below are lkvm's own registers (acpi.h). */
#define PM1_CONTROL	  4
#define PM1_CONTROL_SCI	  BIT(0)
#define PM1_CONTROL_SLEEP BIT(13)
#define PM1_SLEEP_TYPE(x) ((x) >> 10 & 7)
#define PM_TIMER	  8
#define PM_TIMER_HZ	  3579545
#define PM_TIMER_MASK	  0xffffff
_Static_assert(ACPI_PM_SIZE <= PM1_CONTROL, "lkvm's own and the chipset's registers side by side");

#define DEBUG_PRESENT 0xe9 /* what is read tells that somebody listens */
#define DEBUG_LINE    200

struct q35 {
	struct device device;
	struct vm *vm;
	struct pci_device lpc;
	pthread_mutex_t lock; /* the line */
	char line[DEBUG_LINE];
	unsigned len;
};

/* ---- power management ---- */

static u32 timer_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return ((u64)now.tv_sec * PM_TIMER_HZ + (u64)now.tv_nsec * PM_TIMER_HZ / 1000000000) &
	       PM_TIMER_MASK;
}

static void control_read(void *opaque, u64 offset, u8 *data, unsigned len)
{
	bus_put(data, len, offset ? 0 : PM1_CONTROL_SCI);
}

/* The one sleep there is has type 0 on that chipset, and ends the guest. */
static void control_write(void *opaque, u64 offset, const u8 *data, unsigned len)
{
	struct q35 *q35 = opaque;
	u64 value = bus_get(data, len);

	if (!offset && len == 2 && (value & PM1_CONTROL_SLEEP) && !PM1_SLEEP_TYPE(value))
		vm_request(q35->vm, VM_REQUEST_POWEROFF);
}

static void timer_read(void *opaque, u64 offset, u8 *data, unsigned len)
{
	bus_put(data, len, timer_now() >> (8 * offset));
}

static void ignore_write(void *opaque, u64 offset, const u8 *data, unsigned len)
{
}

static const struct bus_ops control_ops = { .read = control_read, .write = control_write };
static const struct bus_ops timer_ops = { .read = timer_read, .write = ignore_write };

/* ---- debug output: a line of --debug for each of the firmware's ---- */

static void debug_read(void *opaque, u64 offset, u8 *data, unsigned len)
{
	data[0] = DEBUG_PRESENT;
}

static void debug_write(void *opaque, u64 offset, const u8 *data, unsigned len)
{
	struct q35 *q35 = opaque;
	char c = data[0];

	pthread_mutex_lock(&q35->lock);
	if (c >= ' ' && c < 0x7f)
		q35->line[q35->len++] = c;
	if (q35->len && (c == '\n' || q35->len == DEBUG_LINE - 1)) {
		q35->line[q35->len] = '\0';
		log_debug("firmware: %s", q35->line);
		q35->len = 0;
	}
	pthread_mutex_unlock(&q35->lock);
}

static const struct bus_ops debug_ops = { .read = debug_read, .write = debug_write };

/* ---- life ---- */

static void q35_destroy(struct device *device)
{
	struct q35 *q35 = CONTAINER_OF(device, struct q35, device);

	if (q35->vm->pci)
		pci_device_exit(&q35->lpc);
	pthread_mutex_destroy(&q35->lock);
	free(q35);
}

static const struct device_ops q35_ops = { .destroy = q35_destroy };

static int add_lpc(struct q35 *q35)
{
	int error = pci_device_init_at(&q35->lpc, q35->vm, LPC_SLOT, Q35_VENDOR, LPC_DEVICE,
				       LPC_CLASS, 0, 0, 0);

	if (error)
		return error;
	/* All of it set up already, and for good. */
	bus_put(&q35->lpc.config[LPC_PMBASE], 4, BOARD_PORT_PM | LPC_PMBASE_IO);
	q35->lpc.config[LPC_ACPI_CNTL] = LPC_ACPI_CNTL_EN;
	q35->lpc.config[PCI_INTERRUPT_PIN] = 0;
	/* What forwards ports has this bit: firmware looks for serial ports behind no other. */
	q35->lpc.writable[PCI_COMMAND] |= PCI_COMMAND_IO;
	return 0;
}

static int add_ports(struct q35 *q35)
{
	struct bus *ports = q35->vm->ports;
	int error = bus_add(ports, BOARD_PORT_PM + PM1_CONTROL, 2, &control_ops, q35);

	if (!error)
		error = bus_add(ports, BOARD_PORT_PM + PM_TIMER, 4, &timer_ops, q35);
	if (!error && log_get_level() >= LOG_LEVEL_DEBUG)
		error = bus_add(ports, BOARD_PORT_DEBUG, 1, &debug_ops, q35);
	return error;
}

int q35_create(struct vm *vm)
{
	struct q35 *q35 = calloc(1, sizeof(*q35));
	int error;

	if (!q35)
		return -ENOMEM;
	q35->vm = vm;
	pthread_mutex_init(&q35->lock, NULL);
	device_init(&q35->device, &q35_ops, "q35");
	device_add(&vm->devices, &q35->device);
	error = add_lpc(q35);
	if (!error)
		error = add_ports(q35);
	if (error)
		log_fatal("--firmware: the chipset that it wants: %s", strerror(-error));
	return error;
}
