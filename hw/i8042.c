// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An i8042 keyboard controller with nothing plugged in. Kernels without ACPI probe it directly: every
 * command that has an answer gets one at once, and what is sent to a keyboard or mouse ends in the
 * time-out that a real controller reports for an empty socket, so nobody waits. Its reset line is
 * how `reboot=k`, the default of many kernels, restarts the machine.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/hw/i8042.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/irq.h"
#include "lkvm/vm/vm.h"

#define DATA_PORT    0x60
#define STATUS_PORT  0x64
#define KEYBOARD_GSI 1

#define STATUS_OUTPUT_FULL BIT(0)
#define STATUS_SELF_TESTED BIT(2)
#define STATUS_COMMAND	   BIT(3) /* the last write was to the command port */
#define STATUS_UNLOCKED	   BIT(4)
#define STATUS_FROM_AUX	   BIT(5)
#define STATUS_TIMEOUT	   BIT(6)

#define CTR_KEYBOARD_IRQ BIT(0)
#define CTR_SELF_TESTED	 BIT(2)
#define CTR_KEYBOARD_OFF BIT(4)
#define CTR_AUX_OFF	 BIT(5)

#define CMD_READ_RAM	  0x20 /* to 0x3f */
#define CMD_WRITE_RAM	  0x60 /* to 0x7f */
#define CMD_AUX_OFF	  0xa7
#define CMD_AUX_ON	  0xa8
#define CMD_AUX_TEST	  0xa9
#define CMD_SELF_TEST	  0xaa
#define CMD_KEYBOARD_TEST 0xab
#define CMD_KEYBOARD_OFF  0xad
#define CMD_KEYBOARD_ON	  0xae
#define CMD_READ_INPUT	  0xc0
#define CMD_READ_OUTPUT	  0xd0
#define CMD_WRITE_OUTPUT  0xd1
#define CMD_LOOP_KEYBOARD 0xd2
#define CMD_LOOP_AUX	  0xd3
#define CMD_SEND_AUX	  0xd4
#define CMD_PULSE	  0xf0 /* to 0xff: a line for each 0 among the low four bits */

#define OUTPUT_NOT_RESET BIT(0)
#define OUTPUT_A20	 BIT(1)

#define ANSWER_SELF_TEST_OK 0x55
#define ANSWER_CLOCK_LOW    0x01 /* interface test: nothing pulls the clock up */
#define ANSWER_TIMEOUT	    0xfe

/* What a guest sees of it. */
struct i8042_state {
	u8 ram[32]; /* byte 0 is the command byte, CTR */
	u8 status, output, pending;
};

struct i8042 {
	struct device device;
	struct vm *vm;	     /* constant */
	struct irq_line irq; /* constant */

	pthread_mutex_t lock; /* everything below */
	struct i8042_state state;
	bool level;
};

static void update_line(struct i8042 *k)
{
	bool level = (k->state.status & STATUS_OUTPUT_FULL) &&
		     !(k->state.status & STATUS_FROM_AUX) && (k->state.ram[0] & CTR_KEYBOARD_IRQ);

	if (level == k->level)
		return;
	k->level = level;
	irq_line_set(&k->irq, level);
}

static void i8042_answer(struct i8042 *k, u8 value, u8 flags)
{
	k->state.output = value;
	k->state.status &= ~(STATUS_FROM_AUX | STATUS_TIMEOUT);
	k->state.status |= STATUS_OUTPUT_FULL | flags;
}

static void i8042_command(struct i8042 *k, u8 cmd)
{
	k->state.pending = 0;
	switch (cmd) {
	case CMD_READ_RAM ... CMD_READ_RAM + 31:
		i8042_answer(k, k->state.ram[cmd & 31], 0);
		break;
	case CMD_WRITE_RAM ... CMD_WRITE_RAM + 31:
	case CMD_WRITE_OUTPUT:
	case CMD_LOOP_KEYBOARD:
	case CMD_LOOP_AUX:
	case CMD_SEND_AUX:
		k->state.pending = cmd;
		break;
	case CMD_AUX_OFF:
		k->state.ram[0] |= CTR_AUX_OFF;
		break;
	case CMD_AUX_ON:
		k->state.ram[0] &= ~CTR_AUX_OFF;
		break;
	case CMD_SELF_TEST:
		k->state.status |= STATUS_SELF_TESTED;
		k->state.ram[0] |= CTR_SELF_TESTED;
		i8042_answer(k, ANSWER_SELF_TEST_OK, 0);
		break;
	case CMD_AUX_TEST:
	case CMD_KEYBOARD_TEST:
		i8042_answer(k, ANSWER_CLOCK_LOW, 0);
		break;
	case CMD_KEYBOARD_OFF:
		k->state.ram[0] |= CTR_KEYBOARD_OFF;
		break;
	case CMD_KEYBOARD_ON:
		k->state.ram[0] &= ~CTR_KEYBOARD_OFF;
		break;
	case CMD_READ_INPUT:
		i8042_answer(k, 0x80, 0); /* not locked by a key */
		break;
	case CMD_READ_OUTPUT:
		i8042_answer(k, OUTPUT_NOT_RESET | OUTPUT_A20, 0);
		break;
	case CMD_PULSE ... CMD_PULSE + 15:
		if (!(cmd & 1))
			vm_request(k->vm, VM_REQUEST_REBOOT);
		break;
	}
}

