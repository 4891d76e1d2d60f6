// SPDX-License-Identifier: GPL-2.0-or-later
/* --disk FILE[,ro][,direct][,serial=TEXT][,queues=N] */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/config/options.h"
#include "lkvm/config/size.h"
#include "lkvm/util/log.h"

#define SERIAL_LENGTH 20 /* VIRTIO_BLK_ID_BYTES */
#define MAX_QUEUES    16

static int parse_serial(struct disk_config *disk, const struct option_row *row, const char *value,
			const char *serial)
{
	const char *p;
	size_t len = strlen(serial);

	if (len < 1 || len > SERIAL_LENGTH)
		return option_error(row, value, "serial= takes 1 to %d characters, not %zu",
				    SERIAL_LENGTH, len);
	for (p = serial; *p; p++) {
		if (*p <= ' ' || *p > '~')
			return option_error(row, value, "serial= takes printable ASCII, no blanks");
	}
	disk->serial = serial;
	return 0;
}

static int parse_item(struct disk_config *disk, const struct option_row *row, const char *value,
		      const char *item)
{
	u64 queues;

	if (!strcmp(item, "ro")) {
		disk->readonly = true;
		return 0;
	}
	if (!strcmp(item, "direct")) {
		disk->direct = true;
		return 0;
	}
	if (!strncmp(item, "serial=", 7))
		return parse_serial(disk, row, value, item + 7);
	if (!strncmp(item, "queues=", 7)) {
		if (parse_number(item + 7, MAX_QUEUES, &queues) || !queues)
			return option_error(row, value, "queues=%s: 1 to %d would work", item + 7,
					    MAX_QUEUES);
		disk->queues = queues;
		return 0;
	}
	return option_error(row, value,
			    "'%s' is not known; there are ro, direct, serial=TEXT and queues=N (a "
			    "comma in a file name is written twice)",
			    item);
}

int option_parse_disk(void *base, const struct option_row *row, const char *value)
{
	struct vm_config *config = base;
	struct disk_config disk = { .path = NULL };
	char *cursor, *item;
	int ret;

	if (!value) {
		config->nr_disks = 0;
		return 0;
	}
	if (config->nr_disks == CONFIG_MAX_DISKS)
		return option_error(row, value, "that is one too many; %d work", CONFIG_MAX_DISKS);
	cursor = config_keep(config, strdup(value));
	if (!cursor) {
		log_error("out of memory");
		return -ENOMEM;
	}
	disk.path = key_list_next(&cursor);
	if (!*disk.path)
		return option_error(row, value, "the file's name is missing");
	while ((item = key_list_next(&cursor))) {
		ret = parse_item(&disk, row, value, item);
		if (ret < 0)
			return ret;
	}
	config->disks[config->nr_disks++] = disk;
	return 0;
}