static void i8042_data(struct i8042 *k, u8 value)
{
	u8 cmd = k->state.pending;

	k->state.pending = 0;
	switch (cmd) {
	case CMD_WRITE_RAM ... CMD_WRITE_RAM + 31:
		k->state.ram[cmd & 31] = value;
		break;
	case CMD_WRITE_OUTPUT:
		if (!(value & OUTPUT_NOT_RESET))
			vm_request(k->vm, VM_REQUEST_REBOOT);
		break;
	case CMD_LOOP_KEYBOARD:
	case CMD_LOOP_AUX:
		/* No mouse port: a byte that loops through it comes back as the keyboard's. */
		i8042_answer(k, value, 0);
		break;
	case CMD_SEND_AUX:
		i8042_answer(k, ANSWER_TIMEOUT, STATUS_FROM_AUX | STATUS_TIMEOUT);
		break;
	default:
		i8042_answer(k, ANSWER_TIMEOUT, STATUS_TIMEOUT);
	}
}

static void i8042_read(void *opaque, u64 offset, u8 *value, unsigned len)
{
	struct i8042 *k = opaque;

	pthread_mutex_lock(&k->lock);
	value[0] = k->state.output;
	k->state.status &= ~(STATUS_OUTPUT_FULL | STATUS_FROM_AUX | STATUS_TIMEOUT);
	update_line(k);
	pthread_mutex_unlock(&k->lock);
}

static void i8042_write(void *opaque, u64 offset, const u8 *value, unsigned len)
{
	struct i8042 *k = opaque;

	pthread_mutex_lock(&k->lock);
	k->state.status &= ~STATUS_COMMAND;
	i8042_data(k, value[0]);
	update_line(k);
	pthread_mutex_unlock(&k->lock);
}

static void status_read(void *opaque, u64 offset, u8 *value, unsigned len)
{
	struct i8042 *k = opaque;

	pthread_mutex_lock(&k->lock);
	value[0] = k->state.status;
	pthread_mutex_unlock(&k->lock);
}

static void command_write(void *opaque, u64 offset, const u8 *value, unsigned len)
{
	struct i8042 *k = opaque;

	pthread_mutex_lock(&k->lock);
	k->state.status |= STATUS_COMMAND;
	i8042_command(k, value[0]);
	update_line(k);
	pthread_mutex_unlock(&k->lock);
}

/* One byte each: the bus lets only one-byte accesses through. */
static const struct bus_ops data_ops = { .read = i8042_read, .write = i8042_write };
static const struct bus_ops status_ops = { .read = status_read, .write = command_write };

static void i8042_reset(struct device *device)
{
	struct i8042 *k = CONTAINER_OF(device, struct i8042, device);

	pthread_mutex_lock(&k->lock);
	/* What a BIOS leaves behind. */
	k->state = (struct i8042_state){
		.ram[0] = CTR_SELF_TESTED | CTR_AUX_OFF,
		.status = STATUS_SELF_TESTED | STATUS_UNLOCKED,
	};
	update_line(k);
	pthread_mutex_unlock(&k->lock);
}

static void i8042_destroy(struct device *device)
{
	struct i8042 *k = CONTAINER_OF(device, struct i8042, device);

	pthread_mutex_destroy(&k->lock);
	free(k);
}

static const struct device_ops i8042_ops = { .reset = i8042_reset, .destroy = i8042_destroy };

int i8042_create(struct vm *vm)
{
	struct i8042 *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return -ENOMEM;
	device_init(&k->device, &i8042_ops, "i8042");
	pthread_mutex_init(&k->lock, NULL);
	k->vm = vm;
	k->irq = irq_line(vm, KEYBOARD_GSI);
	/* No ACPI id: a kernel with ACPI then does not look for a keyboard at all. */
	device_add(&vm->devices, &k->device);
	err = bus_add(vm->ports, DATA_PORT, 1, &data_ops, k);
	if (!err)
		err = bus_add(vm->ports, STATUS_PORT, 1, &status_ops, k);
	if (err)
		log_fatal("i8042: ports 0x60 and 0x64 are not free");
	return err;
}
